//! One image, marked and attacked.

use anyhow::{Context, Result};
use credlink_harness::clock::thread_nanos;
use credlink_sign_core::ProofId;
use credlink_sign_core::watermark::{
    Detection, EmbedSettings, Marking, WatermarkKey, detect, embed,
};
use image::DynamicImage;
use image::metadata::Orientation;

use crate::attack::{Attack, coded};
use crate::photographs;
use crate::source::Source;

pub(crate) struct Trial {
    pub(crate) name: String,
    pub(crate) verdict: Marking,
    pub(crate) psnr: f64,
    pub(crate) ssim: f64,
    pub(crate) z_q: f64,
    pub(crate) size: (u32, u32),
    pub(crate) embed_ms: f64,
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
    let probe = |image: &DynamicImage| coded(image, 60).ok();
    let start = thread_nanos();
    let embedding = embed(&source.pixels, source.orientation, id, key, settings, None);
    let embed_ms = (thread_nanos() - start) as f64 / 1e6;
    let embedding = if embedding.verdict == Marking::Carried {
        embed(
            &source.pixels,
            source.orientation,
            id,
            key,
            settings,
            Some(&probe),
        )
    } else {
        embedding
    };
    let mut results = Vec::new();
    if let Some(mut marked) = embedding.image {
        marked.apply_orientation(source.orientation);
        for (name, effort, attack) in attacks {
            let received = attack(&marked).with_context(|| format!("{name} on {}", source.name))?;
            let start = thread_nanos();
            let detection = detect(&received, Orientation::NoTransforms, key, *effort);
            let right = detection.id == Some(id);
            results.push((detection, right, (thread_nanos() - start) as f64 / 1e6));
        }
    }
    Ok(Trial {
        name: source.name.clone(),
        verdict: embedding.verdict,
        psnr: embedding.psnr,
        ssim: embedding.ssim,
        z_q: embedding.z_q,
        size: (source.pixels.width(), source.pixels.height()),
        embed_ms,
        attacks: results,
    })
}
