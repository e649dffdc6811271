//! Reads `rows.parquet` back, refusing whatever could be mistaken for evidence.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::prelude::{
    DataFrame, DataType, ParquetReader, PolarsError, SerReader, SortMultipleOptions,
};

use super::ops::OpSet;
use super::schema::{CELL_COLUMNS, ROW_COLUMNS, SCHEMA_KEY, SCHEMA_VERSION, Take, cell_column};
use super::writer::check_carriers;
use super::{RowError, Rows};

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
    check_carriers(&carriers)?;
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
            Take::OptText(_) | Take::OptSmall(_) | Take::OptReal(_) | Take::Byte(_)
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
