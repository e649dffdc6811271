//! Laying the tile's grid over an image, and moving it until the pilots fit best.

use std::fmt;

use super::features::{self, Blocks, FLOOR};
use super::key::WatermarkKey;
use super::layout::{BLOCK, CHIPS, TILE};
use crate::pixels::canonical::{RowSampler, Taps, resized};
use crate::pixels::plane::Plane;

/// Pilot scores below which an alignment is given up: at its start, and after each round of steps. Starts are the best of
/// hundreds, so without a mark they have median 3.7; of 263 crops whose mark was read, the lowest start was 4.4 and the
/// lowest score after a round 5.2 (`--only crop` of the example `watermark`).
const HOPELESS_START: f32 = 3.8;
const HOPELESS: f32 = 4.5;

/// How an image lies over the original's canonical plane.
///
/// A point (x, y) of the image, in canonical pixels of the image itself, goes to scale·R(angle)·(x, y) and then to
/// the tile: minus the shift, or, mirrored, 128 plus the shift minus that point along the horizontal axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Alignment {
    /// Part of the original's long side that the image is; above 1 where something was added.
    pub(super) scale: f64,
    /// Degrees.
    pub(super) angle: f64,
    pub(super) mirrored: bool,
    /// Position of the tile's corner, canonical pixels of the original.
    pub(super) shift: (f64, f64),
}

impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (x, y) = self.shift;
        write!(
            f,
            "scale {:.4}, angle {:.2}, tile at {x:.2}, {y:.2}",
            self.scale, self.angle
        )?;
        if self.mirrored {
            f.write_str(", mirrored")
        } else {
            Ok(())
        }
    }
}

impl Alignment {
    /// Another scale and angle about a point of the image, which stays where it is.
    fn turned(&self, scale: f64, angle: f64, about: (f64, f64)) -> Self {
        let (from, to) = (
            point(self.scale, self.angle, about),
            point(scale, angle, about),
        );
        Self {
            scale,
            angle,
            shift: (self.shift.0 + to.0 - from.0, self.shift.1 + to.1 - from.1),
            ..*self
        }
    }

    fn moved(&self, x: f64, y: f64) -> Self {
        Self {
            shift: (self.shift.0 + x, self.shift.1 + y),
            ..*self
        }
    }
}

/// scale·R(angle)·(x, y).
fn point(scale: f64, angle: f64, (x, y): (f64, f64)) -> (f64, f64) {
    let (sin, cos) = angle.to_radians().sin_cos();
    (scale * (cos * x - sin * y), scale * (sin * x + cos * y))
}

/// Left and top of a grid, its width and its height.
type Place = (i64, i64, usize, usize);

/// An image to be aligned.
pub(super) struct Source<'a> {
    luma: &'a Plane,
    /// Its own canonical size.
    size: (f64, f64),
}

impl<'a> Source<'a> {
    pub(super) fn new(luma: &'a Plane, size: (usize, usize)) -> Self {
        Self {
            luma,
            size: (size.0 as f64, size.1 as f64),
        }
    }

    /// Coordinate ascent on the pilot score, from a peak of the search; it ends early where
    /// there is no hope. Gives the alignment and its features.
    pub(super) fn aligned(
        &self,
        key: &WatermarkKey,
        start: Alignment,
        rotated: bool,
    ) -> (Alignment, Vec<f32>) {
        let side = |side: f64| ((side * start.scale).round() as usize).max(8);
        let scaled = resized(self.luma, (side(self.size.0), side(self.size.1)));
        let centre = (self.size.0 / 2.0, self.size.1 / 2.0);
        let mut weights = None;
        let mut score = |alignment: Alignment| {
            let folded = self.folded(&scaled, &alignment, &mut weights);
            (key.pilot_score(&folded), alignment, folded)
        };
        let mut best = score(start);
        for halving in 0..3 {
            if best.0
                < if halving == 0 {
                    HOPELESS_START
                } else {
                    HOPELESS
                }
            {
                break;
            }
            let step = 0.5_f64.powi(halving);
            let (pixels, scale, angle) = (0.5 * step, 0.0015 * step, 0.1 * step);
            for axis in 0..if rotated { 4 } else { 3 } {
                for sign in [1.0, -1.0] {
                    let from = best.1;
                    let tried = match axis {
                        0 => from.moved(sign * pixels, 0.0),
                        1 => from.moved(0.0, sign * pixels),
                        2 => from.turned(from.scale * (1.0 + sign * scale), from.angle, centre),
                        _ => from.turned(from.scale, from.angle + sign * angle, centre),
                    };
                    let tried = score(tried);
                    if tried.0 > best.0 {
                        best = tried;
                        // The other direction leads back.
                        break;
                    }
                }
            }
        }
        (best.1, best.2)
    }

    /// Folded features of the image warped onto the tile's grid. Blocks less than half inside count nothing.
    ///
    /// `weights` are those of the blocks of an alignment near this one, with the place of their grid; they are
    /// made where they do not fit.
    fn folded(
        &self,
        scaled: &Plane,
        alignment: &Alignment,
        weights: &mut Option<(Place, Vec<f32>)>,
    ) -> Vec<f32> {
        let corners = [
            (0.0, 0.0),
            (self.size.0, 0.0),
            (0.0, self.size.1),
            self.size,
        ]
        .map(|corner| point(alignment.scale, alignment.angle, corner));
        let (x, y) = alignment.shift;
        // Along the horizontal axis, grid = offset + direction · scaled point.
        let (direction, offset) = if alignment.mirrored {
            (-1.0, TILE as f64 + x)
        } else {
            (1.0, -x)
        };
        let extent = |values: [f64; 4]| {
            let tile = TILE as f64;
            let low = values.into_iter().fold(f64::INFINITY, f64::min);
            let high = values.into_iter().fold(f64::NEG_INFINITY, f64::max);
            let first = (low / tile).floor() * tile;
            (
                first,
                ((high - first) / BLOCK as f64).ceil().max(1.0) as usize * BLOCK,
            )
        };
        let (left, width) = extent(corners.map(|(u, _)| offset + direction * u));
        let (top, height) = extent(corners.map(|(_, v)| v - y));
        let ratio = (
            scaled.width as f64 / self.size.0,
            scaled.height as f64 / self.size.1,
        );

        let view = View {
            scaled,
            ratio,
            alignment,
        };
        let across = |k: usize| direction * (left + k as f64 + 0.5 - offset);
        let down = |k: usize| top + k as f64 + 0.5 + y;
        let (grid, inside) = if alignment.angle == 0.0 {
            view.upright((width, height), across, down)
        } else {
            view.turned((width, height), across, down)
        };
        let mut blocks = Blocks::of(&grid);
        for (block, inside) in blocks.data.iter_mut().zip(inside) {
            if usize::from(inside) < BLOCK * BLOCK / 2 {
                *block = [0.0; CHIPS];
            }
        }
        let place = (left as i64, top as i64, width, height);
        let weights = match weights {
            Some((at, weights)) if *at == place => weights,
            stale => &mut stale.insert((place, features::weights(&grid))).1,
        };
        blocks.folded(&blocks.scales(FLOOR), weights)
    }
}

/// Cubic sample at a position in pixel indices.
fn sampled(plane: &Plane, x: f64, y: f64) -> f32 {
    let (columns, rows) = (Taps::at(x, plane.width), Taps::at(y, plane.height));
    let mut sum = 0.0;
    for (&y, weight) in rows.index.iter().zip(rows.weight) {
        let row = plane.row(y);
        let along: f32 = columns
            .index
            .iter()
            .zip(columns.weight)
            .map(|(&x, weight)| weight * row[x])
            .sum();
        sum += weight * along;
    }
    sum
}

/// A plane as one alignment sees it.
struct View<'a> {
    scaled: &'a Plane,
    /// Pixels of the plane for each of the image that it was scaled from.
    ratio: (f64, f64),
    alignment: &'a Alignment,
}

/// The grid of the pattern, and how many of each block's pixels lie within the image.
type Grid = (Plane, Vec<u8>);

impl View<'_> {
    /// Without a turn, rows and columns are sampled apart. `across` and `down` say where columns and rows lie.
    fn upright(
        &self,
        (width, height): (usize, usize),
        across: impl Fn(usize) -> f64,
        down: impl Fn(usize) -> f64,
    ) -> Grid {
        let mut grid = Plane::new(width, height);
        let mut inside: Vec<u8> = vec![0; width / BLOCK * (height / BLOCK)];
        let axis = |count: usize, at: &dyn Fn(usize) -> f64, ratio: f64, side: usize| {
            let position = |k: usize| at(k) / self.alignment.scale * ratio;
            let taps: Vec<Taps> = (0..count)
                .map(|k| Taps::at(position(k) - 0.5, side))
                .collect();
            let within: Vec<bool> = (0..count)
                .map(|k| (0.0..side as f64).contains(&position(k)))
                .collect();
            (taps, within)
        };
        let (columns, column_inside) = axis(width, &across, self.ratio.0, self.scaled.width);
        let (rows, row_inside) = axis(height, &down, self.ratio.1, self.scaled.height);
        let mut sampler = RowSampler::new(self.scaled, columns);
        for (k, taps) in rows.iter().enumerate() {
            // Outside, the edge repeats, so that a block across the border has no step in it.
            sampler.sample(taps, grid.row_mut(k));
            if !row_inside[k] {
                continue;
            }
            let inside = &mut inside[k / BLOCK * (width / BLOCK)..][..width / BLOCK];
            for (count, within) in inside.iter_mut().zip(column_inside.chunks_exact(BLOCK)) {
                *count += within.iter().filter(|&&within| within).count() as u8;
            }
        }
        (grid, inside)
    }

    /// With a turn, every pixel by itself.
    fn turned(
        &self,
        (width, height): (usize, usize),
        across: impl Fn(usize) -> f64,
        down: impl Fn(usize) -> f64,
    ) -> Grid {
        let mut grid = Plane::new(width, height);
        let mut inside: Vec<u8> = vec![0; width / BLOCK * (height / BLOCK)];
        let (sin, cos) = self.alignment.angle.to_radians().sin_cos();
        for k in 0..height {
            let v = down(k);
            for j in 0..width {
                let u = across(j);
                let x = (cos * u + sin * v) / self.alignment.scale * self.ratio.0;
                let y = (cos * v - sin * u) / self.alignment.scale * self.ratio.1;
                let beyond = |value: f64, side: usize| (-value).max(value - side as f64);
                let beyond = beyond(x, self.scaled.width).max(beyond(y, self.scaled.height));
                if beyond < 0.0 {
                    inside[k / BLOCK * (width / BLOCK) + j / BLOCK] += 1;
                }
                // Farther out than a block reaches, nothing counts.
                if beyond < 2.0 * BLOCK as f64 {
                    grid.data[k * width + j] = sampled(self.scaled, x - 0.5, y - 0.5);
                }
            }
        }
        (grid, inside)
    }
}
