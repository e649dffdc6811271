//! How strong a system must sign to change pictures as much as another does.

use credlink_corpus::ImageSet;
use credlink_sign_core::{Asset, Distortion};

use crate::received;
use crate::systems::System as _;
use crate::systems::adapter::{Adapter, Description};
use crate::{identity, systems};

/// Pictures that the strength is found on.
const PICTURES: usize = 8;
/// Pictures that are looked at to find so many that the system signs.
const LOOKED_AT: usize = 64;
/// Halvings of the range of strengths, on a logarithmic scale where it is positive.
const HALVINGS: usize = 7;
/// How near is near enough, dB.
const NEAR: f64 = 0.1;

/// The strength at which the median PSNR of signed files is `target` dB, found on the first pictures of the set. Where the
/// system's range ends before, its nearest end. `None` where its strength cannot be set.
///
/// # Errors
/// When the system cannot be started, or signs too few pictures.
pub fn matched(
    description: &Description,
    set: &dyn ImageSet,
    seed: u64,
    target: f64,
) -> anyhow::Result<Option<f64>> {
    let started = |strength| {
        let started = Adapter::start(description.clone(), seed, 1, strength);
        started.map_err(|failure| anyhow::anyhow!("{}", failure.reason()))
    };
    let Some([weakest, strongest]) = started(None)?.strengths() else {
        return Ok(None);
    };
    let psnr = |strength: f64| median_psnr(&started(Some(strength))?, set, seed);
    let between = |low: f64, high: f64| {
        if low > 0.0 {
            (low * high).sqrt()
        } else {
            (low + high) / 2.0
        }
    };
    let (mut low, mut high) = (weakest, strongest);
    // What was tried, by how far it was off.
    let mut best = (f64::INFINITY, high);
    for attempt in [strongest, weakest]
        .into_iter()
        .map(Some)
        .chain([None; HALVINGS])
    {
        let strength = attempt.unwrap_or_else(|| between(low, high));
        let reached = psnr(strength)?;
        let off = (reached - target).abs();
        if off < best.0 {
            best = (off, strength);
        }
        // The range ends before the target, or this is near enough.
        let is_at_end = (attempt == Some(strongest) && reached >= target)
            || (attempt == Some(weakest) && reached <= target);
        if is_at_end || off < NEAR {
            break;
        }
        // Stronger means fewer decibels.
        if reached > target {
            low = strength;
        } else {
            high = strength;
        }
    }
    Ok(Some(best.1))
}

fn median_psnr(system: &Adapter, set: &dyn ImageSet, seed: u64) -> anyhow::Result<f64> {
    let mut found: Vec<f64> = Vec::new();
    let most = set.header().files.unwrap_or(LOOKED_AT).min(LOOKED_AT);
    for index in 0..most {
        if found.len() == PICTURES {
            break;
        }
        // The run itself will tell what cannot be read.
        let Ok(loaded) = set.load(index) else {
            continue;
        };
        let source = loaded.bytes;
        let id = identity::proof_id(seed, index, &source);
        let file = Asset::new(&source, &received::decode_bytes);
        // What the system cannot sign has no strength; the run itself will tell it.
        let Ok(systems::Signed {
            bytes,
            refused: None,
            ..
        }) = system.sign(&file, id)
        else {
            continue;
        };
        let pixels = [&source, &bytes].map(|bytes| received::decode_bytes(bytes));
        if let [Ok(before), Ok(after)] = pixels
            && let Some(distortion) = Distortion::between(&before.image, &after.image)
        {
            found.push(f64::from(distortion.psnr));
        }
    }
    found.sort_by(f64::total_cmp);
    let middle = found.get(found.len().saturating_sub(1) / 2).copied();
    middle.ok_or_else(|| anyhow::anyhow!("it changed none of the first {most} pictures"))
}
