//! The command line as people and scripts call it.

use std::path::Path;
use std::process::{Command, Output};

use credlink_corpus::{ImageSet, SyntheticSet};

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
