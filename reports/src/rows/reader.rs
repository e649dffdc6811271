//! Reads `rows.parquet` back, refusing whatever could be mistaken for evidence.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use polars::prelude::{
    BooleanChunked, DataFrame, DataType, ParquetReader, PolarsError, PolarsResult, SerReader,
    SortMultipleOptions, StringChunked, UInt32Chunked, UInt64Chunked,
};

use super::RowError;
use super::ops::OpSet;
use super::schema::{CELL_COLUMNS, ROW_COLUMNS, SCHEMA_KEY, SCHEMA_VERSION, Take, cell_column};
use crate::row::{Cell, Row, Trial};

/// Every Parquet file begins and ends with these bytes (Parquet format specification, "File format").
const MAGIC: &[u8; 4] = b"PAR1";

/// The rows of one run in the order of their op numbers: a polars data frame with typed access.
#[derive(Debug, Clone)]
pub struct Rows {
    path: PathBuf,
    frame: DataFrame,
    carriers: Vec<String>,
}

/// Reads all columns of a row file. Takes about 1 kB of memory per row; reports use [`read_columns`].
///
/// # Errors
/// [`RowError::Io`] if it cannot be opened, [`RowError::Incomplete`] if it was cut off or damaged,
/// [`RowError::Foreign`] or [`RowError::Newer`] for another program's or a later version's file,
/// [`RowError::MissingColumn`] and [`RowError::ColumnType`] where it departs from the schema, and
/// [`RowError::Duplicate`] if an op is there twice.
pub fn read_rows(path: &Path) -> Result<Rows, RowError> {
    read(path, &|_| true)
}

/// Reads only the named columns (and `op`), and of every carrier only those whose suffix is in `cells`
/// (`"accepted"` for `{carrier}_accepted`).
///
/// # Errors
/// As [`read_rows`]; asking for a column that was not read is a [`RowError::MissingColumn`] later.
pub fn read_columns(path: &Path, columns: &[&str], cells: &[&str]) -> Result<Rows, RowError> {
    read(path, &|wanted| match wanted {
        Wanted::Row(name) => name == "op" || columns.contains(&name),
        Wanted::Cell(name) => cells.contains(&name),
    })
}

enum Wanted {
    Row(&'static str),
    Cell(&'static str),
}

fn read(path: &Path, wanted: &dyn Fn(Wanted) -> bool) -> Result<Rows, RowError> {
    let file = open_whole(path)?;
    // The Parquet library checks the footer but asserts on some damage inside pages; such a file is the
    // same verdict for us, so a panic in it becomes an error here.
    catch_unwind(AssertUnwindSafe(|| read_parquet(path, file, wanted)))
        .unwrap_or_else(|_| Err(incomplete(path, None)))
}

fn incomplete(path: &Path, source: Option<PolarsError>) -> RowError {
    RowError::Incomplete {
        path: path.into(),
        source,
    }
}

fn open_whole(path: &Path) -> Result<File, RowError> {
    let io = |source| RowError::Io {
        doing: "read",
        path: path.into(),
        source,
    };
    let mut file = File::open(path).map_err(io)?;
    let mut ends = [[0; 4]; 2];
    // Magic, an empty footer, the footer's length and magic again: nothing shorter can be Parquet.
    if file.metadata().map_err(io)?.len() < 12 {
        return Err(incomplete(path, None));
    }
    file.read_exact(&mut ends[0]).map_err(io)?;
    file.seek(SeekFrom::End(-4)).map_err(io)?;
    file.read_exact(&mut ends[1]).map_err(io)?;
    file.rewind().map_err(io)?;
    if ends != [*MAGIC; 2] {
        return Err(incomplete(path, None));
    }
    Ok(file)
}

fn read_parquet(
    path: &Path,
    file: File,
    wanted: &dyn Fn(Wanted) -> bool,
) -> Result<Rows, RowError> {
    let damaged = |source| incomplete(path, Some(source));
    let mut reader = ParquetReader::new(file);
    let version = reader
        .get_metadata()
        .map_err(damaged)?
        .key_value_metadata()
        .iter()
        .flatten()
        .find(|entry| entry.key == SCHEMA_KEY)
        .and_then(|entry| entry.value.as_deref()?.parse::<u64>().ok());
    match version {
        None => {
            return Err(RowError::Foreign {
                path: path.into(),
                key: SCHEMA_KEY,
            });
        }
        Some(found) if found > u64::from(SCHEMA_VERSION) => {
            return Err(RowError::Newer {
                path: path.into(),
                found,
                known: SCHEMA_VERSION,
            });
        }
        Some(_) => {}
    }
    let names: Vec<String> = reader
        .schema()
        .map_err(damaged)?
        .iter_names()
        .map(|name| name.to_string())
        .collect();
    let carriers = carriers_of(&names);
    let expected = expected_columns(&carriers, wanted);
    if let Some((missing, _)) = expected.iter().find(|(name, _)| !names.contains(name)) {
        return Err(RowError::MissingColumn {
            path: path.into(),
            column: missing.clone(),
        });
    }
    let selection = expected.iter().map(|(name, _)| name.clone()).collect();
    let mut frame = reader
        .with_columns(Some(selection))
        .set_rechunk(true)
        .finish()
        .map_err(damaged)?;
    for (name, expected) in &expected {
        check_column(path, &frame, name, expected)?;
    }
    let ops = frame
        .column("op")
        .and_then(|op| op.u64())
        .map_err(damaged)?;
    let mut seen = OpSet::default();
    let (mut last, mut sorted) = (None, true);
    for op in ops.into_no_null_iter() {
        if !seen.insert(op) {
            return Err(RowError::Duplicate { op });
        }
        sorted &= last < Some(op);
        last = Some(op);
    }
    if !sorted {
        frame = frame
            .sort(["op"], SortMultipleOptions::default())
            .map_err(|source| RowError::Parquet {
                path: path.into(),
                source,
            })?;
        frame.rechunk_mut();
    }
    Ok(Rows {
        path: path.into(),
        frame,
        carriers,
    })
}

/// A carrier is whatever has a `…_state` column; the file's column order is the run's carrier order.
fn carriers_of(names: &[String]) -> Vec<String> {
    let suffix = cell_column("", CELL_COLUMNS[0].name);
    names
        .iter()
        .filter_map(|name| name.strip_suffix(&suffix))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What the schema promises of a column.
struct Promise {
    dtype: DataType,
    /// Whether every row has a value.
    full: bool,
}

fn expected_columns(
    carriers: &[String],
    wanted: &dyn Fn(Wanted) -> bool,
) -> Vec<(String, Promise)> {
    let mut expected = Vec::new();
    for spec in ROW_COLUMNS
        .iter()
        .filter(|spec| wanted(Wanted::Row(spec.name)))
    {
        let full = !matches!(
            spec.take,
            Take::OptText(_) | Take::OptSmall(_) | Take::Byte(_)
        );
        expected.push((
            spec.name.to_owned(),
            Promise {
                dtype: spec.take.dtype(),
                full,
            },
        ));
    }
    for carrier in carriers {
        for spec in CELL_COLUMNS
            .iter()
            .filter(|spec| wanted(Wanted::Cell(spec.name)))
        {
            let promise = Promise {
                dtype: spec.take.dtype(),
                full: false,
            };
            expected.push((cell_column(carrier, spec.name), promise));
        }
    }
    expected
}

fn check_column(
    path: &Path,
    frame: &DataFrame,
    name: &str,
    expected: &Promise,
) -> Result<(), RowError> {
    let column = frame
        .column(name)
        .map_err(|source| incomplete(path, Some(source)))?;
    let found = if *column.dtype() != expected.dtype {
        column.dtype().to_string()
    } else if expected.full && column.null_count() > 0 {
        format!("null in {} rows", column.null_count())
    } else {
        return Ok(());
    };
    Err(RowError::ColumnType {
        path: path.into(),
        column: name.to_owned(),
        expected: expected.dtype.to_string(),
        found,
    })
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
        let trial = text("trial")?;
        let grade = text("grade")?;
        Ok(Row {
            op,
            trial: Trial::parse(&trial)
                .ok_or_else(|| value(format!("trial {trial:?} is unknown")))?,
            pipeline: text("pipeline")?,
            family: text("family")?,
            grade: grade
                .chars()
                .next()
                .ok_or_else(|| value("grade is empty".to_owned()))?,
            image: size("image")?,
            name: text("name")?,
            source: text("source")?,
            class: text("class")?,
            image_format: text("image_format")?,
            width: size("width")?,
            height: size("height")?,
            issued: words("issued")?,
            outcome: text("outcome")?,
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
            content_distance: small("content_distance")?,
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
            let Some(state) = self.texts(&name("state"))?.get(index) else {
                return Ok(Vec::new());
            };
            let words = |column| -> Result<Option<String>, RowError> {
                Ok(self.texts(&name(column))?.get(index).map(str::to_owned))
            };
            cells.push(Cell {
                state: state.to_owned(),
                proof: words("proof")?,
                accepted: self
                    .flags(&name("accepted"))?
                    .get(index)
                    .unwrap_or_default(),
                distance: self.small(&name("distance"))?.get(index),
                quality: self.typed(&name("quality"), "u8", |c| c.u8())?.get(index),
                codes: words("codes")?.unwrap_or_default(),
                ns: self.big(&name("ns"))?.get(index).unwrap_or_default(),
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
        as_type: impl FnOnce(&'a polars::prelude::Column) -> PolarsResult<&'a T>,
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
