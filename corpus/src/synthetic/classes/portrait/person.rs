//! A person from behind to the front: long hair, clothes, head, short hair or a hat.

use super::face::features;
use super::sitter::{Sitter, Style};
use crate::draws::Draws;
use crate::synthetic::paint::canvas::{Canvas, Grain, Paint, Relief};
use crate::synthetic::paint::colour::{material, scaled, varied};
use crate::synthetic::paint::exact::cos_sin;
use crate::synthetic::paint::shapes;
use crate::synthetic::paint::tile::Tile;

/// What people are made of.
pub(super) struct Tiles {
    cloth: Tile,
    skin: Tile,
    hair: Tile,
}

impl Tiles {
    pub(super) fn drawn(draws: &mut Draws) -> Tiles {
        let rough = draws.between(0.8, 1.0);
        let cloth = match draws.below(3) {
            0 => Tile::fibres(draws, 256, 0.125, 0.25, 14),
            1 => Tile::blocks(draws, 256, 32, 32, 0.6),
            _ => Tile::fractal(draws, 256, 0.95),
        };
        let skin = Tile::fractal(draws, 256, rough);
        let lean = draws.unit();
        let hair = Tile::fibres(draws, 256, lean, 0.02, 60);
        Tiles { cloth, skin, hair }
    }
}

/// Shoulders, neck, hair and face. `r` is half the width of the head in pixels.
pub(super) fn person(
    canvas: &mut Canvas,
    draws: &mut Draws,
    head: (f32, f32),
    r: f32,
    tiles: &Tiles,
) {
    let sitter = Sitter::drawn(draws, head, r);
    if sitter.style == Style::Long {
        mane(canvas, draws, &sitter, &tiles.hair);
    }
    let fabric = clothes(canvas, draws, &sitter, &tiles.cloth);
    skull(canvas, draws, &sitter, &tiles.skin);
    features(canvas, draws, &sitter);
    if sitter.style != Style::Bald {
        locks(canvas, draws, &sitter, &tiles.hair);
    } else if draws.chance(0.5) {
        hat(canvas, &sitter, fabric);
    }
}

fn strands<'a>(draws: &mut Draws, sitter: &Sitter, hair: &'a Tile) -> Paint<'a> {
    Paint {
        dark: scaled(sitter.hair, 0.35),
        light: scaled(sitter.hair, 1.9),
        grain: Some(Grain {
            tile: hair,
            zoom: (sitter.r / 110.0).max(0.5),
            turn: cos_sin(draws.unit()),
            shift: (draws.unit() * 256.0, draws.unit() * 256.0),
            contrast: 0.9,
        }),
        relief: Relief::Round(0.7 * sitter.sun.0, -0.5, 0.4),
        veil: ([0.0; 3], 0.0),
        opacity: 1.0,
    }
}

/// Long hair behind the shoulders.
fn mane(canvas: &mut Canvas, draws: &mut Draws, sitter: &Sitter, hair: &Tile) {
    let &Sitter { x, y, r, .. } = sitter;
    let long = r * draws.between(1.6, 2.6);
    let back = strands(draws, sitter, hair);
    let outline = shapes::blob(draws, (x, y + 0.35 * long), 1.25 * r, long, 0.06, 60);
    canvas.polygon(&outline, sitter.soft, &back);
}

/// The neck, and shoulders in folds of a fabric, which is returned.
fn clothes<'a>(
    canvas: &mut Canvas,
    draws: &mut Draws,
    sitter: &Sitter,
    cloth: &'a Tile,
) -> Paint<'a> {
    let &Sitter {
        x, y, r, sun, soft, ..
    } = sitter;
    let shoulder = sitter.shoulder();
    let wide = r * draws.between(2.1, 2.9);
    let wear = varied(material(draws), 0.2, draws);
    let fabric = Paint {
        dark: scaled(wear, 0.5),
        light: scaled(wear, 1.5),
        grain: Some(Grain {
            tile: cloth,
            zoom: (r / 140.0).max(0.5),
            turn: cos_sin(0.02 * draws.signed()),
            shift: (x, y),
            contrast: draws.between(0.15, 0.8),
        }),
        relief: Relief::Slope(0.5 * sun.0, -0.15),
        veil: ([0.0; 3], 0.0),
        opacity: 1.0,
    };
    neck(canvas, sitter);
    let bottom = canvas.height as f32 + 10.0;
    let mut body = vec![(x - wide, bottom), (x - wide, shoulder + 0.9 * r)];
    for i in 0..=10 {
        let t = i as f32 / 5.0 - 1.0;
        body.push((
            x + t * wide * 0.92,
            shoulder + 0.55 * r * t * t + if t.abs() < 0.3 { 0.25 * r } else { 0.0 },
        ));
    }
    body.extend([(x + wide, shoulder + 0.9 * r), (x + wide, bottom)]);
    canvas.polygon(&body, soft, &fabric);
    for _ in 0..draws.below(9) {
        let from = (
            x + wide * draws.signed(),
            shoulder + r * draws.between(0.4, 1.8),
        );
        let fold = shapes::wander(draws, from, 0.25 + 0.1 * wide.signum(), 0.25 * r, 7, 0.03);
        canvas.shadow(&shapes::stroke(&fold, 0.16 * r, 0.02 * r), 0.06 * r, 0.4);
    }
    fabric
}

fn neck(canvas: &mut Canvas, sitter: &Sitter) {
    let &Sitter { x, y, r, tall, .. } = sitter;
    let shoulder = sitter.shoulder();
    canvas.polygon(
        &[
            (x - 0.5 * r, y + 0.6 * tall),
            (x + 0.5 * r, y + 0.6 * tall),
            (x + 0.62 * r, shoulder + 0.4 * r),
            (x - 0.62 * r, shoulder + 0.4 * r),
        ],
        sitter.soft,
        &Paint {
            relief: Relief::Slope(0.4 * sitter.sun.0, 0.1),
            ..Paint::plain(scaled(sitter.skin, 0.75))
        },
    );
}

/// Ears, and the head without its features.
fn skull(canvas: &mut Canvas, draws: &mut Draws, sitter: &Sitter, tile: &Tile) {
    let &Sitter {
        x,
        y,
        r,
        tall,
        skin,
        soft,
        ..
    } = sitter;
    let warm = [skin[0] * 1.15, skin[1] * 0.95, skin[2] * 0.9];
    let face = Paint {
        dark: scaled(skin, 0.88),
        light: scaled(warm, 1.12),
        grain: Some(Grain {
            tile,
            zoom: (r / 90.0).max(0.6),
            turn: (1.0, 0.0),
            shift: (x, y),
            contrast: draws.between(0.15, 0.6),
        }),
        relief: Relief::Round(sitter.sun.0, sitter.sun.1, sitter.ambient),
        veil: ([0.0; 3], 0.0),
        opacity: 1.0,
    };
    let ear = Paint {
        relief: Relief::Flat,
        ..face
    };
    for s in [-1.0, 1.0] {
        let outline = shapes::ellipse(
            x + s * 0.98 * r,
            y + 0.1 * tall,
            0.16 * r,
            0.28 * r,
            0.0,
            20,
        );
        canvas.polygon(&outline, soft, &ear);
    }
    let outline = shapes::ellipse(x, y, tall, r, 0.25 + sitter.turn, 72);
    canvas.polygon(&outline, soft, &face);
}

/// Hair over the brow.
fn locks(canvas: &mut Canvas, draws: &mut Draws, sitter: &Sitter, hair: &Tile) {
    let &Sitter { x, y, r, tall, .. } = sitter;
    let cap = strands(draws, sitter, hair);
    let n = draws.whole(5, 9);
    for i in 0..n {
        let (c, s) = cos_sin(0.55 + 0.4 * (i as f32 + 0.5) / n as f32);
        let at = (x + 0.92 * r * c, y + 0.92 * tall * s);
        let size = r * draws.between(0.32, 0.52);
        let outline = shapes::blob(draws, at, size, 0.7 * size, 0.15, 40);
        canvas.polygon(&outline, sitter.soft, &cap);
    }
}

/// Crown and brim, of the fabric of the clothes.
fn hat(canvas: &mut Canvas, sitter: &Sitter, fabric: Paint<'_>) {
    let &Sitter {
        x,
        y,
        r,
        tall,
        turn,
        ..
    } = sitter;
    let felt = Paint {
        relief: Relief::Slope(0.5 * sitter.sun.0, -0.3),
        ..fabric
    };
    let crown = shapes::rounded(x, y - 0.85 * tall, 2.0 * r, 0.8 * r, 0.4 * r, turn);
    canvas.polygon(&crown, sitter.soft, &felt);
    let brim = shapes::rounded(x, y - 0.55 * tall, 2.9 * r, 0.22 * r, 0.1 * r, turn);
    canvas.polygon(&brim, sitter.soft, &felt);
}
