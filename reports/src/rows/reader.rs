//! Reads `rows.parquet` back, refusing whatever could be mistaken for evidence.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::io::parquet::metadata::FileMetadataRef;
use polars::prelude::{
    BooleanChunked, Column, DataFrame, DataType, ParquetReader, PolarsError, SerReader,
    SortMultipleOptions,
};

use super::ops::OpSet;
use super::pages;
use super::schema::{
    CELL_COLUMNS, LATER_CELL, LATER_ROW, ROW_COLUMNS, RUN_KEY, SCHEMA_KEY, SCHEMA_VERSION, Take,
    cell_column,
};
use super::writer::{GROUP, check_carriers};
use super::{RowError, Rows};
use crate::file_error::refused;

/// Rows in one slice: a row group, some 4 MB while it is counted.
const SLICE: usize = GROUP;

/// Every Parquet file begins and ends with these bytes (Parquet format specification, "File format").
const MAGIC: &[u8; 4] = b"PAR1";

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

/// The same of some ops alone, by ascending op; those that the file does not have are left out. Reads the file slice by
/// slice, so that memory does not grow with it.
///
/// # Errors
/// As [`read_columns`].
pub fn read_ops(
    path: &Path,
    columns: &[&str],
    cells: &[&str],
    ops: &BTreeSet<u64>,
) -> Result<Rows, RowError> {
    let mut found: Option<Rows> = None;
    read_slices(path, columns, cells, |slice| {
        let failed = |source| RowError::Parquet {
            path: path.into(),
            source,
        };
        let is_wanted = |op: Option<u64>| op.map(|op| ops.contains(&op));
        let wanted: BooleanChunked = slice.big("op")?.iter().map(is_wanted).collect();
        let frame = slice.frame.filter(&wanted).map_err(failed)?;
        match &mut found {
            Some(rows) => {
                rows.frame.vstack_mut(&frame).map_err(failed)?;
            }
            None => {
                found = Some(Rows {
                    frame,
                    ..slice.clone()
                });
            }
        }
        Ok::<_, RowError>(())
    })?;
    // Even a file without rows gives a slice.
    found.ok_or_else(|| incomplete(path, None))
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
    let io = refused("read", path);
    let mut file = crate::input::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => RowError::Missing {
            path: path.to_owned(),
        },
        _ => io(source).into(),
    })?;
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

/// The run that a row file names; `None` in files that were written before they named one.
///
/// # Errors
/// [`RowError`] if it cannot be read or is not whole.
pub fn run_of(path: &Path) -> Result<Option<String>, RowError> {
    let file = open_whole(path)?;
    let read = || {
        let mut reader = ParquetReader::new(file);
        let metadata = reader.get_metadata();
        let metadata = metadata.map_err(|source| incomplete(path, Some(source)))?;
        Ok(entry(metadata, RUN_KEY).map(str::to_owned))
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(incomplete(path, None)))
}

/// What stands under a key in the file's own metadata.
fn entry<'a>(metadata: &'a FileMetadataRef, key: &str) -> Option<&'a str> {
    let mut entries = metadata.key_value_metadata().iter().flatten();
    entries.find(|entry| entry.key == key)?.value.as_deref()
}

/// A row file whose footer was read and found to be ours.
struct Opened {
    file: File,
    metadata: FileMetadataRef,
    carriers: Vec<String>,
    /// The columns to read, and what the schema promises of each.
    expected: Vec<(String, Promise)>,
    /// Columns that came after the file was written.
    absent: Vec<(String, Promise)>,
}

impl Opened {
    fn new(path: &Path, file: File, wanted: &dyn Fn(Wanted) -> bool) -> Result<Self, RowError> {
        let damaged = |source| incomplete(path, Some(source));
        let io = refused("read", path);
        let mut reader = ParquetReader::new(file.try_clone().map_err(io)?);
        let metadata = reader.get_metadata().map_err(damaged)?.clone();
        let version = entry(&metadata, SCHEMA_KEY).and_then(|version| version.parse::<u64>().ok());
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
        check_carriers(&carriers)?;
        let expected = expected_columns(&carriers, wanted);
        let (expected, absent): (Vec<_>, Vec<_>) = expected
            .into_iter()
            .partition(|(name, promise)| !promise.later || names.contains(name));
        if let Some((missing, _)) = expected.iter().find(|(name, _)| !names.contains(name)) {
            return Err(RowError::MissingColumn {
                path: path.into(),
                column: missing.clone(),
            });
        }
        let is_read = |column: &str| expected.iter().any(|(name, _)| name == column);
        if !pages::are_counted(&file, &metadata, &is_read).map_err(io)? {
            return Err(incomplete(path, None));
        }
        Ok(Self {
            file,
            metadata,
            carriers,
            expected,
            absent,
        })
    }

    /// Some of the expected columns, of `count` rows from row `first`.
    fn frame(
        &self,
        path: &Path,
        (first, count): (usize, usize),
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<DataFrame, RowError> {
        let file = self.file.try_clone().map_err(refused("read", path))?;
        let columns = || self.expected.iter().filter(|(name, _)| wanted(name));
        let mut reader = ParquetReader::new(file);
        reader.set_metadata(self.metadata.clone());
        let mut frame = reader
            .with_columns(Some(columns().map(|(name, _)| name.clone()).collect()))
            .with_slice(Some((first, count)))
            .set_rechunk(true)
            .finish()
            .map_err(|source| incomplete(path, Some(source)))?;
        for (name, expected) in columns() {
            check_column(path, &frame, name, expected)?;
        }
        for (name, promise) in self.absent.iter().filter(|(name, _)| wanted(name)) {
            let nulls = Column::full_null(name.as_str().into(), frame.height(), &promise.dtype);
            frame
                .with_column(nulls)
                .map_err(|source| incomplete(path, Some(source)))?;
        }
        Ok(frame)
    }
}

/// Checks that no op is there twice, and says whether the next one always has a higher number.
#[derive(Default)]
struct Order {
    seen: OpSet,
    last: Option<u64>,
    mixed: bool,
}

impl Order {
    fn check(&mut self, path: &Path, frame: &DataFrame) -> Result<(), RowError> {
        let ops = frame.column("op").and_then(|op| op.u64());
        for op in ops
            .map_err(|source| incomplete(path, Some(source)))?
            .into_no_null_iter()
        {
            if !self.seen.insert(op) {
                return Err(RowError::Duplicate { op });
            }
            self.mixed |= self.last >= Some(op);
            self.last = Some(op);
        }
        Ok(())
    }
}

fn read_parquet(
    path: &Path,
    file: File,
    wanted: &dyn Fn(Wanted) -> bool,
) -> Result<Rows, RowError> {
    let opened = Opened::new(path, file, wanted)?;
    let mut frame = opened.frame(path, (0, usize::MAX), &|_| true)?;
    let mut order = Order::default();
    order.check(path, &frame)?;
    if order.mixed {
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
        carriers: opened.carriers,
    })
}

/// Hands the named columns of a row file on in slices of at most [`SLICE`] rows, by ascending op, so that memory does not
/// grow with the file. A file that is not in the order of its ops comes as one slice. A file without rows gives one
/// slice without rows.
///
/// # Errors
/// As [`read_columns`], and whatever `each` refuses.
pub(crate) fn read_slices<E: From<RowError>>(
    path: &Path,
    columns: &[&str],
    cells: &[&str],
    each: impl FnMut(&Rows) -> Result<(), E>,
) -> Result<(), E> {
    slices_of(SLICE, path, columns, cells, each)
}

fn slices_of<E: From<RowError>>(
    size: usize,
    path: &Path,
    columns: &[&str],
    cells: &[&str],
    mut each: impl FnMut(&Rows) -> Result<(), E>,
) -> Result<(), E> {
    let wanted = |wanted: Wanted| match wanted {
        Wanted::Row(name) => name == "op" || columns.contains(&name),
        Wanted::Cell(name) => cells.contains(&name),
    };
    // As in `read`: the library may panic on damage.
    let guarded = |work: &mut dyn FnMut() -> Result<DataFrame, RowError>| {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(incomplete(path, None)))
    };
    let file = open_whole(path)?;
    let opened = catch_unwind(AssertUnwindSafe(|| Opened::new(path, file, &wanted)))
        .unwrap_or_else(|_| Err(incomplete(path, None)))?;
    let all = opened.metadata.num_rows;
    let slices = || (0..all.max(1)).step_by(size).map(|first| (first, size));
    let mut order = Order::default();
    for slice in slices() {
        let ops = guarded(&mut || opened.frame(path, slice, &|name| name == "op"))?;
        order.check(path, &ops)?;
    }
    if order.mixed {
        return each(&read(path, &wanted)?);
    }
    drop(order);
    for slice in slices() {
        each(&Rows {
            frame: guarded(&mut || opened.frame(path, slice, &|_| true))?,
            path: path.into(),
            carriers: opened.carriers.clone(),
        })?;
    }
    Ok(())
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
    /// Whether files of this version may lack it.
    later: bool,
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
            Take::OptText(_)
                | Take::OptFlag(_)
                | Take::OptSmall(_)
                | Take::OptReal(_)
                | Take::Byte(_)
        );
        expected.push((
            spec.name.to_owned(),
            Promise {
                dtype: spec.take.dtype(),
                full,
                later: LATER_ROW.contains(&spec.name),
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
                later: LATER_CELL.contains(&spec.name),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::RowWriter;
    use credlink_trial_record::{Outcome, Row, Trial};

    fn row(op: u64) -> Row {
        let text = |word: &str| word.to_owned();
        Row {
            pipeline: text("a/b"),
            family: text("a"),
            image: op as u32,
            name: format!("image-{op}"),
            source: text("file"),
            class: text("photo"),
            image_format: text("png"),
            width: 1,
            height: 1,
            ..Row::new(op, Trial::Unsigned, Outcome::Error)
        }
    }

    /// The images of each slice.
    fn slices(order: &[u64], size: usize) -> Vec<Vec<u32>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let mut writer = RowWriter::create(&path, &["link".to_owned()]).unwrap();
        order.iter().for_each(|op| writer.push(row(*op)).unwrap());
        writer.finish().unwrap();
        let mut found = Vec::new();
        slices_of(size, &path, &["image"], &["state"], |rows| {
            found.push(rows.small("image")?.into_no_null_iter().collect());
            Ok::<_, RowError>(())
        })
        .unwrap();
        found
    }

    #[test]
    fn slices_hold_every_row_once_in_the_order_of_ops() {
        let ordered: Vec<u64> = (0..10).map(|op| 2 * op).collect();
        assert_eq!(
            slices(&ordered, 4),
            [vec![0, 2, 4, 6], vec![8, 10, 12, 14], vec![16, 18]]
        );
        // Out of order, all of it comes at once, sorted.
        assert_eq!(slices(&[5, 1, 3], 2), [vec![1, 3, 5]]);
        assert_eq!(slices(&[], 4), [Vec::<u32>::new()]);
    }
}
