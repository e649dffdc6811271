//! `credlink keys`.

use anyhow::{Context, Result};
use credlink_harness::{exit, identity};
use credlink_sign_core::keys::{Identity, TrustAnchor};
use zeroize::Zeroizing;

use crate::cli::{KeysArgs, KeysCommand};

pub(crate) fn run(args: &KeysArgs) -> Result<u8> {
    match &args.command {
        KeysCommand::Generate { dir, name } => {
            let mut seed = Zeroizing::new([0; 32]);
            getrandom::fill(&mut *seed)
                .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
            let made = Identity::generate(seed, name, identity::validity()?)?;
            made.save(dir)
                .with_context(|| format!("failed to save keys in {}", dir.display()))?;
            super::say(&format!(
                "made a key and certificates for {name} in {}; keep key.pem secret",
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
