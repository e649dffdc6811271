//! Where a residual hides: two texture masks.

use super::layout::BLOCK;
use crate::pixels::plane::Plane;

/// Mean of roots, squared: a lone edge counts little, distributed texture fully.
fn activity(detail: &Plane) -> Plane {
    detail
        .mapped(f32::sqrt)
        .box_mean(2)
        .mapped(|root| 1.5 * root * root)
}

/// Pixels by which textured regions shrink, so that the residual keeps away from their borders: the usual number.
pub(super) const MARGIN: usize = 3;

/// Mask on the canonical grid, 0 (flat) to 1 (texture), with a margin in pixels.
pub(super) fn texture(canonical: &Plane, margin: usize) -> Plane {
    let detail = canonical.combined(&canonical.box_mean(2), |value, mean| (value - mean).abs());
    activity(&detail)
        .eroded(margin)
        .box_mean(1)
        .mapped(|activity| {
            let share = (activity - 0.4) / 3.6;
            // The power 11/16 = ½ + ⅛ + 1/16 by roots, which every machine rounds alike.
            let half = share.clamp(0.0, 1.0).sqrt();
            let eighth = half.sqrt().sqrt();
            half * eighth * eighth.sqrt()
        })
}

/// Mean of a mask and of its square over each whole block.
pub(super) fn by_block(mask: &Plane) -> Vec<(f32, f32)> {
    let (rows, columns) = (mask.height / BLOCK, mask.width / BLOCK);
    let mut means = Vec::with_capacity(rows * columns);
    for r in 0..rows {
        for c in 0..columns {
            let (mut sum, mut squares) = (0.0, 0.0);
            for y in r * BLOCK..(r + 1) * BLOCK {
                for m in &mask.row(y)[c * BLOCK..][..BLOCK] {
                    sum += m;
                    squares += m * m;
                }
            }
            let pixels = (BLOCK * BLOCK) as f32;
            means.push((sum / pixels, squares / pixels));
        }
    }
    means
}

/// How much each block counts for the detector, from its means: where little can have been hidden there is mostly
/// noise. Never nothing, as compression changes masks.
pub(super) fn weights(means: &[(f32, f32)]) -> Vec<f32> {
    means.iter().map(|(mean, _)| mean.sqrt().max(0.2)).collect()
}

/// The weights of an image at another size, from those of its blocks: masks hardly change with a few pixels or the aspect,
/// and making them is most of the work on a canonical image.
pub(super) fn weights_at(
    weights: &[f32],
    (rows, columns): (usize, usize),
    (to_rows, to_columns): (usize, usize),
) -> Vec<f32> {
    let nearest = |k: usize, to: usize, from: usize| (2 * k + 1) * from / (2 * to);
    (0..to_rows)
        .flat_map(|r| (0..to_columns).map(move |c| (r, c)))
        .map(|(r, c)| {
            let at = nearest(r, to_rows, rows) * columns + nearest(c, to_columns, columns);
            weights.get(at).copied().unwrap_or_default()
        })
        .collect()
}

/// Mask on the fine grid, 0.3 to 1: clears the halo between fine lines.
pub(super) fn fine(luma: &Plane) -> Plane {
    let detail = luma.combined(&luma.box_mean(1), |value, mean| (value - mean).abs());
    let clipped = activity(&detail).mapped(|activity| ((activity - 0.5) / 1.5).clamp(0.0, 1.0));
    clipped.box_mean(1).mapped(|share| share.max(0.3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_areas_and_slopes_are_closed_and_texture_is_open() {
        let flat = Plane::from_fn(100, 80, |_, _| 200.0);
        let slope = Plane::from_fn(100, 80, |x, y| 0.05 * x as f32 + 0.05 * y as f32);
        let noise = Plane::from_fn(100, 80, |x, y| {
            ((x * 7919 + y * 104_729 + x * y * 31) % 64) as f32
        });
        // The border's reflection bends a slope, so it is looked at inside.
        for closed in [&flat, &slope] {
            assert!(
                texture(closed, MARGIN)
                    .cropped(8, 8, 84, 64)
                    .data
                    .iter()
                    .all(|&m| m == 0.0)
            );
        }
        assert!(texture(&noise, MARGIN).data.iter().all(|&m| m > 0.99));
        assert!(fine(&flat).data.iter().all(|&m| m == 0.3));
        assert!(fine(&noise).data.iter().all(|&m| m > 0.99));
    }

    #[test]
    fn blocks_count_by_the_root_of_their_mean_mask() {
        let mask = Plane::from_fn(
            21,
            9,
            |x, y| if x < 8 { 1.0 } else { (x + y) as f32 / 100.0 },
        );
        let means = by_block(&mask);
        assert_eq!(means.len(), 2);
        assert_eq!(means[0], (1.0, 1.0));
        let slow: f32 = (0..64)
            .map(|k| (8 + k % 8 + k / 8) as f32 / 100.0)
            .sum::<f32>()
            / 64.0;
        assert!((means[1].0 - slow).abs() < 1e-5);
        let weights = weights(&means);
        assert!(weights[0] == 1.0 && (weights[1] - slow.sqrt()).abs() < 1e-4);
        assert_eq!(super::weights(&[(0.0, 0.0)]), [0.2]);
    }

    #[test]
    fn a_lone_line_in_the_sky_stays_closed() {
        let wire = Plane::from_fn(100, 80, |_, y| if y == 40 { 190.0 } else { 200.0 });
        assert!(texture(&wire, MARGIN).data.iter().all(|&m| m < 0.2));
        assert!(
            texture(&wire, MARGIN)
                .cropped(0, 0, 100, 30)
                .data
                .iter()
                .all(|&m| m == 0.0)
        );
    }
}
