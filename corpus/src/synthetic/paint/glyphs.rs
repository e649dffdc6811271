//! Text as outlines of embedded open fonts: Ubuntu Light (Ubuntu font licence) and Hack (MIT).
//!
//! The only file that knows the font library. Outlines go through our own polygon filler, because the
//! library's rasteriser picks its arithmetic by processor.

use std::collections::HashMap;

use ab_glyph::{Font, FontRef, OutlineCurve};

use super::canvas::{Canvas, Paint};
use super::polygon::Point;

/// Contours in units of the font size, y downwards from the baseline, and the advance.
type Glyph = (Vec<Vec<Point>>, f32);

/// A typeface with its outlines at hand.
pub(crate) struct Typeface {
    font: Option<FontRef<'static>>,
    glyphs: HashMap<char, Glyph>,
}

impl Typeface {
    /// The proportional face.
    pub(crate) fn sans() -> Typeface {
        Typeface::new(credlink_fonts::UBUNTU_LIGHT)
    }

    /// The monospaced face.
    pub(crate) fn mono() -> Typeface {
        Typeface::new(credlink_fonts::HACK_REGULAR)
    }

    fn new(bytes: &'static [u8]) -> Typeface {
        // The bytes are part of this program, and a test reads them; without a font, text has no ink.
        Typeface {
            font: FontRef::try_from_slice(bytes).ok(),
            glyphs: HashMap::new(),
        }
    }

    fn glyph(&mut self, c: char) -> &Glyph {
        let font = &self.font;
        self.glyphs.entry(c).or_insert_with(|| {
            font.as_ref()
                .map(|font| outlined(font, c))
                .unwrap_or_default()
        })
    }

    /// Width of a line of text at a size in pixels.
    pub(crate) fn width(&mut self, text: &str, size: f32) -> f32 {
        text.chars().map(|c| self.glyph(c).1 * size).sum()
    }

    /// Writes a line with its baseline starting at (x, y); returns where it ends.
    pub(crate) fn write(
        &mut self,
        canvas: &mut Canvas,
        at: Point,
        size: f32,
        text: &str,
        paint: &Paint<'_>,
    ) -> f32 {
        self.write_turned(canvas, at, size, (1.0, 0.0), text, paint)
    }

    /// As [`Typeface::write`], along a direction given by its cosine and sine.
    pub(crate) fn write_turned(
        &mut self,
        canvas: &mut Canvas,
        at: Point,
        size: f32,
        (cos, sin): (f32, f32),
        text: &str,
        paint: &Paint<'_>,
    ) -> f32 {
        let mut along = 0.0;
        for c in text.chars() {
            let (contours, advance) = self.glyph(c);
            if !contours.is_empty() {
                let place = |&(x, y): &Point| {
                    let (x, y) = (x * size + along, y * size);
                    (at.0 + x * cos - y * sin, at.1 + x * sin + y * cos)
                };
                let placed: Vec<Vec<Point>> = contours
                    .iter()
                    .map(|c| c.iter().map(place).collect())
                    .collect();
                let slices: Vec<&[Point]> = placed.iter().map(Vec::as_slice).collect();
                canvas.contours(&slices, 0.0, paint);
            }
            along += advance * size;
        }
        at.0 + along
    }
}

fn outlined(font: &FontRef<'_>, c: char) -> Glyph {
    let id = font.glyph_id(c);
    let scale = 1.0 / font.units_per_em().unwrap_or(1000.0);
    let advance = font.h_advance_unscaled(id) * scale;
    let mut contours: Vec<Vec<Point>> = Vec::new();
    let mut end: Option<Point> = None;
    for curve in font.outline(id).map(|o| o.curves).unwrap_or_default() {
        let point = |p: ab_glyph::Point| (p.x * scale, -p.y * scale);
        let (from, rest) = match curve {
            OutlineCurve::Line(a, b) => (point(a), vec![point(b)]),
            OutlineCurve::Quad(a, b, c) => {
                let (a, b, c) = (point(a), point(b), point(c));
                (a, flattened(&[a, b, c], 4))
            }
            OutlineCurve::Cubic(a, b, c, d) => {
                let (a, b, c, d) = (point(a), point(b), point(c), point(d));
                (a, flattened(&[a, b, c, d], 6))
            }
        };
        // A curve that does not go on where the last one ended starts a new contour.
        if end != Some(from) {
            contours.push(Vec::new());
        }
        end = rest.last().copied();
        if let Some(contour) = contours.last_mut() {
            contour.extend(rest);
        }
    }
    (contours, advance)
}

/// Points along a Bézier curve after its start. The last is the curve's own end, not a rounded computation
/// of it, because contours are told apart by whether a curve starts exactly where the last one ended.
fn flattened(control: &[Point], steps: usize) -> Vec<Point> {
    let inner = (1..steps).map(|i| bezier(control, i as f32 / steps as f32));
    inner.chain(control.last().copied()).collect()
}

/// De Casteljau's construction.
fn bezier(points: &[Point], t: f32) -> Point {
    let mut p = points.to_vec();
    while p.len() > 1 {
        p = p
            .windows(2)
            .map(|w| {
                (
                    w[0].0 + (w[1].0 - w[0].0) * t,
                    w[0].1 + (w[1].1 - w[0].1) * t,
                )
            })
            .collect();
    }
    p[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_draw_ink_for_every_printable_ascii_character() {
        for mut face in [Typeface::sans(), Typeface::mono()] {
            for c in ('!'..='~').chain("äöüéß°€".chars()) {
                let mut canvas = Canvas::new(60, 60, [1.0; 3]);
                let end = face.write(
                    &mut canvas,
                    (10.0, 45.0),
                    40.0,
                    &c.to_string(),
                    &Paint::plain([0.0; 3]),
                );
                assert!(end > 15.0, "{c}");
                assert!(
                    canvas.planes[0].iter().sum::<f32>() < 3595.0,
                    "{c} left no ink"
                );
            }
        }
    }

    #[test]
    fn each_glyph_has_as_many_contours_as_its_shape_has_borders() {
        let font = FontRef::try_from_slice(credlink_fonts::UBUNTU_LIGHT).unwrap();
        for (c, n) in [
            ('t', 1),
            ('l', 1),
            ('O', 2),
            ('B', 3),
            ('i', 2),
            ('s', 1),
            ('8', 3),
            ('%', 5),
        ] {
            assert_eq!(outlined(&font, c).0.len(), n, "{c}");
        }
    }

    #[test]
    fn the_hole_of_an_o_stays_open() {
        let mut canvas = Canvas::new(100, 100, [1.0; 3]);
        let mut face = Typeface::sans();
        let end = face.write(
            &mut canvas,
            (10.0, 80.0),
            90.0,
            "O",
            &Paint::plain([0.0; 3]),
        );
        let middle = 47 * 100 + ((10.0 + end) / 2.0) as usize;
        assert!(canvas.planes[0][middle] > 0.99);
        assert!(canvas.planes[0].iter().any(|&v| v < 0.01));
    }
}
