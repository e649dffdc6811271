//! How well two aligned images agree, cell by cell.

use super::codec::CELL;
use super::field::Warped;
use crate::watermark::plane::Plane;

/// Contrast, grey levels, at which a cell counts half: flat cells agree with any other flat cell.
const FLAT: f32 = 3.0;

/// Agreement below which a textured cell counts as different.
const DIFFERS_BELOW: f32 = 0.4;

/// Weight from which a cell counts as textured.
const TEXTURED_FROM: f32 = 0.5;

/// One cell of an agreement map.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// 0 (other content) to 1 (the same); `None` where the received image does not show the cell.
    pub agreement: Option<f32>,
    /// How much there is to compare: 0 (flat in both) to 1 (textured in either).
    pub weight: f32,
}

/// Where the received image shows the registered one, and where it shows something else.
#[derive(Clone, Debug, PartialEq)]
pub struct AgreementMap {
    /// Cells along the width of the registered image.
    pub columns: usize,
    /// Cells along its height.
    pub rows: usize,
    /// Row by row.
    pub cells: Vec<Cell>,
}

impl AgreementMap {
    /// Cells whose content differs.
    pub fn differing(&self) -> impl Iterator<Item = bool> + '_ {
        self.cells.iter().map(|cell| {
            cell.weight >= TEXTURED_FROM && cell.agreement.is_some_and(|a| a < DIFFERS_BELOW)
        })
    }

    /// Share of the registered image that is seen, 0 to 1.
    pub fn coverage(&self) -> f32 {
        let seen = self.cells.iter().filter(|cell| cell.agreement.is_some());
        seen.count() as f32 / self.cells.len().max(1) as f32
    }

    /// Weighted mean of the agreement, 0 to 1, and the sum of the weights.
    pub(super) fn similarity(&self) -> (f32, f32) {
        let mut sums = (0.0, 0.0);
        for cell in &self.cells {
            if let Some(agreement) = cell.agreement {
                sums.0 += cell.weight * agreement;
                sums.1 += cell.weight;
            }
        }
        let (agreement, weight) = sums;
        (
            if weight > 0.0 {
                agreement / weight
            } else {
                0.0
            },
            weight,
        )
    }
}

#[derive(Clone, Copy, Default)]
struct Moments {
    count: f32,
    a: f32,
    b: f32,
    aa: f32,
    bb: f32,
    ab: f32,
}

impl Moments {
    /// Variances and covariance.
    fn spread(&self) -> (f32, f32, f32) {
        let n = self.count.max(1.0);
        let (a, b) = (self.a / n, self.b / n);
        (
            (self.aa / n - a * a).max(0.0),
            (self.bb / n - b * b).max(0.0),
            self.ab / n - a * b,
        )
    }
}

/// Compares the samples of a sketch with the received image sampled at their places.
///
/// A cell's agreement is the contrast-structure term of SSIM (Wang et al., "Image Quality Assessment", 2004) over a
/// window of two cells' width, after one gain for the whole image.
pub(super) fn agreement(registered: &Plane, received: &Warped) -> AgreementMap {
    let (columns, rows) = (registered.width / CELL, registered.height / CELL);
    let mut windows = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        let above = (row * CELL).saturating_sub(CELL / 2);
        let below = (row * CELL + CELL + CELL / 2).min(registered.height);
        for column in 0..columns {
            let left = (column * CELL).saturating_sub(CELL / 2);
            let right = (column * CELL + CELL + CELL / 2).min(registered.width);
            let mut m = Moments::default();
            for y in above..below {
                let at = y * registered.width;
                for x in at + left..at + right {
                    if received.seen[x] {
                        // Around mid-grey, so that the squares keep their precision.
                        let (a, b) = (registered.data[x] - 128.0, received.plane.data[x] - 128.0);
                        m.count += 1.0;
                        m.a += a;
                        m.b += b;
                        m.aa += a * a;
                        m.bb += b * b;
                        m.ab += a * b;
                    }
                }
            }
            let whole = ((below - above) * (right - left)) as f32;
            windows.push((m.count >= 0.6 * whole).then(|| m.spread()));
        }
    }
    let seen = windows.iter().flatten();
    let (a, b) = seen.fold((1.0, 1.0), |(a, b), (va, vb, _)| (a + va, b + vb));
    let gain = (a / b).sqrt().clamp(0.25, 4.0);
    let cells = windows
        .into_iter()
        .map(|window| match window {
            None => Cell::default(),
            Some((a, b, both)) => {
                let (b, both) = (b * gain * gain, both * gain);
                let energy = (a + b) / 2.0;
                let floor = FLAT * FLAT;
                Cell {
                    agreement: Some(
                        ((both + floor / 4.0) / (energy + floor / 4.0)).clamp(0.0, 1.0),
                    ),
                    weight: energy / (energy + floor),
                }
            }
        })
        .collect();
    AgreementMap {
        columns,
        rows,
        cells,
    }
}
