//! What a screen shows: editors, forms, chats, tables, in light and dark themes, on desktop and phone.

use super::super::paint::canvas::{Canvas, Paint, Relief};
use super::super::paint::colour::{Rgb, display, hsv, mix};
use super::super::paint::glyphs::Typeface;
use super::super::paint::sensor::rendered;
use super::super::paint::shapes;
use super::words;
use crate::draws::Draws;
use crate::synthetic::{Picture, Sheet};

struct Theme {
    ground: Rgb,
    panel: Rgb,
    ink: Rgb,
    faint: Rgb,
    accent: Rgb,
    /// Height of a text row in pixels.
    row: f32,
}

/// A rectangle: left, top, width, height.
type Area = (f32, f32, f32, f32);

/// Draws a screen.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let dark = draws.chance(0.45);
    let hue = draws.unit();
    let tint = 0.25 * draws.unit();
    let (ground, panel, ink) = if dark {
        (hsv(hue, tint, 0.13), hsv(hue, tint, 0.2), display(0xD8DCE2))
    } else {
        (
            display(0xFFFFFF),
            hsv(hue, 0.4 * tint, 0.94),
            display(0x24292E),
        )
    };
    let theme = Theme {
        ground,
        panel,
        ink,
        faint: mix(ground, ink, 0.45),
        accent: hsv(draws.unit(), 0.65, if dark { 0.85 } else { 0.75 }),
        row: (h.min(w) / draws.between(22.0, 48.0)).max(9.0),
    };
    let mut canvas = Canvas::new(at.width, at.height, theme.ground);
    let mut sans = Typeface::sans();
    let mut mono = Typeface::mono();
    let mut area = (0.0, 0.0, w, h);
    if draws.chance(0.3) {
        // A window on a desktop: the picture behind is a soft gradient.
        let wall = Paint {
            relief: Relief::Slope(0.3 * draws.signed(), 0.4 * draws.signed()),
            ..Paint::plain(hsv(draws.unit(), 0.5, 0.6))
        };
        canvas.rectangle(0.0, 0.0, w, h, &wall);
        let (dx, dy) = (w * draws.between(0.03, 0.12), h * draws.between(0.03, 0.12));
        area = (
            dx,
            dy,
            w * draws.between(0.6, 0.85),
            h * draws.between(0.6, 0.82),
        );
        let shade = shapes::rounded(
            area.0 + 0.5 * area.2,
            area.1 + 0.5 * area.3 + 6.0,
            area.2,
            area.3,
            10.0,
            0.0,
        );
        canvas.shadow(&shade, 12.0, 0.5);
        canvas.rectangle(area.0, area.1, area.2, area.3, &Paint::plain(theme.ground));
    }
    area = bar(&mut canvas, draws, &theme, &mut sans, area);
    if w > h && draws.chance(0.7) {
        area = sidebar(&mut canvas, draws, &theme, &mut sans, area);
    }
    let halves = if w > 1.3 * h && draws.chance(0.4) {
        2
    } else {
        1
    };
    for i in 0..halves {
        let part = (
            area.0 + area.2 * i as f32 / halves as f32,
            area.1,
            area.2 / halves as f32,
            area.3,
        );
        match draws.below(5) {
            0 => code(&mut canvas, draws, &theme, &mut mono, part),
            1 => form(&mut canvas, draws, &theme, &mut sans, part),
            2 => chat(&mut canvas, draws, &theme, &mut sans, part),
            3 => cards(&mut canvas, draws, &theme, &mut sans, part),
            _ => grid(&mut canvas, draws, &theme, &mut sans, part),
        }
    }
    Picture::rgb(at, rendered(&canvas))
}

/// Title bar and tabs; returns what is left below.
fn bar(
    canvas: &mut Canvas,
    draws: &mut Draws,
    theme: &Theme,
    face: &mut Typeface,
    (x, y, w, h): Area,
) -> Area {
    let tall = 1.8 * theme.row;
    let colour = if draws.chance(0.3) {
        theme.accent
    } else {
        theme.panel
    };
    canvas.rectangle(x, y, w, tall, &Paint::plain(colour));
    for (i, hex) in [0xFF5F57, 0xFEBC2E, 0x28C840].into_iter().enumerate() {
        let at = x + theme.row * (0.8 + 0.9 * i as f32);
        canvas.polygon(
            &shapes::ellipse(
                at,
                y + 0.5 * tall,
                0.28 * theme.row,
                0.28 * theme.row,
                0.0,
                24,
            ),
            0.0,
            &Paint::plain(display(hex)),
        );
    }
    let mut at = x + 4.5 * theme.row;
    for i in 0..draws.whole(1, 5) {
        let text = words::title(draws, 1);
        let wide = face.width(&text, 0.8 * theme.row) + 1.4 * theme.row;
        if at + wide > x + w {
            break;
        }
        if i == 0 {
            canvas.rectangle(
                at,
                y + 0.25 * tall,
                wide,
                0.75 * tall,
                &Paint::plain(theme.ground),
            );
        }
        face.write(
            canvas,
            (at + 0.7 * theme.row, y + 0.65 * tall),
            0.8 * theme.row,
            &text,
            &Paint::plain(theme.ink),
        );
        at += wide;
    }
    (x, y + tall, w, h - tall)
}

/// A list at the left; returns what is left beside it.
fn sidebar(
    canvas: &mut Canvas,
    draws: &mut Draws,
    theme: &Theme,
    face: &mut Typeface,
    (x, y, w, h): Area,
) -> Area {
    let wide = w * draws.between(0.14, 0.28);
    canvas.rectangle(x, y, wide, h, &Paint::plain(theme.panel));
    let chosen = draws.below(8);
    let step = theme.row * draws.between(1.2, 2.0);
    for i in 0..((h / step) as usize).min(draws.whole(5, 30)) {
        let top = y + step * (i as f32 + 0.4);
        if i == chosen {
            canvas.rectangle(
                x,
                top - 0.1 * step,
                wide,
                step,
                &Paint {
                    opacity: 0.35,
                    ..Paint::plain(theme.accent)
                },
            );
        }
        let indent = theme.row * (1.0 + draws.below(3) as f32);
        let icon = hsv(draws.unit(), 0.5, 0.7);
        canvas.rectangle(
            x + indent - 0.7 * theme.row,
            top + 0.15 * step,
            0.45 * theme.row,
            0.45 * theme.row,
            &Paint::plain(icon),
        );
        let words = draws.whole(1, 2);
        let text = words::title(draws, words);
        if face.width(&text, 0.75 * theme.row) + indent < wide {
            face.write(
                canvas,
                (x + indent, top + 0.6 * step),
                0.75 * theme.row,
                &text,
                &Paint::plain(theme.ink),
            );
        }
    }
    (x + wide, y, w - wide, h)
}

fn code(
    canvas: &mut Canvas,
    draws: &mut Draws,
    theme: &Theme,
    face: &mut Typeface,
    (x, y, w, h): Area,
) {
    let size = 0.8 * theme.row;
    let hue = draws.unit();
    let inks = [
        theme.ink,
        theme.faint,
        theme.accent,
        hsv(hue, 0.5, 0.75),
        hsv(hue + 0.4, 0.5, 0.7),
    ];
    let mut indent = 0;
    for i in 0..(h / (1.15 * theme.row)) as usize {
        let base = y + 1.15 * theme.row * (i as f32 + 0.85);
        face.write(
            canvas,
            (x + 0.4 * size, base),
            size,
            &format!("{:>3}", i + 1),
            &Paint::plain(theme.faint),
        );
        indent = (indent + draws.below(3)).saturating_sub(1).min(6);
        if draws.chance(0.15) {
            continue;
        }
        let mut at = x + size * (3.0 + 1.2 * indent as f32);
        for _ in 0..draws.whole(1, 7) {
            let word = words::word(draws);
            let text = match draws.below(5) {
                0 => format!("{word}("),
                1 => format!("{word}_{}", words::word(draws)),
                2 => format!("{word} = "),
                3 => format!("\"{word}\", "),
                _ => format!("{word} "),
            };
            if at + face.width(&text, size) > x + w {
                break;
            }
            at = face.write(
                canvas,
                (at, base),
                size,
                &text,
                &Paint::plain(draws.pick(&inks)),
            );
        }
    }
}

fn form(
    canvas: &mut Canvas,
    draws: &mut Draws,
    theme: &Theme,
    face: &mut Typeface,
    (x, y, w, h): Area,
) {
    let size = theme.row;
    let left = x + w * draws.between(0.05, 0.2);
    let wide = (x + w - left) * draws.between(0.5, 0.9);
    let words = draws.whole(2, 4);
    let heading = words::title(draws, words);
    face.write(
        canvas,
        (left, y + 2.6 * size),
        1.8 * size,
        &heading,
        &Paint::plain(theme.ink),
    );
    let mut top = y + 4.0 * size;
    while top + 4.0 * size < y + h {
        face.write(
            canvas,
            (left, top + 0.7 * size),
            0.75 * size,
            words::word(draws),
            &Paint::plain(theme.faint),
        );
        let field = wide * draws.between(0.4, 1.0);
        let outer = shapes::rounded(
            left + 0.5 * field,
            top + 1.9 * size,
            field,
            1.7 * size,
            0.3 * size,
            0.0,
        );
        canvas.polygon(&outer, 0.0, &Paint::plain(theme.faint));
        let inner = shapes::rounded(
            left + 0.5 * field,
            top + 1.9 * size,
            field - 2.0,
            1.7 * size - 2.0,
            0.3 * size,
            0.0,
        );
        canvas.polygon(&inner, 0.0, &Paint::plain(theme.ground));
        let words = draws.whole(1, 2);
        let text = words::title(draws, words);
        face.write(
            canvas,
            (left + 0.5 * size, top + 2.2 * size),
            0.85 * size,
            &text,
            &Paint::plain(theme.ink),
        );
        top += size * draws.between(3.4, 4.6);
    }
    let button = shapes::rounded(
        left + 3.0 * size,
        y + h - 1.6 * size,
        6.0 * size,
        1.9 * size,
        0.6 * size,
        0.0,
    );
    canvas.polygon(&button, 0.0, &Paint::plain(theme.accent));
    let text = words::title(draws, 1);
    face.write(
        canvas,
        (left + 1.2 * size, y + h - 1.3 * size),
        0.9 * size,
        &text,
        &Paint::plain(theme.ground),
    );
}

fn chat(
    canvas: &mut Canvas,
    draws: &mut Draws,
    theme: &Theme,
    face: &mut Typeface,
    (x, y, w, h): Area,
) {
    let size = 0.85 * theme.row;
    let mut top = y + size;
    while top + 3.0 * size < y + h {
        let own = draws.chance(0.45);
        let lines = draws.whole(1, 4);
        let wide = w * draws.between(0.25, 0.65);
        let tall = size * (1.35 * lines as f32 + 0.9);
        let left = if own {
            x + w - wide - size
        } else {
            x + 2.6 * size
        };
        let fill = if own { theme.accent } else { theme.panel };
        let bubble = shapes::rounded(
            left + 0.5 * wide,
            top + 0.5 * tall,
            wide,
            tall,
            0.8 * size,
            0.0,
        );
        canvas.polygon(&bubble, 0.0, &Paint::plain(fill));
        if !own {
            let who = hsv(draws.unit(), 0.5, 0.8);
            canvas.polygon(
                &shapes::ellipse(
                    x + 1.4 * size,
                    top + 0.9 * size,
                    0.8 * size,
                    0.8 * size,
                    0.0,
                    32,
                ),
                0.0,
                &Paint::plain(who),
            );
        }
        for i in 0..lines {
            let mut at = left + 0.7 * size;
            let base = top + size * (1.25 + 1.35 * i as f32);
            while at < left + wide - 0.7 * size {
                let word = words::word(draws);
                if at + face.width(word, size) > left + wide - 0.5 * size {
                    break;
                }
                at = face.write(canvas, (at, base), size, word, &Paint::plain(theme.ink))
                    + 0.3 * size;
            }
        }
        top += tall + size * draws.between(0.4, 1.6);
    }
}

fn cards(
    canvas: &mut Canvas,
    draws: &mut Draws,
    theme: &Theme,
    face: &mut Typeface,
    (x, y, w, h): Area,
) {
    let columns = draws.whole(2, 4);
    let gap = theme.row;
    let wide = (w - gap * (columns + 1) as f32) / columns as f32;
    let tall = wide * draws.between(0.6, 1.3);
    let mut top = y + gap;
    while top < y + h {
        for column in 0..columns {
            let left = x + gap + column as f32 * (wide + gap);
            let tall = tall.min(y + h - top);
            canvas.rectangle(left, top, wide, tall, &Paint::plain(theme.panel));
            let picture = Paint {
                relief: Relief::Slope(0.4 * draws.signed(), 0.4 * draws.signed()),
                ..Paint::plain(hsv(
                    draws.unit(),
                    draws.between(0.1, 0.8),
                    draws.between(0.2, 0.9),
                ))
            };
            canvas.rectangle(left, top, wide, 0.6 * tall, &picture);
            for _ in 0..draws.below(5) {
                let (cx, cy) = (
                    left + wide * draws.between(0.2, 0.8),
                    top + tall * draws.between(0.15, 0.45),
                );
                let shape = shapes::ellipse(
                    cx,
                    cy,
                    wide * draws.between(0.03, 0.18),
                    tall * draws.between(0.03, 0.14),
                    0.0,
                    32,
                );
                canvas.polygon(
                    &shape,
                    0.0,
                    &Paint::plain(hsv(draws.unit(), 0.6, draws.between(0.3, 0.95))),
                );
            }
            let text = words::title(draws, 2);
            if tall > 0.95 * wide * 0.5 {
                face.write(
                    canvas,
                    (left + 0.5 * gap, top + 0.75 * tall),
                    0.8 * theme.row,
                    &text,
                    &Paint::plain(theme.ink),
                );
            }
        }
        top += tall + gap;
    }
}

fn grid(
    canvas: &mut Canvas,
    draws: &mut Draws,
    theme: &Theme,
    face: &mut Typeface,
    (x, y, w, h): Area,
) {
    let columns = draws.whole(3, 8);
    let cell = w / columns as f32;
    let tall = 1.6 * theme.row;
    for row in 0..(h / tall) as usize {
        let top = y + row as f32 * tall;
        if row == 0 {
            canvas.rectangle(
                x,
                top,
                w,
                tall,
                &Paint {
                    opacity: 0.6,
                    ..Paint::plain(theme.accent)
                },
            );
        } else if row % 2 == 0 {
            canvas.rectangle(x, top, w, tall, &Paint::plain(theme.panel));
        }
        for column in 0..columns {
            let text = if row == 0 || column == 0 {
                words::title(draws, 1)
            } else {
                words::figure(draws)
            };
            let left = x + column as f32 * cell + 0.4 * theme.row;
            if face.width(&text, 0.8 * theme.row) < cell - 0.5 * theme.row {
                face.write(
                    canvas,
                    (left, top + 1.1 * theme.row),
                    0.8 * theme.row,
                    &text,
                    &Paint::plain(theme.ink),
                );
            }
            if row > 0 && column == columns - 1 && draws.chance(0.4) {
                let mark = shapes::rounded(
                    left + 0.4 * cell,
                    top + 0.5 * tall,
                    0.5 * cell,
                    0.5 * tall,
                    0.2 * tall,
                    0.0,
                );
                canvas.polygon(&mark, 0.0, &Paint::plain(hsv(draws.unit(), 0.5, 0.8)));
            }
        }
    }
}
