//! Programs outside that decide rows: where they are, and which they are.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use credlink_transforms::recipe::Recipe;
use sha2::{Digest as _, Sha256};

/// What a digest is called where people read it.
pub const SHA256: &str = "sha256:";
/// Characters of a digest that are shown: enough to tell versions apart.
const SHOWN: usize = 16;

/// Where a program is, as the system looks for it; `None` where it is not installed.
#[must_use]
pub fn installed(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&folders).map(|folder| folder.join(program));
    places.find(|place| place.is_file())
}

/// The programs that recipes call, and the files that these are told by a whole path, by name: what each is, by digest.
#[must_use]
pub fn called<'a>(recipes: impl Iterator<Item = &'a Recipe>) -> BTreeMap<String, String> {
    let mut files = BTreeSet::new();
    for recipe in recipes {
        files.extend(recipe.programs().into_iter().filter_map(installed));
        let named = recipe.program_files().into_iter().map(PathBuf::from);
        files.extend(named.filter(|path| path.is_file()));
    }
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let mut called: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for path in files {
        let same_name = called.entry(format!("program {}", name(&path)));
        same_name.or_default().push(path);
    }
    let which = |files: Vec<PathBuf>| match digest(&files) {
        Ok(digest) => format!("{SHA256}{digest}"),
        Err(error) => format!("cannot be read: {error}"),
    };
    let called = called.into_iter();
    called.map(|(name, files)| (name, which(files))).collect()
}

/// The beginning of the SHA-256 of files, one after the other, in hex.
///
/// # Errors
/// When one cannot be read.
pub fn digest(files: &[PathBuf]) -> io::Result<String> {
    let mut all = Sha256::new();
    for path in files {
        let bytes = std::fs::read(path)?;
        let name = path.file_name().unwrap_or_default();
        // With the lengths: where one ends and the next begins counts.
        all.update((name.len() as u64).to_le_bytes());
        all.update(name.as_encoded_bytes());
        all.update((bytes.len() as u64).to_le_bytes());
        all.update(bytes);
    }
    let mut hex = format!("{:x}", all.finalize());
    hex.truncate(SHOWN);
    Ok(hex)
}
