//! How JPEG files sample colour.

use serde::Deserialize;

/// How colour is subsampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum Chroma {
    /// Full colour resolution.
    #[serde(rename = "4:4:4")]
    Full,
    /// Half the columns.
    #[serde(rename = "4:2:2")]
    HalfWidth,
    /// Half the rows: what turning a 4:2:2 file without loss leaves.
    #[serde(rename = "4:4:0")]
    HalfHeight,
    /// Half the columns and half the rows.
    #[serde(rename = "4:2:0")]
    Quarter,
}

impl Chroma {
    /// As the field writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "4:4:4",
            Self::HalfWidth => "4:2:2",
            Self::HalfHeight => "4:4:0",
            Self::Quarter => "4:2:0",
        }
    }
}
