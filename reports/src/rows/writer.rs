//! Writes rows as they come, in row groups of bounded size.

use std::fs::File;
use std::io::{BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

use credlink_trial_record::{Cell, Row};
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::{
    BooleanChunked, Column, DataFrame, Field, Float32Chunked, IntoColumn, KeyValueMetadata,
    NewChunkedArray, ParquetCompression, ParquetWriter, PlSmallStr, Schema, StringChunked,
    UInt8Chunked, UInt32Chunked, UInt64Chunked,
};
use tempfile::NamedTempFile;

use super::RowError;
use super::ops::OpSet;
use super::schema::{
    CELL_COLUMNS, ROW_COLUMNS, RUN_KEY, SCHEMA_KEY, SCHEMA_VERSION, Take, cell_column,
};
use crate::atomic;
use crate::file_error::refused;

/// Rows in one row group: small enough to buffer (some 10 MB), large enough to compress well.
pub(super) const GROUP: usize = 8192;

/// Carriers are kept as bits of a `u64` when tables are made.
const MOST_CARRIERS: usize = 64;

/// Writes `rows.parquet`. Memory stays bounded at one row group plus the numbers of the ops seen.
///
/// The file has another name until [`RowWriter::finish`], so an unfinished file never looks finished; a writer that is
/// dropped leaves nothing.
pub struct RowWriter {
    path: PathBuf,
    carriers: Vec<String>,
    batches: BatchedWriter<BufWriter<File>>,
    /// The same open file under a name that nobody can guess, until it gets its final one.
    file: NamedTempFile,
    buffer: Vec<Row>,
    seen: OpSet,
    written: u64,
}

impl std::fmt::Debug for RowWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowWriter")
            .field("path", &self.path)
            .field("carriers", &self.carriers)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl RowWriter {
    /// Opens a row file for the carriers of a run, in ladder order. The file keeps the name of its run, which is that of
    /// its folder.
    ///
    /// # Errors
    /// [`RowError::Exists`] if `path` is there already, [`RowError::Carrier`] for an empty or repeated name or
    /// more than 64 carriers, [`RowError::Io`] if the file cannot be created.
    pub fn create(path: &Path, carriers: &[String]) -> Result<Self, RowError> {
        check_carriers(carriers)?;
        if path.exists() {
            return Err(RowError::Exists { path: path.into() });
        }
        let file = atomic::beside(path).map_err(refused("create", path))?;
        let twin = file.as_file().try_clone();
        let twin = twin.map_err(refused("create", path))?;
        let about = vec![
            (SCHEMA_KEY.to_owned(), SCHEMA_VERSION.to_string()),
            (RUN_KEY.to_owned(), run_name(path)),
        ];
        let batches = ParquetWriter::new(BufWriter::new(twin))
            .with_compression(ParquetCompression::Zstd(None))
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(about)))
            // One thread: a row group is small, and the other cores belong to the run.
            .set_parallel(false)
            .batched(&schema(carriers))
            .map_err(|source| RowError::Parquet {
                path: path.into(),
                source,
            })?;
        Ok(Self {
            path: path.into(),
            carriers: carriers.to_vec(),
            batches,
            file,
            buffer: Vec::new(),
            seen: OpSet::default(),
            written: 0,
        })
    }

    /// Adds one row. Rows may come in any order; readers sort them by op.
    ///
    /// # Errors
    /// [`RowError::Duplicate`] or [`RowError::Inconsistent`] for a row that is not evidence (the row is left
    /// out and the writer stays usable), [`RowError::Parquet`] if the disk is full.
    pub fn push(&mut self, row: Row) -> Result<(), RowError> {
        row.check(&self.carriers)
            .map_err(|reason| RowError::Inconsistent {
                op: row.op,
                pipeline: row.pipeline.clone(),
                reason,
            })?;
        if !self.seen.insert(row.op) {
            return Err(RowError::Duplicate { op: row.op });
        }
        self.buffer.push(row);
        if self.buffer.len() >= GROUP {
            self.write_group()?;
        }
        Ok(())
    }

    /// Rows accepted so far.
    pub fn len(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Whether no row has been accepted yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes what is buffered and the footer, flushes to disk and gives the file its final name. Returns the
    /// number of rows.
    ///
    /// # Errors
    /// [`RowError::Parquet`] or [`RowError::Io`] if the disk is full, [`RowError::Exists`] if somebody else put a file there meanwhile.
    pub fn finish(mut self) -> Result<u64, RowError> {
        self.write_group()?;
        let path = self.path;
        self.batches.finish().map_err(|source| RowError::Parquet {
            path: path.clone(),
            source,
        })?;
        let flushed = self.file.as_file().sync_all();
        flushed.map_err(refused("flush", &path))?;
        // Rows of another run that came there meanwhile stay.
        self.file
            .persist_noclobber(&path)
            .map_err(|error| match error.error.kind() {
                ErrorKind::AlreadyExists => RowError::Exists { path },
                _ => refused("rename to", &path)(error.error).into(),
            })?;
        Ok(self.written)
    }

    fn write_group(&mut self) -> Result<(), RowError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        frame(&self.buffer, &self.carriers)
            .and_then(|frame| self.batches.write_batch(&frame))
            .map_err(|source| RowError::Parquet {
                path: self.path.clone(),
                source,
            })?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// The name of the folder that a row file is made in.
fn run_name(path: &Path) -> String {
    let folder = path.parent().and_then(Path::file_name);
    folder.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Refuses carriers whose columns could not be told apart, or that are too many for the tables.
pub(super) fn check_carriers(carriers: &[String]) -> Result<(), RowError> {
    let refuse = |name: &str, reason| {
        Err(RowError::Carrier {
            name: name.to_owned(),
            reason,
        })
    };
    for (index, name) in carriers.iter().enumerate() {
        if name.is_empty() {
            return refuse(name, "a carrier needs a name");
        }
        // It stands in the names of columns and files.
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.starts_with('-') || name.len() > 40 || !name.chars().all(fits) {
            return refuse(
                name,
                "at most 40 letters, digits, - and _, and no - in front",
            );
        }
        if carriers[..index].contains(name) {
            return refuse(name, "the list holds this name twice");
        }
        let clashes = |column: &&str| {
            CELL_COLUMNS
                .iter()
                .any(|cell| cell_column(name, cell.name) == **column)
        };
        if ROW_COLUMNS
            .iter()
            .map(|spec| spec.name)
            .any(|c| clashes(&c))
        {
            return refuse(name, "its columns would clash with a column of the row");
        }
        if index >= MOST_CARRIERS {
            return refuse(name, "a run has at most 64 carriers");
        }
    }
    Ok(())
}

fn schema(carriers: &[String]) -> Schema {
    let rows = ROW_COLUMNS
        .iter()
        .map(|spec| Field::new(spec.name.into(), spec.take.dtype()));
    let cells = carriers.iter().flat_map(|carrier| {
        CELL_COLUMNS
            .iter()
            .map(move |spec| Field::new(cell_column(carrier, spec.name).into(), spec.take.dtype()))
    });
    rows.chain(cells).collect()
}

fn frame(rows: &[Row], carriers: &[String]) -> polars::prelude::PolarsResult<DataFrame> {
    let mut columns = Vec::with_capacity(ROW_COLUMNS.len() + carriers.len() * CELL_COLUMNS.len());
    for spec in ROW_COLUMNS {
        columns.push(column(spec.name.into(), &spec.take, rows.iter().map(Some)));
    }
    for (index, carrier) in carriers.iter().enumerate() {
        for spec in CELL_COLUMNS {
            let cells = rows
                .iter()
                .map(|row| -> Option<&Cell> { row.carriers.get(index) });
            columns.push(column(
                cell_column(carrier, spec.name).into(),
                &spec.take,
                cells,
            ));
        }
    }
    DataFrame::new(rows.len(), columns)
}

/// One column from its values; `None` (no such cell on an error row) becomes null.
fn column<'a, T>(
    name: PlSmallStr,
    take: &Take<T>,
    values: impl Iterator<Item = Option<&'a T>>,
) -> Column {
    match take {
        Take::Text(get) => {
            StringChunked::from_iter_options(name, values.map(|v| v.map(*get))).into_column()
        }
        Take::OptText(get) => {
            StringChunked::from_iter_options(name, values.map(|v| v.and_then(*get))).into_column()
        }
        Take::Letter(get) => {
            StringChunked::from_iter_options(name, values.map(|v| v.map(|v| get(v).to_string())))
                .into_column()
        }
        Take::Flag(get) => {
            BooleanChunked::from_iter_options(name, values.map(|v| v.map(*get))).into_column()
        }
        Take::OptFlag(get) => {
            BooleanChunked::from_iter_options(name, values.map(|v| v.and_then(*get))).into_column()
        }
        Take::Byte(get) => {
            UInt8Chunked::from_iter_options(name, values.map(|v| v.and_then(*get))).into_column()
        }
        Take::Small(get) => {
            UInt32Chunked::from_iter_options(name, values.map(|v| v.map(*get))).into_column()
        }
        Take::OptSmall(get) => {
            UInt32Chunked::from_iter_options(name, values.map(|v| v.and_then(*get))).into_column()
        }
        Take::Big(get) => {
            UInt64Chunked::from_iter_options(name, values.map(|v| v.map(*get))).into_column()
        }
        Take::OptReal(get) => {
            Float32Chunked::from_iter_options(name, values.map(|v| v.and_then(*get))).into_column()
        }
    }
}
