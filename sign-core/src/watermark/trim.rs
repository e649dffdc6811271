//! Uniform borders, as letterboxes and captions add them.

use super::plane::Plane;

/// Largest standard deviation of a border's row or column, luma levels.
const UNIFORM: f64 = 3.0;
/// Least side that is left over.
const LEAST: usize = 32;

/// The image without its uniform rows and then columns; `None` if it has none, or too little else.
pub(super) fn trimmed(plane: &Plane) -> Option<Plane> {
    let (top, bottom) = extent(plane.height, |y| deviation(plane.row(y).iter().copied()))?;
    let column = |x: usize| (top..bottom).map(move |y| plane.row(y)[x]);
    let (left, right) = extent(plane.width, |x| deviation(column(x)))?;
    let (width, height) = (right - left, bottom - top);
    let whole = (width, height) == (plane.width, plane.height);
    (!whole && width >= LEAST && height >= LEAST).then(|| plane.cropped(left, top, width, height))
}

/// First and one past the last line that is not uniform.
fn extent(lines: usize, deviation: impl Fn(usize) -> f64) -> Option<(usize, usize)> {
    let first = (0..lines).find(|&line| deviation(line) >= UNIFORM)?;
    let last = (0..lines).rfind(|&line| deviation(line) >= UNIFORM)?;
    Some((first, last + 1))
}

fn deviation(values: impl Iterator<Item = f32>) -> f64 {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        let value = f64::from(value);
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    let mean = sum / f64::max(count, 1.0);
    (squares / f64::max(count, 1.0) - mean * mean).max(0.0).sqrt()
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
            if (10..90).contains(&x) && (25..110).contains(&y) { texture(x, y) } else { 16.0 }
        });
        let inner = Plane::from_fn(80, 85, |x, y| texture(x + 10, y + 25));
        assert_eq!(trimmed(&boxed), Some(inner));
    }

    #[test]
    fn without_bars_or_without_content_nothing_is_trimmed() {
        assert_eq!(trimmed(&Plane::from_fn(100, 80, texture)), None);
        assert_eq!(trimmed(&Plane::from_fn(100, 80, |_, _| 9.0)), None);
        assert_eq!(trimmed(&Plane::new(1, 1)), None);
    }
}
