//! Files for fuzzers to begin with: those that this program makes, and the small ones of given folders.
//!
//! ```text
//! cargo run -p credlink-harness --example seeds -- fuzz/corpus [FOLDER …]
//! ```
//!
//! Each target gets a folder of its own, with the files that are of use to it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use credlink_harness::signed_file;

#[path = "../../fuzz/src/targets/mod.rs"]
#[allow(dead_code, reason = "targets are called by others")]
mod targets;

/// Larger files cost a fuzzer more than they tell it.
const LARGEST: u64 = 200_000;

#[derive(Parser)]
struct Arguments {
    /// Where the folders are made.
    out: PathBuf,
    /// Folders of further files.
    folders: Vec<PathBuf>,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut found = Vec::new();
    for folder in &arguments.folders {
        small_files(folder, &mut found)?;
    }
    for target in targets::TARGETS {
        let mut seeds = (target.seeds)();
        seeds.extend(found.iter().filter(|file| (target.takes)(file)).cloned());
        let folder = arguments.out.join(target.name);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for seed in &seeds {
            let path = folder.join(&signed_file::digest(seed)[..16]);
            std::fs::write(&path, seed).with_context(|| path.display().to_string())?;
        }
        println!("{}: {} files", target.name, seeds.len());
    }
    Ok(())
}

/// The small files of a folder and of those below it.
fn small_files(folder: &Path, found: &mut Vec<Vec<u8>>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let about = entry.metadata()?;
        if about.is_dir() {
            small_files(&entry.path(), found)?;
        } else if about.is_file() && about.len() <= LARGEST {
            found.push(std::fs::read(entry.path())?);
        }
    }
    Ok(())
}
