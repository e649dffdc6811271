//! After dark: little light, much noise, lamps with halos, lit windows, stars.

use super::super::paint::canvas::{Canvas, Grain, Paint, Relief};
use super::super::paint::colour::{Rgb, light, mix, scaled, varied};
use super::super::paint::exact::lerp;
use super::super::paint::sensor::{Exposure, develop};
use super::super::paint::shapes;
use super::super::paint::tile::{Tile, Walk};
use crate::draws::Draws;
use crate::synthetic::{Picture, Sheet};

const LAMPS: [u32; 6] = [0xFFB050, 0xFFD8A0, 0xF0F4FF, 0xFF6040, 0x60FFB0, 0x70A0FF];

/// Draws a night view.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let tile = Tile::fractal(draws, 256, 0.9);
    let top = varied(
        light(draws.pick(&[0x0A0E1C, 0x141020, 0x101820, 0x1A140E])),
        0.4,
        draws,
    );
    let low = varied(
        light(draws.pick(&[0x3A2A20, 0x2A3040, 0x40304A, 0x203028, 0x5A3A20])),
        0.5,
        draws,
    );
    let horizon = h * draws.between(0.4, 0.85);
    let zoom = w / 256.0 * draws.between(1.0, 5.0);
    let (u, v) = (draws.unit() * 256.0, draws.unit() * 256.0);
    let mut canvas = Canvas::new(at.width, at.height, top);
    let mut cloud = vec![0.0; at.width];
    canvas.rows(0..at.height, |y, rows| {
        let k = 1.0 / zoom;
        tile.row(
            Walk {
                u,
                v: v + y as f32 * k,
                du: k,
                dv: 0.0,
                down: 0.0,
            },
            &mut cloud,
        );
        let t = (y as f32 / horizon).min(1.0);
        for (c, row) in rows.into_iter().enumerate() {
            let base = lerp(top[c], low[c], t * t);
            for (o, n) in row.iter_mut().zip(&cloud) {
                *o = base * (1.0 + 1.1 * n).max(0.1);
            }
        }
    });
    let kind = draws.below(3);
    match kind {
        0 => skyline(&mut canvas, draws, horizon, &tile),
        1 => road(&mut canvas, draws, horizon, &tile),
        _ => heavens(&mut canvas, draws, horizon, low, &tile),
    }
    let noise = draws.unit();
    let exposure = Exposure {
        mean: draws.between(0.02, 0.075),
        shot: 0.0004 + 0.003 * noise,
        read: 0.00004 + 0.0004 * noise * noise,
        soften: draws.between(0.05, 0.22),
        contrast: draws.between(0.2, 0.7),
        ..Exposure::drawn(draws)
    };
    Picture::Rgb(develop(canvas, draws, &exposure))
}

/// Dark houses with some windows lit, often mirrored in water.
fn skyline(canvas: &mut Canvas, draws: &mut Draws, horizon: f32, tile: &Tile) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let mut x = -0.03 * w;
    let lit = draws.between(0.15, 0.7);
    let storey = h * draws.between(0.018, 0.045);
    while x < w {
        let wide = w * draws.between(0.05, 0.2);
        let tall = horizon * draws.between(0.15, 0.8);
        let body = scaled(light(0x20222A), draws.between(0.15, 0.8));
        let grain = Grain {
            tile,
            zoom: 1.0,
            turn: (1.0, 0.0),
            shift: (x, 0.0),
            contrast: 0.8,
        };
        let paint = Paint {
            dark: scaled(body, 0.4),
            light: scaled(body, 1.6),
            grain: Some(grain),
            relief: Relief::Slope(0.3, 0.2),
            veil: ([0.0; 3], 0.0),
            opacity: 1.0,
        };
        canvas.rectangle(x, horizon - tall, wide, h - horizon + tall + 2.0, &paint);
        let lamp = light(draws.pick(&LAMPS[..3]));
        let columns = (wide / storey) as usize;
        for row in 1..(tall / storey) as usize {
            for column in 0..columns {
                if draws.chance(lit) {
                    let (wx, wy) = (
                        x + (column as f32 + 0.3) * storey,
                        horizon - tall + row as f32 * storey,
                    );
                    let glow = Paint::plain(scaled(lamp, 0.15 + 1.3 * draws.unit() * draws.unit()));
                    canvas.rectangle(wx, wy, 0.5 * storey, 0.55 * storey, &glow);
                }
            }
        }
        x += wide * draws.between(0.95, 1.3);
    }
    mirror(canvas, horizon, draws, tile);
    lamps(canvas, draws, horizon, 18);
}

/// What is above the horizon again below it, dim and torn by waves.
fn mirror(canvas: &mut Canvas, horizon: f32, draws: &mut Draws, tile: &Tile) {
    let w = canvas.width;
    let start = (horizon as usize).clamp(1, canvas.height);
    let share = draws.between(0.15, 0.7);
    let mut wave = vec![0.0; w];
    for plane in &mut canvas.planes {
        let (above, below) = plane.split_at_mut(start * w);
        for (row, out) in below.chunks_exact_mut(w).enumerate() {
            tile.row(
                Walk {
                    u: 0.0,
                    v: 7.0 * row as f32,
                    du: 0.7,
                    dv: 0.0,
                    down: 0.0,
                },
                &mut wave,
            );
            for (x, o) in out.iter_mut().enumerate() {
                let from = (row as f32 + 30.0 * wave[x]).max(0.0) as usize;
                *o = share * above[(start - 1 - from.min(start - 1)) * w + x];
            }
        }
    }
}

/// A road between dark trees, with head lights and tail lights.
fn road(canvas: &mut Canvas, draws: &mut Draws, horizon: f32, tile: &Tile) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let vanish = w * draws.between(0.25, 0.75);
    let asphalt = light(0x3A3834);
    let grain = Grain {
        tile,
        zoom: w / 700.0,
        turn: (1.0, 0.0),
        shift: (vanish, h),
        contrast: 0.8,
    };
    let paint = Paint {
        dark: scaled(asphalt, 0.4),
        light: asphalt,
        grain: Some(grain),
        relief: Relief::Slope(0.0, 0.6),
        veil: ([0.0; 3], 0.0),
        opacity: 1.0,
    };
    let spread = w * draws.between(0.3, 0.9);
    canvas.polygon(
        &[
            (vanish - 4.0, horizon),
            (vanish + 4.0, horizon),
            (vanish + spread, h + 2.0),
            (vanish - spread, h + 2.0),
        ],
        0.0,
        &paint,
    );
    for _ in 0..draws.whole(4, 12) {
        let (x, r) = (draws.unit() * w, w * draws.between(0.04, 0.16));
        let crown = shapes::blob(draws, (x, horizon - 0.6 * r), r, 1.3 * r, 0.3, 44);
        canvas.polygon(
            &crown,
            0.0,
            &Paint {
                grain: Some(grain),
                light: light(0x18201A),
                ..Paint::plain([0.001; 3])
            },
        );
    }
    for i in 0..draws.whole(2, 10) {
        let t = draws.between(0.03, 0.8);
        let left = i % 2 == 0;
        let x = vanish + if left { -0.5 } else { 0.5 } * spread * t;
        let y = lerp(horizon, h, t);
        let colour = if left {
            light(0xFFF4DC)
        } else {
            light(0xFF3020)
        };
        let gap = 0.18 * spread * t;
        for s in [-0.5, 0.5] {
            canvas.glow(
                x + s * gap,
                y,
                (0.02 * spread * t).max(0.8),
                0.25 * spread * t + 8.0,
                scaled(colour, 2.5),
            );
        }
    }
    lamps(canvas, draws, horizon, 12);
}

/// Stars, a moon now and then, and black hills.
fn heavens(canvas: &mut Canvas, draws: &mut Draws, horizon: f32, low: Rgb, tile: &Tile) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    for _ in 0..draws.whole(60, 900) {
        let (x, y) = (draws.unit() * w, draws.unit() * horizon);
        let bright = 0.05 + 2.0 * draws.unit() * draws.unit() * draws.unit() * draws.unit();
        let tint = mix([1.0, 0.9, 0.8], [0.8, 0.9, 1.0], draws.unit());
        canvas.glow(x, y, 0.7, 3.0 + 4.0 * bright, scaled(tint, bright));
    }
    if draws.chance(0.5) {
        let (x, y) = (draws.unit() * w, draws.between(0.1, 0.7) * horizon);
        let r = w * draws.between(0.012, 0.08);
        canvas.glow(x, y, 1.2 * r, 12.0 * r, [0.12, 0.12, 0.11]);
        let grain = Grain {
            tile,
            zoom: r / 50.0,
            turn: (1.0, 0.0),
            shift: (x, y),
            contrast: 0.7,
        };
        let paint = Paint {
            dark: [0.35; 3],
            light: [1.1, 1.08, 1.0],
            grain: Some(grain),
            relief: Relief::Round(0.6 * draws.signed(), 0.2, 0.05),
            veil: ([0.0; 3], 0.0),
            opacity: 1.0,
        };
        canvas.polygon(&shapes::ellipse(x, y, r, r, 0.0, 48), 0.0, &paint);
    }
    for _ in 0..draws.whole(1, 3) {
        let crag = draws.between(0.45, 0.7);
        let heights = shapes::skyline(draws, 128, crag);
        let outline = shapes::land(&heights, w, horizon, h * draws.between(0.04, 0.2), h + 4.0);
        canvas.polygon(
            &outline,
            0.0,
            &Paint {
                relief: Relief::Slope(0.0, -0.5),
                ..Paint::plain(scaled(low, draws.between(0.05, 0.4)))
            },
        );
    }
    lamps(canvas, draws, horizon, 7);
}

/// Point lights about the horizon, with halos.
fn lamps(canvas: &mut Canvas, draws: &mut Draws, horizon: f32, most: usize) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    for _ in 0..draws.below(most) {
        let colour = light(draws.pick(&LAMPS));
        let size = draws.unit() * draws.unit();
        let y = horizon + 0.25 * h * draws.signed();
        canvas.glow(
            draws.unit() * w,
            y,
            1.2 + 0.006 * w * size,
            12.0 + 0.16 * w * size,
            scaled(colour, 0.8 + 2.5 * size),
        );
    }
}
