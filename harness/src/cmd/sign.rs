//! `credlink sign`.

use std::io::ErrorKind;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use credlink_harness::reencode::Rewriter;
use credlink_harness::time_authority::TimeAuthority;
use credlink_harness::{clock, exit, identity, received, thumbnail};
use credlink_image_files::{Format, containers, contents};
use credlink_sign_core::conclusion::conclude;
use credlink_sign_core::keys::Identity;
use credlink_sign_core::manifest::Standing;
use credlink_sign_core::store::{ProofStore, ProofStoreBuilder, StoreError};
use credlink_sign_core::watermark::Marking;
use credlink_sign_core::{
    Asset, Credential, History, ProofId, SignError, SignedImage, Signer, Verifier,
};
use serde_json::json;

use crate::cli::SignArgs;

pub(crate) fn run(args: &SignArgs) -> Result<u8> {
    let identity = Identity::load(&args.keys).with_context(|| {
        format!(
            "failed to load keys from {}; `credlink keys generate` makes some",
            args.keys.display()
        )
    })?;
    let mut warnings = Vec::new();
    let bytes = input(args, &identity, &mut warnings)?;
    let format = Format::sniff(&bytes);
    let mut id = [0; 8];
    getrandom::fill(&mut id)
        .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    let id = ProofId::new(u64::from_le_bytes(id));
    let rewriter = Rewriter::of(&bytes);
    let file = Asset::new(&bytes, &received::decode_bytes).with_encoder(&rewriter);
    warnings.extend(cut_off(format, &bytes));
    let earlier = earlier(args, &identity, &file)?;
    warnings.extend(earlier.map(|proof| {
        format!("already signed as proof {proof}, which the record names as the earlier one")
    }));
    let signer = signer(args, identity)?;
    let earlier_link = file.links().first().cloned();
    let history = History {
        parent: earlier,
        signed_at: Some(clock::unix_seconds()),
        // Not where it lies in the file itself, and not where it is the earlier proof's own.
        earlier_link: earlier_link.filter(|link| {
            let own = earlier.map(|proof| format!("{}/{proof}", signer.base_url()));
            !link.starts_with("self#") && Some(link) != own.as_ref()
        }),
    };
    warnings.extend(history.earlier_link.as_ref().map(|link| {
        format!("the file named a manifest elsewhere, which our link replaces: {link}; the record keeps it")
    }));
    let signed = signer
        .sign_after(&file, id, Some(history))
        .with_context(|| {
            let kind = if containers::tiff::is_big(&bytes) {
                " (BigTIFF)"
            } else {
                ""
            };
            format!("failed to sign {}{kind}", args.input.display())
        })
        .map_err(|error| match error.downcast_ref() {
            Some(SignError::Xmp(_)) => error
                .context("--replace-xmp puts a new packet in the place of the one that is there"),
            _ => error,
        })?;
    // The library that embeds manifests has its own view of what other boxes mean; what it made is looked at.
    if let Some(codes) = has_invalid_manifest(signer.identity(), &signed.bytes)? {
        bail!(
            "{} cannot be signed: its manifest would not be valid ({codes}){}",
            args.input.display(),
            taken_number(&bytes)
        );
    }
    if let Some(what) = harmed(&file, &signed) {
        bail!(
            "{} cannot be signed: with a manifest in it, {what}; the C2PA library does not move all that this file holds",
            args.input.display()
        );
    }
    stored(args, &signed)?;
    if format == Some(Format::Tiff) {
        // The C2PA library adds a directory behind the last page; C2PA 2.2, A.3.5, demands the tags of a picture in it.
        warnings.push(
            "libtiff, and what is built on it, does not read TIFF files with a manifest: the C2PA library puts it into a \
             last directory of its own, which lacks what a page must have"
                .to_owned(),
        );
    }
    let dropped = signed.fate.dropped_names().into_iter();
    warnings.extend(dropped.map(|name| format!("not in the signed file: {name}")));
    told(args, id, &bytes, &signed, &warnings)?;
    Ok(exit::OK)
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
fn input(args: &SignArgs, identity: &Identity, warnings: &mut Vec<String>) -> Result<Vec<u8>> {
    let name = args.input.display();
    let bytes = super::read(&args.input)?;
    let format = Format::sniff(&bytes);
    if let (None, Some(kind)) = (format, Format::unread(&bytes)) {
        bail!("{name} is {kind}, and there is no decoder for it here");
    }
    if bytes.is_empty() {
        bail!("{name} is empty");
    }
    super::check_name(&args.output, format)?;
    let Some(codes) = has_invalid_manifest(identity, &bytes)? else {
        return Ok(bytes);
    };
    if !args.drop_invalid_manifest {
        bail!(
            "{name} has a manifest that is invalid ({codes}), and a signature over it would be invalid, too; \
             --drop-invalid-manifest signs the file without it"
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
    store.insert(signed.record.clone(), &signed.manifest)?;
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

/// What embedding the manifest did to a picture that nobody meant to change, if anything.
fn harmed(file: &Asset<'_>, signed: &SignedImage) -> Option<String> {
    let before = file.pixels().ok()?;
    let after = match received::decode_bytes(&signed.bytes) {
        Ok(after) => after,
        Err(error) => {
            return Some(format!(
                "the picture could not be decoded any more: {error}"
            ));
        }
    };
    if before.displayed_size() != after.displayed_size() {
        return Some("the picture would have another size".to_owned());
    }
    if signed.mark.is_none() && before.image != after.image {
        return Some("the picture would be another one".to_owned());
    }
    // Items of AVIF files are found by their places; only the packet with the link is meant to change.
    let changed = signed.fate.changed.iter().map(String::as_str);
    let mut lost = changed.chain(signed.fate.dropped_names());
    let item = lost.find(|name| *name == "EXIF" || name.ends_with(" item"))?;
    let is_avif = file.media_type() == Some(Format::Avif);
    is_avif.then(|| format!("its {item} would be lost"))
}

/// What to add where a JPEG file holds a box of somebody else's under the number that the C2PA library gives to manifests
/// (ISO/IEC 19566-5, annex D: the box instance number).
fn taken_number(bytes: &[u8]) -> &'static str {
    let blocks = contents::blocks(Format::Jpeg, bytes);
    let mut blocks = blocks.iter();
    let is_jpeg = Format::sniff(bytes) == Some(Format::Jpeg);
    if is_jpeg && blocks.any(|block| block.data.starts_with(b"JP\x02\x11")) {
        "; it has a JUMBF box of somebody else's under number 0x0211, which the C2PA library takes for its own"
    } else {
        ""
    }
}

/// The codes of what is wrong with the manifest of a file, where it has one that is invalid.
fn has_invalid_manifest(identity: &Identity, bytes: &[u8]) -> Result<Option<String>> {
    let verifier = Verifier::new(vec![identity.anchor()?], Arc::new(ProofStore::empty()))?;
    let manifest = verifier.described(&Asset::new(bytes, &received::decode_bytes));
    Ok(manifest
        .filter(|manifest| manifest.standing == Standing::Invalid)
        .map(|manifest| manifest.codes.join(", ")))
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
    let verification = verifier.verify(file, &clock::wall_nanos);
    let parent = |proof| verifier.store().by_id(proof)?.parent();
    let conclusion = conclude(verification.findings(), &parent);
    Ok(conclusion.newest())
}

/// Whether the file ends before its image does.
fn cut_off(format: Option<Format>, bytes: &[u8]) -> Option<String> {
    let is_cut = format.is_some_and(|format| containers::is_cut_off(format, bytes));
    is_cut.then(|| {
        "the file ends before its own structure says: a part of the picture may be missing, and is signed as missing".to_owned()
    })
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
