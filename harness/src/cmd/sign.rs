//! `credlink sign`.

use anyhow::{Context, Result};
use credlink_harness::{exit, received};
use credlink_sign_core::keys::Identity;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::{ImageFile, ProofId, Signer};

use crate::cli::SignArgs;

pub(crate) fn run(args: &SignArgs) -> Result<u8> {
    let identity = Identity::load(&args.keys).with_context(|| {
        format!(
            "failed to load keys from {}; `credlink keys generate` makes some",
            args.keys.display()
        )
    })?;
    let bytes = super::read(&args.input)?;
    let mut id = [0; 8];
    getrandom::fill(&mut id)
        .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    let id = ProofId::new(u64::from_le_bytes(id));
    let signer = Signer::new(identity)?;
    let file = ImageFile::new(&bytes, &received::decode_bytes);
    let signed = signer
        .sign(&file, id)
        .with_context(|| format!("failed to sign {}", args.input.display()))?;
    let store = ProofStoreBuilder::reopen(&args.store)?;
    store.insert(signed.record.clone(), &signed.manifest)?;
    // The file comes first, because a name that is taken must not leave a proof behind; and if the proof cannot be
    // kept the file goes again, because without it the image could not be recovered later.
    super::write_new(&args.output, &signed.bytes)?;
    if let Err(error) = store.seal() {
        let _ = std::fs::remove_file(&args.output);
        return Err(error).context("failed to keep the proof; nothing was signed");
    }
    super::say(&format!(
        "signed {} as proof {id}: {} bytes, {} more than before; no pixel was changed",
        args.output.display(),
        signed.bytes.len(),
        signed.bytes.len() as i64 - bytes.len() as i64
    ))?;
    Ok(exit::OK)
}
