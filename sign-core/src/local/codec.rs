//! Points as bytes.
//!
//! Version (01), number of points, and for each 36 bytes: 12 bits x, 12 bits y, 8 bits scale, big endian, and the four words of its
//! bits, little endian.

use super::{MOST_POINTS, Point, Points, canonical_size};

const VERSION: u8 = 1;
const BYTES: usize = 36;

/// The bytes are no points of a picture of this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("points are cut off, of an unknown version, or lie outside the picture")]
pub struct PointsError;

impl Points {
    /// Bytes of so many points.
    pub(crate) fn bytes_of(count: usize) -> usize {
        2 + BYTES * count
    }

    /// As bytes: at most 7202.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 + BYTES * self.0.len());
        // At most 200.
        bytes.extend([VERSION, self.0.len() as u8]);
        for point in &self.0 {
            let place = u32::from(point.x) << 20 | u32::from(point.y) << 8 | u32::from(point.scale);
            bytes.extend(place.to_be_bytes());
            bytes.extend(point.bits.map(u64::to_le_bytes).as_flattened());
        }
        bytes
    }

    /// Takes what [`Points::to_bytes`] gives, of a picture that is displayed at this size, pixels.
    ///
    /// # Errors
    /// [`PointsError`] for anything else: a store may have been tampered with.
    pub fn from_bytes(bytes: &[u8], displayed: (u32, u32)) -> Result<Self, PointsError> {
        let (width, height) = canonical_size(displayed);
        let [VERSION, count, points @ ..] = bytes else {
            return Err(PointsError);
        };
        let count = usize::from(*count);
        if count > MOST_POINTS || points.len() != BYTES * count {
            return Err(PointsError);
        }
        let point = |bytes: &[u8; BYTES]| {
            let [a, b, c, scale, ..] = *bytes;
            let (x, y) = (
                u16::from(a) << 4 | u16::from(b) >> 4,
                u16::from(b & 15) << 8 | u16::from(c),
            );
            let word =
                |k: usize| u64::from_le_bytes(std::array::from_fn(|at| bytes[4 + 8 * k + at]));
            let is_inside = usize::from(x) < 8 * width && usize::from(y) < 8 * height;
            is_inside.then(|| Point {
                x,
                y,
                scale,
                bits: std::array::from_fn(word),
            })
        };
        let (points, _) = points.as_chunks::<BYTES>();
        let points: Option<Vec<Point>> = points.iter().map(point).collect();
        points.map(Self).ok_or(PointsError)
    }
}
