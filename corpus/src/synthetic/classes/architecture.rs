//! Streets and buildings: facades in perspective with rows of windows, hard edges, cars and people.

use super::super::paint::canvas::{Canvas, Grain, Paint, Relief};
use super::super::paint::colour::{Rgb, light, material, mix, scaled, varied};
use super::super::paint::exact::{cos_sin, lerp};
use super::super::paint::polygon::Point;
use super::super::paint::sensor::{Exposure, develop};
use super::super::paint::shapes;
use super::super::paint::tile::Tile;
use crate::draws::Draws;
use crate::synthetic::{Picture, Sheet};

/// A wall seen in perspective: x and heights (top and bottom) at its left and right end.
#[derive(Clone, Copy)]
struct Wall {
    left: (f32, f32, f32),
    right: (f32, f32, f32),
}

impl Wall {
    /// The canvas point at (s, t) of the wall, both 0 to 1, from its top left corner. The apparent height
    /// is inverse to distance, which gives the foreshortening along s.
    fn at(&self, s: f32, t: f32) -> Point {
        let near = (self.left.2 - self.left.1).max(1.0);
        let far = (self.right.2 - self.right.1).max(1.0);
        let p = s * near / lerp(far, near, s).max(1.0);
        let p = if near > far {
            s * far / lerp(near, far, s)
        } else {
            p.min(1.0)
        };
        let p = if (near - far).abs() < 1.0 { s } else { p };
        let x = lerp(self.left.0, self.right.0, p);
        let top = lerp(self.left.1, self.right.1, p);
        let bottom = lerp(self.left.2, self.right.2, p);
        (x, lerp(top, bottom, t))
    }

    fn patch(&self, s0: f32, s1: f32, t0: f32, t1: f32) -> [Point; 4] {
        [
            self.at(s0, t0),
            self.at(s1, t0),
            self.at(s1, t1),
            self.at(s0, t1),
        ]
    }
}

/// Draws a street, a row of houses or a single facade.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (width, height) = (at.width, at.height);
    let (w, h) = (width as f32, height as f32);
    let plaster = Tile::fractal(draws, 256, 1.0);
    let (across, down) = (draws.pick(&[4, 8, 16]), draws.pick(&[8, 16, 32]));
    let brick = Tile::blocks(draws, 256, across, down, 1.2);
    let sky = varied(
        light(draws.pick(&[0x86B4DE, 0xC8D0D6, 0x5E96D2, 0xE8D8C0, 0x9AA6B0])),
        0.15,
        draws,
    );
    let pale = mix(sky, [1.0; 3], 0.6);
    let mut canvas = Canvas::new(width, height, sky);
    canvas.rows(0..height, |y, rows| {
        for (c, row) in rows.into_iter().enumerate() {
            row.fill(lerp(sky[c], pale[c], (y as f32 / h).min(1.0)));
        }
    });
    let ground = h * draws.between(0.7, 1.0);
    let side = draws.signed();
    match draws.below(3) {
        0 => street(&mut canvas, draws, ground.min(0.92 * h), (&plaster, &brick)),
        1 => row(&mut canvas, draws, ground, side, (&plaster, &brick)),
        _ => {
            let tilt = 0.3 * draws.signed();
            let wall = Wall {
                left: (
                    -0.02 * w,
                    h * (-0.1 - tilt.max(0.0)),
                    h * (1.02 + tilt.max(0.0)),
                ),
                right: (
                    1.02 * w,
                    h * (-0.1 + tilt.min(0.0)),
                    h * (1.02 - tilt.min(0.0)),
                ),
            };
            facade(&mut canvas, draws, wall, 1.0, (&plaster, &brick));
        }
    }
    life(&mut canvas, draws, ground);
    if draws.chance(0.5) {
        // The shadow of the house opposite, with a straight edge.
        let (x0, x1) = (draws.between(-0.5, 0.8) * w, draws.between(0.2, 1.5) * w);
        let lean = 0.5 * h * draws.signed();
        canvas.shadow(
            &[
                (x0, -5.0),
                (x1, -5.0),
                (x1 + lean, h + 5.0),
                (x0 + lean, h + 5.0),
            ],
            w * 0.004,
            draws.between(0.25, 0.6),
        );
    }
    let exposure = Exposure::drawn(draws);
    Picture::Rgb(develop(canvas, draws, &exposure))
}

/// Both sides of a street running to a vanishing point.
fn street(canvas: &mut Canvas, draws: &mut Draws, ground: f32, tiles: (&Tile, &Tile)) {
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
            let end = |x: f32| (x, vanish.1 - (tall) * reach(x), vanish.1 + low * reach(x));
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
fn row(canvas: &mut Canvas, draws: &mut Draws, ground: f32, side: f32, tiles: (&Tile, &Tile)) {
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

/// A wall with its windows, sills, bands and door.
fn facade(
    canvas: &mut Canvas,
    draws: &mut Draws,
    wall: Wall,
    bright: f32,
    (plaster, brick): (&Tile, &Tile),
) {
    let colour = scaled(material(draws), bright * 1.1);
    let is_brick = draws.chance(0.35);
    let size =
        ((wall.left.2 - wall.left.1).max(wall.right.2 - wall.right.1) / 512.0).clamp(0.4, 3.0);
    let grain = Grain {
        tile: if is_brick { brick } else { plaster },
        zoom: size * draws.between(0.6, 1.2),
        turn: (1.0, 0.0),
        shift: (draws.unit() * 256.0, draws.unit() * 256.0),
        contrast: if is_brick { 0.8 } else { 0.5 },
    };
    let body = Paint {
        dark: scaled(colour, 0.55),
        light: scaled(colour, 1.35),
        grain: Some(grain),
        relief: Relief::Slope(0.12 * draws.signed(), -0.12),
        veil: ([0.0; 3], 0.0),
        opacity: 1.0,
    };
    canvas.polygon(&wall.patch(0.0, 1.0, 0.0, 1.0), 0.0, &body);
    let aspect = (wall.right.0 - wall.left.0).abs() / (wall.left.2 - wall.left.1).max(1.0);
    let floors = draws.whole(3, 9);
    let columns = ((floors as f32 * aspect * draws.between(0.6, 1.4)) as usize).clamp(2, 16);
    let (wide, tall) = (draws.between(0.35, 0.8), draws.between(0.4, 0.8));
    let frame = Paint::plain(scaled(
        if draws.chance(0.5) { [0.8; 3] } else { colour },
        draws.between(0.5, 1.1),
    ));
    let glass = mix(light(0x10161C), light(0x8FB0CC), draws.unit());
    let sills = draws.chance(0.6);
    let arched = draws.chance(0.2);
    for floor in 0..floors {
        let t0 = (floor as f32 + 0.5 - 0.5 * tall) / floors as f32;
        let t1 = t0 + tall / floors as f32;
        for column in 0..columns {
            let s0 = (column as f32 + 0.5 - 0.5 * wide) / columns as f32;
            let s1 = s0 + wide / columns as f32;
            let e = 0.12 / columns as f32;
            canvas.polygon(
                &wall.patch(s0 - e, s1 + e, t0 - 0.5 * e, t1 + 0.5 * e),
                0.0,
                &frame,
            );
            let sheen = scaled(varied(glass, 0.3, draws), draws.between(0.4, 1.4));
            let pane = Paint {
                relief: Relief::Slope(0.3 * draws.signed(), -0.4),
                ..Paint::plain(sheen)
            };
            canvas.polygon(&wall.patch(s0, s1, t0, t1), 0.0, &pane);
            if arched {
                let (a, b) = (wall.at(s0, t0), wall.at(s1, t0));
                let half = 0.5 * (b.0 - a.0);
                let mut arch = shapes::ellipse(0.5 * (a.0 + b.0), a.1, half, 0.6 * half, 0.0, 24);
                arch.retain(|p| p.1 <= a.1 + 0.5);
                canvas.polygon(&arch, 0.0, &pane);
            }
            if draws.chance(0.3) {
                let curtain = Paint::plain(scaled([0.75, 0.7, 0.6], draws.between(0.3, 1.0)));
                canvas.polygon(
                    &wall.patch(s0, s1, t0, lerp(t0, t1, draws.between(0.2, 0.9))),
                    0.0,
                    &curtain,
                );
            }
            let m = 0.5 * (s0 + s1);
            canvas.polygon(&wall.patch(m - 0.15 * e, m + 0.15 * e, t0, t1), 0.0, &frame);
            if sills {
                canvas.polygon(
                    &wall.patch(s0 - 2.0 * e, s1 + 2.0 * e, t1, t1 + 0.9 * e),
                    0.0,
                    &Paint::plain(scaled(colour, 1.5)),
                );
                canvas.shadow(
                    &wall.patch(s0 - 2.0 * e, s1 + 2.0 * e, t1 + 0.9 * e, t1 + 1.8 * e),
                    0.0,
                    0.4,
                );
            }
        }
    }
    canvas.polygon(
        &wall.patch(-0.01, 1.01, -0.015, 0.012),
        0.0,
        &Paint::plain(scaled(colour, 0.5)),
    );
}

/// Cars, people and street trees at the foot of the picture.
fn life(canvas: &mut Canvas, draws: &mut Draws, ground: f32) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    for _ in 0..draws.below(4) {
        let size = w * draws.between(0.06, 0.2);
        let (x, y) = (
            draws.unit() * w,
            lerp(ground, h, draws.between(0.1, 0.9)) - 0.12 * size,
        );
        let paint = Paint {
            relief: Relief::Slope(0.1, -0.55),
            ..Paint::plain(material(draws))
        };
        canvas.shadow(
            &shapes::ellipse(x, y + 0.17 * size, 0.55 * size, 0.06 * size, 0.0, 20),
            size * 0.03,
            0.7,
        );
        canvas.polygon(
            &shapes::rounded(x, y, size, 0.26 * size, 0.1 * size, 0.0),
            0.0,
            &paint,
        );
        canvas.polygon(
            &[
                (x - 0.32 * size, y - 0.1 * size),
                (x - 0.2 * size, y - 0.29 * size),
                (x + 0.16 * size, y - 0.29 * size),
                (x + 0.33 * size, y - 0.1 * size),
            ],
            0.0,
            &Paint::plain(light(0x20282E)),
        );
        for s in [-0.3, 0.3] {
            canvas.polygon(
                &shapes::ellipse(
                    x + s * size,
                    y + 0.12 * size,
                    0.1 * size,
                    0.1 * size,
                    0.0,
                    20,
                ),
                0.0,
                &Paint::plain([0.01; 3]),
            );
            canvas.polygon(
                &shapes::ellipse(
                    x + s * size,
                    y + 0.12 * size,
                    0.05 * size,
                    0.05 * size,
                    0.0,
                    16,
                ),
                0.0,
                &Paint::plain([0.3; 3]),
            );
        }
    }
    for _ in 0..draws.below(7) {
        let tall = h * draws.between(0.05, 0.16);
        let (x, foot) = (draws.unit() * w, lerp(ground, h, draws.unit()));
        let coat = Paint {
            relief: Relief::Slope(0.3, 0.0),
            ..Paint::plain(material(draws))
        };
        canvas.polygon(
            &shapes::rounded(
                x,
                foot - 0.25 * tall,
                0.16 * tall,
                0.5 * tall,
                0.04 * tall,
                0.0,
            ),
            0.0,
            &Paint::plain(scaled(material(draws), 0.4)),
        );
        let turn = 0.25 + 0.01 * draws.signed();
        canvas.polygon(
            &shapes::ellipse(x, foot - 0.6 * tall, 0.25 * tall, 0.14 * tall, turn, 24),
            0.0,
            &coat,
        );
        let (skin, r) = (
            light(draws.pick(&[0xE0B090, 0x8A5A40, 0x5A3828, 0xC89070])),
            0.07 * tall,
        );
        canvas.polygon(
            &shapes::ellipse(x, foot - 0.92 * tall, r, 1.2 * r, 0.0, 20),
            0.0,
            &Paint::plain(skin),
        );
    }
    if draws.chance(0.3) {
        let x = draws.unit() * w;
        let (c, s) = cos_sin(-0.25 + 0.002 * draws.signed());
        let top = (x + c * 0.6 * h, ground + s * 0.6 * h);
        canvas.polygon(
            &shapes::stroke(&[(x, ground + 0.04 * h), top], 0.01 * w, 0.005 * w),
            0.0,
            &Paint::plain([0.05; 3]),
        );
    }
}
