//! A page on the canvas, perhaps turned a little, and how to write on it.

use crate::synthetic::paint::canvas::{Canvas, Paint};
use crate::synthetic::paint::colour::Rgb;
use crate::synthetic::paint::glyphs::Typeface;

/// The page being filled: where it lies, how its lines run, and what it is printed with.
pub(super) struct Page {
    pub(super) face: Typeface,
    /// Top left corner.
    pub(super) origin: (f32, f32),
    /// Cosine and sine of the lines' direction.
    pub(super) turn: (f32, f32),
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) ink: Rgb,
    pub(super) accent: Rgb,
}

impl Page {
    /// The canvas point of a point of the page.
    pub(super) fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let (c, s) = self.turn;
        (self.origin.0 + x * c - y * s, self.origin.1 + x * s + y * c)
    }

    /// Writes a line whose base starts at (x, y) of the page.
    pub(super) fn write(
        &mut self,
        canvas: &mut Canvas,
        x: f32,
        y: f32,
        size: f32,
        text: &str,
        colour: Rgb,
    ) {
        let at = self.at(x, y);
        self.face
            .write_turned(canvas, at, size, self.turn, text, &Paint::plain(colour));
    }

    /// Lays a rectangle whose top left corner is (x, y) of the page.
    pub(super) fn block(
        &self,
        canvas: &mut Canvas,
        x: f32,
        y: f32,
        w: f32,
        h: f32,
        paint: &Paint<'_>,
    ) {
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

    /// Writes as many words as fit into `width`.
    pub(super) fn line(
        &mut self,
        canvas: &mut Canvas,
        (x, y): (f32, f32),
        width: f32,
        size: f32,
        text: &str,
    ) {
        let mut fits = String::new();
        for word in text.split(' ') {
            if self.face.width(&fits, size) + self.face.width(word, size) > width {
                break;
            }
            fits.push_str(word);
            fits.push(' ');
        }
        self.write(canvas, x, y, size, fits.trim_end(), self.ink);
    }
}
