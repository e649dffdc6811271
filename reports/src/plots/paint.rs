//! Paints a scene with plotters, as SVG or PNG. What plotters draws is the same for both.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};
use plotters::coord::Shift;
use plotters::element::{Circle, PathElement};
use plotters::prelude::{
    BitMapBackend, DrawingArea, DrawingBackend, IntoDrawingArea, Polygon, RGBColor, Rectangle,
    SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontFamily, IntoFont, ShapeStyle, WHITE};

use super::scene::{FONT, register};
use super::{Anchor, Color, Marker, PictureFormat, PlotError, Scene, Shape};

pub(super) const SVG: PictureFormat = PictureFormat {
    extension: "svg",
    paint: svg,
};
pub(super) const PNG: PictureFormat = PictureFormat {
    extension: "png",
    paint: png,
};

/// How a backend is painted on.
#[derive(Clone, Copy)]
struct Brush {
    /// Pixels of the picture per pixel of the scene.
    scale: f64,
    /// How far text is moved down, in font sizes, so that its small letters are centred on their point.
    drop: f64,
}

const SVG_BRUSH: Brush = Brush {
    scale: 1.0,
    drop: 0.0,
};

/// Twice the size is sharp on dense screens. plotters centres text in the SVG by its small letters, but in a
/// bitmap by a box that leaves them about 0.15 sizes too high with this font.
const PNG_BRUSH: Brush = Brush {
    scale: 2.0,
    drop: 0.15,
};

fn svg(scene: &Scene) -> Result<Vec<u8>, PlotError> {
    let mut text = String::new();
    let backend = SVGBackend::with_string(&mut text, size(scene, SVG_BRUSH));
    paint(&backend.into_drawing_area(), scene, SVG_BRUSH)
        .map_err(|reason| failed("svg", reason))?;
    Ok(text.into_bytes())
}

fn png(scene: &Scene) -> Result<Vec<u8>, PlotError> {
    let (width, height) = size(scene, PNG_BRUSH);
    let mut pixels = vec![0; width as usize * height as usize * 3];
    let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
    paint(&backend.into_drawing_area(), scene, PNG_BRUSH)
        .map_err(|reason| failed("png", reason))?;
    let mut file = Cursor::new(Vec::new());
    // Flat areas compress best unfiltered (RFC 2083, section 9.6 says the same of few colours).
    PngEncoder::new_with_quality(&mut file, CompressionType::Default, FilterType::NoFilter)
        .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
        .map_err(|reason| failed("png", reason.to_string()))?;
    Ok(file.into_inner())
}

fn failed(format: &'static str, reason: String) -> PlotError {
    PlotError::Draw { format, reason }
}

fn size(scene: &Scene, brush: Brush) -> (u32, u32) {
    let pixels = |length: f64| (length * brush.scale).ceil() as u32;
    (pixels(scene.width), pixels(scene.height))
}

fn paint<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scene: &Scene,
    brush: Brush,
) -> Result<(), String> {
    register().map_err(|error| error.to_string())?;
    area.fill(&WHITE).map_err(|error| error.to_string())?;
    for shape in &scene.shapes {
        draw(area, shape, brush).map_err(|error| error.to_string())?;
    }
    area.present().map_err(|error| error.to_string())
}

type Drawn<B> =
    Result<(), plotters::drawing::DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

fn draw<B: DrawingBackend>(area: &DrawingArea<B, Shift>, shape: &Shape, brush: Brush) -> Drawn<B> {
    let scale = brush.scale;
    let at = |point: (f64, f64)| {
        (
            (point.0 * scale).round() as i32,
            (point.1 * scale).round() as i32,
        )
    };
    match shape {
        Shape::Rect { from, to, color } => {
            area.draw(&Rectangle::new([at(*from), at(*to)], rgb(*color).filled()))
        }
        Shape::Line {
            from,
            to,
            color,
            width,
        } => area.draw(&PathElement::new(
            [at(*from), at(*to)],
            stroke(*color, width * scale),
        )),
        Shape::Mark {
            at: centre,
            marker,
            radius,
            color,
        } => mark(area, at(*centre), *marker, radius * scale, *color),
        Shape::Text {
            at: point,
            anchor,
            size,
            color,
            words,
        } => {
            let side = match anchor {
                Anchor::Start => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::End => HPos::Right,
            };
            let style = (FontFamily::Name(FONT), size * scale)
                .into_font()
                .color(&rgb(*color))
                .pos(Pos::new(side, VPos::Center));
            let centred = (point.0, point.1 + size * brush.drop);
            area.draw(&Text::new(words.as_str(), at(centred), style))
        }
    }
}

fn mark<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    (x, y): (i32, i32),
    marker: Marker,
    radius: f64,
    color: Color,
) -> Drawn<B> {
    let r = radius.round() as i32;
    let fill = rgb(color).filled();
    let polygon = |points: Vec<(i32, i32)>| area.draw(&Polygon::new(points, fill));
    let line = |from, to| area.draw(&PathElement::new([from, to], stroke(color, radius * 0.5)));
    match marker {
        Marker::Circle => area.draw(&Circle::new((x, y), r, fill)),
        Marker::Square => area.draw(&Rectangle::new([(x - r, y - r), (x + r, y + r)], fill)),
        Marker::Triangle => polygon(vec![(x, y - r), (x + r, y + r), (x - r, y + r)]),
        Marker::Diamond => polygon(vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y)]),
        Marker::Ring => {
            area.draw(&Circle::new((x, y), r, fill))?;
            area.draw(&Circle::new(
                (x, y),
                (radius * 0.55).round() as i32,
                WHITE.filled(),
            ))
        }
        Marker::Cross => {
            line((x - r, y - r), (x + r, y + r))?;
            line((x - r, y + r), (x + r, y - r))
        }
        Marker::Tick => line((x, y - r), (x, y + r)),
    }
}

fn rgb(color: Color) -> RGBColor {
    RGBColor(color.0, color.1, color.2)
}

fn stroke(color: Color, width: f64) -> ShapeStyle {
    rgb(color).stroke_width((width.round() as u32).max(1))
}
