//! The first stage: every image is signed, registered and kept as a file, before anything is verified.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context, Result};
use credlink_sign_core::{Asset, Distortion, Pixels};
use rayon::prelude::*;

use crate::journal::{Begun, Kept, Stage, read_signed};
use crate::ledger::Work;
use crate::plan::PlannedImage;
use crate::reencode::Rewriter;
use crate::signed_file::{SignedFile, SignedImages, SigningFailure, digest};
use crate::stages::event::Event;
use crate::stages::setting::Setting;
use crate::systems::{DISK, Signed, System};
use crate::{clock, identity, likeness, received};

/// What the journals of these run directories hold of the plan's images, registered.
///
/// # Errors
/// When a journal cannot be read or holds an image twice, or the system does not take what it once gave.
pub fn recall(system: &dyn System, runs: &[PathBuf], images: usize) -> Result<SignedImages> {
    let folder = runs.first().map_or(Path::new("."), PathBuf::as_path);
    let signed = SignedImages::none_of(images, folder)?;
    for run in runs {
        read_signed(run, |kept| {
            if let Ok(file) = &kept.result {
                file.check().map_err(anyhow::Error::msg)?;
            }
            signed.put(kept.position, &kept.result)?;
            if let (Ok(file), Some(registered)) = (&kept.result, &kept.registered) {
                system.register(file.id, registered)?;
            }
            Ok(())
        })?;
    }
    Ok(signed)
}

/// Signs every image of this part that is not there yet. Each is registered at once, and durable after some seconds.
///
/// # Errors
/// When the journal cannot be written.
pub fn sign_all(
    system: &dyn System,
    images: &[PlannedImage],
    signed: &SignedImages,
    setting: &Setting<'_>,
) -> Result<()> {
    let is_missing = |position: &usize| setting.share.signs(*position) && !signed.has(*position);
    let missing = || (0..images.len()).filter(is_missing);
    let listener = setting.listener;
    listener(Event::Stage {
        name: "signing",
        total: missing().count() as u64,
        of: String::new(),
    });
    let one = |position: usize, how: Begun| -> Result<()> {
        if setting.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        setting.journal.begin(Stage::Sign, position, how)?;
        let kept = signed_here(system, position, &images[position], setting)?;
        setting.journal.end(Stage::Sign, position)?;
        if let Err(failure) = &kept.result {
            listener(Event::Warning(failure.reason.clone()));
        }
        setting.journal.signed(&kept)?;
        listener(Event::Advanced(1));
        signed.put(position, &kept.result)
    };
    // What was under way when a process ended may have ended it: tried alone, and if that ends a process again, apart.
    for (position, how) in setting.journal.suspects(Stage::Sign) {
        if position >= images.len() || !is_missing(&position) {
            continue;
        }
        match how {
            Begun::Among => one(position, Begun::Alone)?,
            Begun::Alone => {
                let kept = (setting.apart.sign)(position)?;
                let kept = kept.unwrap_or_else(|death| Kept {
                    position,
                    result: Err(SigningFailure {
                        cause: "crash".into(),
                        reason: format!("{}: {death}", images[position].entry.name),
                    }),
                    registered: None,
                });
                if let (Ok(file), Some(registered)) = (&kept.result, &kept.registered) {
                    system.register(file.id, registered)?;
                }
                setting.journal.signed(&kept)?;
                setting.journal.end(Stage::Sign, position)?;
                listener(Event::Advanced(1));
                signed.put(position, &kept.result)?;
            }
        }
        setting.journal.flush()?;
    }
    let missing: Vec<usize> = missing().collect();
    missing
        .par_iter()
        .try_for_each(|&position| one(position, Begun::Among))?;
    setting.journal.flush()
}

/// Signs one image, and registers it; a panic in a library is a failure like others.
///
/// # Errors
/// When the disk is full or the proof cannot be kept, which says nothing of the image.
pub fn signed_here(
    system: &dyn System,
    position: usize,
    image: &PlannedImage,
    setting: &Setting<'_>,
) -> Result<Kept> {
    let attempt = catch_unwind(AssertUnwindSafe(|| sign_one(system, image, setting)));
    let attempt = attempt.unwrap_or_else(|_| {
        Ok(Err(SigningFailure {
            cause: "panic".into(),
            reason: format!("{}: a library panicked while signing", image.entry.name),
        }))
    })?;
    let (result, registered) = match attempt {
        Ok((file, registered)) => (Ok(file), registered),
        Err(failure) => (Err(failure), None),
    };
    Ok(Kept {
        position,
        result,
        registered,
    })
}

/// A signed file and what the system registered of it, or why there is none.
type Attempt = Result<(SignedFile, Option<Vec<u8>>), SigningFailure>;

fn sign_one(system: &dyn System, image: &PlannedImage, setting: &Setting<'_>) -> Result<Attempt> {
    let index = image.entry.index;
    let ledger = setting.ledger;
    let start = clock::thread_nanos();
    let source = setting.set.load(index);
    ledger.add(Work::SourceImages, clock::thread_nanos() - start);
    let failed = |cause: Cow<'static, str>, reason: &dyn std::fmt::Display| {
        Ok(Err(SigningFailure {
            cause,
            reason: format!("{}: {reason}", image.entry.name),
        }))
    };
    let source = match source {
        Ok(source) => source,
        Err(error) => return failed("source".into(), &error),
    };

    let id = identity::proof_id(setting.seed, index, &source.bytes);
    let decoding = std::cell::Cell::new(0);
    let decode = |bytes: &[u8]| {
        let start = clock::thread_nanos();
        let decoded = received::decode_bytes(bytes);
        decoding.set(decoding.get() + clock::thread_nanos() - start);
        decoded
    };
    let rewriter = Rewriter::of(&source.bytes);
    let file = Asset::new(&source.bytes, &decode)
        .with_encoder(&rewriter)
        .with_clock(&clock::thread_nanos);
    let (cpu, wall) = (clock::thread_nanos(), clock::wall_nanos());
    let signed = system.sign(&file, id);
    let (cpu, nanos) = (clock::thread_nanos() - cpu, clock::wall_nanos() - wall);
    let codecs = decoding.get() + rewriter.codec_nanos();
    let times = signed
        .as_ref()
        .map(|signed| signed.times)
        .unwrap_or_default();
    ledger.add(Work::Codec, codecs);
    ledger.add(Work::Hash, times.hashing);
    ledger.add(Work::Watermark, times.marking);
    ledger.add(Work::Points, times.pointing);
    let apart = codecs + times.hashing + times.marking + times.pointing;
    ledger.add(Work::Sign, cpu.saturating_sub(apart));
    let mut signed = match signed {
        Ok(signed) => signed,
        Err(error) if error.cause == DISK => return Err(error.into()),
        Err(error) => return failed(error.cause, &error.reason),
    };
    let perceptual = match compared(&mut signed, &source.bytes, system, setting) {
        Ok(perceptual) => perceptual,
        Err(reason) => return failed("adapter-protocol".into(), &reason),
    };

    let name = format!("{index:07}.{}", source.entry.format.extension());
    let path = written(&setting.signed_folder.join(name), &signed.bytes)?;
    // Last: a file that is nowhere leaves no proof behind.
    let registering = clock::wall_nanos();
    if let Some(registered) = &signed.registered {
        system.register(id, registered)?;
    }
    let nanos = nanos + clock::wall_nanos() - registering;
    let registered = signed.registered;
    let file = SignedFile {
        id,
        path,
        sha256: digest(&signed.bytes),
        source_bytes: source.bytes.len() as u64,
        signed_bytes: signed.bytes.len() as u64,
        embedded: signed
            .carriers
            .iter()
            .map(|(embedded, _)| *embedded)
            .collect(),
        costs: signed.carriers.iter().map(|(_, cost)| *cost).collect(),
        refused: signed.refused,
        fate: signed.fate,
        mark: signed.mark,
        distortion: signed.distortion,
        perceptual,
        nanos,
    };
    Ok(Ok((file, registered)))
}

/// Writes a signed file.
fn written(path: &Path, bytes: &[u8]) -> Result<PathBuf> {
    // A name of its own: what has the same bytes under another name, in a run that was joined, keeps them.
    let _ = std::fs::remove_file(path);
    let written = std::fs::write(path, bytes);
    written.with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path.to_owned())
}

/// What signing did to the pixels, measured where the system did not: whoever signs, one measure. Gives SSIMULACRA 2 where it
/// was asked for.
fn compared(
    signed: &mut Signed,
    source: &[u8],
    system: &dyn System,
    setting: &Setting<'_>,
) -> Result<Option<f32>, String> {
    let is_missing = signed.distortion.is_none() && system.about().is_guest;
    if signed.bytes == source || !(is_missing || setting.looks_closely) {
        return Ok(None);
    }
    // A source that cannot be decoded has no distortion; a signed file that cannot be is none.
    let Ok(before) = received::decode_bytes(source) else {
        return Ok(None);
    };
    let after = received::decode_bytes(&signed.bytes)
        .map_err(|error| format!("the signed file cannot be decoded: {error}"))?;
    let size = |pixels: &Pixels| (pixels.image.width(), pixels.image.height());
    if size(&before) != size(&after) {
        return Err(format!(
            "signing changed the size of the picture from {:?} to {:?} pixels",
            size(&before),
            size(&after)
        ));
    }
    if is_missing {
        signed.distortion = Distortion::between(&before.image, &after.image);
        // There is nothing else that a guest changes pixels for.
        signed.mark = signed.distortion;
    }
    let is_asked = setting.looks_closely && signed.distortion.is_some();
    Ok(is_asked
        .then(|| likeness::ssimulacra2(&before.image, &after.image))
        .flatten())
}
