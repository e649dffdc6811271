//! What stands in a landscape: trees, bushes, rocks, houses, and a twig before the lens.

use super::super::paint::canvas::{Canvas, Grain, Paint, Relief};
use super::super::paint::colour::{Rgb, light, scaled, varied};
use super::super::paint::exact::{cos_sin, lerp};
use super::super::paint::shapes;
use super::super::paint::tile::Tile;
use super::grounds::GROUNDS;
use crate::draws::Draws;

/// Where a thing stands, and how it looks from there.
struct Spot {
    x: f32,
    foot: f32,
    /// Height of a tree here, in pixels.
    size: f32,
    /// Side of the sun, -1 or 1.
    side: f32,
    veil: (Rgb, f32),
    /// Dark and light of what grows here.
    colours: [Rgb; 2],
}

impl Spot {
    /// Foliage; on another tile and in other colours, rock.
    fn surface<'a>(&self, draws: &mut Draws, tile: &'a Tile) -> Paint<'a> {
        let [dark, pale] = self.colours;
        Paint {
            dark: scaled(dark, 0.35),
            light: pale,
            grain: Some(Grain {
                tile,
                zoom: (self.size / 260.0).clamp(0.4, 3.0),
                turn: cos_sin(draws.unit()),
                shift: (draws.unit() * 512.0, draws.unit() * 512.0),
                contrast: 1.2,
            }),
            relief: Relief::Round(0.6 * self.side, -0.6, 0.25),
            veil: self.veil,
            opacity: 1.0,
        }
    }
}

/// Trees, bushes, rocks and houses, far ones first.
pub(super) fn things(
    canvas: &mut Canvas,
    draws: &mut Draws,
    horizon: f32,
    wet: bool,
    haze: Rgb,
    (tile, rock): (&Tile, &Tile),
    side: f32,
) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let count = [1, 4, 8, 14, 22, 34][draws.below(6)];
    let tall = draws.between(0.2, 1.15) * h;
    let kinds = [draws.below(4), draws.below(4), draws.below(5)];
    let green = draws.pick(&GROUNDS[..6]).map(light);
    let spread = draws.between(0.7, 1.6);
    let mut depths: Vec<f32> = (0..count)
        .map(|_| draws.unit() * draws.unit() * spread)
        .map(|t| t.min(1.0))
        .collect();
    depths.sort_by(f32::total_cmp);
    for t in depths {
        let foot = if wet {
            horizon + 2.0
        } else {
            lerp(horizon, h, t)
        };
        let size = tall * lerp(0.1, 1.0, if wet { 0.25 } else { t }) * draws.between(0.6, 1.2);
        let x = draws.between(-0.05, 1.05) * w;
        let spot = Spot {
            x,
            foot,
            size,
            side,
            veil: (haze, 0.55 * (1.0 - t) * (1.0 - t)),
            colours: green.map(|c| varied(c, 0.35, draws)),
        };
        canvas.shadow(
            &shapes::ellipse(
                x - side * 0.2 * size,
                foot,
                0.4 * size,
                0.05 * size,
                0.0,
                20,
            ),
            size * 0.02,
            0.5,
        );
        match kinds[draws.below(3)] {
            0 => broadleaf(canvas, draws, &spot, tile),
            1 => conifer(canvas, draws, &spot, tile),
            2 => bush(canvas, draws, &spot, tile),
            3 => stone(canvas, draws, &spot, rock),
            _ => house(canvas, draws, &spot),
        }
    }
}

fn bush(canvas: &mut Canvas, draws: &mut Draws, spot: &Spot, tile: &Tile) {
    let &Spot { x, foot, size, .. } = spot;
    let leaves = spot.surface(draws, tile);
    for _ in 0..draws.whole(2, 5) {
        let at = (x + 0.25 * size * draws.signed(), foot - 0.12 * size);
        let outline = shapes::blob(draws, at, 0.18 * size, 0.15 * size, 0.35, 36);
        canvas.polygon(&outline, 0.0, &leaves);
    }
}

fn stone(canvas: &mut Canvas, draws: &mut Draws, spot: &Spot, rock: &Tile) {
    let &Spot { x, foot, size, .. } = spot;
    let pale = varied(light(0xA8A29A), 0.3, draws);
    let paint = Paint {
        dark: light(0x302C28),
        light: pale,
        ..spot.surface(draws, rock)
    };
    let at = (x, foot - 0.12 * size);
    let outline = shapes::blob(draws, at, 0.28 * size, 0.2 * size, 0.22, 18);
    canvas.polygon(&outline, 0.0, &paint);
}

fn broadleaf(canvas: &mut Canvas, draws: &mut Draws, spot: &Spot, tile: &Tile) {
    let &Spot { x, foot, size, .. } = spot;
    let leaves = spot.surface(draws, tile);
    let lean = 0.25 + 0.02 * draws.signed();
    let bark = Paint {
        veil: leaves.veil,
        relief: Relief::Slope(0.5, 0.0),
        ..Paint::plain(light(0x4A3C30))
    };
    let trunk = shapes::wander(draws, (x, foot), -lean, 0.1 * size, 6, 0.02);
    canvas.polygon(
        &shapes::stroke(&trunk, 0.07 * size, 0.02 * size),
        0.0,
        &bark,
    );
    let crown = (x, foot - 0.62 * size);
    let spread = draws.between(0.22, 0.4) * size;
    for i in 0..draws.whole(6, 13) {
        let (c, s) = cos_sin(draws.unit());
        let far = spread * draws.unit().sqrt();
        let at = (crown.0 + far * c, crown.1 + 0.75 * far * s);
        let r = spread * draws.between(0.3, 0.65);
        let outline = shapes::blob(draws, at, r, 0.8 * r, 0.3, 44);
        let tone = 0.6 + 0.06 * i as f32;
        let paint = Paint {
            dark: scaled(leaves.dark, tone),
            light: scaled(leaves.light, tone),
            ..leaves
        };
        canvas.polygon(&outline, 0.0, &paint);
    }
}

fn conifer(canvas: &mut Canvas, draws: &mut Draws, spot: &Spot, tile: &Tile) {
    let &Spot { x, foot, size, .. } = spot;
    let needles = spot.surface(draws, tile);
    let tiers = draws.whole(5, 11);
    let wide = draws.between(0.16, 0.3) * size;
    for i in 0..tiers {
        let t = i as f32 / tiers as f32;
        let (half, y) = (wide * (1.0 - 0.85 * t), foot - size * (0.06 + 0.8 * t));
        let rise = size * 1.5 / tiers as f32;
        let mut outline = vec![(x, y - rise)];
        for k in 0..=8 {
            let s = 1.0 - k as f32 / 4.0;
            let ragged = rise * 0.25 * draws.unit();
            outline.push((x + half * s, y - 0.2 * rise * s.abs() + ragged));
        }
        canvas.polygon(
            &outline,
            0.0,
            &Paint {
                relief: Relief::Slope(0.35, 0.3),
                ..needles
            },
        );
    }
}

fn house(canvas: &mut Canvas, draws: &mut Draws, spot: &Spot) {
    let &Spot { x, foot, veil, .. } = spot;
    let size = 0.6 * spot.size;
    let wall = varied(
        light(draws.pick(&[0xE8E0D0, 0xC05A48, 0xD8C8A0, 0xF2F2EE, 0x8FA2B0])),
        0.15,
        draws,
    );
    let roof = varied(
        light(draws.pick(&[0x7A3A2C, 0x4A4A50, 0x9A5A40, 0x3A3030])),
        0.2,
        draws,
    );
    let (w, h) = (
        size * draws.between(0.7, 1.5),
        size * draws.between(0.45, 0.8),
    );
    let face = |c| Paint {
        veil,
        relief: Relief::Slope(0.12, -0.1),
        ..Paint::plain(c)
    };
    canvas.rectangle(x, foot - h, w, h, &face(wall));
    let gable = size * draws.between(0.25, 0.5);
    canvas.polygon(
        &[
            (x - 0.08 * w, foot - h),
            (x + 0.25 * w, foot - h - gable),
            (x + 0.75 * w, foot - h - gable),
            (x + 1.08 * w, foot - h),
        ],
        0.0,
        &face(roof),
    );
    let windows = draws.whole(2, 5);
    for i in 0..windows {
        let at = x + w * (i as f32 + 0.3) / windows as f32;
        let glass = scaled(light(0x2A3440), draws.between(0.5, 2.0));
        canvas.rectangle(
            at,
            foot - 0.75 * h,
            0.4 * w / windows as f32,
            0.35 * h,
            &face(glass),
        );
    }
}

/// A twig with leaves before the lens, out of focus.
pub(super) fn branch(canvas: &mut Canvas, draws: &mut Draws, tile: &Tile) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let left = draws.chance(0.5);
    let from = (
        if left { -5.0 } else { w + 5.0 },
        h * draws.between(0.0, 0.5),
    );
    let turn = if left { 0.0 } else { 0.5 } + 0.08 * draws.signed();
    let soft = w * draws.between(0.001, 0.012);
    let path = shapes::wander(draws, from, turn, 0.04 * w, 12, 0.02);
    let bark = Paint::plain(light(0x2C241E));
    canvas.polygon(&shapes::stroke(&path, 0.014 * w, 0.003 * w), soft, &bark);
    let [dark, pale] = draws.pick(&GROUNDS[..6]).map(light);
    for &(x, y) in &path {
        for _ in 0..3 {
            let length = w * draws.between(0.05, 0.12);
            let outline = shapes::leaf(
                x + 0.03 * w * draws.signed(),
                y + 0.03 * w * draws.signed(),
                length,
                0.4 * length,
                draws.unit(),
            );
            let grain = Grain {
                tile,
                zoom: 1.0,
                turn: (1.0, 0.0),
                shift: (x, y),
                contrast: 0.6,
            };
            let paint = Paint {
                dark: varied(dark, 0.3, draws),
                light: varied(pale, 0.3, draws),
                grain: Some(grain),
                relief: Relief::Slope(0.3, -0.3),
                veil: ([0.0; 3], 0.0),
                opacity: 1.0,
            };
            canvas.polygon(&outline, soft, &paint);
        }
    }
}
