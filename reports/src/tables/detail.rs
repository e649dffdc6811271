//! What strata, causes and costs are counted from: words as indices, one column each.

use std::collections::HashMap;

use polars::prelude::StringChunked;

use crate::row::EMBEDDINGS;
use crate::rows::{RowError, Rows};

/// Bands of the displayed size in megapixels: the upper end of each, and its name.
pub(crate) const SIZE_BANDS: [(f64, &str); 5] = [
    (0.25, "below 0.25 MP"),
    (1.0, "0.25 to 1 MP"),
    (2.0, "1 to 2 MP"),
    (4.0, "2 to 4 MP"),
    (f64::INFINITY, "4 MP and more"),
];

/// A column of words as indices into a list.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// Every word once, in order of first appearance.
    pub(crate) list: Vec<String>,
    /// The word of each row; [`Words::NONE`] where it has none.
    pub(crate) of: Vec<u16>,
}

impl Words {
    /// The row has no word.
    pub(crate) const NONE: u16 = u16::MAX;

    fn read(column: &StringChunked) -> Self {
        let mut known: HashMap<&str, u16> = HashMap::new();
        let mut words = Self::default();
        for word in column.iter() {
            let index = match word {
                None => Self::NONE,
                Some(word) => *known
                    .entry(word)
                    .or_insert_with(|| words.add(word.to_owned())),
            };
            words.of.push(index);
        }
        words
    }

    /// Past 65,534 different words the rest share the last index: a stratum of that many is none.
    fn add(&mut self, word: String) -> u16 {
        let index = u16::try_from(self.list.len())
            .unwrap_or(Self::NONE)
            .min(Self::NONE - 1);
        if usize::from(index) == self.list.len() {
            self.list.push(word);
        }
        index
    }
}

/// One carrier's columns.
#[derive(Debug, Default)]
pub(crate) struct CellDetail {
    /// Position in [`EMBEDDINGS`], or `u8::MAX` where the row does not say.
    pub(crate) embedded: Vec<u8>,
    /// State and first code, e.g. `invalid, assertion.dataHash.mismatch`.
    pub(crate) cause: Words,
}

/// Columns beside those of [`super::Evidence`].
#[derive(Debug, Default)]
pub(crate) struct Detail {
    pub(crate) class: Words,
    pub(crate) format: Words,
    /// Position in [`SIZE_BANDS`].
    pub(crate) size: Vec<u8>,
    pub(crate) error_cause: Words,
    pub(crate) source_bytes: Vec<u64>,
    pub(crate) signed_bytes: Vec<u64>,
    /// NaN where there is no watermark.
    pub(crate) mark_psnr: Vec<f32>,
    /// NaN where there is no watermark.
    pub(crate) mark_ssim: Vec<f32>,
    /// NaN where signing changed no pixel.
    pub(crate) psnr: Vec<f32>,
    /// NaN where signing changed no pixel.
    pub(crate) ssim: Vec<f32>,
    pub(crate) cells: Vec<CellDetail>,
}

impl Detail {
    pub(super) fn read(rows: &Rows) -> Result<Self, RowError> {
        let bytes = |column| -> Result<Vec<u64>, RowError> {
            Ok(rows.big(column)?.into_no_null_iter().collect())
        };
        let real = |column| -> Result<Vec<f32>, RowError> {
            Ok(rows
                .real(column)?
                .iter()
                .map(|value| value.unwrap_or(f32::NAN))
                .collect())
        };
        let sides = rows
            .small("width")?
            .into_no_null_iter()
            .zip(rows.small("height")?.into_no_null_iter());
        let size = sides.map(|(width, height)| {
            let megapixels = f64::from(width) * f64::from(height) / 1e6;
            let band = SIZE_BANDS.iter().position(|(end, _)| megapixels < *end);
            band.unwrap_or(SIZE_BANDS.len() - 1) as u8
        });
        let mut cells = Vec::with_capacity(rows.carriers().len());
        for carrier in rows.carriers() {
            let text = |name: &str| rows.texts(&format!("{carrier}_{name}"));
            let embedded = text("embedded")?.iter().map(|word| {
                let index = EMBEDDINGS.iter().position(|known| Some(*known) == word);
                index
                    .and_then(|index| u8::try_from(index).ok())
                    .unwrap_or(u8::MAX)
            });
            cells.push(CellDetail {
                embedded: embedded.collect(),
                cause: causes(text("state")?, text("codes")?),
            });
        }
        Ok(Self {
            class: Words::read(rows.texts("class")?),
            format: Words::read(rows.texts("image_format")?),
            size: size.collect(),
            error_cause: Words::read(rows.texts("error_cause")?),
            source_bytes: bytes("source_bytes")?,
            signed_bytes: bytes("signed_bytes")?,
            mark_psnr: real("mark_psnr")?,
            mark_ssim: real("mark_ssim")?,
            psnr: real("sign_psnr")?,
            ssim: real("sign_ssim")?,
            cells,
        })
    }
}

/// A carrier's state and the first code that is not the name of a signer.
fn causes(states: &StringChunked, codes: &StringChunked) -> Words {
    let mut known: HashMap<(&str, &str), u16> = HashMap::new();
    let mut words = Words::default();
    for (state, codes) in states.iter().zip(codes.iter()) {
        let Some(state) = state else {
            words.of.push(Words::NONE);
            continue;
        };
        let code = codes
            .unwrap_or_default()
            .split(',')
            .find(|code| !code.starts_with("signer:"));
        let code = code.unwrap_or_default();
        let index = *known.entry((state, code)).or_insert_with(|| {
            words.add(if code.is_empty() {
                state.to_owned()
            } else {
                format!("{state}, {code}")
            })
        });
        words.of.push(index);
    }
    words
}
