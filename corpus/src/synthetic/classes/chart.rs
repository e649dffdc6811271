//! Charts as office programs and plotting libraries export them.

use super::super::paint::canvas::{Canvas, Paint};
use super::super::paint::colour::{Rgb, display, hsv, mix};
use super::super::paint::exact::cos_sin;
use super::super::paint::glyphs::Typeface;
use super::super::paint::polygon::Point;
use super::super::paint::sensor::rendered;
use super::super::paint::shapes;
use super::words;
use crate::draws::Draws;
use crate::synthetic::{Picture, Sheet};

/// The plot area and its colours.
struct Plot {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
    ink: Rgb,
    ground: Rgb,
    colours: [Rgb; 6],
}

impl Plot {
    /// A point of the unit square, y upwards.
    fn at(&self, x: f32, y: f32) -> Point {
        (
            self.left + self.width * x,
            self.top + self.height * (1.0 - y),
        )
    }
}

/// Draws a chart.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let dark = draws.chance(0.2);
    let ground = if dark {
        display(0x1A1D24)
    } else {
        display(draws.pick(&[0xFFFFFF, 0xFFFFFF, 0xF7F4EC, 0xEAEAF2]))
    };
    let ink = if dark {
        display(0xE0E0E0)
    } else {
        display(0x262626)
    };
    let hue = draws.unit();
    let spread = draws.between(0.05, 0.4);
    let saturation = draws.between(0.35, 0.9);
    let plot = Plot {
        left: w * draws.between(0.07, 0.16),
        top: h * draws.between(0.08, 0.2),
        width: w * draws.between(0.6, 0.82),
        height: h * draws.between(0.55, 0.72),
        ink,
        ground,
        colours: [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
            .map(|i: f32| hsv(hue + spread * i, saturation, 0.55 + 0.07 * i)),
    };
    let mut canvas = Canvas::new(at.width, at.height, ground);
    let mut face = Typeface::sans();
    let size = h.min(w) / draws.between(24.0, 40.0);
    let words = draws.whole(2, 5);
    let title = words::title(draws, words);
    face.write(
        &mut canvas,
        (plot.left, plot.top - 1.2 * size),
        1.5 * size,
        &title,
        &Paint::plain(ink),
    );
    let kind = draws.below(7);
    if !matches!(kind, 3 | 4) {
        axes(&mut canvas, draws, &plot, &mut face, size);
    }
    match kind {
        0 => bars(&mut canvas, draws, &plot),
        1 => lines(&mut canvas, draws, &plot),
        2 => scatter(&mut canvas, draws, &plot),
        3 => pie(&mut canvas, draws, &plot),
        4 => heat(&mut canvas, draws, &plot),
        5 => areas(&mut canvas, draws, &plot),
        _ => boxes(&mut canvas, draws, &plot),
    }
    for i in 0..draws.below(5) {
        let y = plot.top + size * (1.0 + 1.7 * i as f32);
        let x = plot.left + plot.width + size;
        canvas.rectangle(
            x,
            y - 0.7 * size,
            size,
            0.8 * size,
            &Paint::plain(plot.colours[i]),
        );
        let text = words::title(draws, 1);
        face.write(
            &mut canvas,
            (x + 1.5 * size, y),
            size,
            &text,
            &Paint::plain(ink),
        );
    }
    Picture::rgb(at, rendered(&canvas))
}

fn axes(canvas: &mut Canvas, draws: &mut Draws, plot: &Plot, face: &mut Typeface, size: f32) {
    let ink = Paint::plain(plot.ink);
    let faint = Paint::plain(mix(plot.ground, plot.ink, 0.15));
    let thick = (size * 0.08).max(1.0).round();
    let ticks = draws.whole(3, 9);
    for i in 0..=ticks {
        let t = i as f32 / ticks as f32;
        let y = plot.at(0.0, t).1.round();
        canvas.rectangle(plot.left, y, plot.width, 1.0, &faint);
        let text = words::figure(draws);
        let wide = face.width(&text, 0.85 * size);
        face.write(
            canvas,
            (plot.left - wide - 0.5 * size, y + 0.3 * size),
            0.85 * size,
            &text,
            &ink,
        );
        let x = plot.at(t, 0.0).0.round();
        canvas.rectangle(x, plot.top + plot.height, 1.0, 0.4 * size, &ink);
        let label = format!("{}", 2000 + i * 3);
        face.write(
            canvas,
            (x - size, plot.top + plot.height + 1.6 * size),
            0.85 * size,
            &label,
            &ink,
        );
    }
    canvas.rectangle(plot.left.round(), plot.top, thick, plot.height, &ink);
    canvas.rectangle(
        plot.left,
        (plot.top + plot.height).round(),
        plot.width,
        thick,
        &ink,
    );
    let name = words::title(draws, 2);
    face.write_turned(
        canvas,
        (1.4 * size, plot.top + 0.7 * plot.height),
        size,
        (0.0, -1.0),
        &name,
        &ink,
    );
}

/// A series of n values in 0 to 1 that wanders from a random start.
fn series(draws: &mut Draws, n: usize) -> Vec<f32> {
    let mut v = draws.between(0.15, 0.85);
    let trend = 0.6 * draws.signed() / n as f32;
    let noise = draws.between(0.02, 0.2);
    (0..n)
        .map(|_| {
            v = (v + trend + noise * draws.signed()).clamp(0.03, 0.98);
            v
        })
        .collect()
}

fn bars(canvas: &mut Canvas, draws: &mut Draws, plot: &Plot) {
    let groups = draws.whole(3, 14);
    let each = draws.whole(1, 3);
    let wide = draws.between(0.5, 0.95) / (groups * each) as f32;
    for g in 0..groups {
        for k in 0..each {
            let v = draws.between(0.05, 0.97);
            let x = (g as f32 + 0.5) / groups as f32 + (k as f32 - 0.5 * each as f32) * wide;
            let (left, top) = plot.at(x, v);
            canvas.rectangle(
                left,
                top,
                plot.width * wide * 0.92,
                plot.top + plot.height - top,
                &Paint::plain(plot.colours[k]),
            );
        }
    }
}

fn lines(canvas: &mut Canvas, draws: &mut Draws, plot: &Plot) {
    let n = draws.whole(8, 120);
    let thick = plot.width * draws.between(0.002, 0.006);
    for k in 0..draws.whole(1, 5) {
        let path: Vec<Point> = series(draws, n)
            .iter()
            .enumerate()
            .map(|(i, &v)| plot.at(i as f32 / (n - 1) as f32, v))
            .collect();
        canvas.polygon(
            &shapes::stroke(&path, thick, thick),
            0.0,
            &Paint::plain(plot.colours[k]),
        );
        if n < 25 {
            for &(x, y) in &path {
                canvas.polygon(
                    &shapes::ellipse(x, y, 1.8 * thick, 1.8 * thick, 0.0, 16),
                    0.0,
                    &Paint::plain(plot.colours[k]),
                );
            }
        }
    }
}

fn scatter(canvas: &mut Canvas, draws: &mut Draws, plot: &Plot) {
    for k in 0..draws.whole(1, 4) {
        let (cx, cy) = (draws.between(0.2, 0.8), draws.between(0.2, 0.8));
        let (c, s) = cos_sin(draws.unit());
        let (a, b) = (draws.between(0.05, 0.35), draws.between(0.02, 0.15));
        let r = plot.width * draws.between(0.004, 0.012);
        for _ in 0..draws.whole(20, 200) {
            let (p, q) = (
                a * (draws.signed() + draws.signed()),
                b * (draws.signed() + draws.signed()),
            );
            let (x, y) = (cx + p * c - q * s, cy + p * s + q * c);
            if (0.0..1.0).contains(&x) && (0.0..1.0).contains(&y) {
                let at = plot.at(x, y);
                canvas.polygon(
                    &shapes::ellipse(at.0, at.1, r, r, 0.0, 16),
                    0.0,
                    &Paint {
                        opacity: 0.75,
                        ..Paint::plain(plot.colours[k])
                    },
                );
            }
        }
    }
}

fn pie(canvas: &mut Canvas, draws: &mut Draws, plot: &Plot) {
    let r = 0.48 * plot.height.min(plot.width);
    let (x, y) = plot.at(draws.between(0.35, 0.65), 0.5);
    let n = draws.whole(3, 9);
    let shares: Vec<f32> = (0..n).map(|_| draws.between(0.2, 1.5)).collect();
    let total: f32 = shares.iter().sum();
    let mut from = draws.unit();
    let hue = draws.unit();
    for (i, share) in shares.iter().enumerate() {
        let part = share / total;
        let mut slice = vec![(x, y)];
        for k in 0..=24 {
            let (c, s) = cos_sin(from + part * k as f32 / 24.0);
            slice.push((x + r * c, y + r * s));
        }
        let colour = hsv(
            hue + 0.13 * i as f32,
            0.6,
            if i % 2 == 0 { 0.85 } else { 0.55 },
        );
        canvas.polygon(&slice, 0.0, &Paint::plain(colour));
        canvas.polygon(
            &shapes::stroke(&[slice[0], slice[1]], 2.0, 2.0),
            0.0,
            &Paint::plain(plot.ground),
        );
        from += part;
    }
    if draws.chance(0.4) {
        canvas.polygon(
            &shapes::ellipse(x, y, 0.5 * r, 0.5 * r, 0.0, 64),
            0.0,
            &Paint::plain(plot.ground),
        );
    }
}

fn heat(canvas: &mut Canvas, draws: &mut Draws, plot: &Plot) {
    let (columns, rows) = (draws.whole(4, 24), draws.whole(4, 16));
    let (cold, hot) = (plot.colours[0], plot.colours[5]);
    let (fx, fy) = (draws.between(0.3, 2.0), draws.between(0.3, 2.0));
    for j in 0..rows {
        for i in 0..columns {
            let (x, y) = (i as f32 / columns as f32, j as f32 / rows as f32);
            let wave = 0.5 + 0.25 * cos_sin(fx * x + 0.3).0 + 0.25 * cos_sin(fy * y + fx).1;
            let t = (wave + 0.3 * draws.signed()).clamp(0.0, 1.0);
            let (left, bottom) = plot.at(x, y);
            let (w, h) = (plot.width / columns as f32, plot.height / rows as f32);
            canvas.rectangle(
                left,
                bottom - h,
                w - 1.0,
                h - 1.0,
                &Paint::plain(mix(cold, hot, t)),
            );
        }
    }
}

fn areas(canvas: &mut Canvas, draws: &mut Draws, plot: &Plot) {
    let n = draws.whole(8, 60);
    for k in (0..draws.whole(2, 5)).rev() {
        let lift = 0.3 + 0.2 * k as f32;
        let mut outline: Vec<Point> = series(draws, n)
            .iter()
            .enumerate()
            .map(|(i, &v)| plot.at(i as f32 / (n - 1) as f32, (v * lift).min(1.0)))
            .collect();
        outline.push(plot.at(1.0, 0.0));
        outline.push(plot.at(0.0, 0.0));
        canvas.polygon(
            &outline,
            0.0,
            &Paint {
                opacity: 0.85,
                ..Paint::plain(plot.colours[k])
            },
        );
    }
}

fn boxes(canvas: &mut Canvas, draws: &mut Draws, plot: &Plot) {
    let n = draws.whole(3, 9);
    let ink = Paint::plain(plot.ink);
    for i in 0..n {
        let middle = draws.between(0.25, 0.75);
        let (q, r) = (draws.between(0.05, 0.2), draws.between(0.22, 0.3));
        let x = (i as f32 + 0.5) / n as f32;
        let half = 0.3 / n as f32;
        let spot = |dx: f32, y: f32| plot.at(x + dx, y.clamp(0.0, 1.0));
        canvas.polygon(
            &shapes::stroke(&[spot(0.0, middle - r), spot(0.0, middle + r)], 2.0, 2.0),
            0.0,
            &ink,
        );
        let corners = [
            spot(-half, middle - q),
            spot(half, middle - q),
            spot(half, middle + q),
            spot(-half, middle + q),
        ];
        canvas.polygon(&corners, 0.0, &Paint::plain(plot.colours[i % 6]));
        canvas.polygon(
            &shapes::stroke(&[spot(-half, middle), spot(half, middle)], 3.0, 3.0),
            0.0,
            &ink,
        );
    }
}
