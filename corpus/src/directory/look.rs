//! Which files of a folder show the same picture: in another format, at another size, saved once more, turned by their tag.
//!
//! They are one source of evidence. As two, a copy of a signed picture would be held out as one that was never signed, and
//! finding its proof would look like a false accept.

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView};

/// Samples along a side of the thumbnails.
const SIDE: u32 = 16;

/// Largest mean difference of two thumbnails, grey levels, that saving and resizing leave.
const MEAN: f32 = 2.0;

/// Largest difference of a single sample, grey levels.
const MOST: f32 = 20.0;

/// Largest difference of the proportions, which whole pixels round.
const PROPORTION: f32 = 0.03;

/// A picture as it is displayed, reduced to a square of grey samples over white.
#[derive(Clone, Debug)]
pub(super) struct Look {
    samples: Vec<f32>,
    mean: f32,
    /// Logarithm of width over height.
    proportion: f32,
}

impl Look {
    pub(super) fn of(pixels: &DynamicImage, orientation: Orientation) -> Self {
        let (width, height) = pixels.dimensions();
        let mut small = pixels.resize_exact(SIDE, SIDE, FilterType::Triangle);
        small.apply_orientation(orientation);
        let samples: Vec<f32> = small
            .to_luma_alpha8()
            .pixels()
            .map(|pixel| {
                let [grey, alpha] = pixel.0.map(f32::from);
                (grey * alpha + 255.0 * (255.0 - alpha)) / 255.0
            })
            .collect();
        let turned = matches!(
            orientation,
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        );
        let proportion = (width.max(1) as f32 / height.max(1) as f32).ln();
        Self {
            mean: samples.iter().sum::<f32>() / samples.len() as f32,
            samples,
            proportion: if turned { -proportion } else { proportion },
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        if (self.proportion - other.proportion).abs() > PROPORTION {
            return false;
        }
        let differences = || {
            self.samples
                .iter()
                .zip(&other.samples)
                .map(|(a, b)| (a - b).abs())
        };
        differences().all(|difference| difference <= MOST)
            && differences().sum::<f32>() <= MEAN * self.samples.len() as f32
    }
}

/// The source of each file: the first by path of those that show the same picture. Files are compared with those whose mean
/// is near, so that the work grows little faster than their number.
pub(super) fn sources(files: &[(&str, &Look)]) -> Vec<String> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by(|a, b| {
        let ((a, look_a), (b, look_b)) = (files[*a], files[*b]);
        look_a.mean.total_cmp(&look_b.mean).then_with(|| a.cmp(b))
    });
    // Each file points to another of its group, and the last of a chain to itself.
    let mut parent: Vec<usize> = (0..files.len()).collect();
    fn root(parent: &[usize], mut at: usize) -> usize {
        while parent[at] != at {
            at = parent[at];
        }
        at
    }
    for (place, &one) in order.iter().enumerate() {
        for &other in &order[place + 1..] {
            if files[other].1.mean - files[one].1.mean > MEAN {
                break;
            }
            if files[one].1.is_like(files[other].1) {
                let (a, b) = (root(&parent, one), root(&parent, other));
                let (first, second) = if files[a].0 <= files[b].0 {
                    (a, b)
                } else {
                    (b, a)
                };
                parent[second] = first;
            }
        }
    }
    (0..files.len())
        .map(|at| files[root(&parent, at)].0.to_owned())
        .collect()
}
