//! A picture in the making: three planes of `f32`, shapes laid over one another.

use super::colour::Rgb;
use super::polygon::{Mask, Point};
use super::tile::{Tile, Walk};

/// Planes of width × height values; linear light where a sensor follows, display values where none does.
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Red, green, blue, row by row. Where `alpha` is held they are premultiplied by it.
    pub(crate) planes: [Vec<f32>; 3],
    /// Opacity, for pictures with transparency only.
    pub(crate) alpha: Option<Vec<f32>>,
}

/// How light falls on a shape.
#[derive(Clone, Copy)]
pub(crate) enum Relief {
    /// Evenly.
    Flat,
    /// Brighter by up to the given factor towards +x and +y of the shape's box, darker to the other side.
    Slope(f32, f32),
    /// As on a ball filling the box, light from (x, y); the last is the share of ambient light.
    Round(f32, f32, f32),
}

/// How a surface takes a tile.
#[derive(Clone, Copy)]
pub(crate) struct Grain<'a> {
    pub(crate) tile: &'a Tile,
    /// Pixels per texel.
    pub(crate) zoom: f32,
    /// Cosine and sine of the texture's turn.
    pub(crate) turn: (f32, f32),
    /// Texel at the canvas's origin.
    pub(crate) shift: (f32, f32),
    /// How far the tile moves the colour between `dark` and `light`; 1 is strong.
    pub(crate) contrast: f32,
}

impl Grain<'_> {
    /// The walk along canvas row `y` from column `x`.
    pub(crate) fn walk(&self, x: f32, y: f32) -> Walk {
        let k = 1.0 / self.zoom;
        let (c, s) = (self.turn.0 * k, self.turn.1 * k);
        Walk {
            u: self.shift.0 + x * c - y * s,
            v: self.shift.1 + x * s + y * c,
            du: c,
            dv: s,
            down: 0.0,
        }
    }
}

/// A surface: two colours mixed by a texture, shaded, seen through haze.
#[derive(Clone, Copy)]
pub(crate) struct Paint<'a> {
    pub(crate) dark: Rgb,
    pub(crate) light: Rgb,
    pub(crate) grain: Option<Grain<'a>>,
    pub(crate) relief: Relief,
    /// Colour of the air between, and its share.
    pub(crate) veil: (Rgb, f32),
    pub(crate) opacity: f32,
}

impl Paint<'static> {
    /// One even colour.
    pub(crate) fn plain(colour: Rgb) -> Self {
        Paint {
            dark: colour,
            light: colour,
            grain: None,
            relief: Relief::Flat,
            veil: ([0.0; 3], 0.0),
            opacity: 1.0,
        }
    }
}

impl Canvas {
    /// An even canvas.
    pub(crate) fn new(width: usize, height: usize, colour: Rgb) -> Canvas {
        Canvas {
            width,
            height,
            planes: colour.map(|c| vec![c; width * height]),
            alpha: None,
        }
    }

    /// A fully transparent canvas.
    pub(crate) fn transparent(width: usize, height: usize) -> Canvas {
        Canvas {
            alpha: Some(vec![0.0; width * height]),
            ..Canvas::new(width, height, [0.0; 3])
        }
    }

    /// Hands each row of the range to `draw` as mutable red, green and blue.
    pub(crate) fn rows(
        &mut self,
        range: core::ops::Range<usize>,
        mut draw: impl FnMut(usize, [&mut [f32]; 3]),
    ) {
        let w = self.width;
        let [r, g, b] = &mut self.planes;
        for y in range.start..range.end.min(self.height) {
            let at = y * w..(y + 1) * w;
            draw(y, [&mut r[at.clone()], &mut g[at.clone()], &mut b[at]]);
        }
    }

    /// Lays a filled polygon over the picture; `soft` is the blur radius of its edge in pixels.
    pub(crate) fn polygon(&mut self, points: &[Point], soft: f32, paint: &Paint<'_>) {
        self.contours(&[points], soft, paint);
    }

    /// Lays closed contours over the picture, filled by the winding rule.
    pub(crate) fn contours(&mut self, contours: &[&[Point]], soft: f32, paint: &Paint<'_>) {
        if let Some(mask) = Mask::fill(contours, self.width, self.height, soft) {
            self.lay(&mask, paint);
        }
    }

    /// Lays an upright rectangle over the picture.
    pub(crate) fn rectangle(&mut self, x: f32, y: f32, w: f32, h: f32, paint: &Paint<'_>) {
        self.polygon(
            &[(x, y), (x + w, y), (x + w, y + h), (x, y + h)],
            0.0,
            paint,
        );
    }

    /// Lays a surface over the picture where the mask covers it.
    pub(crate) fn lay(&mut self, mask: &Mask, paint: &Paint<'_>) {
        let n = mask.width;
        let mut tone = vec![0.5f32; n];
        let mut shade = vec![1.0f32; n];
        let [left, top, right, bottom] = mask.bounds;
        let (half_w, half_h) = (0.5 * (right - left).max(1.0), 0.5 * (bottom - top).max(1.0));
        let (mid_x, mid_y) = (0.5 * (left + right), 0.5 * (top + bottom));
        for row in 0..mask.height {
            let cover = mask.row(row);
            // Most of a box's corners are empty; skipping them saves the texture look-ups.
            let Some(first) = cover.iter().position(|&c| c > 0.0) else {
                continue;
            };
            let last = cover.iter().rposition(|&c| c > 0.0).unwrap_or(first);
            let span = first..last + 1;
            let y = mask.y + row;
            let x0 = mask.x + first;
            let (tone, shade) = (&mut tone[span.clone()], &mut shade[span.clone()]);
            if let Some(grain) = &paint.grain {
                grain.tile.row(grain.walk(x0 as f32, y as f32), tone);
                for t in tone.iter_mut() {
                    *t = (0.5 + grain.contrast * *t).max(-0.15);
                }
            }
            let v = (y as f32 + 0.5 - mid_y) / half_h;
            let u0 = (x0 as f32 + 0.5 - mid_x) / half_w;
            let du = 1.0 / half_w;
            match paint.relief {
                Relief::Flat => {}
                Relief::Slope(sx, sy) => {
                    for (i, s) in shade.iter_mut().enumerate() {
                        *s = (1.0 + sx * (u0 + i as f32 * du) + sy * v).max(0.05);
                    }
                }
                Relief::Round(lx, ly, ambient) => {
                    let lz = (1.0 - lx * lx - ly * ly).max(0.05).sqrt();
                    for (i, s) in shade.iter_mut().enumerate() {
                        let u = u0 + i as f32 * du;
                        let z = (1.0 - u * u - v * v).max(0.0).sqrt();
                        *s = ambient + (1.0 - ambient) * (lx * u + ly * v + lz * z).max(0.0);
                    }
                }
            }
            let cover = &cover[span];
            let start = y * self.width + x0;
            for (channel, plane) in self.planes.iter_mut().enumerate() {
                let (dark, range) = (
                    paint.dark[channel],
                    paint.light[channel] - paint.dark[channel],
                );
                let veil = paint.veil.0[channel] * paint.veil.1;
                let clear = 1.0 - paint.veil.1;
                let out = &mut plane[start..start + cover.len()];
                for (((o, &c), &t), &s) in
                    out.iter_mut().zip(cover).zip(tone.iter()).zip(shade.iter())
                {
                    let colour = ((dark + range * t) * s).max(0.0) * clear + veil;
                    *o += c * paint.opacity * (colour - *o);
                }
            }
            if let Some(alpha) = &mut self.alpha {
                for (o, &c) in alpha[start..].iter_mut().zip(cover) {
                    *o += c * paint.opacity * (1.0 - *o);
                }
            }
        }
    }

    /// Dims what lies under a shape, as its shadow does: light times `1 - strength` where fully covered.
    pub(crate) fn shadow(&mut self, points: &[Point], soft: f32, strength: f32) {
        self.polygon(
            points,
            soft,
            &Paint {
                opacity: strength,
                ..Paint::plain([0.0; 3])
            },
        );
    }

    /// Adds light around a point, falling off as 1 / (1 + (d/core)²) to nothing at `reach` pixels.
    pub(crate) fn glow(&mut self, x: f32, y: f32, core: f32, reach: f32, colour: Rgb) {
        let w = self.width as f32;
        let h = self.height as f32;
        let (x0, x1) = (
            (x - reach).clamp(0.0, w) as usize,
            (x + reach).clamp(0.0, w) as usize,
        );
        let (y0, y1) = (
            (y - reach).clamp(0.0, h) as usize,
            (y + reach).clamp(0.0, h) as usize,
        );
        let k = 1.0 / (core * core);
        let edge = 1.0 / (reach * reach);
        for row in y0..y1 {
            let dy = row as f32 + 0.5 - y;
            for column in x0..x1 {
                let dx = column as f32 + 0.5 - x;
                let d = dx * dx + dy * dy;
                let fade = (1.0 - d * edge).max(0.0);
                let light = fade * fade / (1.0 + d * k);
                let at = row * self.width + column;
                for (plane, c) in self.planes.iter_mut().zip(colour) {
                    plane[at] += c * light;
                }
            }
        }
    }

    /// Mean of (r + 2g + b) / 4 over every seventh pixel, which is what exposure is set by.
    pub(crate) fn mean_light(&self) -> f32 {
        let [r, g, b] = &self.planes;
        let mut sum = 0.0f64;
        let mut n = 0.0f64;
        let mut i = 3;
        while i < r.len() {
            sum += f64::from(0.25 * r[i] + 0.5 * g[i] + 0.25 * b[i]);
            n += 1.0;
            i += 7;
        }
        (sum / n.max(1.0)) as f32
    }
}
