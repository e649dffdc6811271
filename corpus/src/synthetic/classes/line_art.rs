//! Line drawings: plans, sketches, hatching, ornaments; ink on paper or on a transparent ground.

use super::super::paint::canvas::{Canvas, Paint};
use super::super::paint::colour::{display, hsv};
use super::super::paint::exact::cos_sin;
use super::super::paint::polygon::Point;
use super::super::paint::sensor::rendered;
use super::super::paint::shapes;
use crate::draws::Draws;
use crate::synthetic::plan::Coding;
use crate::synthetic::{Picture, Sheet};

/// Draws a line drawing.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let clear = at.coding == Coding::PngColour && draws.chance(0.8);
    let grey = at.coding == Coding::PngGrey;
    let mut canvas = if clear {
        Canvas::transparent(at.width, at.height)
    } else {
        Canvas::new(
            at.width,
            at.height,
            if grey {
                [1.0; 3]
            } else {
                display(draws.pick(&[0xFFFFFF, 0xFBF7EC, 0x16324F]))
            },
        )
    };
    let on_dark = canvas.planes[0].first().is_some_and(|&v| v < 0.3) && !clear;
    let ink = if on_dark {
        display(0xE8F0F8)
    } else if grey || draws.chance(0.6) {
        [draws.between(0.0, 0.25); 3]
    } else {
        hsv(draws.unit(), 0.8, 0.4)
    };
    let ink = Paint::plain(ink);
    let long = w.max(h);
    let thick = (long * draws.between(0.0012, 0.005)).max(1.2);
    let mut figures = draws.whole(4, 22);
    let kinds = [draws.below(6), draws.below(6), draws.below(6)];
    while figures > 0 {
        figures -= 1;
        let (x, y) = (draws.unit() * w, draws.unit() * h);
        let r = long * draws.between(0.03, 0.3);
        match kinds[draws.below(3)] {
            0 => ring(
                &mut canvas,
                &shapes::ellipse(x, y, r, r * draws.between(0.3, 1.0), draws.unit(), 72),
                thick,
                &ink,
            ),
            1 => {
                let turn = draws.unit();
                let path = shapes::wander(draws, (x, y), turn, 0.12 * r, 50, 0.03);
                canvas.polygon(&shapes::stroke(&path, thick, 0.4 * thick), 0.0, &ink);
            }
            2 => hatching(&mut canvas, draws, (x, y), r, thick, &ink),
            3 => {
                let turn = if draws.chance(0.7) { 0.0 } else { draws.unit() };
                let corner = 0.1 * r * draws.unit();
                ring(
                    &mut canvas,
                    &shapes::rounded(x, y, 2.0 * r, r * draws.between(0.4, 2.0), corner, turn),
                    thick,
                    &ink,
                );
            }
            4 => tree(
                &mut canvas,
                draws,
                (x, y),
                -0.25,
                0.5 * r,
                3.0 * thick,
                5,
                &ink,
            ),
            _ => spiral(&mut canvas, draws, (x, y), r, thick, &ink),
        }
    }
    let bytes = rendered(&canvas);
    if clear {
        Picture::rgba(at, bytes)
    } else {
        Picture::rgb(at, bytes)
    }
}

/// The outline of a closed shape.
fn ring(canvas: &mut Canvas, outline: &[Point], thick: f32, ink: &Paint<'_>) {
    let Some(&first) = outline.first() else {
        return;
    };
    let mut path = outline.to_vec();
    path.push(first);
    for pair in path.windows(2) {
        canvas.polygon(&shapes::stroke(pair, thick, thick), 0.0, ink);
    }
}

fn hatching(
    canvas: &mut Canvas,
    draws: &mut Draws,
    (x, y): Point,
    r: f32,
    thick: f32,
    ink: &Paint<'_>,
) {
    let (c, s) = cos_sin(draws.unit());
    let lines = draws.whole(6, 26);
    for i in 0..lines {
        let t = 2.0 * (i as f32 + 0.5) / lines as f32 - 1.0;
        let half = r * (1.0 - t * t).max(0.02).sqrt() * draws.between(0.85, 1.0);
        let mid = (x + t * r * c, y + t * r * s);
        let line = [
            (mid.0 - half * s, mid.1 + half * c),
            (mid.0 + half * s, mid.1 - half * c),
        ];
        canvas.polygon(&shapes::stroke(&line, thick, 0.5 * thick), 0.0, ink);
    }
}

/// A branching figure; `depth` halves its way down.
#[expect(
    clippy::too_many_arguments,
    reason = "a recursive figure passes its whole state"
)]
fn tree(
    canvas: &mut Canvas,
    draws: &mut Draws,
    from: Point,
    turn: f32,
    length: f32,
    thick: f32,
    depth: usize,
    ink: &Paint<'_>,
) {
    let (c, s) = cos_sin(turn);
    let to = (from.0 + length * c, from.1 + length * s);
    canvas.polygon(&shapes::stroke(&[from, to], thick, 0.7 * thick), 0.0, ink);
    if depth == 0 {
        return;
    }
    for side in [-1.0, 1.0] {
        let next = turn + side * draws.between(0.03, 0.12);
        let shorter = length * draws.between(0.6, 0.85);
        tree(
            canvas,
            draws,
            to,
            next,
            shorter,
            0.7 * thick,
            depth - 1,
            ink,
        );
    }
}

fn spiral(
    canvas: &mut Canvas,
    draws: &mut Draws,
    (x, y): Point,
    r: f32,
    thick: f32,
    ink: &Paint<'_>,
) {
    let rounds = draws.between(1.5, 5.0);
    let n = (rounds * 28.0) as usize;
    let path: Vec<Point> = (0..n)
        .map(|i| {
            let t = i as f32 / n as f32;
            let (c, s) = cos_sin(rounds * t);
            (x + r * t * c, y + r * t * s)
        })
        .collect();
    canvas.polygon(&shapes::stroke(&path, 0.5 * thick, thick), 0.0, ink);
}
