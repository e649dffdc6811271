//! The rows of a run in memory, with typed access.

use std::path::{Path, PathBuf};

use credlink_trial_record::{Cell, Embedded, Outcome, Provenance, Row, State, Trial};
use polars::prelude::{
    BooleanChunked, Column, DataFrame, Float32Chunked, PolarsResult, StringChunked, UInt32Chunked,
    UInt64Chunked,
};

use super::RowError;
use super::schema::cell_column;

/// The rows of one run in the order of their op numbers: a polars data frame with typed access.
#[derive(Debug, Clone)]
pub struct Rows {
    pub(super) path: PathBuf,
    pub(super) frame: DataFrame,
    pub(super) carriers: Vec<String>,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.frame.height()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names of the carriers in ladder order.
    pub fn carriers(&self) -> &[String] {
        &self.carriers
    }

    /// The data frame, sorted by `op`, for questions that the tables do not answer.
    pub fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// A string column.
    ///
    /// # Errors
    /// [`RowError::MissingColumn`] if it was not read, [`RowError::ColumnType`] if it is not a string.
    pub fn texts(&self, column: &str) -> Result<&StringChunked, RowError> {
        self.typed(column, "string", |c| c.str())
    }

    /// A boolean column.
    ///
    /// # Errors
    /// As [`Rows::texts`].
    pub fn flags(&self, column: &str) -> Result<&BooleanChunked, RowError> {
        self.typed(column, "bool", |c| c.bool())
    }

    /// An unsigned 32-bit column.
    ///
    /// # Errors
    /// As [`Rows::texts`].
    pub fn small(&self, column: &str) -> Result<&UInt32Chunked, RowError> {
        self.typed(column, "u32", |c| c.u32())
    }

    /// An unsigned 64-bit column: sizes in bytes, times in nanoseconds.
    ///
    /// # Errors
    /// As [`Rows::texts`].
    pub fn big(&self, column: &str) -> Result<&UInt64Chunked, RowError> {
        self.typed(column, "u64", |c| c.u64())
    }

    /// A column of single-precision numbers.
    ///
    /// # Errors
    /// As [`Rows::texts`].
    pub fn real(&self, column: &str) -> Result<&Float32Chunked, RowError> {
        self.typed(column, "f32", |c| c.f32())
    }

    /// The trial of every row.
    ///
    /// # Errors
    /// As [`Rows::texts`]; [`RowError::Value`] for a word that is no trial.
    pub fn trials(&self) -> Result<Vec<Trial>, RowError> {
        (0..self.len())
            .map(|index| self.word("trial", index, Trial::parse))
            .collect()
    }

    /// The outcome of every row.
    ///
    /// # Errors
    /// As [`Rows::texts`]; [`RowError::Value`] for a word that is no outcome.
    pub fn outcomes(&self) -> Result<Vec<Outcome>, RowError> {
        (0..self.len()).map(|index| self.outcome(index)).collect()
    }

    /// The outcome of one row.
    ///
    /// # Errors
    /// As [`Rows::outcomes`].
    pub fn outcome(&self, index: usize) -> Result<Outcome, RowError> {
        self.word("outcome", index, Outcome::parse)
    }

    /// The provenance of one row; files from before there was a choice say nothing.
    ///
    /// # Errors
    /// As [`Rows::outcomes`].
    pub fn provenance(&self, index: usize) -> Result<Provenance, RowError> {
        match self.texts("provenance")?.get(index) {
            None => Ok(Provenance::default()),
            Some(_) => self.word("provenance", index, Provenance::parse),
        }
    }

    /// What the word of a column stands for.
    fn word<T>(
        &self,
        column: &str,
        index: usize,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, RowError> {
        let word = self.texts(column)?.get(index).unwrap_or_default();
        parse(word).ok_or_else(|| RowError::Value {
            path: self.path.clone(),
            op: self.op(index),
            reason: format!("{column} {word:?} is unknown"),
        })
    }

    /// Number of the op in a row; 0 where that was not read.
    fn op(&self, index: usize) -> u64 {
        let ops = self.big("op").ok();
        ops.and_then(|ops| ops.get(index)).unwrap_or_default()
    }

    /// One row, as it was written.
    ///
    /// # Errors
    /// [`RowError::MissingColumn`] if the rows were read without all columns, or if there is no such row;
    /// [`RowError::Value`] for a trial or grade that is no trial or grade.
    pub fn row(&self, index: usize) -> Result<Row, RowError> {
        let op = self
            .big("op")?
            .get(index)
            .ok_or_else(|| self.missing("op"))?;
        let text = |name: &str| -> Result<String, RowError> {
            Ok(self.texts(name)?.get(index).unwrap_or_default().to_owned())
        };
        let words = |name: &str| -> Result<Option<String>, RowError> {
            Ok(self.texts(name)?.get(index).map(str::to_owned))
        };
        let small =
            |name: &str| -> Result<Option<u32>, RowError> { Ok(self.small(name)?.get(index)) };
        let size = |name: &str| -> Result<u32, RowError> { Ok(small(name)?.unwrap_or_default()) };
        let big = |name: &str| -> Result<u64, RowError> {
            Ok(self.big(name)?.get(index).unwrap_or_default())
        };
        let value = |reason: String| RowError::Value {
            path: self.path.clone(),
            op,
            reason,
        };
        let grade = text("grade")?;
        Ok(Row {
            op,
            trial: self.word("trial", index, Trial::parse)?,
            pipeline: text("pipeline")?,
            family: text("family")?,
            grade: grade
                .chars()
                .next()
                .ok_or_else(|| value("grade is empty".to_owned()))?,
            provenance: self.provenance(index)?,
            image: size("image")?,
            name: text("name")?,
            source: text("source")?,
            class: text("class")?,
            image_format: text("image_format")?,
            width: size("width")?,
            height: size("height")?,
            issued: words("issued")?,
            outcome: self.outcome(index)?,
            survived: self.flags("survived")?.get(index).unwrap_or_default(),
            recovered_by: words("recovered_by")?,
            error: words("error")?,
            error_cause: words("error_cause")?,
            source_bytes: big("source_bytes")?,
            signed_bytes: big("signed_bytes")?,
            received_bytes: big("received_bytes")?,
            received_format: text("received_format")?,
            received_width: size("received_width")?,
            received_height: size("received_height")?,
            same_bytes: self.flags("same_bytes")?.get(index).unwrap_or_default(),
            same_pixels: self.flags("same_pixels")?.get(index),
            content_distance: small("content_distance")?,
            mark_psnr: self.real("mark_psnr")?.get(index),
            mark_ssim: self.real("mark_ssim")?.get(index),
            sign_psnr: self.real("sign_psnr")?.get(index),
            sign_ssim: self.real("sign_ssim")?.get(index),
            sign_ssimulacra2: self.real("sign_ssimulacra2")?.get(index),
            sign_kept: words("sign_kept")?,
            sign_changed: words("sign_changed")?,
            sign_dropped: words("sign_dropped")?,
            holds: words("holds")?,
            still_holds: words("still_holds")?,
            taken: words("taken")?,
            answered: words("answered")?,
            sign_ns: big("sign_ns")?,
            transform_ns: big("transform_ns")?,
            codec_ns: big("codec_ns")?,
            verify_ns: big("verify_ns")?,
            retrieve_ns: big("retrieve_ns")?,
            carriers: self.cells(index)?,
        })
    }

    fn cells(&self, index: usize) -> Result<Vec<Cell>, RowError> {
        let mut cells = Vec::with_capacity(self.carriers.len());
        for carrier in &self.carriers {
            let name = |column| cell_column(carrier, column);
            // An error row that was never verified has no cell for any carrier.
            if self.texts(&name("state"))?.get(index).is_none() {
                return Ok(Vec::new());
            }
            let embedded = match self.texts(&name("embedded"))?.get(index) {
                Some(_) => Some(self.word(&name("embedded"), index, Embedded::parse)?),
                None => None,
            };
            let words = |column| -> Result<Option<String>, RowError> {
                Ok(self.texts(&name(column))?.get(index).map(str::to_owned))
            };
            cells.push(Cell {
                embedded,
                state: self.word(&name("state"), index, State::parse)?,
                proof: words("proof")?,
                accepted: self
                    .flags(&name("accepted"))?
                    .get(index)
                    .unwrap_or_default(),
                distance: self.small(&name("distance"))?.get(index),
                quality: self.typed(&name("quality"), "u8", |c| c.u8())?.get(index),
                own: self.small(&name("own"))?.get(index),
                wrong: self.small(&name("wrong"))?.get(index),
                bits: self.small(&name("bits"))?.get(index),
                codes: words("codes")?.unwrap_or_default(),
                ns: self.big(&name("ns"))?.get(index).unwrap_or_default(),
                bytes: self.small(&name("bytes"))?.get(index),
                sign_ns: self.big(&name("sign_ns"))?.get(index).unwrap_or_default(),
            });
        }
        Ok(cells)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn missing(&self, column: &str) -> RowError {
        RowError::MissingColumn {
            path: self.path.clone(),
            column: column.to_owned(),
        }
    }

    fn typed<'a, T>(
        &'a self,
        column: &str,
        expected: &str,
        as_type: impl FnOnce(&'a Column) -> PolarsResult<&'a T>,
    ) -> Result<&'a T, RowError> {
        let found = self
            .frame
            .column(column)
            .map_err(|_| self.missing(column))?;
        as_type(found).map_err(|_| RowError::ColumnType {
            path: self.path.clone(),
            column: column.to_owned(),
            expected: expected.to_owned(),
            found: found.dtype().to_string(),
        })
    }
}
