//! One or two people before an unsharp background: smooth shading, few edges, fine texture in hair and cloth.

use super::super::paint::canvas::{Canvas, Grain, Paint, Relief};
use super::super::paint::colour::{Rgb, light, material, mix, scaled, varied};
use super::super::paint::exact::{cos_sin, lerp};
use super::super::paint::sensor::{Exposure, develop};
use super::super::paint::shapes;
use super::super::paint::tile::{Tile, Walk};
use crate::draws::Draws;
use crate::synthetic::{Picture, Sheet};

const SKIN: [u32; 7] = [
    0xF2CDB4, 0xE3B090, 0xCF9A74, 0xB07A54, 0x8A5A3C, 0x64402C, 0x4A2E22,
];
const HAIR: [u32; 7] = [
    0x16120F, 0x2C1E16, 0x4E3422, 0x7A5430, 0xB08A50, 0x8E8A86, 0x7A3018,
];

/// Draws a portrait.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let rough = draws.between(0.8, 1.0);
    let cloth = match draws.below(3) {
        0 => Tile::fibres(draws, 256, 0.125, 0.25, 14),
        1 => Tile::blocks(draws, 256, 32, 32, 0.6),
        _ => Tile::fractal(draws, 256, 0.95),
    };
    let skin = Tile::fractal(draws, 256, rough);
    let lean = draws.unit();
    let hair = Tile::fibres(draws, 256, lean, 0.02, 60);
    let mut canvas = Canvas::new(at.width, at.height, [0.1; 3]);
    // Few octaves: what is out of focus has no fine ones.
    let blurred = Tile::fractal(draws, 64, 0.6);
    background(&mut canvas, draws, &blurred);
    let people = if draws.chance(0.25) { 2 } else { 1 };
    for i in 0..people {
        let share = if people == 2 {
            0.26 + 0.48 * i as f32
        } else {
            draws.between(0.25, 0.75)
        };
        let size =
            h.min(1.3 * w) * draws.between(0.10, 0.25) / if people == 2 { 1.25 } else { 1.0 };
        let head = (w * share, h * draws.between(0.30, 0.55));
        person(&mut canvas, draws, head, size, (&cloth, &skin, &hair));
    }
    let exposure = Exposure {
        soften: draws.between(0.05, 0.2),
        ..Exposure::drawn(draws)
    };
    Picture::Rgb(develop(canvas, draws, &exposure))
}

/// Something far out of focus: broad tones, and discs of light where the lens turned points into them.
fn background(canvas: &mut Canvas, draws: &mut Draws, tile: &Tile) {
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
    // A few large shapes, each melted into the next.
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
    if draws.chance(0.5) {
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
}

/// Shoulders, neck, hair and face. `r` is half the width of the head in pixels.
fn person(
    canvas: &mut Canvas,
    draws: &mut Draws,
    (x, y): (f32, f32),
    r: f32,
    (cloth, skin, hair): (&Tile, &Tile, &Tile),
) {
    let tone = varied(light(draws.pick(&SKIN)), 0.12, draws);
    let hair_colour = varied(light(draws.pick(&HAIR)), 0.3, draws);
    let sun = (0.75 * draws.signed(), -0.35 * draws.unit());
    let ambient = draws.between(0.25, 0.6);
    let turn = 0.03 * draws.signed();
    let tall = r * draws.between(1.25, 1.42);
    let bottom = canvas.height as f32 + 10.0;
    let style = draws.below(5);
    let strands = |draws: &mut Draws| Paint {
        dark: scaled(hair_colour, 0.35),
        light: scaled(hair_colour, 1.9),
        grain: Some(Grain {
            tile: hair,
            zoom: (r / 110.0).max(0.5),
            turn: cos_sin(draws.unit()),
            shift: (draws.unit() * 256.0, draws.unit() * 256.0),
            contrast: 0.9,
        }),
        relief: Relief::Round(0.7 * sun.0, -0.5, 0.4),
        veil: ([0.0; 3], 0.0),
        opacity: 1.0,
    };
    let soft = (r * 0.02).min(3.0);
    if style >= 3 {
        let long = r * draws.between(1.6, 2.6);
        let back = strands(draws);
        let outline = shapes::blob(draws, (x, y + 0.35 * long), 1.25 * r, long, 0.06, 60);
        canvas.polygon(&outline, soft, &back);
    }
    let shoulder = y + 1.75 * tall;
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
    let neck_colour = scaled(tone, 0.75);
    canvas.polygon(
        &[
            (x - 0.5 * r, y + 0.6 * tall),
            (x + 0.5 * r, y + 0.6 * tall),
            (x + 0.62 * r, shoulder + 0.4 * r),
            (x - 0.62 * r, shoulder + 0.4 * r),
        ],
        soft,
        &Paint {
            relief: Relief::Slope(0.4 * sun.0, 0.1),
            ..Paint::plain(neck_colour)
        },
    );
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

    let warm = [tone[0] * 1.15, tone[1] * 0.95, tone[2] * 0.9];
    let face = Paint {
        dark: scaled(tone, 0.88),
        light: scaled(warm, 1.12),
        grain: Some(Grain {
            tile: skin,
            zoom: (r / 90.0).max(0.6),
            turn: (1.0, 0.0),
            shift: (x, y),
            contrast: draws.between(0.15, 0.6),
        }),
        relief: Relief::Round(sun.0, sun.1, ambient),
        veil: ([0.0; 3], 0.0),
        opacity: 1.0,
    };
    for s in [-1.0, 1.0] {
        canvas.polygon(
            &shapes::ellipse(
                x + s * 0.98 * r,
                y + 0.1 * tall,
                0.16 * r,
                0.28 * r,
                0.0,
                20,
            ),
            soft,
            &Paint {
                relief: Relief::Flat,
                ..face
            },
        );
    }
    canvas.polygon(
        &shapes::ellipse(x, y, tall, r, 0.25 + turn, 72),
        soft,
        &face,
    );
    features(canvas, draws, (x, y), r, tall, turn, tone, hair_colour);
    if style > 0 {
        let cap = strands(draws);
        let n = draws.whole(5, 9);
        for i in 0..n {
            let (c, s) = cos_sin(0.55 + 0.4 * (i as f32 + 0.5) / n as f32);
            let at = (x + 0.92 * r * c, y + 0.92 * tall * s);
            let size = r * draws.between(0.32, 0.52);
            canvas.polygon(
                &shapes::blob(draws, at, size, 0.7 * size, 0.15, 40),
                soft,
                &cap,
            );
        }
    }
    if style == 0 && draws.chance(0.5) {
        let hat = Paint {
            relief: Relief::Slope(0.5 * sun.0, -0.3),
            ..fabric
        };
        canvas.polygon(
            &shapes::rounded(x, y - 0.85 * tall, 2.0 * r, 0.8 * r, 0.4 * r, turn),
            soft,
            &hat,
        );
        canvas.polygon(
            &shapes::rounded(x, y - 0.55 * tall, 2.9 * r, 0.22 * r, 0.1 * r, turn),
            soft,
            &hat,
        );
    }
}

/// Eyes, brows, nose, mouth; sometimes glasses or a beard.
#[expect(
    clippy::too_many_arguments,
    reason = "a face is told by that many numbers, used once"
)]
fn features(
    canvas: &mut Canvas,
    draws: &mut Draws,
    (x, y): (f32, f32),
    r: f32,
    tall: f32,
    turn: f32,
    tone: Rgb,
    hair: Rgb,
) {
    let (c, s) = cos_sin(turn);
    let gaze = 0.2 * draws.signed();
    let at = |dx: f32, dy: f32| {
        (
            x + (dx + gaze) * r * c - dy * tall * s,
            y + (dx + gaze) * r * s + dy * tall * c,
        )
    };
    let soft = (0.03 * r).max(0.4);
    let shade = |strength: f32, colour: Rgb| Paint {
        opacity: strength,
        ..Paint::plain(colour)
    };
    let iris = light(draws.pick(&[0x3A2416, 0x4A6A80, 0x4A5A30, 0x1E1410]));
    let open = draws.between(0.05, 0.1);
    for side in [-0.42, 0.42] {
        let (ex, ey) = at(side, -0.1);
        canvas.polygon(
            &shapes::ellipse(ex, ey - 0.02 * r, 0.27 * r, 0.17 * r, turn, 24),
            0.08 * r,
            &shade(0.35, scaled(tone, 0.35)),
        );
        canvas.polygon(
            &shapes::ellipse(ex, ey, 0.17 * r, open * 1.15 * r, turn, 24),
            soft * 0.5,
            &Paint::plain([0.72, 0.68, 0.66]),
        );
        canvas.polygon(
            &shapes::ellipse(ex, ey, open * r, open * 1.05 * r, 0.0, 20),
            soft * 0.4,
            &Paint::plain(iris),
        );
        canvas.polygon(
            &shapes::ellipse(ex + 0.03 * r, ey - 0.03 * r, 0.022 * r, 0.022 * r, 0.0, 10),
            0.0,
            &Paint::plain([1.2; 3]),
        );
        let (bx, by) = at(side, -0.3 + 0.04 * draws.signed());
        let brow = [
            (bx - 0.22 * r, by + 0.04 * r),
            (bx, by - 0.05 * r),
            (bx + 0.22 * r, by + 0.03 * r),
        ];
        canvas.polygon(
            &shapes::stroke(&brow, 0.07 * r, 0.05 * r),
            soft,
            &shade(0.8, scaled(hair, 0.6)),
        );
    }
    let (nx, ny) = at(0.04, 0.16);
    canvas.polygon(
        &shapes::ellipse(nx + 0.1 * r, ny, 0.1 * r, 0.28 * r, 0.0, 20),
        0.1 * r,
        &shade(0.35, scaled(tone, 0.4)),
    );
    canvas.polygon(
        &shapes::ellipse(nx - 0.04 * r, ny, 0.05 * r, 0.2 * r, 0.0, 20),
        0.06 * r,
        &shade(0.4, scaled(tone, 1.7)),
    );
    for side in [-0.09, 0.09] {
        let (hx, hy) = at(side, 0.29);
        canvas.polygon(
            &shapes::ellipse(hx, hy, 0.05 * r, 0.03 * r, 0.0, 12),
            soft,
            &shade(0.7, scaled(tone, 0.2)),
        );
    }
    if draws.chance(0.25) {
        let (jx, jy) = at(0.0, 0.66);
        let beard = shapes::blob(draws, (jx, jy), 0.62 * r, 0.4 * r, 0.1, 40);
        canvas.polygon(
            &beard,
            0.08 * r,
            &shade(draws.between(0.4, 0.9), scaled(hair, 0.7)),
        );
    }
    let (mx, my) = at(0.0, 0.5);
    let smile = 0.08 * draws.signed() + 0.04;
    let lips = [tone[0] * 0.85, tone[1] * 0.42, tone[2] * 0.45];
    let wide = draws.between(0.22, 0.4) * r;
    let mouth = [
        (mx - wide, my - smile * r),
        (mx - 0.4 * wide, my),
        (mx + 0.4 * wide, my),
        (mx + wide, my - smile * r),
    ];
    canvas.polygon(
        &shapes::stroke(&mouth, 0.13 * r, 0.13 * r),
        soft,
        &Paint::plain(lips),
    );
    canvas.polygon(
        &shapes::stroke(&mouth, 0.03 * r, 0.03 * r),
        soft * 0.6,
        &Paint::plain(scaled(lips, 0.15)),
    );
    if draws.chance(0.25) {
        let rim = Paint::plain(scaled(material(draws), 0.2));
        for side in [-0.42, 0.42] {
            let (ex, ey) = at(side, -0.09);
            let outer = shapes::rounded(ex, ey, 0.66 * r, 0.5 * r, 0.2 * r, turn);
            let mut inner = shapes::rounded(ex, ey, 0.58 * r, 0.42 * r, 0.18 * r, turn);
            inner.reverse();
            canvas.contours(&[&outer, &inner], 0.0, &rim);
        }
        let (a, b) = (at(-0.1, -0.12), at(0.1, -0.12));
        canvas.polygon(&shapes::stroke(&[a, b], 0.05 * r, 0.05 * r), 0.0, &rim);
    }
}
