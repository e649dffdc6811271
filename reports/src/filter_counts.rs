//! Counts by pipeline, class, format and size: all that the page's filters need, whatever the number of rows.

use std::collections::{BTreeMap, HashMap};

use credlink_trial_record::{Outcome, Trial};

use crate::header::RunHeader;
use crate::rows::{RowError, Rows};
use crate::tables::Interned;

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

/// The same while rows are read, with classes and formats by their first appearance.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    classes: Interned<String>,
    formats: Interned<String>,
    cells: HashMap<[u64; 4], Vec<u64>>,
}

impl Counting {
    /// Adds the signed ops of a slice of rows.
    ///
    /// # Errors
    /// [`RowError::MissingColumn`] if a column was not read.
    pub(crate) fn add(&mut self, header: &RunHeader, rows: &Rows) -> Result<(), RowError> {
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
        let carriers = flags.len();
        for (row, (trial, outcome)) in trials.into_iter().zip(outcomes).enumerate() {
            let class = self.classes.index(class.get(row).unwrap_or_default());
            let format = self.formats.index(format.get(row).unwrap_or_default());
            if trial != Trial::Signed {
                continue;
            }
            let Some(index) = pipeline.get(row).and_then(|id| known.get(id)) else {
                continue;
            };
            let band = band(
                width.get(row).unwrap_or_default(),
                height.get(row).unwrap_or_default(),
            );
            let key = [*index, class.into(), format.into(), band as u64];
            let counts = self
                .cells
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
        Ok(())
    }

    /// What was counted, in order.
    pub(crate) fn finish(self) -> FilterCounts {
        let (classes, class_places) = sorted(self.classes.into_list());
        let (formats, format_places) = sorted(self.formats.into_list());
        let in_order = |([pipeline, class, format, band], counts): ([u64; 4], Vec<u64>)| {
            let (class, format) = (class_places[class as usize], format_places[format as usize]);
            ([pipeline, class, format, band], counts)
        };
        let cells: BTreeMap<[u64; 4], Vec<u64>> = self.cells.into_iter().map(in_order).collect();
        FilterCounts {
            classes,
            formats,
            cells: cells
                .into_iter()
                .map(|(key, counts)| key.into_iter().chain(counts).collect())
                .collect(),
        }
    }
}

/// Words in alphabetical order, and for each as it came its place there.
fn sorted(words: Vec<String>) -> (Vec<String>, Vec<u64>) {
    let mut order: Vec<usize> = (0..words.len()).collect();
    order.sort_by_key(|index| &words[*index]);
    let mut places = vec![0; words.len()];
    for (place, index) in (0..).zip(&order) {
        places[*index] = place;
    }
    let in_order = order.into_iter().map(|index| words[index].clone());
    (in_order.collect(), places)
}
