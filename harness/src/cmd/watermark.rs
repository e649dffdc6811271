//! `credlink watermark`.

use std::path::Path;

use anyhow::{Context, Result};
use credlink_harness::reencode::Rewriter;
use credlink_harness::{clock, exit};
use credlink_image_files::{Frame, ImageFile, decode};
use credlink_sign_core::keys::WatermarkSecret;
use credlink_sign_core::watermark::{
    Detection, Effort, EmbedSettings, Marking, WatermarkKey, detect, embed_tried,
};
use credlink_sign_core::{Care, Encoder, Marker, ProofId, Unwritten};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use serde_json::{Value as Json, json};

use crate::cli::{WatermarkArgs, WatermarkCommand};

/// How much the residual picture is amplified.
const AMPLIFICATION: i32 = 20;

pub(crate) fn run(args: &WatermarkArgs) -> Result<u8> {
    match &args.command {
        WatermarkCommand::Embed {
            input,
            output,
            id,
            key,
            psnr,
        } => {
            let id = match id {
                Some(id) => id.parse::<ProofId>()?,
                None => random_id()?,
            };
            embedded(input, output, id, &read_key(key)?, *psnr, args.json)
        }
        WatermarkCommand::Detect { file, key, rotated } => {
            let (frame, key) = (frame(file)?, read_key(key)?);
            let found = searched(&frame, &key, *rotated);
            match found.id {
                _ if args.json => say(&detected(&found))?,
                Some(id) => super::say(&format!(
                    "{id} (stage {}, {})",
                    found.stage, found.hypothesis
                ))?,
                None => super::say("no mark of this key")?,
            }
            Ok(if found.id.is_some() {
                exit::OK
            } else {
                exit::NO_PROOF
            })
        }
        WatermarkCommand::Inspect {
            file,
            key,
            rotated,
            residual,
        } => inspect(
            file,
            &read_key(key)?,
            *rotated,
            residual.as_deref(),
            args.json,
        ),
    }
}

/// Whether a mark is read from what a JPEG file of quality 60 makes of a picture.
fn surviving(
    rewriter: &Rewriter<'_>,
    key: &WatermarkKey,
    id: ProofId,
    orientation: Orientation,
) -> impl Fn(&DynamicImage) -> Option<()> {
    move |pixels| {
        let received = rewriter.through_jpeg_60(pixels)?;
        let found = detect(&received, orientation, key, Effort::Direct).id;
        (found == Some(id)).then_some(())
    }
}

/// Marks a picture and writes it.
fn embedded(
    input: &Path,
    output: &Path,
    id: ProofId,
    key: &WatermarkKey,
    psnr: Option<f64>,
    as_json: bool,
) -> Result<u8> {
    let (file, frame) = (open(input)?, frame(input)?);
    let rewriter = Rewriter::of(file.bytes());
    let survives = surviving(&rewriter, key, id, frame.orientation);
    let (embedding, _) = embed_tried(
        &frame.pixels,
        frame.orientation,
        id,
        key,
        &settings(psnr),
        &survives,
    );
    let Some(marked) = &embedding.image else {
        let Marking::Refused(reason) = embedding.verdict else {
            anyhow::bail!("the mark was made but no image");
        };
        if as_json {
            say(&json!({ "out": null, "verdict": "refused", "reason": reason.to_string() }))?;
        } else {
            super::say(&format!("{}: refused, {reason}", input.display()))?;
        }
        return Ok(exit::FAILURE);
    };
    if let Some(why) = rewriter.refusal(&frame.pixels) {
        anyhow::bail!("{} is not written anew, because {why}", input.display());
    }
    let write = |care| {
        let bytes = rewriter.rewritten(marked, care)?;
        let decoded =
            decode::decode(&bytes).map_err(|error| Unwritten::Failed(error.to_string()))?;
        Ok((bytes, decoded.pixels))
    };
    let written = Care::smallest(rewriter.cares(), write, |(_, pixels)| {
        let is_there = detect(pixels, frame.orientation, key, Effort::Direct).id == Some(id);
        is_there && (embedding.verdict != Marking::Carried || survives(pixels).is_some())
    })?;
    let (bytes, _) = written.context("the mark cannot be read back from the file")?;
    super::write_new(output, &bytes)?;
    if as_json {
        say(&json!({
            "out": output,
            "verdict": word(embedding.verdict),
            "id": id.to_string(),
            "psnr": embedding.psnr,
            "ssim": embedding.ssim,
            "bytes": bytes.len(),
            "bytes_before": file.bytes().len(),
        }))?;
    } else {
        super::say(&format!(
            "{}: {} with id {id}, PSNR {:.1} dB, SSIM {:.4}, {} bytes from {}",
            output.display(),
            word(embedding.verdict),
            embedding.psnr,
            embedding.ssim,
            bytes.len(),
            file.bytes().len()
        ))?;
    }
    Ok(exit::OK)
}

fn say(document: &Json) -> Result<()> {
    super::say(&format!("{document:#}"))
}

/// What was found, for machines.
fn detected(found: &Detection) -> Json {
    json!({
        "id": found.id.map(|id| id.to_string()),
        "stage": found.stage.to_string(),
        "hypothesis": found.hypothesis.to_string(),
        "exponent": found.exponent,
        "gate": found.gate,
        "z": found.z,
        "decodes": found.decodes,
    })
}

fn inspect(
    path: &Path,
    key: &WatermarkKey,
    rotated: bool,
    residual: Option<&Path>,
    as_json: bool,
) -> Result<u8> {
    let frame = frame(path)?;
    let start = clock::wall_nanos();
    let found = searched(&frame, key, rotated);
    let took = (clock::wall_nanos() - start) as f64 / 1e6;
    let id = found
        .id
        .map_or_else(|| "none".to_owned(), |id| id.to_string());
    let told = |text: &str| if as_json { Ok(()) } else { super::say(text) };
    told(&format!(
        "id          {id}\nstage       {}\nhypothesis  {}\nexponent    {:.1} nats, gate {:.1}\nz           {:.1}\ndecodes     {}\ntime        {took:.1} ms",
        found.stage, found.hypothesis, found.exponent, found.gate, found.z, found.decodes
    ))?;
    // What a mark would be on this picture: the verdict belongs to the picture, not to what was found.
    let id = ProofId::new(0);
    let (embedding, _) = embed_tried(
        &frame.pixels,
        frame.orientation,
        id,
        key,
        &EmbedSettings::default(),
        &surviving(&Rewriter::of(&[]), key, id, frame.orientation),
    );
    let verdict = match embedding.verdict {
        Marking::Refused(reason) => format!("refused, {reason}"),
        verdict => word(verdict).to_owned(),
    };
    if as_json {
        let mut document = detected(&found);
        document["milliseconds"] = took.into();
        document["new_mark"] = json!({
            "verdict": verdict,
            "z": embedding.z_c,
            "z_coarse": embedding.z_q,
            "psnr": embedding.psnr,
            "ssim": embedding.ssim,
        });
        document["residual"] = json!(residual);
        say(&document)?;
    }
    told(&format!(
        "new mark    {verdict}; z {:.1}, after a coarse quantiser {:.1}; PSNR {:.1} dB, SSIM {:.4}",
        embedding.z_c, embedding.z_q, embedding.psnr, embedding.ssim
    ))?;
    if let Some(target) = residual {
        let marked = embedding
            .image
            .context("there is no residual: the picture takes no mark")?;
        let png = credlink_transforms::codecs::png::encode(&amplified(&frame.pixels, &marked))?;
        super::write_new(target, &png)?;
        told(&format!(
            "residual    {} ({AMPLIFICATION} times, around mid-grey)",
            target.display()
        ))?;
    }
    Ok(if found.id.is_some() {
        exit::OK
    } else {
        exit::NO_PROOF
    })
}

/// The difference of two pictures of one size, amplified around mid-grey.
fn amplified(original: &DynamicImage, marked: &DynamicImage) -> DynamicImage {
    let (before, after) = (original.to_rgb8(), marked.to_rgb8());
    let mut picture = RgbImage::new(before.width(), before.height());
    for (target, (a, b)) in picture.iter_mut().zip(before.iter().zip(after.iter())) {
        let difference = i32::from(*b) - i32::from(*a);
        *target = (128 + difference * AMPLIFICATION).clamp(0, 255) as u8;
    }
    DynamicImage::ImageRgb8(picture)
}

fn word(verdict: Marking) -> &'static str {
    match verdict {
        Marking::Carried => "carried",
        Marking::Fragile => "carried, fragile",
        Marking::Refused(_) => "refused",
    }
}

fn searched(frame: &Frame, key: &WatermarkKey, rotated: bool) -> Detection {
    detect(&frame.pixels, frame.orientation, key, effort(rotated))
}

/// How far to search.
pub(crate) fn effort(rotated: bool) -> Effort {
    if rotated {
        Effort::SearchRotated
    } else {
        Effort::Search
    }
}

/// The default settings, or those for at least `psnr` dB.
/// A marker of this key; with a lowest PSNR, one that holds it in the file as it is written.
pub(crate) fn marker(key: WatermarkKey, psnr: Option<f64>) -> Marker {
    let marker = Marker::new(key).with_settings(settings(psnr));
    match psnr {
        Some(floor) => marker.holding(floor),
        None => marker,
    }
}

/// A marker of this key whose marks have just this PSNR, dB, as far as the lowest structural similarity allows.
pub(crate) fn marker_at(key: WatermarkKey, psnr: f64) -> Marker {
    Marker::new(key).with_settings(EmbedSettings {
        psnr_floor: psnr,
        psnr_start: psnr,
        psnr_ceiling: psnr,
        ..EmbedSettings::default()
    })
}

pub(crate) fn settings(psnr: Option<f64>) -> EmbedSettings {
    let default = EmbedSettings::default();
    psnr.map_or(default, |floor| EmbedSettings {
        psnr_floor: floor,
        psnr_start: default.psnr_start.max(floor),
        psnr_ceiling: default.psnr_ceiling.max(floor),
        ..default
    })
}

fn open(path: &Path) -> Result<ImageFile> {
    ImageFile::new(super::read(path)?).with_context(|| format!("failed to read {}", path.display()))
}

fn frame(path: &Path) -> Result<Frame> {
    let frame = open(path)?.frame().cloned();
    frame.with_context(|| format!("failed to decode {}", path.display()))
}

fn read_key(path: &Path) -> Result<WatermarkKey> {
    let secret = WatermarkSecret::read(path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    secret
        .key()
        .with_context(|| format!("failed to take {} as a watermark key", path.display()))
}

fn random_id() -> Result<ProofId> {
    let mut id = [0; 8];
    getrandom::fill(&mut id)
        .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    Ok(ProofId::new(u64::from_le_bytes(id)))
}
