//! Answering in the format that was given.

use credlink_image_files::Format;
use serde::Deserialize;

use super::encode::{Avif, Encode, Gif, Jpeg, WebP, checked, run};
use super::png::Png;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Encodes, Flow, Work};

/// `save = { jpeg = {…}, png = {…}, webp = {…}, avif = {…}, gif = {…}, other = "jpeg" }`: what a service does that answers in the format it
/// was given. A format without settings of its own is written as `other`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "WireSave")]
pub struct Save {
    jpeg: Option<Jpeg>,
    png: Option<Png>,
    webp: Option<WebP>,
    avif: Option<Avif>,
    gif: Option<Gif>,
    other: Format,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSave {
    jpeg: Option<Jpeg>,
    png: Option<Png>,
    webp: Option<WebP>,
    avif: Option<Avif>,
    gif: Option<Gif>,
    other: Format,
}

impl TryFrom<WireSave> for Save {
    type Error = String;

    fn try_from(wire: WireSave) -> Result<Self, String> {
        let save = Self {
            jpeg: wire.jpeg,
            png: wire.png,
            webp: wire.webp,
            avif: wire.avif,
            gif: wire.gif,
            other: wire.other,
        };
        if save.settings(save.other).is_none() {
            return Err(format!(
                "save.other is \"{}\", for which save has no settings",
                save.other
            ));
        }
        Ok(save)
    }
}

impl Encodes for Save {
    fn gives(&self, format: Format) -> Format {
        match self.settings(format) {
            Some(_) => format,
            None => self.other,
        }
    }

    fn checked_keep(&self) -> Result<(), String> {
        self.all().try_for_each(checked)
    }
}

impl Save {
    /// The settings for JPEG files.
    pub(crate) fn jpeg(&self) -> Option<&Jpeg> {
        self.jpeg.as_ref()
    }

    /// The settings for a file of `format`.
    pub(super) fn chosen(&self, format: Format) -> Result<&dyn Encode, StepErrorKind> {
        // `other` was checked to have settings when the recipe was read.
        self.settings(format)
            .or_else(|| self.settings(self.other))
            .ok_or(StepErrorKind::Format {
                expected: "the formats it has settings for",
                found: format,
            })
    }

    /// The settings of every format that it has some for.
    fn all(&self) -> impl Iterator<Item = &dyn Encode> {
        Format::ALL
            .iter()
            .filter_map(|format| self.settings(*format))
    }

    fn settings(&self, format: Format) -> Option<&dyn Encode> {
        match format {
            Format::Jpeg => self.jpeg.as_ref().map(|settings| settings as &dyn Encode),
            Format::Png => self.png.as_ref().map(|settings| settings as &dyn Encode),
            Format::WebP => self.webp.as_ref().map(|settings| settings as &dyn Encode),
            Format::Avif => self.avif.as_ref().map(|settings| settings as &dyn Encode),
            Format::Gif => self.gif.as_ref().map(|settings| settings as &dyn Encode),
            _ => None,
        }
    }
}

impl Apply for Save {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        run(self.chosen(work.file().format())?, work)
    }
}
