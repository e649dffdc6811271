//! Rewriting single metadata fields of a file whose coded image stays byte for byte.

use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use credlink_image_files::metadata::{self, fields};

/// `fields = { exif_keep = ["artist", "copyright"], xmp_keep = ["dc:rights", "xmpRights:"], location = false,
/// caption = "…", iptc = [[40, "…"]], exif_if_absent = true }`, each part optional:
///
/// `exif_keep` leaves only these tags, `xmp_keep` only these properties (`prefix:` for all of a namespace);
/// `location = false` removes the GPS directory alone; `caption` adds a `dc:description`; `iptc` writes these
/// application records in place of what was there (JPEG only); `exif_if_absent` gives a file without EXIF the small block that
/// libexif makes: orientation, resolution, versions and dimensions. All other metadata stays, a manifest included.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    exif_keep: Option<Vec<Tag>>,
    xmp_keep: Option<Vec<String>>,
    location: Option<bool>,
    caption: Option<String>,
    iptc: Option<Vec<(u8, String)>>,
    #[serde(default)]
    exif_if_absent: bool,
}

/// A tag of the first EXIF directory (CIPA DC-008, 4.6.4).
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tag {
    Description = 0x010E,
    Make = 0x010F,
    Model = 0x0110,
    Orientation = 0x0112,
    Artist = 0x013B,
    Copyright = 0x8298,
}

impl Apply for Fields {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let file = work.encoded()?;
        let (format, bytes) = (file.format(), file.bytes());
        let mut metadata = metadata::read(format, bytes);
        if let Some(tags) = &self.exif_keep {
            let tags: Vec<u16> = tags.iter().map(|tag| *tag as u16).collect();
            let kept = metadata
                .exif
                .and_then(|exif| fields::exif_with_only(&exif, &tags));
            metadata.exif = kept;
        }
        if self.location == Some(false) {
            metadata.exif = metadata.exif.as_ref().map(fields::exif_without_location);
        }
        if let Some(keep) = &self.xmp_keep {
            metadata.xmp = metadata
                .xmp
                .and_then(|xmp| fields::xmp_with_only(&xmp, keep));
        }
        if let Some(words) = &self.caption {
            metadata.xmp = Some(fields::xmp_with_caption(metadata.xmp.as_ref(), words));
        }
        if let Some(records) = &self.iptc {
            metadata.iptc = Some(fields::iptc(records));
        }
        if self.exif_if_absent && metadata.exif.is_none() {
            let pixels = &work.frame()?.pixels;
            let block = metadata::tiff::bare_exif(pixels.width(), pixels.height());
            metadata.exif = Some(block);
        }
        let rewritten = metadata::written(format, bytes.to_vec(), &metadata)?;
        work.replace(rewritten)?;
        Ok(Flow::Continue)
    }
}
