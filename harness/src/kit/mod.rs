//! A kit for posting by hand: signed files that tell a recipe's parameters apart, a sheet to fill in, and what becomes of it all.
//!
//! Nobody can call a social network from a test, but people can post and fetch. [`make`] writes what they post, [`collect`] reads
//! what they bring back: every file is told apart by its name or its picture, never by the proof that is to be measured.

pub mod collect;
mod limits;
pub mod make;
pub mod matching;
mod pictures;
pub mod sheet;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use credlink_sign_core::ProofId;
use credlink_sign_core::carriers::Cost;
use credlink_trial_record::Embedded;
use serde::{Deserialize, Serialize};

/// What a kit knows of itself.
pub const FILE: &str = "kit.json";
/// The files to post.
pub const POST: &str = "post";
/// The keys that its proofs are verified with; nobody else needs them.
pub const KEYS: &str = "keys";
/// Its proofs.
pub const PROOFS: &str = "proofs";
/// What a person fills in.
pub const SHEET: &str = "sheet.tsv";
/// What a person does.
pub const INSTRUCTIONS: &str = "README.md";

const FORMAT: u32 = 1;

/// A kit, as its file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kit {
    /// Version of this file.
    pub format: u32,
    /// When it was made, as RFC 3339.
    pub made: String,
    /// Seed of its pictures.
    pub seed: u64,
    /// The recipes that the services are simulated by, with their digests at the time.
    pub pipelines: Vec<Simulated>,
    /// The names of the carriers, in ladder order.
    pub carriers: Vec<String>,
    /// The files to post.
    pub images: Vec<Posted>,
}

/// A recipe that simulates a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulated {
    /// Its id.
    pub id: String,
    /// Its digest.
    pub digest: String,
}

/// A signed file to post.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posted {
    /// Its name in the folder.
    pub file: String,
    /// Its number.
    pub index: usize,
    /// What it is there to tell.
    pub purpose: String,
    /// The class of the picture.
    pub class: String,
    /// The picture that it was made from: views of one share evidence.
    pub source: String,
    /// Width and height as displayed, pixels.
    pub size: (u32, u32),
    /// The proof on it.
    pub proof: ProofId,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Size of the file that was signed, bytes.
    pub source_bytes: u64,
    /// How well it took each carrier, in ladder order.
    pub embedded: Vec<Embedded>,
    /// What each carrier took, in ladder order.
    pub costs: Vec<Cost>,
}

impl Kit {
    /// Reads the kit of a folder.
    ///
    /// # Errors
    /// When it is not there, of another version, or names files that lead elsewhere.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path).with_context(|| {
            format!(
                "{} is no kit; `credlink trial make DIR` makes one",
                folder.display()
            )
        })?;
        let kit: Self = serde_json::from_slice(&text)
            .with_context(|| format!("failed to read {}", path.display()))?;
        ensure!(
            kit.format == FORMAT,
            "{} is of format {}, and this program reads {FORMAT}",
            path.display(),
            kit.format
        );
        for image in &kit.images {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            ensure!(
                !image.file.is_empty()
                    && !image.file.starts_with('.')
                    && image.file.chars().all(fits),
                "{}: {:?} is no name of a file to post",
                path.display(),
                image.file
            );
            ensure!(
                image.embedded.len() == kit.carriers.len()
                    && image.costs.len() == kit.carriers.len(),
                "{}: {} does not say how it took each of {} carriers",
                path.display(),
                image.file,
                kit.carriers.len()
            );
        }
        Ok(kit)
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self).context("failed to write the kit")?;
        std::fs::write(&path, text + "\n")
            .with_context(|| format!("failed to write {}", path.display()))
    }
}

/// The folder that what came back from one service lies in, within the folder of all: its recipe's id without what no folder is
/// called.
#[must_use]
pub fn folder_of(pipeline: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => c,
        _ => '-',
    };
    pipeline.chars().map(plain).collect()
}
