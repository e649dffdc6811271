//! One image, marked and attacked.

use anyhow::{Context, Result, anyhow};
use credlink_harness::clock::thread_nanos;
use credlink_harness::reencode::Rewriter;
use credlink_harness::{identity, received};
use credlink_image_files::Format;
use credlink_image_files::decode;
use credlink_sign_core::watermark::{
    Detection, Effort, EmbedSettings, Marking, Refusal, WatermarkKey, detect, embed, embed_tried,
};
use credlink_sign_core::{Asset, Marker, ProofId, Signer};
use image::DynamicImage;
use image::metadata::Orientation;

use crate::attack::{Attack, coded};
use crate::photographs;
use crate::source::Source;

/// An image with its mark.
pub(crate) struct Marked {
    /// As displayed; `None` where there is no mark.
    image: Option<DynamicImage>,
    pub(crate) verdict: Marking,
    /// Of the mark alone, or of mark and coding where a file was written.
    pub(crate) psnr: f64,
    pub(crate) ssim: f64,
    pub(crate) z_q: f64,
    /// Milliseconds of CPU time, of embedding or of signing the file.
    pub(crate) ms: f64,
    /// The format of the file and its size, by that of the source, where one was written.
    pub(crate) file: Option<(Format, f64)>,
    /// Why a file was not written anew, where that is why it has no mark.
    pub(crate) why: Option<String>,
}

pub(crate) struct Trial {
    pub(crate) name: String,
    pub(crate) size: (u32, u32),
    pub(crate) marked: Marked,
    /// By attack: the detection, whether the id is right, milliseconds of CPU time.
    pub(crate) attacks: Vec<(Detection, bool, f64)>,
}

pub(crate) fn tried(
    source: &Source,
    key: &WatermarkKey,
    settings: &EmbedSettings,
    attacks: &[&Attack],
) -> Result<Trial> {
    let id = ProofId::new(photographs::number(&source.name));
    let marked = match &source.file {
        Some(file) => in_file(file, id, key, settings)
            .with_context(|| format!("failed to sign {}", source.name))?,
        None => in_pixels(source, id, key, settings),
    };
    let mut results = Vec::new();
    if let Some(marked) = &marked.image {
        for (name, effort, attack) in attacks {
            let received = attack(marked).with_context(|| format!("{name} on {}", source.name))?;
            let start = thread_nanos();
            let detection = detect(&received, Orientation::NoTransforms, key, *effort);
            let right = detection.id == Some(id);
            results.push((detection, right, (thread_nanos() - start) as f64 / 1e6));
        }
    }
    Ok(Trial {
        name: source.name.clone(),
        size: (source.pixels.width(), source.pixels.height()),
        marked: Marked {
            image: None,
            ..marked
        },
        attacks: results,
    })
}

/// Marks pixels.
fn in_pixels(source: &Source, id: ProofId, key: &WatermarkKey, settings: &EmbedSettings) -> Marked {
    let (pixels, orientation) = (&source.pixels, source.orientation);
    let probe = |image: &DynamicImage| {
        let received = coded(image, 60).ok()?;
        let found = detect(&received, orientation, key, Effort::Direct).id;
        (found == Some(id)).then_some(())
    };
    let start = thread_nanos();
    let mut embedding = embed(pixels, orientation, id, key, settings);
    let ms = (thread_nanos() - start) as f64 / 1e6;
    if embedding.verdict == Marking::Carried {
        (embedding, _) = embed_tried(pixels, orientation, id, key, settings, &probe);
    }
    Marked {
        image: embedding.image.map(|mut image| {
            image.apply_orientation(orientation);
            image
        }),
        verdict: embedding.verdict,
        psnr: embedding.psnr,
        ssim: embedding.ssim,
        z_q: embedding.z_q,
        ms,
        file: None,
        why: None,
    }
}

/// Signs a file, mark and all, and decodes what was written.
fn in_file(
    file: &[u8],
    id: ProofId,
    key: &WatermarkKey,
    settings: &EmbedSettings,
) -> Result<Marked> {
    let marker = Marker::new(key.clone()).with_settings(*settings);
    let signer = Signer::new(identity::of_run(None, [1; 32].into())?)?.with_marker(marker);
    let rewriter = Rewriter::of(file);
    let asset = Asset::new(file, &received::decode_bytes).with_encoder(&rewriter);
    let start = thread_nanos();
    let signed = signer.sign(&asset, id)?;
    let ms = (thread_nanos() - start) as f64 / 1e6;
    let format = Format::sniff(file).ok_or_else(|| anyhow!("no format"))?;
    let image = match signed.mark {
        None => None,
        Some(_) => {
            let decoded = decode::decode(&signed.bytes)?;
            let mut image = decoded.pixels;
            image.apply_orientation(decoded.orientation);
            Some(image)
        }
    };
    // A file that is not written anew carries nothing, and this table has no word for why.
    let verdict = match signed.watermark {
        Some(verdict) => verdict,
        None => Marking::Refused(Refusal::NotFound),
    };
    let both = signed.distortion;
    Ok(Marked {
        image,
        verdict,
        psnr: both.map_or(f64::INFINITY, |both| f64::from(both.psnr)),
        ssim: both.map_or(1.0, |both| f64::from(both.ssim)),
        z_q: f64::NAN,
        ms,
        file: Some((format, signed.bytes.len() as f64 / file.len() as f64)),
        why: signed.unmarked,
    })
}
