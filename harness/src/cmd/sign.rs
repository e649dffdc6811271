//! `credlink sign`.

use anyhow::{Context, Result};
use credlink_harness::reencode::Rewriter;
use credlink_harness::{exit, identity, received};
use credlink_sign_core::keys::Identity;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::watermark::Verdict;
use credlink_sign_core::{ImageFile, Marker, ProofId, SignedImage, Signer};

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
    let mut signer = Signer::new(identity)?;
    if !args.no_watermark {
        let key = identity::loaded_watermark(&args.keys)?.key()?;
        signer = signer.with_marker(
            Marker::new(key).with_settings(super::watermark::settings(args.watermark_psnr)),
        );
    }
    let rewriter = Rewriter::of(&bytes);
    let file = ImageFile::new(&bytes, &received::decode_bytes).with_encoder(&rewriter);
    let signed = signer
        .sign(&file, id)
        .with_context(|| format!("failed to sign {}", args.input.display()))?;
    // The file is written whole beside its place, the proof is kept, and only then the file gets its name. So whenever
    // this ends, there is no signed file without its proof; a proof without a file is one more that the picture fits.
    let file = super::new_file(&args.output, &signed.bytes)?;
    let waiting = || super::complain("waiting: another process is writing the proof store");
    let store = ProofStoreBuilder::reopen(&args.store, &waiting)?;
    store.insert(signed.record.clone(), &signed.manifest)?;
    store
        .keep()
        .context("failed to keep the proof; nothing was signed")?;
    super::named(file, &args.output)?;
    super::say(&format!(
        "signed {} as proof {id}: {} bytes, {:+} than before; {}",
        args.output.display(),
        signed.bytes.len(),
        signed.bytes.len() as i64 - bytes.len() as i64,
        marking(&signed, args.no_watermark)
    ))?;
    Ok(exit::OK)
}

/// What happened to the pixels, for people.
fn marking(signed: &SignedImage, unwanted: bool) -> String {
    let distortion = || {
        signed.distortion.map_or_else(
            || "no pixel was changed".to_owned(),
            |d| {
                format!(
                    "the pixels carry a watermark (PSNR {:.1} dB, SSIM {:.4})",
                    d.psnr, d.ssim
                )
            },
        )
    };
    match signed.watermark {
        Some(Verdict::Carried) => distortion(),
        Some(Verdict::Fragile) => format!("{}, which may be lost early", distortion()),
        Some(Verdict::Refused(reason)) => {
            format!("no watermark, because the {reason}; no pixel was changed")
        }
        None if unwanted => "no watermark, as asked; no pixel was changed".to_owned(),
        None => {
            "no watermark, because files of this kind are not written anew; no pixel was changed"
                .to_owned()
        }
    }
}
