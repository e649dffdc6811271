//! What is far behind a portrait.

use crate::draws::Draws;
use crate::synthetic::paint::canvas::{Canvas, Paint};
use crate::synthetic::paint::colour::{material, mix, scaled};
use crate::synthetic::paint::exact::lerp;
use crate::synthetic::paint::shapes;
use crate::synthetic::paint::tile::{Tile, Walk};

/// Something far out of focus: broad tones, shapes melted into one another, and discs of light where the lens
/// turned points into them.
pub(super) fn background(canvas: &mut Canvas, draws: &mut Draws, tile: &Tile) {
    tones(canvas, draws, tile);
    melted(canvas, draws);
    if draws.chance(0.5) {
        discs(canvas, draws);
    }
}

/// Two tones mixed by the tile, sliding into a third.
fn tones(canvas: &mut Canvas, draws: &mut Draws, tile: &Tile) {
    let w = canvas.width as f32;
    let h = canvas.height as f32;
    let (a, b, c) = (material(draws), material(draws), material(draws));
    let zoom = w / tile.side() * draws.between(1.2, 6.0);
    let (u, v) = (draws.unit() * 64.0, draws.unit() * 64.0);
    let slope = draws.signed();
    let strength = draws.between(0.3, 1.6);
    let mut tone = vec![0.0; canvas.width];
    canvas.rows(0..canvas.height, |y, rows| {
        let k = 1.0 / zoom;
        tile.row(
            Walk {
                u,
                v: v + y as f32 * k,
                du: k,
                dv: 0.0,
                down: 0.0,
            },
            &mut tone,
        );
        for (channel, row) in rows.into_iter().enumerate() {
            for (x, (o, t)) in row.iter_mut().zip(&tone).enumerate() {
                let s = 0.5 + 0.5 * slope * (y as f32 / h - 0.5) * 2.0 + 0.3 * (x as f32 / w - 0.5);
                let m = (0.5 + strength * t).clamp(0.0, 1.0);
                *o = lerp(
                    lerp(a[channel], b[channel], m),
                    c[channel],
                    s.clamp(0.0, 1.0),
                );
            }
        }
    });
}

/// A few large shapes, each melted into the next.
fn melted(canvas: &mut Canvas, draws: &mut Draws) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    for _ in 0..draws.whole(2, 7) {
        let soft = w * draws.between(0.01, 0.03);
        let (x, y) = (draws.unit() * w, draws.unit() * h);
        let (rw, rh) = (w * draws.between(0.05, 0.5), h * draws.between(0.1, 0.8));
        let shape = shapes::rounded(x, y, rw, rh, 0.1 * rw, 0.05 * draws.signed());
        canvas.polygon(
            &shape,
            soft,
            &Paint {
                opacity: draws.between(0.3, 0.95),
                ..Paint::plain(material(draws))
            },
        );
    }
}

/// Discs of light, all of one size.
fn discs(canvas: &mut Canvas, draws: &mut Draws) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let r = w * draws.between(0.01, 0.05);
    for _ in 0..draws.whole(5, 40) {
        let disc = shapes::ellipse(draws.unit() * w, draws.unit() * h, r, r, 0.0, 24);
        let colour = mix([1.0, 0.8, 0.5], material(draws), draws.unit());
        canvas.polygon(
            &disc,
            0.12 * r,
            &Paint {
                opacity: draws.between(0.1, 0.6),
                ..Paint::plain(scaled(colour, 1.5))
            },
        );
    }
}
