//! The parts of a page: headings, lists, paragraphs, tables, pictures.

use super::page::Page;
use crate::draws::Draws;
use crate::synthetic::classes::words;
use crate::synthetic::paint::canvas::{Canvas, Paint, Relief};
use crate::synthetic::paint::colour::hsv;
use crate::synthetic::paint::shapes;

/// A heading inside a column; returns where the next part starts.
pub(super) fn heading(
    canvas: &mut Canvas,
    draws: &mut Draws,
    page: &mut Page,
    (x, y, width): (f32, f32, f32),
    size: f32,
    leading: f32,
) -> f32 {
    let words = draws.whole(2, 4);
    let text = words::title(draws, words);
    page.line(canvas, (x, y + 0.4 * size), width, 1.5 * size, &text);
    y + 2.2 * leading
}

/// A list with square bullets; returns where the next part starts.
pub(super) fn list(
    canvas: &mut Canvas,
    draws: &mut Draws,
    page: &mut Page,
    (x, mut y, width): (f32, f32, f32),
    size: f32,
    leading: f32,
    end: f32,
) -> f32 {
    for _ in 0..draws.whole(2, 6) {
        if y < end {
            let words = draws.whole(3, 8);
            let item = words::title(draws, words);
            let bullet = 0.3 * size;
            let ink = Paint::plain(page.accent);
            page.block(canvas, x, y - 0.45 * size, bullet, bullet, &ink);
            page.line(canvas, (x + size, y), width - size, size, &item);
            y += 1.3 * leading;
        }
    }
    y + leading
}

/// Some lines of words; returns where the next part starts.
pub(super) fn paragraph(
    canvas: &mut Canvas,
    draws: &mut Draws,
    page: &mut Page,
    (x, mut y, width): (f32, f32, f32),
    size: f32,
    leading: f32,
    end: f32,
) -> f32 {
    let lines = draws.whole(2, 12);
    for i in 0..lines {
        if y >= end {
            break;
        }
        let share = if i + 1 == lines {
            draws.between(0.2, 0.9)
        } else {
            1.0
        };
        let mut text = String::new();
        let mut used = 0.0;
        loop {
            let word = words::word(draws);
            let long = page.face.width(word, size) + 0.3 * size;
            if used + long > width * share {
                break;
            }
            used += long;
            text.push_str(word);
            text.push(' ');
        }
        let ink = page.ink;
        page.write(canvas, x, y, size, text.trim_end(), ink);
        y += leading;
    }
    y + 0.7 * leading
}

/// A table with a shaded head; returns where the next part starts.
pub(super) fn table(
    canvas: &mut Canvas,
    draws: &mut Draws,
    page: &mut Page,
    (x, mut y, width): (f32, f32, f32),
    size: f32,
    end: f32,
) -> f32 {
    let columns = draws.whole(2, 5);
    let tall = 1.7 * size;
    let shade = Paint {
        opacity: 0.2,
        ..Paint::plain(page.accent)
    };
    let rule = Paint {
        opacity: 0.6,
        ..Paint::plain(page.ink)
    };
    let striped = draws.chance(0.5);
    for row in 0..draws.whole(3, 12) {
        if y + tall > end {
            break;
        }
        if row == 0 || (striped && row % 2 == 0) {
            page.block(canvas, x, y - 1.2 * size, width, tall, &shade);
        }
        for column in 0..columns {
            let text = if row == 0 || column == 0 {
                words::title(draws, 1)
            } else {
                words::figure(draws)
            };
            let at = x + width * column as f32 / columns as f32 + 0.3 * size;
            let ink = page.ink;
            page.write(canvas, at, y, 0.95 * size, &text, ink);
        }
        page.block(
            canvas,
            x,
            y + 0.4 * size,
            width,
            (0.06 * size).max(1.0),
            &rule,
        );
        y += tall;
    }
    y + tall
}

/// A printed picture: hills under a sky, in two tones.
pub(super) fn picture(
    canvas: &mut Canvas,
    draws: &mut Draws,
    page: &Page,
    (x, y, w, h): (f32, f32, f32, f32),
) {
    if h < 8.0 {
        return;
    }
    let sky = Paint {
        relief: Relief::Slope(0.1, 0.4),
        ..Paint::plain(hsv(draws.unit(), 0.4, 0.8))
    };
    page.block(canvas, x, y, w, h, &sky);
    for _ in 0..3 {
        let heights = shapes::skyline(draws, 32, 0.55);
        let base = h * draws.between(0.5, 0.85);
        let mut outline: Vec<_> = heights
            .iter()
            .enumerate()
            .map(|(i, v)| {
                page.at(
                    x + w * i as f32 / 32.0,
                    y + (base - 0.25 * h * v).clamp(0.0, h),
                )
            })
            .collect();
        outline.push(page.at(x + w, y + h));
        outline.push(page.at(x, y + h));
        canvas.polygon(
            &outline,
            0.0,
            &Paint::plain(hsv(draws.unit(), 0.5, draws.between(0.2, 0.7))),
        );
    }
}
