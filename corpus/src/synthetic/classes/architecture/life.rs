//! What moves at the foot of a street: cars, people, and a pole.

use crate::draws::Draws;
use crate::synthetic::paint::canvas::{Canvas, Paint, Relief};
use crate::synthetic::paint::colour::{light, material, scaled};
use crate::synthetic::paint::exact::{cos_sin, lerp};
use crate::synthetic::paint::shapes;

/// Cars, people and sometimes a pole at the foot of the picture.
pub(super) fn life(canvas: &mut Canvas, draws: &mut Draws, ground: f32) {
    for _ in 0..draws.below(4) {
        car(canvas, draws, ground);
    }
    for _ in 0..draws.below(7) {
        walker(canvas, draws, ground);
    }
    if draws.chance(0.3) {
        pole(canvas, draws, ground);
    }
}

fn car(canvas: &mut Canvas, draws: &mut Draws, ground: f32) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
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
    let windows = [
        (x - 0.32 * size, y - 0.1 * size),
        (x - 0.2 * size, y - 0.29 * size),
        (x + 0.16 * size, y - 0.29 * size),
        (x + 0.33 * size, y - 0.1 * size),
    ];
    canvas.polygon(&windows, 0.0, &Paint::plain(light(0x20282E)));
    for s in [-0.3, 0.3] {
        for (radius, points, grey) in [(0.1, 20, 0.01), (0.05, 16, 0.3)] {
            let r = radius * size;
            canvas.polygon(
                &shapes::ellipse(x + s * size, y + 0.12 * size, r, r, 0.0, points),
                0.0,
                &Paint::plain([grey; 3]),
            );
        }
    }
}

fn walker(canvas: &mut Canvas, draws: &mut Draws, ground: f32) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let tall = h * draws.between(0.05, 0.16);
    let (x, foot) = (draws.unit() * w, lerp(ground, h, draws.unit()));
    let coat = Paint {
        relief: Relief::Slope(0.3, 0.0),
        ..Paint::plain(material(draws))
    };
    let legs = shapes::rounded(
        x,
        foot - 0.25 * tall,
        0.16 * tall,
        0.5 * tall,
        0.04 * tall,
        0.0,
    );
    canvas.polygon(&legs, 0.0, &Paint::plain(scaled(material(draws), 0.4)));
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

fn pole(canvas: &mut Canvas, draws: &mut Draws, ground: f32) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let x = draws.unit() * w;
    let (c, s) = cos_sin(-0.25 + 0.002 * draws.signed());
    let top = (x + c * 0.6 * h, ground + s * 0.6 * h);
    canvas.polygon(
        &shapes::stroke(&[(x, ground + 0.04 * h), top], 0.01 * w, 0.005 * w),
        0.0,
        &Paint::plain([0.05; 3]),
    );
}
