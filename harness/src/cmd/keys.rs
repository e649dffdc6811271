//! `credlink keys`.

use anyhow::{Context, Result};
use credlink_harness::{clock, exit, identity};
use credlink_sign_core::keys::{Identity, TrustAnchor, WATERMARK_FILE, WatermarkSecret};
use zeroize::Zeroizing;

use crate::cli::{KeysArgs, KeysCommand};

pub(crate) fn run(args: &KeysArgs) -> Result<u8> {
    match &args.command {
        KeysCommand::Generate { dir, name, days } => {
            let made = Identity::generate(
                random_seed()?,
                name,
                identity::validity_from(clock::unix_seconds(), *days)?,
            )?;
            let secret = WatermarkSecret::new(&random_seed()?);
            made.save(dir)
                .and_then(|()| secret.save(dir))
                .with_context(|| format!("failed to save keys in {}", dir.display()))?;
            super::say(&format!(
                "made a key and certificates for {name} in {}, valid for {days} days; keep key.pem secret, and give {WATERMARK_FILE} to nobody but those who verify",
                dir.display()
            ))?;
        }
        KeysCommand::Show { dir } => {
            let anchor = TrustAnchor::load(dir)
                .with_context(|| format!("failed to read {}", dir.display()))?;
            super::say(&format!("{}\n{}", anchor.name(), anchor.pem().trim_end()))?;
        }
    }
    Ok(exit::OK)
}

fn random_seed() -> Result<Zeroizing<[u8; 32]>> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed)
        .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    Ok(seed)
}
