//! Logos and icons: few flat colours, crisp curves, mostly on a transparent ground.

use super::super::paint::canvas::{Canvas, Paint, Relief};
use super::super::paint::colour::{Rgb, display, hsv};
use super::super::paint::exact::cos_sin;
use super::super::paint::glyphs::Typeface;
use super::super::paint::sensor::rendered;
use super::super::paint::shapes;
use super::words;
use crate::draws::Draws;
use crate::synthetic::plan::Coding;
use crate::synthetic::{Picture, Sheet};

/// Where the sign stands, and whether a name stands with it.
#[derive(Clone, Copy)]
struct Layout {
    lettered: bool,
    /// The sheet is wide: a name stands beside the sign and not below it.
    wide: bool,
    /// Centre and radius of the sign, in pixels.
    x: f32,
    y: f32,
    r: f32,
}

impl Layout {
    fn drawn(draws: &mut Draws, w: f32, h: f32) -> Layout {
        let wide = w > 1.2 * h;
        let lettered = wide || draws.chance(0.5);
        let r = if lettered {
            0.36 * h.min(0.7 * w)
        } else {
            0.45 * h.min(w)
        };
        Layout {
            lettered,
            wide,
            x: if wide { 0.06 * w + r } else { 0.5 * w },
            y: if lettered && !wide { 0.40 * h } else { 0.5 * h },
            r,
        }
    }
}

/// Draws a logo.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let clear = at.coding != Coding::PngPalette && draws.chance(0.8);
    let mut canvas = if clear {
        Canvas::transparent(at.width, at.height)
    } else {
        let (hue, strength) = (draws.unit(), draws.unit());
        Canvas::new(
            at.width,
            at.height,
            hsv(hue, 0.7 * strength, 0.97 - 0.5 * strength),
        )
    };
    let colours = palette(draws);
    let layout = Layout::drawn(draws, w, h);
    signs(&mut canvas, draws, layout, &colours);
    if layout.lettered {
        let ink = Paint::plain(if clear { colours[0] } else { colours[2] });
        name(&mut canvas, draws, layout, &ink);
    }
    let bytes = rendered(&canvas);
    if clear {
        Picture::rgba(at, bytes)
    } else {
        Picture::rgb(at, bytes)
    }
}

/// Main colour, second colour, a neutral one, an accent.
fn palette(draws: &mut Draws) -> [Rgb; 4] {
    let hue = draws.unit();
    [
        hsv(hue, draws.between(0.4, 0.95), draws.between(0.4, 0.9)),
        hsv(
            hue + draws.between(0.1, 0.6),
            draws.between(0.3, 0.9),
            draws.between(0.3, 0.95),
        ),
        display(draws.pick(&[0xFFFFFF, 0x101418, 0xF4E8D0, 0x203040])),
        hsv(draws.unit(), 0.6, 0.7),
    ]
}

/// The sign; some are made of several badges.
fn signs(canvas: &mut Canvas, draws: &mut Draws, layout: Layout, colours: &[Rgb; 4]) {
    let Layout { x, y, r, .. } = layout;
    let drawn = r * draws.between(0.5, 1.0);
    let room = r - drawn + 0.05 * r;
    let spot = (x + room * draws.signed(), y + room * draws.signed());
    badge(canvas, draws, spot, drawn, colours);
    let others = [colours[1], colours[3], colours[2], colours[0]];
    for _ in 0..draws.below(3) {
        let small = r * draws.between(0.15, 0.45);
        let beside = (x + 0.7 * r * draws.signed(), y + 0.7 * r * draws.signed());
        badge(canvas, draws, beside, small, &others);
    }
}

/// The name beside or below the sign, as large as its room allows.
fn name(canvas: &mut Canvas, draws: &mut Draws, layout: Layout, ink: &Paint<'_>) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let Layout { x, y, r, .. } = layout;
    let mut face = if draws.chance(0.7) {
        Typeface::sans()
    } else {
        Typeface::mono()
    };
    let name = words::title(draws, 1);
    let (left, room, base) = if layout.wide {
        (x + 1.25 * r, w - x - 1.5 * r, y + 0.25 * r)
    } else {
        (0.08 * w, 0.84 * w, 0.92 * h)
    };
    let size = (room / face.width(&name, 1.0).max(0.1)).min(1.1 * r);
    // A second and a third, shifted impression make a light face bold.
    for shift in [0.0, 0.02, 0.04] {
        face.write(canvas, (left + shift * size, base), size, &name, ink);
    }
}

/// A few shapes about one centre, in one of many symmetries.
fn badge(canvas: &mut Canvas, draws: &mut Draws, (x, y): (f32, f32), r: f32, colours: &[Rgb; 4]) {
    let turn = draws.unit();
    let shaded = if draws.chance(0.4) {
        Relief::Slope(0.25 * draws.signed(), 0.3 * draws.signed())
    } else {
        Relief::Flat
    };
    let paints = colours.map(|colour| Paint {
        relief: shaded,
        ..Paint::plain(colour)
    });
    let corners = draws.whole(3, 9);
    plate(canvas, draws, (x, y), r, turn, corners, &paints[0]);
    if draws.chance(0.4) {
        // One half in another tone.
        let (c, s) = cos_sin(turn);
        let half = [
            (x - r * s, y + r * c),
            (x + r * s, y - r * c),
            (x + 0.8 * r * c, y + 0.8 * r * s),
        ];
        canvas.polygon(&half, 0.0, &paints[3]);
    }
    ornament(canvas, draws, (x, y), r, turn, corners, &paints);
    if draws.chance(0.5) {
        let k = draws.between(0.1, 0.3) * r;
        canvas.polygon(&shapes::ellipse(x, y, k, k, 0.0, 48), 0.0, &paints[3]);
    }
}

/// What the badge stands on: an ellipse, a rounded box, a star or a ring.
fn plate(
    canvas: &mut Canvas,
    draws: &mut Draws,
    (x, y): (f32, f32),
    r: f32,
    turn: f32,
    corners: usize,
    paint: &Paint<'_>,
) {
    let outline = match draws.below(4) {
        0 => shapes::ellipse(x, y, r, r * draws.between(0.45, 1.0), turn, 96),
        1 => {
            let (wide, tall) = (
                2.0 * r * draws.between(0.5, 1.0),
                2.0 * r * draws.between(0.5, 1.0),
            );
            let lean = if draws.chance(0.5) { 0.0 } else { turn };
            shapes::rounded(x, y, wide, tall, r * draws.between(0.1, 0.9), lean)
        }
        2 => shapes::star(x, y, r, corners, draws.between(0.5, 1.1), turn),
        _ => {
            let outer = shapes::ellipse(x, y, r, r, 0.0, 96);
            let inside = r * draws.between(0.6, 0.9);
            let mut inner = shapes::ellipse(x, y, inside, inside, 0.0, 96);
            inner.reverse();
            canvas.contours(&[&outer, &inner], 0.0, paint);
            return;
        }
    };
    canvas.polygon(&outline, 0.0, paint);
}

/// One shape repeated in a circle, in two colours by turns.
fn ornament(
    canvas: &mut Canvas,
    draws: &mut Draws,
    (x, y): (f32, f32),
    r: f32,
    turn: f32,
    corners: usize,
    paints: &[Paint<'_>; 4],
) {
    let fold = draws.whole(1, 8);
    let kind = draws.below(5);
    let (far, size) = (draws.between(0.0, 0.55) * r, draws.between(0.2, 0.5) * r);
    let inner = draws.between(0.35, 0.9);
    for i in 0..fold {
        let t = turn + i as f32 / fold as f32;
        let (c, s) = cos_sin(t);
        let (px, py) = (x + far * c, y + far * s);
        let outline = match kind {
            0 => shapes::ellipse(px, py, size, 0.6 * size, t, 64),
            1 => shapes::leaf(px, py, 2.0 * size, 0.7 * size, t),
            2 => shapes::star(px, py, size, corners, inner, t),
            3 => shapes::rounded(px, py, 1.6 * size, 0.5 * size, 0.2 * size, t),
            _ => {
                let path = shapes::wander(draws, (px, py), t, 0.3 * size, 8, 0.04);
                shapes::stroke(&path, 0.3 * size, 0.1 * size)
            }
        };
        canvas.polygon(&outline, 0.0, &paints[1 + i % 2]);
    }
}
