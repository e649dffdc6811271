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
    let Some((_, [weakest, strongest])) = started(None)?.strengths() else {
        return Ok(None);
    };
    let psnr = |strength: f64| median_psnr(&started(Some(strength))?, set, seed);
    let (mut low, mut high) = (weakest, strongest);
    if psnr(high)? >= target {
        return Ok(Some(high));
    }
    if psnr(low)? <= target {
        return Ok(Some(low));
    }
    let between = |low: f64, high: f64| {
        if low > 0.0 {
            (low * high).sqrt()
        } else {
            (low + high) / 2.0
        }
    };
    for _ in 0..HALVINGS {
        let middle = between(low, high);
        let reached = psnr(middle)?;
        if (reached - target).abs() < NEAR {
            return Ok(Some(middle));
        }
        // Stronger means fewer decibels.
        if reached > target {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(Some(between(low, high)))
}

fn median_psnr(system: &Adapter, set: &dyn ImageSet, seed: u64) -> anyhow::Result<f64> {
    let mut found: Vec<f64> = Vec::new();
    let most = set.header().files.unwrap_or(LOOKED_AT).min(LOOKED_AT);
    for index in 0..most {
        if found.len() == PICTURES {
            break;
        }
        let source = set.load(index)?.bytes;
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
    let middle = found.get(found.len() / 2).copied();
    middle.ok_or_else(|| anyhow::anyhow!("it changed none of the first {most} pictures"))
}
