//! Uniform borders, as letterboxes and captions add them.

use crate::pixels::affine::Affine;
use crate::pixels::plane::Plane;

/// Largest standard deviation of a border's row or column, luma levels.
const UNIFORM: f64 = 3.0;
/// Farthest mean of a border's row or column from that at the very edge, luma levels: a black bar ends where an even
/// sky begins.
const SAME: f64 = 8.0;
/// Least side that is left over.
const LEAST: usize = 32;

/// What lies within uniform borders.
#[derive(Debug, PartialEq)]
pub(super) struct Inner {
    pub(super) plane: Plane,
    /// Where it lies in the image, unit by unit.
    pub(super) place: Affine,
}

/// The image without its uniform rows and then columns; `None` if it has none, or too little else.
pub(super) fn trimmed(plane: &Plane) -> Option<Inner> {
    let (top, bottom) = extent(plane.height, |y| moments(plane.row(y).iter().copied()))?;
    let column = |x: usize| (top..bottom).map(move |y| plane.row(y)[x]);
    let (left, right) = extent(plane.width, |x| moments(column(x)))?;
    let (width, height) = (right - left, bottom - top);
    let whole = (width, height) == (plane.width, plane.height);
    (!whole && width >= LEAST && height >= LEAST).then(|| inner(plane, left, top, width, height))
}

fn inner(plane: &Plane, left: usize, top: usize, width: usize, height: usize) -> Inner {
    let across = |pixels: usize| pixels as f64 / plane.width as f64;
    let down = |pixels: usize| pixels as f64 / plane.height as f64;
    Inner {
        plane: plane.cropped(left, top, width, height),
        place: Affine::onto(across(left), down(top), across(width), down(height)),
    }
}

/// First and one past the last line that is not of the border.
fn extent(lines: usize, moments: impl Fn(usize) -> (f64, f64)) -> Option<(usize, usize)> {
    let last = lines.checked_sub(1)?;
    let edges = [moments(0).0, moments(last).0];
    let inner = |line: usize, edge: f64| {
        let (mean, deviation) = moments(line);
        deviation >= UNIFORM || (mean - edge).abs() >= SAME
    };
    let first = (0..lines).find(|&line| inner(line, edges[0]))?;
    let end = (first..lines).rfind(|&line| inner(line, edges[1]))?;
    Some((first, end + 1))
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f32>) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        let value = f64::from(value);
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    let mean = sum / f64::max(count, 1.0);
    (
        mean,
        (squares / f64::max(count, 1.0) - mean * mean)
            .max(0.0)
            .sqrt(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texture(x: usize, y: usize) -> f32 {
        ((x * 7919 + y * 104_729 + x * y * 31) % 251) as f32
    }

    #[test]
    fn bars_go_and_the_rest_stays() {
        let boxed = Plane::from_fn(100, 120, |x, y| {
            if (10..90).contains(&x) && (25..110).contains(&y) {
                texture(x, y)
            } else {
                16.0
            }
        });
        let inner = Plane::from_fn(80, 85, |x, y| texture(x + 10, y + 25));
        let found = trimmed(&boxed).unwrap();
        assert_eq!(found.plane, inner);
        let (x, y) = found.place.apply(0.5, 1.0);
        assert!(
            (x - 0.5).abs() < 1e-9 && (y - 110.0 / 120.0).abs() < 1e-9,
            "{x} {y}"
        );
    }

    #[test]
    fn a_bar_ends_where_an_even_sky_begins() {
        let boxed = Plane::from_fn(100, 120, |x, y| match y {
            0..20 => 0.0,
            20..50 => 200.0,
            _ => texture(x, y),
        });
        let found = trimmed(&boxed).map(|inner| inner.plane);
        assert_eq!(found, Some(boxed.cropped(0, 20, 100, 100)));
    }

    #[test]
    fn without_bars_or_without_content_nothing_is_trimmed() {
        assert_eq!(trimmed(&Plane::from_fn(100, 80, texture)), None);
        assert_eq!(trimmed(&Plane::from_fn(100, 80, |_, _| 9.0)), None);
        assert_eq!(trimmed(&Plane::new(1, 1)), None);
    }
}
