//! Frames filled by one rich surface: grass, gravel, foliage, bark, brick, ripples, cloth.

use super::super::paint::canvas::{Canvas, Grain, Paint, Relief};
use super::super::paint::colour::{Rgb, light, material, scaled, varied};
use super::super::paint::exact::{cos_sin, lerp, smoothstep};
use super::super::paint::sensor::{Exposure, develop};
use super::super::paint::shapes;
use super::super::paint::tile::{Tile, Walk};
use crate::draws::Draws;
use crate::synthetic::{Picture, Sheet};

/// Dark and light of each surface.
const SURFACES: [[u32; 2]; 10] = [
    [0x1E3010, 0x9AB84C],
    [0x38402A, 0xC2B878],
    [0x3A3632, 0xB8B2A8],
    [0x4A3A30, 0xC8A890],
    [0x24301C, 0x6E9040],
    [0x2A1C14, 0x8A6A4C],
    [0x5A2A1E, 0xC07858],
    [0x183040, 0x90B8C8],
    [0x6A5A48, 0xE8D8BC],
    [0x3A1E10, 0xD89040],
];

/// Draws a surface.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let kind = draws.below(7);
    let turn = draws.unit();
    let spread = draws.between(0.02, 0.12);
    let across = draws.pick(&[8, 16, 32, 64]);
    let rough = draws.between(0.85, 1.1);
    let fine = match kind {
        0 => Tile::fibres(draws, 512, 0.7 + 0.1 * turn, spread, 36),
        1 | 2 => Tile::cells(draws, 512, across),
        3 => Tile::fibres(draws, 512, turn, 0.01, 90),
        4 => Tile::blocks(draws, 512, across.min(16), (2 * across).min(32), 2.0),
        5 => Tile::ridged(draws, 512, rough),
        _ => Tile::fractal(draws, 512, rough),
    };
    let broad = Tile::fractal(draws, 256, 0.8);
    let [dark, pale] = draws.pick(&SURFACES).map(|c| varied(light(c), 0.3, draws));
    let other = varied(light(draws.pick(&SURFACES)[1]), 0.3, draws);
    let mut canvas = Canvas::new(at.width, at.height, dark);
    let tilt = if draws.chance(0.5) {
        draws.between(0.3, 0.9)
    } else {
        0.0
    };
    surface(
        &mut canvas,
        draws,
        (&fine, &broad),
        [dark, pale, other],
        tilt,
    );
    if kind == 2 || draws.chance(0.45) {
        strewn(&mut canvas, draws, &fine, [dark, pale, other]);
    }
    if draws.chance(0.6) {
        // Light through leaves or from a window: large soft patches.
        for _ in 0..draws.whole(1, 6) {
            let r = w.max(h) * draws.between(0.08, 0.4);
            let patch = shapes::blob(draws, (0.0, 0.0), r, 0.7 * r, 0.3, 40);
            let (x, y) = (draws.unit() * w, draws.unit() * h);
            let placed: Vec<_> = patch.iter().map(|p| (p.0 + x, p.1 + y)).collect();
            canvas.shadow(&placed, (0.08 * r).min(24.0), draws.between(0.3, 0.75));
        }
    }
    let exposure = Exposure {
        soften: draws.between(-0.06, 0.14),
        ..Exposure::drawn(draws)
    };
    Picture::Rgb(develop(canvas, draws, &exposure))
}

fn surface(
    canvas: &mut Canvas,
    draws: &mut Draws,
    (fine, broad): (&Tile, &Tile),
    [dark, pale, other]: [Rgb; 3],
    tilt: f32,
) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let scale = 1000.0 / w.max(h) * draws.between(0.45, 1.3);
    let (c, s) = cos_sin(if tilt > 0.0 { 0.0 } else { draws.unit() });
    let (u, v) = (draws.unit() * 512.0, draws.unit() * 512.0);
    let contrast = draws.between(0.9, 1.7);
    let uneven = draws.between(0.3, 1.3);
    let blend = draws.unit();
    let light_x = 0.5 * draws.signed();
    let light_y = 0.5 * draws.signed();
    let (mut near, mut far) = (vec![0.0; canvas.width], vec![0.0; canvas.width]);
    canvas.rows(0..canvas.height, |y, [r, g, b]| {
        // A tilted plane: the step grows towards the top, and rows are left out likewise.
        let t = y as f32 / h;
        let k = scale / lerp(1.0 - 0.85 * tilt, 1.0, t);
        let depth = if tilt > 0.0 {
            -k * h / scale * scale
        } else {
            y as f32 * scale
        };
        let walk = Walk {
            u: u - 0.5 * w * k * c - depth * s,
            v: v - 0.5 * w * k * s + depth * c,
            du: k * c,
            dv: k * s,
            down: 0.0,
        };
        fine.row(walk, &mut near);
        let q = 0.09;
        broad.row(
            Walk {
                u: walk.u * q,
                v: walk.v * q,
                du: walk.du * q,
                dv: walk.dv * q,
                down: 0.0,
            },
            &mut far,
        );
        for x in 0..near.len() {
            let lit = 1.0 + light_x * (2.0 * x as f32 / w - 1.0) + light_y * (2.0 * t - 1.0);
            let tone = (0.45 + contrast * 0.6 * near[x]).max(-0.12);
            let m = smoothstep(-0.1, 0.5, far[x]) * blend;
            let level = (1.0 + uneven * far[x]).max(0.15) * lit;
            for (o, ch) in [&mut r[x], &mut g[x], &mut b[x]].into_iter().zip(0..3) {
                *o = (lerp(lerp(dark[ch], pale[ch], tone), other[ch] * (0.4 + tone), m) * level)
                    .max(0.0);
            }
        }
    });
}

/// Leaves, stones or petals lying on the surface.
fn strewn(canvas: &mut Canvas, draws: &mut Draws, tile: &Tile, [dark, pale, other]: [Rgb; 3]) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let long = w.max(h);
    let leafy = draws.chance(0.5);
    let base = draws.between(0.02, 0.09) * long;
    let count = ((draws.between(0.1, 1.4) * w * h / (base * base)) as usize).min(350);
    let sun = cos_sin(draws.unit());
    let odd = material(draws);
    for _ in 0..count {
        let size = base * draws.between(0.4, 1.4);
        let (x, y) = (draws.unit() * w, draws.unit() * h);
        let turn = draws.unit();
        let outline = if leafy {
            shapes::leaf(x, y, 1.6 * size, 0.5 * size, turn)
        } else {
            shapes::blob(draws, (x, y), 0.6 * size, 0.45 * size, 0.14, 22)
        };
        let colour = varied(draws.pick(&[pale, other, odd]), 0.5, draws);
        let shade: Vec<_> = outline
            .iter()
            .map(|p| (p.0 - sun.0 * 0.08 * size, p.1 - sun.1 * 0.08 * size))
            .collect();
        canvas.shadow(&shade, 0.05 * size, 0.6);
        let relief = if leafy {
            Relief::Slope(0.4 * sun.0, 0.4 * sun.1)
        } else {
            Relief::Round(0.6 * sun.0, 0.6 * sun.1, 0.3)
        };
        let grain = Grain {
            tile,
            zoom: long / 1200.0,
            turn: cos_sin(turn),
            shift: (x, y),
            contrast: draws.between(0.2, 0.8),
        };
        let paint = Paint {
            dark: scaled(dark, 0.8),
            light: scaled(colour, 1.3),
            grain: Some(grain),
            relief,
            veil: ([0.0; 3], 0.0),
            opacity: 1.0,
        };
        canvas.polygon(&outline, 0.0, &paint);
        if leafy {
            let (c, s) = cos_sin(turn);
            let vein = [
                (x - 0.7 * size * c, y - 0.7 * size * s),
                (x + 0.7 * size * c, y + 0.7 * size * s),
            ];
            canvas.polygon(
                &shapes::stroke(&vein, 0.04 * size, 0.01 * size),
                0.0,
                &Paint {
                    opacity: 0.6,
                    ..Paint::plain(scaled(colour, 1.8))
                },
            );
        }
    }
}
