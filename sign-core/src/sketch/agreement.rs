//! How well two aligned images agree, cell by cell.

use super::codec::CELL;
use super::field::Warped;
use crate::pixels::plane::Plane;

/// Contrast, grey levels, at which a cell counts half: flat cells agree with any other flat cell.
const FLAT: f32 = 2.0;

/// Agreement below which a textured cell counts as different.
const DIFFERS_BELOW: f32 = 0.4;

/// Weight from which a cell counts as textured.
const TEXTURED_FROM: f32 = 0.5;

/// Correlation from which a cell says something about the gain.
const CORRELATED: f32 = 0.6;

/// Mean agreement below which a whole line of cells counts as covered.
const COVERED_BELOW: f32 = 0.45;

/// Largest bar along one border, as a share of the registered image.
const BAR: f32 = 0.3;

/// One cell of an agreement map.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// 0 (other content) to 1 (the same); `None` where the received image does not show the cell.
    pub agreement: Option<f32>,
    /// How much there is to compare: 0 (flat in both) to 1 (textured in either).
    pub weight: f32,
    /// How much of it fixes a place: 0 (flat, or one straight edge, which lies well in many places) to 1.
    pub corners: f32,
}

/// Where the received image shows the registered one, and where it shows something else.
#[derive(Clone, Debug, PartialEq)]
pub struct AgreementMap {
    /// Cells along the width of the registered image.
    pub columns: usize,
    /// Cells along its height.
    pub rows: usize,
    /// By how much the contrast of the received detail was raised to be that of the registered one.
    pub gain: f32,
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
        self.seen() as f32 / self.cells.len().max(1) as f32
    }

    /// Share of the registered image that bars set aside and that shows something else; flat cells under a bar say nothing. `bare`
    /// is this map without its bars.
    pub(super) fn covered(&self, bare: &Self) -> f32 {
        let bare = bare.cells.iter().map(|cell| cell.agreement.is_none());
        let covered = self
            .differing()
            .zip(bare)
            .filter(|(differs, is_aside)| *differs && *is_aside);
        covered.count() as f32 / self.cells.len().max(1) as f32
    }

    /// Cells that are seen.
    pub(super) fn seen(&self) -> usize {
        let seen = |cell: &&Cell| cell.agreement.is_some();
        self.cells.iter().filter(seen).count()
    }

    /// Cells of the largest connected region of differing cells, and of the largest that does not touch the border of
    /// what is seen.
    pub(super) fn largest_differences(&self) -> (usize, usize) {
        let mut open: Vec<bool> = self.differing().collect();
        let (mut largest, mut inner) = (0, 0);
        for start in 0..open.len() {
            let (mut region, mut touches) = (0, false);
            let mut waiting = vec![start];
            while let Some(at) = waiting.pop() {
                if !std::mem::take(&mut open[at]) {
                    continue;
                }
                region += 1;
                let neighbours = self.neighbours(at);
                touches |= neighbours
                    .iter()
                    .any(|next| next.is_none_or(|next| self.cells[next].agreement.is_none()));
                waiting.extend(neighbours.into_iter().flatten());
            }
            largest = largest.max(region);
            if !touches {
                inner = inner.max(region);
            }
        }
        (largest, inner)
    }

    /// The largest mean difference over two by two cells that are seen: 0 (nothing differs) to 1 (four textured cells
    /// with nothing in common), and their common corner, from left and top of the registered image, 0 to 1. Unlike a
    /// region of differing cells it grows steadily, so that a limit can be set on it.
    pub fn largest_local_difference(&self) -> (f32, [f32; 2]) {
        let difference = |at: usize| {
            let cell = &self.cells[at];
            cell.agreement
                .map(|agreement| cell.weight * (1.0 - agreement))
        };
        let mut largest = (0.0_f32, [0.5; 2]);
        for row in 1..self.rows {
            for column in 1..self.columns {
                let at = row * self.columns + column;
                let above = at - self.columns;
                let window = [above - 1, above, at - 1, at].map(difference);
                // A window that is seen in part says nothing.
                if let Some(sum) = window.into_iter().sum::<Option<f32>>()
                    && sum / 4.0 > largest.0
                {
                    let corner = [
                        column as f32 / self.columns as f32,
                        row as f32 / self.rows as f32,
                    ];
                    largest = (sum / 4.0, corner);
                }
            }
        }
        largest
    }

    /// The cells left, right, above and below.
    fn neighbours(&self, at: usize) -> [Option<usize>; 4] {
        let column = at % self.columns;
        [
            (column > 0).then(|| at - 1),
            (column + 1 < self.columns).then_some(at + 1),
            at.checked_sub(self.columns),
            Some(at + self.columns).filter(|next| *next < self.cells.len()),
        ]
    }

    /// The map without the bars that cover whole rows or columns along the border, as captions and the furniture of a
    /// screen do: their cells count as not seen.
    pub(super) fn without_bars(&self) -> Self {
        let mut map = self.clone();
        let (columns, rows) = (self.columns, self.rows);
        let row = |y: usize| (0..columns).map(move |x| y * columns + x);
        let column = |x: usize| (0..rows).map(move |y| y * columns + x);
        let bar = |lines: &mut dyn Iterator<Item = Vec<usize>>, length: usize| -> Vec<usize> {
            let most = (BAR * length as f32) as usize;
            lines
                .take_while(|cells| self.is_covered(cells))
                .take(most)
                .flatten()
                .collect()
        };
        let bars = [
            bar(&mut (0..rows).map(|y| row(y).collect()), rows),
            bar(&mut (0..rows).rev().map(|y| row(y).collect()), rows),
            bar(&mut (0..columns).map(|x| column(x).collect()), columns),
            bar(
                &mut (0..columns).rev().map(|x| column(x).collect()),
                columns,
            ),
        ];
        for cell in bars.into_iter().flatten() {
            map.cells[cell] = Cell::default();
        }
        map
    }

    /// Whether a line of cells shows something else; lines that are not seen, or flat, do not say otherwise.
    fn is_covered(&self, cells: &[usize]) -> bool {
        let mut sums = (0.0, 0.0);
        for cell in cells.iter().map(|&cell| self.cells[cell]) {
            if let Some(agreement) = cell.agreement {
                sums.0 += cell.weight * agreement;
                sums.1 += cell.weight;
            }
        }
        sums.0 < COVERED_BELOW * sums.1 || sums.1 == 0.0
    }

    /// Sum of the corners that are seen, cells.
    pub(super) fn corners(&self) -> f32 {
        let seen = self.cells.iter().filter(|cell| cell.agreement.is_some());
        seen.map(|cell| cell.corners).sum()
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

/// How textured a window of this variance is, 0 to 1. Steep, since a sketch's coding leaves a variance of one in
/// every flat window.
fn textured(variance: f32) -> f32 {
    let floor = FLAT * FLAT;
    variance * variance / (variance * variance + floor * floor)
}

/// How far a window's gradients point in all directions rather than in one: the smaller eigenvalue of the structure
/// tensor (Shi and Tomasi, "Good Features to Track", 1994) beside the larger, 0 to 1.
fn corners(plane: &Plane, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> f32 {
    let (mut xx, mut yy, mut xy) = (0.0_f32, 0.0_f32, 0.0_f32);
    for y in rows.start.max(1)..rows.end.min(plane.height - 1) {
        let (above, row, below) = (plane.row(y - 1), plane.row(y), plane.row(y + 1));
        for x in columns.start.max(1)..columns.end.min(plane.width - 1) {
            let (dx, dy) = (row[x + 1] - row[x - 1], below[x] - above[x]);
            xx += dx * dx;
            yy += dy * dy;
            xy += dx * dy;
        }
    }
    let spread = ((xx - yy).powi(2) + 4.0 * xy * xy).sqrt();
    let (small, large) = ((xx + yy - spread) / 2.0, (xx + yy + spread) / 2.0);
    // From a third on the directions are as good as even.
    let even = (3.0 * small / (large + 1e-3)).clamp(0.0, 1.0);
    even * even
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

/// Compares the detail of a sketch with that of the received image at its places.
///
/// What is compared is the detail that a neighbourhood's mean leaves: slopes of brightness, which many pictures share,
/// count for nothing. A cell's agreement is the contrast-structure term of SSIM (Wang et al., "Image Quality Assessment", 2004) over a
/// window of two cells' width, after one gain for the whole image.
pub(super) fn agreement(registered: &Plane, received: &Warped) -> AgreementMap {
    let (columns, rows) = (registered.width / CELL, registered.height / CELL);
    let mut windows = Vec::with_capacity(columns * rows);
    let mut even = Vec::with_capacity(columns * rows);
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
                        let (a, b) = (registered.data[x], received.plane.data[x]);
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
            let seen = m.count >= 0.6 * whole;
            windows.push(seen.then(|| m.spread()));
            even.push(if seen {
                corners(registered, left..right, above..below)
            } else {
                0.0
            });
        }
    }
    // From what correlates, so that a caption's sharp letters do not count.
    let alike = windows
        .iter()
        .flatten()
        .filter(|(a, b, both)| *both > CORRELATED * (a * b).sqrt());
    let (a, b) = alike.fold((1.0, 1.0), |(a, b), (va, vb, _)| (a + va, b + vb));
    let gain = (a / b).sqrt().clamp(0.25, 4.0);
    let cells = windows
        .into_iter()
        .zip(even)
        .map(|(window, even)| match window {
            None => Cell::default(),
            Some((a, b, both)) => {
                let (b, both) = (b * gain * gain, both * gain);
                let energy = (a + b) / 2.0;
                let floor = FLAT * FLAT;
                Cell {
                    agreement: Some(
                        ((both + floor / 4.0) / (energy + floor / 4.0)).clamp(0.0, 1.0),
                    ),
                    weight: textured(energy),
                    corners: even * textured(a),
                }
            }
        })
        .collect();
    AgreementMap {
        columns,
        rows,
        gain,
        cells,
    }
}
