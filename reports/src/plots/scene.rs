//! A picture as a list of shapes, independent of any file format, so that a layout can be tested.

use std::sync::OnceLock;

use credlink_fonts::UBUNTU_LIGHT;
use plotters::style::{FontFamily, FontStyle, IntoFont, register_font};

use super::PlotError;

/// The name under which the font is registered. In an SVG it names the viewer's own sans-serif font, which
/// differs a little in width, so layouts leave room.
pub(crate) const FONT: &str = "sans-serif";

/// Red, green and blue, 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

/// Where a text stands relative to its point; vertically it is always centred on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins at the point.
    Start,
    /// The text is centred on the point.
    Middle,
    /// The text ends at the point.
    End,
}

/// The form of a data point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A filled circle.
    Circle,
    /// A filled square.
    Square,
    /// A filled triangle, point up.
    Triangle,
    /// A filled diamond.
    Diamond,
    /// A circle filled white.
    Ring,
    /// Two crossing lines.
    Cross,
    /// A short vertical line.
    Tick,
}

/// One shape; coordinates in pixels from the top left.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A filled rectangle without border.
    Rect {
        /// Top left corner.
        from: (f64, f64),
        /// Bottom right corner.
        to: (f64, f64),
        /// Fill.
        color: Color,
    },
    /// A straight line.
    Line {
        /// One end.
        from: (f64, f64),
        /// The other end.
        to: (f64, f64),
        /// Stroke.
        color: Color,
        /// Stroke width.
        width: f64,
    },
    /// A data point.
    Mark {
        /// Centre.
        at: (f64, f64),
        /// Form.
        marker: Marker,
        /// Half its height.
        radius: f64,
        /// Colour.
        color: Color,
    },
    /// One line of text.
    Text {
        /// Its point.
        at: (f64, f64),
        /// How it stands on the point.
        anchor: Anchor,
        /// Font size in pixels.
        size: f64,
        /// Colour.
        color: Color,
        /// The words; control characters are not drawn.
        words: String,
    },
}

/// A picture: its size in pixels and its shapes, painted in order on white.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
    /// The shapes, first ones below.
    pub shapes: Vec<Shape>,
}

impl Scene {
    pub(crate) fn new(width: f64) -> Self {
        Self {
            width,
            height: 0.0,
            shapes: Vec::new(),
        }
    }

    pub(crate) fn rect(&mut self, from: (f64, f64), to: (f64, f64), color: Color) {
        self.shapes.push(Shape::Rect { from, to, color });
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), color: Color, width: f64) {
        self.shapes.push(Shape::Line {
            from,
            to,
            color,
            width,
        });
    }

    pub(crate) fn mark(&mut self, at: (f64, f64), marker: Marker, radius: f64, color: Color) {
        self.shapes.push(Shape::Mark {
            at,
            marker,
            radius,
            color,
        });
    }

    pub(crate) fn text(
        &mut self,
        at: (f64, f64),
        anchor: Anchor,
        style: (f64, Color),
        words: impl Into<String>,
    ) {
        self.shapes.push(Shape::Text {
            at,
            anchor,
            size: style.0,
            color: style.1,
            // A name from a stranger's recipe must not break the SVG, where most controls are forbidden.
            words: words.into().chars().filter(|c| is_xml_text(*c)).collect(),
        });
    }

    /// Text shortened with an ellipsis until it fits `room` pixels.
    pub(crate) fn fitted(words: &str, size: f64, room: f64) -> Result<String, PlotError> {
        let mut kept: Vec<char> = words.chars().collect();
        if text_width(words, size)? <= room {
            return Ok(words.to_owned());
        }
        while !kept.is_empty() {
            kept.pop();
            let short: String = kept.iter().collect::<String>() + "…";
            if text_width(&short, size)? <= room {
                return Ok(short);
            }
        }
        Ok(String::new())
    }

    /// Breaks words into lines of at most `room` pixels.
    pub(crate) fn wrapped(words: &str, size: f64, room: f64) -> Result<Vec<String>, PlotError> {
        let mut lines: Vec<String> = Vec::new();
        for word in words.split_whitespace() {
            let longer = match lines.last() {
                Some(line) => format!("{line} {word}"),
                None => word.to_owned(),
            };
            let fits = text_width(&longer, size)? <= room;
            match lines.last_mut() {
                Some(line) if fits => *line = longer,
                _ => lines.push(Self::fitted(word, size, room)?),
            }
        }
        Ok(lines)
    }
}

/// Characters that XML 1.0 allows in text (section 2.2), line breaks left out.
fn is_xml_text(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// Width of a line of text in pixels.
///
/// # Errors
/// [`PlotError::Font`] if the embedded font cannot be read.
pub fn text_width(words: &str, size: f64) -> Result<f64, PlotError> {
    register()?;
    let font = (FontFamily::Name(FONT), size).into_font();
    // The box grows to the right for left-aligned text; its corners are in whole pixels.
    font.box_size(words)
        .map(|(width, _)| f64::from(width))
        .map_err(|_| PlotError::Font)
}

/// Hands the embedded font to the drawing library, once for the process.
pub(crate) fn register() -> Result<(), PlotError> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let registered =
        DONE.get_or_init(|| register_font(FONT, FontStyle::Normal, UBUNTU_LIGHT).is_ok());
    if *registered {
        Ok(())
    } else {
        Err(PlotError::Font)
    }
}
