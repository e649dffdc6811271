//! Plots computed from a run's evidence, as SVG and PNG from one drawing function each.
//!
//! A plot makes a [`Scene`]; a picture format paints it. A new plot is a file here and a line in [`PLOTS`], a
//! new picture format a function and a line in [`PICTURES`].

mod curves;
mod latency;
mod lines;
mod paint;
pub(crate) mod palette;
pub(crate) mod roc;
mod scene;
mod survival;

pub use curves::curves;
pub use lines::{Line, Lines, Point, lines, percent_ticks};
pub use scene::{Anchor, Color, Marker, Scene, Shape, text_width};

use crate::tables::Evidence;

/// A plot that could not be painted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The embedded font is not one that the drawing library reads.
    #[error("load the embedded font; the build is broken")]
    Font,
    /// The drawing library failed.
    #[error("draw as {format}: {reason}")]
    Draw {
        /// Extension of the picture format.
        format: &'static str,
        /// The library's reason.
        reason: String,
    },
}

/// One kind of plot.
#[derive(Clone, Copy, Debug)]
pub struct PlotKind {
    /// Stem of its file names.
    pub id: &'static str,
    /// Lays the plot out.
    ///
    /// # Errors
    /// [`PlotError::Font`] if text cannot be measured.
    pub make: fn(&Evidence) -> Result<Scene, PlotError>,
}

/// Every plot.
pub const PLOTS: &[PlotKind] = &[
    PlotKind {
        id: "survival",
        make: survival::scene,
    },
    PlotKind {
        id: "latency",
        make: latency::scene,
    },
    PlotKind {
        id: "roc",
        make: roc::scene,
    },
];

/// Every picture of a run, by the stem of its file names: [`PLOTS`], then a curve for each swept parameter.
///
/// # Errors
/// The picture's name, and why it could not be laid out.
pub fn scenes(evidence: &Evidence) -> Result<Vec<(String, Scene)>, (String, PlotError)> {
    let plots = PLOTS
        .iter()
        .map(|kind| (kind.id.to_owned(), (kind.make)(evidence)));
    let curves = curves::named(evidence);
    let curves = curves
        .into_iter()
        .map(|(name, chart)| (name, lines(&chart)));
    plots
        .chain(curves)
        .map(|(name, scene)| match scene {
            Ok(scene) => Ok((name, scene)),
            Err(error) => Err((name, error)),
        })
        .collect()
}

/// One way to paint a [`Scene`].
#[derive(Clone, Copy, Debug)]
pub struct PictureFormat {
    /// Extension of its files, without the dot.
    pub extension: &'static str,
    /// The whole file.
    ///
    /// # Errors
    /// [`PlotError::Draw`] if the drawing library fails.
    pub paint: fn(&Scene) -> Result<Vec<u8>, PlotError>,
}

/// A scene as the text of an SVG document.
///
/// # Errors
/// [`PlotError::Draw`] if the drawing library fails.
pub(crate) fn svg(scene: &Scene) -> Result<String, PlotError> {
    let bytes = (paint::SVG.paint)(scene)?;
    String::from_utf8(bytes).map_err(|error| PlotError::Draw {
        format: "svg",
        reason: error.to_string(),
    })
}

/// Every picture format.
pub const PICTURES: &[PictureFormat] = &[paint::SVG, paint::PNG];
