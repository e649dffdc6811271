//! Counts by pipeline, class, format and size: all that the page's filters need, whatever the number of rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use credlink_trial_record::{Outcome, Trial};

use crate::header::RunHeader;
use crate::rows::{RowError, Rows};

/// Names of the size bands, by pixels of the source image.
pub const BANDS: [&str; 3] = ["below 0.5 MP", "0.5 to 2 MP", "2 MP and more"];

fn band(width: u32, height: u32) -> usize {
    match u64::from(width) * u64::from(height) {
        0..500_000 => 0,
        500_000..2_000_000 => 1,
        _ => 2,
    }
}

/// Signed ops by stratum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterCounts {
    /// Classes of images, in alphabetical order.
    pub classes: Vec<String>,
    /// Formats of source images, in alphabetical order.
    pub formats: Vec<String>,
    /// One entry per stratum that has ops, in ascending order: index of the pipeline in the header, of the class,
    /// of the format and of the band, then one count per outcome of [`Outcome::SIGNED`], then per carrier how often
    /// it accepted, then per carrier how often only it did.
    pub cells: Vec<Vec<u64>>,
}

impl FilterCounts {
    /// Counts the signed ops of a run.
    ///
    /// # Errors
    /// [`RowError::MissingColumn`] if a column was not read.
    pub fn count(header: &RunHeader, rows: &Rows) -> Result<Self, RowError> {
        let known: HashMap<&str, u64> = (0..)
            .zip(&header.pipelines)
            .map(|(index, pipeline)| (pipeline.id.as_str(), index))
            .collect();
        let pipeline = rows.texts("pipeline")?;
        let (trials, outcomes) = (rows.trials()?, rows.outcomes()?);
        let (class, format) = (rows.texts("class")?, rows.texts("image_format")?);
        let (width, height) = (rows.small("width")?, rows.small("height")?);
        let mut flags = Vec::new();
        for carrier in rows.carriers() {
            flags.push(rows.flags(&format!("{carrier}_accepted"))?);
        }
        let all = |column: &polars::prelude::StringChunked| -> Vec<String> {
            let words: BTreeSet<&str> = column.iter().flatten().collect();
            words.into_iter().map(str::to_owned).collect()
        };
        let (classes, formats) = (all(class), all(format));
        let place = |list: &[String], word: &str| {
            list.binary_search_by(|known| known.as_str().cmp(word))
                .unwrap_or_default()
        };
        let carriers = flags.len();
        let mut cells: BTreeMap<[u64; 4], Vec<u64>> = BTreeMap::new();
        for (row, (trial, outcome)) in trials.into_iter().zip(outcomes).enumerate() {
            if trial != Trial::Signed {
                continue;
            }
            let Some(index) = pipeline.get(row).and_then(|id| known.get(id)) else {
                continue;
            };
            let key = [
                *index,
                place(&classes, class.get(row).unwrap_or_default()) as u64,
                place(&formats, format.get(row).unwrap_or_default()) as u64,
                band(
                    width.get(row).unwrap_or_default(),
                    height.get(row).unwrap_or_default(),
                ) as u64,
            ];
            let counts = cells
                .entry(key)
                .or_insert_with(|| vec![0; Outcome::SIGNED.len() + 2 * carriers]);
            if let Some(place) = outcome.place() {
                counts[place] += 1;
            }
            let accepted: Vec<usize> = (0..carriers)
                .filter(|carrier| flags[*carrier].get(row) == Some(true))
                .collect();
            for carrier in &accepted {
                counts[Outcome::SIGNED.len() + carrier] += 1;
            }
            if let (true, [only]) = (outcome.survived(), accepted.as_slice()) {
                counts[Outcome::SIGNED.len() + carriers + only] += 1;
            }
        }
        Ok(Self {
            classes,
            formats,
            cells: cells
                .into_iter()
                .map(|(key, counts)| key.into_iter().chain(counts).collect())
                .collect(),
        })
    }
}
