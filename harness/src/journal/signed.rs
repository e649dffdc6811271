//! Units of signed images: a line for each, JSON.

use std::fs::File;
use std::path::Path;
use std::sync::PoisonError;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{FOLDER, Journal, units};
use crate::clock;
use crate::signed_file::{SignedFile, SigningFailure, digest};

const KIND: &str = "signed";
const ENDING: &str = "jsonl";

/// A unit is written once it holds so many images, or is so old.
pub(super) const MOST: usize = 256;
pub(super) const OLDEST_NANOS: u64 = 5_000_000_000;

/// What signing made of an image, and what the system registered of it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its place among the images of the plan.
    pub position: usize,
    /// The signed file, or why there is none.
    pub result: Result<SignedFile, SigningFailure>,
    /// What the system needs to find the proof again; nothing where there is none.
    pub registered: Option<Vec<u8>>,
}

/// The first line: what the images are signed for, and the digest of the lines behind it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    work: String,
    lines_sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    position: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<SignedFile>,
    /// Name of the file in the run's folder of signed files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<SigningFailure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registered: Option<String>,
}

/// Lines that are not durable yet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    lines: Vec<u8>,
    count: usize,
    since: u64,
}

impl Journal {
    /// Takes what signing made of an image. It is durable after some seconds.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn signed(&self, kept: &Kept) -> Result<()> {
        let line = Line {
            position: kept.position,
            file: kept.result.as_ref().ok().and_then(|signed| {
                let name = signed.path.file_name()?;
                Some(name.to_string_lossy().into_owned())
            }),
            signed: kept.result.as_ref().ok().cloned(),
            failure: kept.result.as_ref().err().cloned(),
            registered: kept.registered.as_ref().map(|bytes| STANDARD.encode(bytes)),
        };
        let mut line = serde_json::to_vec(&line).context("failed to write the journal")?;
        line.push(b'\n');
        let mut batch = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.count == 0 {
            batch.since = clock::wall_nanos();
        }
        batch.lines.extend_from_slice(&line);
        batch.count += 1;
        let age = clock::wall_nanos().saturating_sub(batch.since);
        if batch.count >= MOST || age >= OLDEST_NANOS {
            self.write_signed(&mut batch)?;
        }
        Ok(())
    }

    pub(super) fn flush_signed(&self) -> Result<()> {
        let mut batch = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_signed(&mut batch)
    }

    fn write_signed(&self, batch: &mut Batch) -> Result<()> {
        if batch.count == 0 {
            return Ok(());
        }
        // The files first: a line without its file would be believed.
        synced(&self.signed_folder, &batch.lines)?;
        let path = units::next(&self.folder, KIND, ENDING)?;
        let of = Of {
            work: self.work.clone(),
            lines_sha256: digest(&batch.lines),
        };
        let mut text = serde_json::to_vec(&of).context("failed to write the journal")?;
        text.push(b'\n');
        text.extend_from_slice(&batch.lines);
        units::write(&path, &text)?;
        *batch = Batch::default();
        self.write_spent()
    }
}

/// Makes the files durable that these lines name.
#[cfg(target_os = "linux")]
fn synced(folder: &Path, _lines: &[u8]) -> Result<()> {
    // One call for all of them, whose folder is on the same file system.
    let synced = File::open(folder).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
    synced.with_context(|| format!("failed to write {}", folder.display()))
}

/// Makes the files durable that these lines name.
#[cfg(not(target_os = "linux"))]
fn synced(folder: &Path, lines: &[u8]) -> Result<()> {
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let line: Line = serde_json::from_slice(line)?;
        if let Some(name) = line.file {
            let path = folder.join(name);
            let synced = File::open(&path).and_then(|file| file.sync_all());
            synced.with_context(|| format!("failed to write {}", path.display()))?;
        }
    }
    Ok(())
}

/// Reads what the journal of a run directory holds of signed images, unit by unit.
///
/// # Errors
/// When a unit cannot be read, naming it and the line; those of `each`.
pub fn read_signed(run: &Path, mut each: impl FnMut(Kept) -> Result<()>) -> Result<()> {
    let folder = run.join(FOLDER);
    let work = super::work(run)?;
    for path in units::all(&folder, KIND, ENDING)? {
        let text = units::read(&path)?;
        let (first, lines) = match text.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&text[..end], &text[end + 1..]),
            None => (&text[..], &text[..0]),
        };
        let of: Of = serde_json::from_slice(first)
            .with_context(|| format!("{} is no unit of a journal", path.display()))?;
        ensure!(
            of.work == work,
            "{} is of another run; take it away",
            path.display()
        );
        ensure!(
            of.lines_sha256 == digest(lines),
            "{} is not the file that was written; without it its images are signed again",
            path.display()
        );
        let lines = lines.split_inclusive(|byte| *byte == b'\n').enumerate();
        for (number, line) in lines {
            let place = || {
                format!(
                    "{}, line {}, is no entry of a journal",
                    path.display(),
                    number + 2
                )
            };
            let line: Line = serde_json::from_slice(line).with_context(place)?;
            let kept = kept(line, &run.join("signed")).with_context(place)?;
            each(kept).with_context(|| format!("failed to take in {}", path.display()))?;
        }
    }
    Ok(())
}

fn kept(line: Line, folder: &Path) -> Result<Kept> {
    let result = match (line.signed, line.file, line.failure) {
        (Some(signed), Some(name), None) => {
            // A name alone: no line leads out of the folder.
            ensure!(is_plain(&name), "{name:?} is no name of a file");
            Ok(SignedFile {
                path: folder.join(name),
                ..signed
            })
        }
        (None, None, Some(failure)) => Err(failure),
        _ => anyhow::bail!("it is neither of a signed file nor of a failure"),
    };
    let registered = line.registered.map(|text| STANDARD.decode(text));
    Ok(Kept {
        position: line.position,
        result,
        registered: registered.transpose()?,
    })
}

fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(std::path::Component::Normal(_)), None)
    )
}
