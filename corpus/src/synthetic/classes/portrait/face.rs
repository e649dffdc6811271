//! Eyes, brows, nose, mouth; sometimes glasses or a beard.

use super::sitter::Sitter;
use crate::draws::Draws;
use crate::synthetic::paint::canvas::{Canvas, Paint};
use crate::synthetic::paint::colour::{Rgb, light, material, scaled};
use crate::synthetic::paint::exact::cos_sin;
use crate::synthetic::paint::polygon::Point;
use crate::synthetic::paint::shapes;

/// A head with the direction that it looks in.
struct Face<'a> {
    sitter: &'a Sitter,
    /// Cosine and sine of the head's lean.
    turn: (f32, f32),
    /// How far the features stand to one side, in half widths of the head.
    gaze: f32,
    /// Blur radius of the features in pixels.
    soft: f32,
}

impl Face<'_> {
    /// The canvas point at (dx, dy) half widths and half heights from the middle of the face.
    fn at(&self, dx: f32, dy: f32) -> Point {
        let Sitter { x, y, r, tall, .. } = self.sitter;
        let (c, s) = self.turn;
        (
            x + (dx + self.gaze) * r * c - dy * tall * s,
            y + (dx + self.gaze) * r * s + dy * tall * c,
        )
    }
}

fn shade(strength: f32, colour: Rgb) -> Paint<'static> {
    Paint {
        opacity: strength,
        ..Paint::plain(colour)
    }
}

/// Draws the features of a head.
pub(super) fn features(canvas: &mut Canvas, draws: &mut Draws, sitter: &Sitter) {
    let face = Face {
        sitter,
        turn: cos_sin(sitter.turn),
        gaze: 0.2 * draws.signed(),
        soft: (0.03 * sitter.r).max(0.4),
    };
    let iris = light(draws.pick(&[0x3A2416, 0x4A6A80, 0x4A5A30, 0x1E1410]));
    let open = draws.between(0.05, 0.1);
    for side in [-0.42, 0.42] {
        eye(canvas, &face, face.at(side, -0.1), open, iris);
        let (bx, by) = face.at(side, -0.3 + 0.04 * draws.signed());
        brow(canvas, &face, (bx, by));
    }
    nose(canvas, &face);
    if draws.chance(0.25) {
        beard(canvas, draws, &face);
    }
    mouth(canvas, draws, &face);
    if draws.chance(0.25) {
        glasses(canvas, draws, &face);
    }
}

/// Socket, white, iris and highlight of an eye.
fn eye(canvas: &mut Canvas, face: &Face<'_>, (x, y): Point, open: f32, iris: Rgb) {
    let &Sitter { r, turn, skin, .. } = face.sitter;
    canvas.polygon(
        &shapes::ellipse(x, y - 0.02 * r, 0.27 * r, 0.17 * r, turn, 24),
        0.08 * r,
        &shade(0.35, scaled(skin, 0.35)),
    );
    canvas.polygon(
        &shapes::ellipse(x, y, 0.17 * r, open * 1.15 * r, turn, 24),
        face.soft * 0.5,
        &Paint::plain([0.72, 0.68, 0.66]),
    );
    canvas.polygon(
        &shapes::ellipse(x, y, open * r, open * 1.05 * r, 0.0, 20),
        face.soft * 0.4,
        &Paint::plain(iris),
    );
    canvas.polygon(
        &shapes::ellipse(x + 0.03 * r, y - 0.03 * r, 0.022 * r, 0.022 * r, 0.0, 10),
        0.0,
        &Paint::plain([1.2; 3]),
    );
}

fn brow(canvas: &mut Canvas, face: &Face<'_>, (x, y): Point) {
    let &Sitter { r, hair, .. } = face.sitter;
    let arc = [
        (x - 0.22 * r, y + 0.04 * r),
        (x, y - 0.05 * r),
        (x + 0.22 * r, y + 0.03 * r),
    ];
    canvas.polygon(
        &shapes::stroke(&arc, 0.07 * r, 0.05 * r),
        face.soft,
        &shade(0.8, scaled(hair, 0.6)),
    );
}

/// A shadow, a ridge in the light, and nostrils.
fn nose(canvas: &mut Canvas, face: &Face<'_>) {
    let &Sitter { r, skin, .. } = face.sitter;
    let (x, y) = face.at(0.04, 0.16);
    canvas.polygon(
        &shapes::ellipse(x + 0.1 * r, y, 0.1 * r, 0.28 * r, 0.0, 20),
        0.1 * r,
        &shade(0.35, scaled(skin, 0.4)),
    );
    canvas.polygon(
        &shapes::ellipse(x - 0.04 * r, y, 0.05 * r, 0.2 * r, 0.0, 20),
        0.06 * r,
        &shade(0.4, scaled(skin, 1.7)),
    );
    for side in [-0.09, 0.09] {
        let (hx, hy) = face.at(side, 0.29);
        canvas.polygon(
            &shapes::ellipse(hx, hy, 0.05 * r, 0.03 * r, 0.0, 12),
            face.soft,
            &shade(0.7, scaled(skin, 0.2)),
        );
    }
}

fn beard(canvas: &mut Canvas, draws: &mut Draws, face: &Face<'_>) {
    let &Sitter { r, hair, .. } = face.sitter;
    let outline = shapes::blob(draws, face.at(0.0, 0.66), 0.62 * r, 0.4 * r, 0.1, 40);
    let paint = shade(draws.between(0.4, 0.9), scaled(hair, 0.7));
    canvas.polygon(&outline, 0.08 * r, &paint);
}

fn mouth(canvas: &mut Canvas, draws: &mut Draws, face: &Face<'_>) {
    let &Sitter { r, skin, .. } = face.sitter;
    let (x, y) = face.at(0.0, 0.5);
    let smile = 0.08 * draws.signed() + 0.04;
    let lips = [skin[0] * 0.85, skin[1] * 0.42, skin[2] * 0.45];
    let wide = draws.between(0.22, 0.4) * r;
    let line = [
        (x - wide, y - smile * r),
        (x - 0.4 * wide, y),
        (x + 0.4 * wide, y),
        (x + wide, y - smile * r),
    ];
    canvas.polygon(
        &shapes::stroke(&line, 0.13 * r, 0.13 * r),
        face.soft,
        &Paint::plain(lips),
    );
    canvas.polygon(
        &shapes::stroke(&line, 0.03 * r, 0.03 * r),
        face.soft * 0.6,
        &Paint::plain(scaled(lips, 0.15)),
    );
}

fn glasses(canvas: &mut Canvas, draws: &mut Draws, face: &Face<'_>) {
    let &Sitter { r, turn, .. } = face.sitter;
    let rim = Paint::plain(scaled(material(draws), 0.2));
    for side in [-0.42, 0.42] {
        let (x, y) = face.at(side, -0.09);
        let outer = shapes::rounded(x, y, 0.66 * r, 0.5 * r, 0.2 * r, turn);
        let mut inner = shapes::rounded(x, y, 0.58 * r, 0.42 * r, 0.18 * r, turn);
        inner.reverse();
        canvas.contours(&[&outer, &inner], 0.0, &rim);
    }
    let bridge = [face.at(-0.1, -0.12), face.at(0.1, -0.12)];
    canvas.polygon(&shapes::stroke(&bridge, 0.05 * r, 0.05 * r), 0.0, &rim);
}
