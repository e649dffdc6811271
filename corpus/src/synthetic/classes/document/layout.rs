//! What stands where on a page.

use super::page::Page;
use super::parts::{heading, list, paragraph, picture, table};
use crate::draws::Draws;
use crate::synthetic::classes::words;
use crate::synthetic::paint::canvas::{Canvas, Paint};

/// Sizes of a page, in pixels.
struct Measures {
    /// Height of the type.
    size: f32,
    margin: f32,
    /// From one line to the next.
    leading: f32,
    columns: usize,
    /// Width of a column, and of the space between two.
    column: f32,
    gutter: f32,
}

impl Measures {
    fn drawn(draws: &mut Draws, page: &Page) -> Measures {
        let size = page.width / draws.between(28.0, 75.0);
        let margin = page.width * draws.between(0.05, 0.14);
        let leading = size * draws.between(1.3, 1.8);
        let columns = if page.width > page.height || draws.chance(0.25) {
            draws.whole(1, 3)
        } else {
            1
        };
        let gutter = 1.5 * size;
        Measures {
            size,
            margin,
            leading,
            columns,
            column: (page.width - 2.0 * margin - gutter * (columns - 1) as f32) / columns as f32,
            gutter,
        }
    }
}

/// Fills the page from top to bottom with parts in random order.
pub(super) fn fill(canvas: &mut Canvas, draws: &mut Draws, page: &mut Page) {
    let measures = Measures::drawn(draws, page);
    let top = head(canvas, draws, page, &measures);
    let kinds = [draws.below(5), draws.below(5), 0];
    for c in 0..measures.columns {
        let left = measures.margin + c as f32 * (measures.column + measures.gutter);
        let end = page.height - measures.margin * draws.between(0.5, 3.0);
        let mut y = top + measures.leading;
        while y < end {
            let kind = kinds[draws.below(3)];
            y = part(canvas, draws, page, &measures, kind, (left, y), end);
        }
    }
}

/// The page's title and a bar of colour, where it has them; returns where the columns start.
fn head(canvas: &mut Canvas, draws: &mut Draws, page: &mut Page, measures: &Measures) -> f32 {
    let margin = measures.margin;
    let mut top = margin;
    if draws.chance(0.75) {
        let big = measures.size * draws.between(1.8, 4.0);
        top += big;
        let words = draws.whole(1, 5);
        let title = words::title(draws, words);
        let colour = if draws.chance(0.4) {
            page.accent
        } else {
            page.ink
        };
        page.write(canvas, margin, top, big, &title, colour);
        top += 0.8 * big;
    }
    if draws.chance(0.4) {
        let bar = page.height * draws.between(0.01, 0.15);
        let width = page.width - 2.0 * margin;
        page.block(canvas, margin, top, width, bar, &Paint::plain(page.accent));
        top += bar + measures.leading;
    }
    top
}

/// One part of a column from (x, y); returns where the next one starts.
fn part(
    canvas: &mut Canvas,
    draws: &mut Draws,
    page: &mut Page,
    measures: &Measures,
    kind: usize,
    (x, y): (f32, f32),
    end: f32,
) -> f32 {
    let &Measures {
        size,
        leading,
        column,
        ..
    } = measures;
    let at = (x, y, column);
    match kind {
        1 => table(canvas, draws, page, at, size, end),
        2 => {
            let tall = column * draws.between(0.25, 0.8);
            let area = (x, y - size, column, tall.min(end - y));
            picture(canvas, draws, page, area);
            y + (tall + leading)
        }
        3 => list(canvas, draws, page, at, size, leading, end),
        4 => heading(canvas, draws, page, at, size, leading),
        _ => paragraph(canvas, draws, page, at, size, leading, end),
    }
}
