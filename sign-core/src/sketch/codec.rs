//! What is stored: a Laplacian pyramid of two levels (Burt and Adelson, "The Laplacian Pyramid as a Compact Image
//! Code", 1983). Means of 4×4 cells with 8 bits each, and what they miss with 4 bits a sample on a scale whose steps
//! grow with the difference, so that faint and strong edges keep the same relative precision.
//!
//! | bytes | content |
//! |---|---|
//! | 1, 1 | columns and rows of cells |
//! | columns × rows | mean of each cell, 0 to 255 |
//! | columns × rows × 8 | two samples a byte, the left one in the high half |

use crate::pixels::canonical::resized;
use crate::pixels::plane::Plane;

/// Samples along a cell.
pub(super) const CELL: usize = 4;

/// Most samples of a sketch: (2720 / 16) × 9 + 2 = 1532 bytes, which as base64 are 2044 characters.
const MAX_SAMPLES: usize = 2720;

/// Fewest cells along an axis.
const MIN_CELLS: usize = 2;

/// What a 4-bit code stands for, grey levels: eight differences below the mean, eight above.
const STEPS: [f32; 16] = [
    -92.0, -58.0, -37.0, -23.0, -14.0, -8.0, -4.0, -1.2, 1.2, 4.0, 8.0, 14.0, 23.0, 37.0, 58.0,
    92.0,
];

/// Columns and rows of cells for an image of this size: about square samples, as many as fit.
pub(super) fn cells((width, height): (u32, u32)) -> (usize, usize) {
    let most = MAX_SAMPLES / (CELL * CELL);
    let aspect = f64::from(width.max(1)) / f64::from(height.max(1));
    // The shorter axis first: its rounding is the coarser one.
    let short = (most as f64 / aspect.max(1.0 / aspect)).sqrt().round();
    let short = (short as usize).clamp(MIN_CELLS, most);
    let long = (short as f64 * aspect.max(1.0 / aspect)).round() as usize;
    let long = long.min(most / short).max(MIN_CELLS);
    if aspect >= 1.0 {
        (long, short)
    } else {
        (short, long)
    }
}

/// The cell means of a coded sketch, at the size of its samples.
fn smooth(means: &[u8], columns: usize, rows: usize) -> Plane {
    let coarse = Plane {
        width: columns,
        height: rows,
        data: means.iter().map(|&mean| f32::from(mean)).collect(),
    };
    resized(&coarse, (columns * CELL, rows * CELL))
}

fn code(difference: f32) -> u8 {
    let above = STEPS
        .windows(2)
        .take_while(|pair| difference > (pair[0] + pair[1]) / 2.0)
        .count();
    above as u8
}

/// The bytes of a plane whose sides are whole cells.
pub(super) fn encoded(plane: &Plane) -> Vec<u8> {
    let (columns, rows) = (plane.width / CELL, plane.height / CELL);
    let means: Vec<u8> = resized(plane, (columns, rows))
        .data
        .iter()
        .map(|mean| (mean + 0.5) as u8)
        .collect();
    let smooth = smooth(&means, columns, rows);
    // At most 85 cells an axis: they fit into a byte.
    let mut out = vec![columns as u8, rows as u8];
    out.extend_from_slice(&means);
    let codes: Vec<u8> = plane
        .data
        .iter()
        .zip(&smooth.data)
        .map(|(value, smooth)| code(value - smooth))
        .collect();
    out.extend(codes.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
    out
}

/// Whether these bytes are a sketch.
pub(super) fn is_valid(bytes: &[u8]) -> bool {
    let [columns, rows, rest @ ..] = bytes else {
        return false;
    };
    let (columns, rows) = (usize::from(*columns), usize::from(*rows));
    columns.min(rows) >= MIN_CELLS
        && columns * rows * CELL * CELL <= MAX_SAMPLES
        && rest.len() == columns * rows * (1 + CELL * CELL / 2)
}

/// The means of a sketch's cells, 0 to 255, one sample a cell; `None` where the bytes are none.
pub(super) fn means(bytes: &[u8]) -> Option<Plane> {
    if !is_valid(bytes) {
        return None;
    }
    let (columns, rows) = (usize::from(bytes[0]), usize::from(bytes[1]));
    let means = bytes[2..].iter().take(columns * rows);
    Some(Plane {
        width: columns,
        height: rows,
        data: means.map(|&mean| f32::from(mean)).collect(),
    })
}

/// The samples of a sketch, 0 to 255; `None` where the bytes are none.
pub(super) fn decoded(bytes: &[u8]) -> Option<Plane> {
    if !is_valid(bytes) {
        return None;
    }
    let (columns, rows) = (usize::from(bytes[0]), usize::from(bytes[1]));
    let (means, codes) = bytes[2..].split_at(columns * rows);
    let mut plane = smooth(means, columns, rows);
    let codes = codes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    for (value, code) in plane.data.iter_mut().zip(codes) {
        *value = (*value + STEPS[usize::from(code)]).clamp(0.0, 255.0);
    }
    Some(plane)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_fits_and_is_about_square() {
        for (width, height) in [
            (1, 1),
            (4000, 3000),
            (1920, 1080),
            (1080, 1920),
            (1, 10_000),
            (65_535, 7),
            (512, 512),
            (0, 5),
        ] {
            let (columns, rows) = cells((width, height));
            assert!(columns.min(rows) >= MIN_CELLS && columns.max(rows) <= 85);
            let samples = columns * rows * CELL * CELL;
            assert!(samples <= MAX_SAMPLES, "{width}×{height}: {samples}");
            let plane = Plane::from_fn(columns * CELL, rows * CELL, |x, y| (x * y % 256) as f32);
            let bytes = encoded(&plane);
            assert!(is_valid(&bytes) && bytes.len() <= 1532);
            if width.min(height) > 500 {
                let stretch = f64::from(width) / f64::from(height) * rows as f64 / columns as f64;
                assert!((0.9..1.1).contains(&stretch), "{width}×{height}: {stretch}");
                assert!(samples > 2200, "{width}×{height}: {samples}");
            }
        }
    }

    #[test]
    fn what_is_read_is_near_what_was_written() {
        let plane = Plane::from_fn(64, 40, |x, y| {
            let wave = (x as f32 * 0.4).sin() * (y as f32 * 0.3).cos();
            128.0 + 60.0 * wave + x as f32
        });
        let read = decoded(&encoded(&plane)).unwrap();
        let error = read.combined(&plane, |a, b| a - b).mean_square().sqrt();
        assert!(error < 3.0, "{error}");
    }

    #[test]
    fn other_bytes_are_no_sketch() {
        let bytes = encoded(&Plane::new(64, 40));
        assert!(decoded(&bytes).is_some());
        for wrong in [
            &bytes[..bytes.len() - 1],
            &bytes[..2],
            &[],
            &[1, 1, 0],
            &[0, 0],
        ] {
            assert!(decoded(wrong).is_none());
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(decoded(&longer).is_none());
        let mut larger = vec![85, 85];
        larger.resize(2 + 85 * 85 * 9, 0);
        assert!(decoded(&larger).is_none());
    }
}
