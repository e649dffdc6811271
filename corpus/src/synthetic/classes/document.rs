//! Pages of text: letters, articles, tables, forms, slides; clean as exported, or photographed on a desk.

use super::super::paint::canvas::{Canvas, Grain, Paint, Relief};
use super::super::paint::colour::{Rgb, display, hsv, light, material, scaled};
use super::super::paint::exact::cos_sin;
use super::super::paint::glyphs::Typeface;
use super::super::paint::sensor::{Exposure, develop, rendered};
use super::super::paint::tile::Tile;
use super::words;
use crate::draws::Draws;
use crate::synthetic::plan::Coding;
use crate::synthetic::{Picture, Sheet};

/// The page being filled: where its text starts, how its lines run, and what is left of it.
struct Page {
    face: Typeface,
    /// Top left corner.
    origin: (f32, f32),
    /// Cosine and sine of the lines' direction.
    turn: (f32, f32),
    width: f32,
    height: f32,
    ink: Rgb,
    accent: Rgb,
}

impl Page {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let (c, s) = self.turn;
        (self.origin.0 + x * c - y * s, self.origin.1 + x * s + y * c)
    }

    fn write(&mut self, canvas: &mut Canvas, x: f32, y: f32, size: f32, text: &str, colour: Rgb) {
        let at = self.at(x, y);
        self.face
            .write_turned(canvas, at, size, self.turn, text, &Paint::plain(colour));
    }

    fn block(&self, canvas: &mut Canvas, x: f32, y: f32, w: f32, h: f32, paint: &Paint<'_>) {
        canvas.polygon(
            &[
                self.at(x, y),
                self.at(x + w, y),
                self.at(x + w, y + h),
                self.at(x, y + h),
            ],
            0.0,
            paint,
        );
    }
}

/// Draws a page.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let photographed = at.coding == Coding::Camera;
    let colour = |hex| {
        if photographed {
            light(hex)
        } else {
            display(hex)
        }
    };
    let paper = colour(draws.pick(&[0xFFFFFF, 0xFFFFFF, 0xF6F1E4, 0xF4F6F8, 0xFFF8E0]));
    let desk = material(draws);
    let mut canvas = Canvas::new(at.width, at.height, if photographed { desk } else { paper });
    let angle = if photographed {
        0.02 * draws.signed()
    } else {
        0.0
    };
    let inset = if photographed {
        draws.between(0.0, 0.12)
    } else {
        0.0
    };
    let hue = draws.unit();
    let accent = hsv(hue, 0.7, 0.6);
    let mut page = Page {
        face: if draws.chance(0.8) {
            Typeface::sans()
        } else {
            Typeface::mono()
        },
        origin: (
            w * inset * draws.between(0.6, 1.4),
            h * inset * draws.between(0.4, 1.4),
        ),
        turn: cos_sin(angle),
        width: w * (1.0 - 2.0 * inset),
        height: h * (1.0 - 2.0 * inset),
        ink: scaled(
            colour(draws.pick(&[0x101010, 0x202838, 0x181410, 0x303030])),
            1.0,
        ),
        accent: if photographed {
            scaled(accent, 0.6)
        } else {
            accent
        },
    };
    if photographed {
        let wood = Tile::fibres(draws, 256, 0.0, 0.01, 90);
        let grain = Grain {
            tile: &wood,
            zoom: w / 600.0,
            turn: cos_sin(draws.unit()),
            shift: (3.0, 5.0),
            contrast: 0.7,
        };
        let table = Paint {
            dark: scaled(desk, 0.5),
            light: scaled(desk, 1.4),
            grain: Some(grain),
            relief: Relief::Slope(0.2, 0.2),
            veil: ([0.0; 3], 0.0),
            opacity: 1.0,
        };
        canvas.rectangle(-1.0, -1.0, w + 2.0, h + 2.0, &table);
        let sheet = Paint {
            relief: Relief::Slope(0.25 * draws.signed(), 0.25 * draws.signed()),
            ..Paint::plain(paper)
        };
        page.block(&mut canvas, 0.0, 0.0, page.width, page.height, &sheet);
    }
    fill(&mut canvas, draws, &mut page);
    if photographed {
        if draws.chance(0.6) {
            // The photographer's own shadow.
            let x = w * draws.between(-0.2, 1.0);
            canvas.shadow(
                &[
                    (x, h * 0.3),
                    (x + 0.5 * w, h * 0.2),
                    (x + 0.8 * w, h + 9.0),
                    (x - 0.1 * w, h + 9.0),
                ],
                0.02 * w,
                draws.between(0.1, 0.4),
            );
        }
        let exposure = Exposure {
            mean: draws.between(0.3, 0.6),
            ..Exposure::drawn(draws)
        };
        return Picture::Rgb(develop(canvas, draws, &exposure));
    }
    Picture::rgb(at, rendered(&canvas))
}

/// Fills the page from top to bottom with parts in random order.
fn fill(canvas: &mut Canvas, draws: &mut Draws, page: &mut Page) {
    let size = page.width / draws.between(28.0, 75.0);
    let margin = page.width * draws.between(0.05, 0.14);
    let leading = size * draws.between(1.3, 1.8);
    let columns = if page.width > page.height || draws.chance(0.25) {
        draws.whole(1, 3)
    } else {
        1
    };
    let gutter = 1.5 * size;
    let column = (page.width - 2.0 * margin - gutter * (columns - 1) as f32) / columns as f32;
    let mut top = margin;
    if draws.chance(0.75) {
        let big = size * draws.between(1.8, 4.0);
        top += big;
        let words = draws.whole(1, 5);
        let heading = words::title(draws, words);
        let colour = if draws.chance(0.4) {
            page.accent
        } else {
            page.ink
        };
        page.write(canvas, margin, top, big, &heading, colour);
        top += 0.8 * big;
    }
    if draws.chance(0.4) {
        let bar = page.height * draws.between(0.01, 0.15);
        page.block(
            canvas,
            margin,
            top,
            page.width - 2.0 * margin,
            bar,
            &Paint::plain(page.accent),
        );
        top += bar + leading;
    }
    let kinds = [draws.below(5), draws.below(5), 0];
    for c in 0..columns {
        let left = margin + c as f32 * (column + gutter);
        let mut y = top + leading;
        let end = page.height - margin * draws.between(0.5, 3.0);
        while y < end {
            match kinds[draws.below(3)] {
                1 => y = table(canvas, draws, page, (left, y, column), size, end),
                2 => {
                    let tall = column * draws.between(0.25, 0.8);
                    picture(
                        canvas,
                        draws,
                        page,
                        (left, y - size, column, tall.min(end - y)),
                    );
                    y += tall + leading;
                }
                3 => {
                    for _ in 0..draws.whole(2, 6) {
                        if y < end {
                            let words = draws.whole(3, 8);
                            let item = words::title(draws, words);
                            page.block(
                                canvas,
                                left,
                                y - 0.45 * size,
                                0.3 * size,
                                0.3 * size,
                                &Paint::plain(page.accent),
                            );
                            line(canvas, page, left + size, y, column - size, size, &item);
                            y += 1.3 * leading;
                        }
                    }
                    y += leading;
                }
                4 => {
                    let words = draws.whole(2, 4);
                    let heading = words::title(draws, words);
                    line(
                        canvas,
                        page,
                        left,
                        y + 0.4 * size,
                        column,
                        1.5 * size,
                        &heading,
                    );
                    y += 2.2 * leading;
                }
                _ => y = paragraph(canvas, draws, page, (left, y, column), size, leading, end),
            }
        }
    }
}

fn line(canvas: &mut Canvas, page: &mut Page, x: f32, y: f32, width: f32, size: f32, text: &str) {
    let mut fits = String::new();
    for word in text.split(' ') {
        if page.face.width(&fits, size) + page.face.width(word, size) > width {
            break;
        }
        fits.push_str(word);
        fits.push(' ');
    }
    let ink = page.ink;
    page.write(canvas, x, y, size, fits.trim_end(), ink);
}

fn paragraph(
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

fn table(
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
fn picture(
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
        let heights = super::super::paint::shapes::skyline(draws, 32, 0.55);
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
