//! Outdoor views: sky with clouds, ranges of hills behind haze, land or water in perspective, trees,
//! rocks and houses that shrink towards the horizon.

use super::super::paint::canvas::{Canvas, Grain, Paint, Relief};
use super::super::paint::colour::{Rgb, light, mix, scaled, varied};
use super::super::paint::exact::{cos_sin, lerp, smoothstep};
use super::super::paint::sensor::{Exposure, develop};
use super::super::paint::shapes;
use super::super::paint::tile::{Tile, Walk};
use super::countryside;
use super::grounds::GROUNDS;
use crate::draws::Draws;
use crate::synthetic::{Picture, Sheet};

/// Colours of an hour and a weather: top of the sky, sky at the horizon, sunlit cloud, cloud's underside.
const SKIES: [[u32; 4]; 7] = [
    [0x2F6FB8, 0xA9CDE6, 0xFFFFFF, 0x9FB0C0],
    [0x4A8FD0, 0xDCE8EE, 0xFFFDF8, 0xB9C4CC],
    [0x8D9AA6, 0xC9CED2, 0xE2E4E6, 0x7F8890],
    [0x35507F, 0xF2B477, 0xFFD9A0, 0x8A6A78],
    [0x2A2F55, 0xC9656A, 0xF09A7C, 0x4A3A58],
    [0xB9C6CC, 0xE6EAEA, 0xF4F5F4, 0xC4CCD0],
    [0x1E5AA0, 0x7FB6DE, 0xF8F8FF, 0x8FA4BC],
];

/// Draws a landscape.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (width, height) = (at.width, at.height);
    let (w, h) = (width as f32, height as f32);
    let sky: [Rgb; 4] = draws.pick(&SKIES).map(|c| varied(light(c), 0.15, draws));
    let horizon = h * draws.between(0.22, 0.74);
    let rough = draws.between(0.86, 1.06);
    let tile = Tile::fractal(draws, 512, rough);
    let rock = Tile::ridged(draws, 256, 0.92);
    let sun = (
        draws.between(0.05, 0.95) * w,
        horizon * draws.between(0.1, 1.05),
    );
    let sun_side = if sun.0 < 0.5 * w { -1.0 } else { 1.0 };

    let mut canvas = Canvas::new(width, height, sky[1]);
    paint_sky(&mut canvas, draws, &sky, horizon, sun, &tile);
    let haze = sky[1];
    for k in 0..draws.below(6) {
        let cover = if draws.chance(0.5) { &tile } else { &rock };
        range(&mut canvas, draws, horizon, k, haze, cover, sun_side);
    }
    let ground = draws.pick(&GROUNDS).map(|c| varied(light(c), 0.25, draws));
    let wet = draws.chance(0.25);
    if wet {
        water(&mut canvas, draws, horizon, scaled(sky[0], 0.25), &tile);
    } else {
        land(&mut canvas, draws, horizon, ground, haze, &tile);
    }
    countryside::things(
        &mut canvas,
        draws,
        horizon,
        wet,
        haze,
        (&tile, &rock),
        sun_side,
    );
    if draws.chance(0.2) {
        countryside::branch(&mut canvas, draws, &tile);
    }
    let exposure = Exposure {
        contrast: draws.between(0.25, 0.8),
        ..Exposure::drawn(draws)
    };
    Picture::Rgb(develop(canvas, draws, &exposure))
}

fn paint_sky(
    canvas: &mut Canvas,
    draws: &mut Draws,
    sky: &[Rgb; 4],
    horizon: f32,
    sun: (f32, f32),
    tile: &Tile,
) {
    let w = canvas.width as f32;
    let cover = draws.between(-0.45, 0.5);
    let crisp = draws.between(0.12, 0.7);
    let size = w / draws.between(0.12, 1.6) / tile.side();
    let (u, v) = (draws.unit() * 512.0, draws.unit() * 512.0);
    let slant = 0.3 * draws.signed();
    let rows = (horizon.max(0.0) as usize + 2).min(canvas.height);
    let (mut body, mut shade) = (vec![0.0; canvas.width], vec![0.0; canvas.width]);
    canvas.rows(0..rows, |y, [r, g, b]| {
        let up = (1.0 - y as f32 / horizon.max(1.0)).clamp(0.0, 1.0);
        let base = mix(sky[1], sky[0], up.sqrt() * up.sqrt().sqrt());
        // Clouds crowd together towards the horizon, as a flat layer does in perspective.
        let far = 1.0 / (0.25 + up);
        let k = far / size;
        let walk = Walk {
            u: u - 0.5 * w * k,
            v: v + 0.7 * w * k,
            du: k,
            dv: slant * k,
            down: 0.7 * w * k * far / horizon,
        };
        tile.row(walk, &mut body);
        tile.row(
            Walk {
                u: walk.u + 9.0,
                v: walk.v + 14.0,
                ..walk
            },
            &mut shade,
        );
        for x in 0..body.len() {
            let amount = smoothstep(-cover, -cover + crisp, body[x]) * 0.92;
            let t = (0.55 + 1.3 * (body[x] - shade[x])).clamp(0.0, 1.0);
            r[x] = lerp(base[0], lerp(sky[3][0], sky[2][0], t), amount);
            g[x] = lerp(base[1], lerp(sky[3][1], sky[2][1], t), amount);
            b[x] = lerp(base[2], lerp(sky[3][2], sky[2][2], t), amount);
        }
    });
    if draws.chance(0.45) {
        let core = w * draws.between(0.01, 0.05);
        canvas.glow(
            sun.0,
            sun.1,
            core,
            w * 0.6,
            scaled(sky[2], draws.between(0.3, 2.0)),
        );
    }
}

/// A range of hills; the first drawn stands farthest back.
fn range(
    canvas: &mut Canvas,
    draws: &mut Draws,
    horizon: f32,
    k: usize,
    haze: Rgb,
    tile: &Tile,
    side: f32,
) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let crag = draws.between(0.42, 0.7);
    let skyline = shapes::skyline(draws, 256, crag);
    let amplitude = h * (0.03 + 0.5 * draws.unit() * draws.unit()) / (1.0 + 0.3 * k as f32);
    let base = horizon - h * 0.03 * draws.unit();
    let outline = shapes::land(&skyline, w, base, amplitude, horizon + 3.0);
    let [dark, pale] = draws.pick(&GROUNDS).map(|c| varied(light(c), 0.2, draws));
    let air = (0.75 - 0.17 * k as f32 + 0.15 * draws.signed()).clamp(0.0, 0.9);
    let paint = Paint {
        dark: scaled(dark, 0.7),
        light: pale,
        grain: Some(Grain {
            tile,
            zoom: w / 900.0 * draws.between(0.7, 1.6),
            turn: cos_sin(0.08 * draws.signed()),
            shift: (draws.unit() * 512.0, draws.unit() * 512.0),
            contrast: 0.9,
        }),
        relief: Relief::Slope(0.2 * side, -0.2),
        veil: (haze, air),
        opacity: 1.0,
    };
    canvas.polygon(&outline, 0.0, &paint);
}

/// Ground in perspective: texture that shrinks with distance and larger patches of another tone.
fn land(
    canvas: &mut Canvas,
    draws: &mut Draws,
    horizon: f32,
    [dark, pale]: [Rgb; 2],
    haze: Rgb,
    tile: &Tile,
) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let depth = h - horizon + 1.0;
    let near = 1000.0 / w * draws.between(0.35, 1.0);
    // Focal length over picture width: how much depth is crowded into a row.
    let focal = draws.between(0.6, 1.1) * w;
    let contrast = draws.between(0.7, 1.5);
    let (u, v) = (draws.unit() * 512.0, draws.unit() * 512.0);
    let air = draws.between(0.0, 0.7);
    let other = varied(mix(dark, pale, 0.5), 0.6, draws);
    let patches = draws.between(0.0, 0.9);
    let cloudy = draws.between(0.0, 0.65);
    let (mut fine, mut broad) = (vec![0.0; canvas.width], vec![0.0; canvas.width]);
    canvas.rows(horizon.max(0.0) as usize..canvas.height, |y, [r, g, b]| {
        let t = ((y as f32 - horizon + 1.0) / depth).clamp(0.002, 1.0);
        let far = 1.0 / t;
        let k = near * far;
        tile.row(
            Walk {
                u: u - 0.5 * w * k,
                v: v - k * focal,
                du: k,
                dv: 0.0,
                down: k * focal * far / depth,
            },
            &mut fine,
        );
        let q = 0.11 * k;
        tile.row(
            Walk {
                u: v - 0.5 * w * q,
                v: u - q * focal,
                du: q,
                dv: 0.0,
                down: q * focal * far / depth,
            },
            &mut broad,
        );
        let veil = air * (1.0 - t) * (1.0 - t) * (1.0 - t);
        for x in 0..fine.len() {
            let tone = (0.45 + contrast * (0.7 * fine[x] + 0.5 * broad[x])).max(-0.1);
            let sunlit = 1.0 - cloudy * smoothstep(-0.1, 0.12, -broad[x] - 0.1);
            let m = smoothstep(0.0, 0.35, broad[x] + 0.1 * fine[x]) * patches;
            for (o, c) in [&mut r[x], &mut g[x], &mut b[x]].into_iter().zip(0..3) {
                let colour = lerp(
                    lerp(dark[c], pale[c], tone),
                    other[c] * (0.6 + 0.8 * tone),
                    m,
                ) * sunlit;
                *o = lerp(colour.max(0.0), haze[c], veil);
            }
        }
    });
}

/// Water that mirrors what stands above the horizon, broken by waves that grow towards the viewer.
fn water(canvas: &mut Canvas, draws: &mut Draws, horizon: f32, deep: Rgb, tile: &Tile) {
    let (w, h) = (canvas.width, canvas.height);
    let start = horizon.max(1.0) as usize;
    let waves = draws.between(0.1, 1.2);
    let clear = draws.between(0.45, 0.9);
    let depth = h as f32 - horizon + 1.0;
    let near = 1000.0 / w as f32;
    // Where more lies below the horizon than above it, the mirror image is pressed to what there is.
    let squeeze = ((start as f32 - 1.0) / (1.3 * depth)).min(1.0);
    let mut wave = vec![0.0; w];
    for (plane, deep) in canvas.planes.iter_mut().zip(deep) {
        let (above, below) = plane.split_at_mut(start * w);
        for (row, out) in below.chunks_exact_mut(w).enumerate() {
            let t = ((row as f32 + 1.0) / depth).max(0.004);
            let k = near / t * 0.6;
            tile.row(
                Walk {
                    u: -0.5 * w as f32 * k,
                    v: -k * w as f32,
                    du: k,
                    dv: 0.0,
                    down: k * w as f32 / (t * depth),
                },
                &mut wave,
            );
            for (x, o) in out.iter_mut().enumerate() {
                let shifted = row as f32 + wave[x] * waves * t * 0.5 * h as f32;
                let from = start - 1 - ((shifted * squeeze).max(0.0) as usize).min(start - 1);
                let mirror = clear * (1.0 - 0.5 * t);
                *o = lerp(deep, above[from * w + x], mirror) * (1.0 + 0.5 * waves * wave[x]);
            }
        }
    }
}
