//! `credlink keys`.

use anyhow::{Context, Result};
use credlink_harness::{clock, exit, identity};
use credlink_sign_core::keys::{Identity, TrustAnchor, WATERMARK_FILE, WatermarkSecret};

use crate::cli::{KeysArgs, KeysCommand};

pub(crate) fn run(args: &KeysArgs) -> Result<u8> {
    match &args.command {
        KeysCommand::Generate { dir, name, days } => {
            let validity = identity::validity_from(clock::unix_seconds(), *days)?;
            let made = Identity::generate(identity::fresh_seed()?, name, validity)?;
            let secret = WatermarkSecret::new(&identity::fresh_seed()?);
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
