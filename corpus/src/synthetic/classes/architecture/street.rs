//! Houses along a road: running to a vanishing point, or side by side.

use super::facade::facade;
use super::wall::Wall;
use crate::draws::Draws;
use crate::synthetic::paint::canvas::{Canvas, Grain, Paint, Relief};
use crate::synthetic::paint::colour::{Rgb, light, scaled, varied};
use crate::synthetic::paint::exact::lerp;
use crate::synthetic::paint::tile::Tile;

/// Both sides of a street running to a vanishing point.
pub(super) fn street(canvas: &mut Canvas, draws: &mut Draws, ground: f32, tiles: (&Tile, &Tile)) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let vanish = (w * draws.between(0.25, 0.75), h * draws.between(0.45, 0.68));
    let asphalt = varied(light(0x6A6866), 0.3, draws);
    road(canvas, draws, vanish.1, asphalt, tiles.0);
    for left in [true, false] {
        let edge = if left { -0.03 * w } else { 1.03 * w };
        let houses = draws.whole(2, 5);
        let mut t = draws.between(0.72, 0.9);
        let step = t / houses as f32;
        // From the vanishing point outwards, so that near houses cover far ones.
        for i in 0..houses {
            let (far, near) = (0.92 - t, t);
            let x_far = lerp(
                vanish.0,
                edge,
                far.clamp(0.05, 0.9) * (i as f32 + 0.3) / houses as f32 + 0.04,
            );
            let x_near = lerp(vanish.0, edge, ((i as f32 + 1.3) / houses as f32).min(1.0));
            let tall = h * draws.between(0.6, 1.5);
            let reach = |x: f32| ((x - vanish.0) / (edge - vanish.0)).clamp(0.02, 1.0);
            let low = (ground - vanish.1) * 1.25;
            let end = |x: f32| (x, vanish.1 - tall * reach(x), vanish.1 + low * reach(x));
            let wall = if left {
                Wall {
                    left: end(x_near),
                    right: end(x_far),
                }
            } else {
                Wall {
                    left: end(x_far),
                    right: end(x_near),
                }
            };
            facade(canvas, draws, wall, 0.6 + 0.5 * near, tiles);
            t -= step;
        }
    }
}

/// Houses side by side, seen from across the road or the river.
pub(super) fn row(
    canvas: &mut Canvas,
    draws: &mut Draws,
    ground: f32,
    side: f32,
    tiles: (&Tile, &Tile),
) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let asphalt = varied(light(0x7A7874), 0.3, draws);
    road(canvas, draws, ground - 2.0, asphalt, tiles.0);
    for layer in 0..draws.whole(1, 2) {
        let mut x = -w * 0.1 * draws.unit();
        while x < w {
            let wide = w * draws.between(0.09, 0.38);
            let tall = h * draws.between(0.25, 0.8) * if layer == 0 { 1.0 } else { 0.7 };
            let slope = 0.1 * side * h;
            let k = |x: f32| slope * (x / w - 0.5);
            let wall = Wall {
                left: (x, ground - tall - k(x), ground),
                right: (x + wide, ground - tall - k(x + wide), ground),
            };
            let veil = if layer == 0 { 0.85 } else { 1.0 };
            facade(canvas, draws, wall, veil, tiles);
            if draws.chance(0.5) {
                let roof = varied(
                    light(draws.pick(&[0x6A3428, 0x44444A, 0x8A5440])),
                    0.2,
                    draws,
                );
                let rise = 0.12 * h * draws.unit();
                let peak = (x + 0.5 * wide, wall.left.1 - rise);
                canvas.polygon(
                    &[(x - 4.0, wall.left.1), peak, (x + wide + 4.0, wall.right.1)],
                    0.0,
                    &Paint::plain(roof),
                );
            }
            x += wide * if draws.chance(0.2) { 1.25 } else { 1.0 };
        }
    }
}

fn road(canvas: &mut Canvas, draws: &mut Draws, top: f32, colour: Rgb, tile: &Tile) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let grain = Grain {
        tile,
        zoom: w / 900.0,
        turn: (1.0, 0.0),
        shift: (draws.unit() * 256.0, 3.0),
        contrast: 0.7,
    };
    let paint = Paint {
        dark: scaled(colour, 0.6),
        light: scaled(colour, 1.4),
        grain: Some(grain),
        relief: Relief::Slope(0.0, -0.15),
        veil: ([0.0; 3], 0.0),
        opacity: 1.0,
    };
    canvas.rectangle(-2.0, top, w + 4.0, h - top + 2.0, &paint);
    for _ in 0..draws.below(6) {
        let (x, y) = (draws.unit() * w, lerp(top, h, draws.unit()));
        let long = w * draws.between(0.03, 0.3);
        let thick = (h - top) * 0.03;
        canvas.polygon(
            &[
                (x, y),
                (x + long, y),
                (x + long * 1.1, y + thick),
                (x - long * 0.1, y + thick),
            ],
            0.0,
            &Paint {
                opacity: 0.7,
                ..Paint::plain([0.75; 3])
            },
        );
    }
}
