//! The command line as people and scripts call it.

use std::path::Path;
use std::process::{Command, Output};

use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::received;
use credlink_reports::{RunDir, read_rows};
use credlink_trial_record::Row;

pub(crate) fn credlink(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

pub(crate) fn code(output: &Output) -> u8 {
    u8::try_from(output.status.code().expect("ended by a signal")).unwrap()
}

pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A folder with a photograph-like JPEG in it.
#[allow(dead_code, reason = "not every test needs a picture")]
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let set = SyntheticSet::new(5);
    let index = (0..500)
        .map(|index| set.entry(index))
        .find(|entry| entry.class == "landscape" && (640..960).contains(&entry.width))
        .map(|entry| entry.index)
        .unwrap();
    std::fs::write(
        folder.path().join("photo.jpg"),
        set.load(index).unwrap().bytes,
    )
    .unwrap();
    folder
}

/// The rows of a run, with every measured time at 0.
#[allow(dead_code, reason = "not every test reads rows")]
pub(crate) fn rows_without_times(folder: &Path, run: &str) -> Vec<Row> {
    let run_dir = RunDir::open(&folder.join(run)).unwrap();
    let rows = read_rows(&run_dir.rows()).unwrap();
    let row = |index| rows.row(index).unwrap().without_times();
    (0..rows.len()).map(row).collect()
}

/// Fills `pictures` in a folder with small JPEG files of so many scenes.
#[allow(dead_code, reason = "not every test needs pictures")]
pub(crate) fn small_pictures(folder: &Path, count: usize) {
    let pictures = folder.join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    let set = SyntheticSet::new(8);
    let whole = (0..).filter(|index| set.entry(*index).view.is_none());
    for index in whole.take(count) {
        let pixels = received::decode_bytes(&set.load(index).unwrap().bytes).unwrap();
        let small = pixels.image.thumbnail(160, 160).to_rgb8();
        let path = pictures.join(format!("{index}.jpg"));
        small
            .save_with_format(path, image::ImageFormat::Jpeg)
            .unwrap();
    }
}
