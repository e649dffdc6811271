//! Where a residual hides: two texture masks.

use super::plane::Plane;

/// Mean of roots, squared: a lone edge counts little, distributed texture fully.
fn activity(detail: &Plane) -> Plane {
    detail
        .mapped(f32::sqrt)
        .box_mean(2)
        .mapped(|root| 1.5 * root * root)
}

/// Mask on the canonical grid, 0 (flat) to 1 (texture). The erosion keeps the residual away from the borders of
/// textured regions.
pub(super) fn texture(canonical: &Plane) -> Plane {
    let detail = canonical.combined(&canonical.box_mean(2), |value, mean| (value - mean).abs());
    activity(&detail).eroded(3).box_mean(1).mapped(|activity| {
        let share = (activity - 0.4) / 3.6;
        // The power costs more than all filters together, and most pixels are at one end.
        if share <= 0.0 {
            0.0
        } else if share >= 1.0 {
            1.0
        } else {
            share.powf(0.7)
        }
    })
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
                texture(closed)
                    .cropped(8, 8, 84, 64)
                    .data
                    .iter()
                    .all(|&m| m == 0.0)
            );
        }
        assert!(texture(&noise).data.iter().all(|&m| m > 0.99));
        assert!(fine(&flat).data.iter().all(|&m| m == 0.3));
        assert!(fine(&noise).data.iter().all(|&m| m > 0.99));
    }

    #[test]
    fn a_lone_line_in_the_sky_stays_closed() {
        let wire = Plane::from_fn(100, 80, |_, y| if y == 40 { 190.0 } else { 200.0 });
        assert!(texture(&wire).data.iter().all(|&m| m < 0.2));
        assert!(
            texture(&wire)
                .cropped(0, 0, 100, 30)
                .data
                .iter()
                .all(|&m| m == 0.0)
        );
    }
}
