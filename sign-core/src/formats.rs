//! Which image files can be signed: those in which the C2PA library embeds manifests.

use credlink_image_files::Format;
use serde::{Deserialize, Deserializer, Serializer};

/// The formats that CredLink signs, in the order in which tests and documents list them.
pub const SIGNABLE: &[Format] = &[
    Format::Jpeg,
    Format::Png,
    Format::WebP,
    Format::Gif,
    Format::Tiff,
    Format::Avif,
];

/// The format of a file that can be signed; `None` for all others. The name of a file does not count.
#[must_use]
pub fn signable(bytes: &[u8]) -> Option<Format> {
    Format::sniff(bytes).filter(|format| SIGNABLE.contains(format))
}

/// Serde: a format by its media type, as records keep it.
pub(crate) mod by_media_type {
    use super::{Deserialize, Deserializer, Format, SIGNABLE, Serializer};

    pub(crate) fn serialize<S: Serializer>(format: &Format, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(format.mime())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Format, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(from)?;
        let mut formats = SIGNABLE.iter().copied();
        formats
            .find(|format| format.mime() == name)
            .ok_or_else(|| serde::de::Error::custom(format!("unknown media type {name:?}")))
    }
}
