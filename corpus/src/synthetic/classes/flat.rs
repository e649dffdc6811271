//! Pictures with hardly any detail: clear or foggy sky, paper, a painted wall, a backdrop. Never quite
//! constant: broad unevenness, a faint grain, and sometimes one small thing.

use super::super::paint::canvas::{Canvas, Paint};
use super::super::paint::colour::{hsv, light, material, mix, varied};
use super::super::paint::exact::lerp;
use super::super::paint::sensor::{Exposure, develop};
use super::super::paint::shapes;
use super::super::paint::tile::{Tile, Walk};
use crate::draws::Draws;
use crate::synthetic::{Picture, Sheet};

/// Draws a nearly even picture.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let tile = Tile::fractal(draws, 256, 0.9);
    let smooth = Tile::fractal(draws, 64, 0.6);
    let a = match draws.below(4) {
        0 => varied(light(0x9CC4EA), 0.2, draws),
        1 => varied(light(0xE8E2D4), 0.1, draws),
        2 => hsv(
            draws.unit(),
            draws.between(0.05, 0.6),
            draws.between(0.4, 0.9),
        ),
        _ => varied(light(0xB8BEC2), 0.2, draws),
    };
    let b = mix(a, material(draws), draws.between(0.1, 0.7));
    let (gx, gy) = (draws.signed(), draws.signed());
    let uneven = draws.between(0.12, 0.5);
    let zoom = w.max(h) / smooth.side() * draws.between(1.2, 6.0);
    let grain = 0.015 + 0.08 * draws.unit() * draws.unit();
    let (u, v) = (draws.unit() * 256.0, draws.unit() * 256.0);
    let mut canvas = Canvas::new(at.width, at.height, a);
    let (mut broad, mut fine) = (vec![0.0; at.width], vec![0.0; at.width]);
    canvas.rows(0..at.height, |y, [r, g, bl]| {
        let k = 1.0 / zoom;
        smooth.row(
            Walk {
                u,
                v: v + y as f32 * k,
                du: k,
                dv: 0.0,
                down: 0.0,
            },
            &mut broad,
        );
        tile.row(
            Walk {
                u: v,
                v: u + y as f32 * 0.9,
                du: 0.9,
                dv: 0.0,
                down: 0.0,
            },
            &mut fine,
        );
        for x in 0..broad.len() {
            let slope =
                0.5 + 0.35 * (gx * (2.0 * x as f32 / w - 1.0) + gy * (2.0 * y as f32 / h - 1.0));
            let m = (slope + uneven * broad[x]).clamp(0.0, 1.0);
            let level = 1.0 + grain * fine[x];
            r[x] = lerp(a[0], b[0], m) * level;
            g[x] = lerp(a[1], b[1], m) * level;
            bl[x] = lerp(a[2], b[2], m) * level;
        }
    });
    if draws.chance(0.4) {
        let r = w.max(h) * draws.between(0.006, 0.03);
        let (x, y) = (draws.between(0.1, 0.9) * w, draws.between(0.1, 0.9) * h);
        let thing = shapes::blob(draws, (x, y), r, 0.6 * r, 0.3, 24);
        canvas.polygon(
            &thing,
            0.1 * r,
            &Paint {
                opacity: draws.between(0.4, 1.0),
                ..Paint::plain(material(draws))
            },
        );
    }
    let exposure = Exposure {
        mean: draws.between(0.15, 0.5),
        ..Exposure::drawn(draws)
    };
    Picture::Rgb(develop(canvas, draws, &exposure))
}
