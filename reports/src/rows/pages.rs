//! Whether the pages of a row file hold as many values as it has rows. polars 0.55 takes the number in a page's header on
//! trust and asks for as much memory: a negative one asks for 2⁶¹ bytes, which ends the process.

use std::fs::File;
use std::io::{Cursor, Read as _, Result, Seek as _, SeekFrom};

use polars::io::parquet::metadata::FileMetadata;
use polars_parquet::parquet::metadata::ColumnChunkMetadata;
use polars_parquet::parquet::page::CompressedPage;
use polars_parquet::parquet::read::PageReader;

/// Whether these columns have one value a row in every group of rows. Reads them a group at a time, and decodes no value.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn are_counted(
    mut file: &File,
    metadata: &FileMetadata,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<bool> {
    let length = file.metadata()?.len();
    for group in &metadata.row_groups {
        let is_wanted = |column: &&ColumnChunkMetadata| {
            let name = column.descriptor().path_in_schema.first();
            name.is_some_and(|name| wanted(name))
        };
        for column in group.parquet_columns().iter().filter(is_wanted) {
            let place = column.byte_range();
            if place.start > place.end || place.end > length {
                return Ok(false);
            }
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(place.start))?;
            file.take(place.end - place.start).read_to_end(&mut bytes)?;
            let pages = PageReader::new(Cursor::new(bytes.into()), column, Vec::new(), usize::MAX);
            let mut values = 0_usize;
            for page in pages {
                match page {
                    Ok(CompressedPage::Data(page)) => {
                        values = values.saturating_add(page.num_values());
                    }
                    Ok(CompressedPage::Dict(_)) => {}
                    Err(_) => return Ok(false),
                }
            }
            if values != group.num_rows() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use credlink_trial_record::{Outcome, Row, Trial};

    use crate::rows::{RowError, RowWriter, read_rows};

    #[test]
    fn a_page_of_fewer_values_than_none_is_refused_and_does_not_end_the_process() {
        const ROWS: u8 = 9;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let mut writer = RowWriter::create(&path, &["link".to_owned()]).unwrap();
        for op in 0..u64::from(ROWS) {
            let row = Row::new(op, Trial::Unsigned, Outcome::Error);
            writer.push(row).unwrap();
        }
        writer.finish().unwrap();
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(read_rows(&path).unwrap().len(), usize::from(ROWS));
        // A data page's header in compact Thrift: field 5, a structure, whose first field is the number of values, zigzag.
        let header = [0x2c, 0x15, 2 * ROWS];
        let places = |bytes: &[u8]| -> Vec<usize> {
            let windows = bytes.windows(header.len()).enumerate();
            let found = windows.filter(|(_, window)| *window == header);
            found.map(|(at, _)| at + 2).collect()
        };
        let places = places(&whole);
        assert!(places.len() > 20, "{} pages", places.len());
        for at in places {
            // −12, 4, and none.
            for number in [23, 8, 0] {
                let mut damaged = whole.clone();
                damaged[at] = number;
                std::fs::write(&path, damaged).unwrap();
                let refused = read_rows(&path).err();
                assert!(
                    matches!(refused, Some(RowError::Incomplete { .. })),
                    "{number} at {at}: {refused:?}"
                );
            }
        }
    }
}
