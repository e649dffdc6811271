//! `credlink sign`.

use std::io::ErrorKind;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use credlink_harness::reencode::Rewriter;
use credlink_harness::time_authority::TimeAuthority;
use credlink_harness::{clock, exit, identity, received, thumbnail};
use credlink_image_files::{Format, containers};
use credlink_sign_core::carriers::OF_WHOLE_PICTURES;
use credlink_sign_core::conclusion::conclude;
use credlink_sign_core::keys::Identity;
use credlink_sign_core::store::{ProofStore, ProofStoreBuilder, StoreError};
use credlink_sign_core::submission::{self, Refusal, Submission, Submitted};
use credlink_sign_core::watermark::Marking;
use credlink_sign_core::{Asset, Credential, ProofId, SignError, SignedImage, Signer, Verifier};
use serde_json::json;

use crate::cli::SignArgs;

pub(crate) fn run(args: &SignArgs) -> Result<u8> {
    let identity = Identity::load(&args.keys).with_context(|| {
        format!(
            "failed to load keys from {}; `credlink keys generate` makes some",
            args.keys.display()
        )
    })?;
    let signer = signer(args, identity)?;
    let mut warnings = Vec::new();
    let bytes = input(args, &signer, &mut warnings)?;
    let mut id = [0; 8];
    getrandom::fill(&mut id)
        .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    let rewriter = Rewriter::of(&bytes);
    let file = Asset::new(&bytes, &received::decode_bytes).with_encoder(&rewriter);
    let submission = Submission {
        id: ProofId::new(u64::from_le_bytes(id)),
        earlier: earlier(args, signer.identity(), &file)?,
        signed_at: clock::unix_seconds(),
    };
    let submitted = signer.submit(&file, submission);
    let Submitted { signed, notes } =
        submitted.map_err(|refusal| refused(args, &bytes, refusal))?;
    warnings.extend(notes);
    stored(args, &signed)?;
    told(args, submission.id, &bytes, &signed, &warnings)?;
    Ok(exit::OK)
}

/// A refusal with the file's name, and what can be done.
fn refused(args: &SignArgs, bytes: &[u8], refusal: Refusal) -> anyhow::Error {
    let name = args.input.display();
    match refusal {
        Refusal::Sign(error) => {
            let kind = if containers::tiff::is_big(bytes) {
                " (BigTIFF)"
            } else {
                ""
            };
            let is_xmp = matches!(error, SignError::Xmp(_));
            let error = anyhow::Error::new(error).context(format!("failed to sign {name}{kind}"));
            if is_xmp {
                error.context(
                    "--replace-xmp puts a new packet in the place of the one that is there",
                )
            } else {
                error
            }
        }
        refusal => anyhow::anyhow!("{name} cannot be signed: {refusal}"),
    }
}

/// Who signs, and how.
fn signer(args: &SignArgs, identity: Identity) -> Result<Signer> {
    let name = args.output.file_name().unwrap_or_default();
    let title = args.title.clone();
    let title = title.unwrap_or_else(|| name.to_string_lossy().into_owned());
    let mut signer = Signer::new(identity)?.with_title(&title);
    if args.replace_xmp {
        signer = signer.replacing_xmp();
    }
    if !args.mark.no_watermark {
        let key = identity::loaded_watermark(&args.keys)?.key()?;
        signer = signer.with_marker(super::watermark::marker(key, args.mark.watermark_psnr));
    }
    if let (Some(key), Some(chain)) = (&args.key, &args.chain) {
        signer = signer.with_credential(Credential::load(key, chain)?);
    }
    if let Some(url) = &args.time_authority {
        let authority = TimeAuthority::new(url).map_err(anyhow::Error::msg)?;
        signer = signer.with_time_stamps(Box::new(authority));
    }
    if args.thumbnail {
        signer = signer.with_thumbnail(thumbnail::of_manifest);
    }
    Ok(signer)
}

/// The file to sign, if it can be: an image, named as what it is, and without an invalid manifest.
fn input(args: &SignArgs, signer: &Signer, warnings: &mut Vec<String>) -> Result<Vec<u8>> {
    let name = args.input.display();
    let bytes = super::read(&args.input)?;
    submission::readable(&bytes).map_err(|refusal| anyhow::anyhow!("{name}: {refusal}"))?;
    let format = Format::sniff(&bytes);
    super::check_name(&args.output, format)?;
    let file = Asset::new(&bytes, &received::decode_bytes);
    let Some(codes) = signer.invalid_manifest(&file) else {
        return Ok(bytes);
    };
    if !args.drop_invalid_manifest {
        bail!(
            "{name}: {}; --drop-invalid-manifest signs the file without it",
            Refusal::InvalidManifest(codes)
        );
    }
    let format = format.context("the format of the file is unknown")?;
    warnings.push(format!("the invalid manifest was dropped ({codes})"));
    Ok(containers::without_manifest(format, &bytes)?)
}

/// Keeps the file and its proof. The file is written whole beside its place, the proof is kept, and only then the file gets
/// its name. So whenever this ends, there is no signed file without its proof; a proof without a file is one more that the
/// picture fits.
fn stored(args: &SignArgs, signed: &SignedImage) -> Result<()> {
    let file = super::new_file(&args.output, &signed.bytes)?;
    let waiting = || super::complain("waiting: another process is writing the proof store");
    let store = ProofStoreBuilder::reopen(&args.store, &waiting)?;
    store.insert(signed.record.clone(), &signed.manifest, &signed.points)?;
    store
        .keep()
        .context("failed to keep the proof; nothing was signed")?;
    super::named(file, &args.output)
}

/// Says what was done, for people or for machines.
fn told(
    args: &SignArgs,
    id: ProofId,
    bytes: &[u8],
    signed: &SignedImage,
    warnings: &[String],
) -> Result<()> {
    let growth = signed.bytes.len() as i64 - bytes.len() as i64;
    let dropped = signed.fate.dropped_names();
    if args.json {
        return super::say(&serde_json::to_string_pretty(&json!({
            "file": args.output.display().to_string(),
            "proof": id,
            "bytes": signed.bytes.len(),
            "grown_by": growth,
            "watermark": marking(signed, args.mark.no_watermark),
            "psnr": signed.distortion.map(|distortion| distortion.psnr),
            "kept": signed.fate.kept,
            "changed": signed.fate.changed,
            "dropped": dropped,
            "warnings": warnings,
        }))?);
    }
    for warning in warnings {
        super::complain(&format!("note: {warning}"));
    }
    super::say(&format!(
        "signed {} as proof {id}: {} bytes, {growth:+} than before ({:+.0} %); {}",
        args.output.display(),
        signed.bytes.len(),
        100.0 * growth as f64 / bytes.len() as f64,
        marking(signed, args.mark.no_watermark)
    ))?;
    let list = |names: &[String]| match names {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    super::say(&format!(
        "beside the pixels: kept {}; changed {}",
        list(&signed.fate.kept),
        list(&signed.fate.changed)
    ))
}

/// The proof that this picture was signed as before, if the store has one.
///
/// # Errors
/// When the store cannot be read.
fn earlier(args: &SignArgs, identity: &Identity, file: &Asset<'_>) -> Result<Option<ProofId>> {
    let store = match ProofStore::open(&args.store) {
        Ok(store) => store,
        // Not there, or a signer was killed before its first proof was.
        Err(StoreError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let anchor = identity.anchor()?;
    // As `verify` looks: a record of somebody else stands in front of none of ours.
    let (store, _) = store.without_foreign(std::slice::from_ref(&anchor));
    let verifier = Verifier::new(vec![anchor], Arc::new(store))?;
    let verification = verifier.verify_by(OF_WHOLE_PICTURES, file, &clock::wall_nanos);
    let parent = |proof| verifier.store().by_id(proof)?.parent();
    let conclusion = conclude(verification.findings(), &parent);
    Ok(conclusion.newest())
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
    match (signed.watermark, &signed.unmarked) {
        (Some(Marking::Carried), _) => distortion(),
        (Some(Marking::Fragile), _) => format!("{}, which may be lost early", distortion()),
        (Some(Marking::Refused(reason)), _) => {
            format!("no watermark, because the {reason}; no pixel was changed")
        }
        (None, Some(why)) => format!("no watermark, because {why}; no pixel was changed"),
        (None, None) if unwanted => "no watermark, as asked; no pixel was changed".to_owned(),
        (None, None) => "no watermark; no pixel was changed".to_owned(),
    }
}
