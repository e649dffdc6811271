//! What is under way, as it happens: a line when something begins, one when it ends. The operating system keeps what was
//! written when a process dies, which is all that is asked of it; after a power cut nothing here is missed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::units;

const FILE: &str = "under-way";

/// A stage whose work may end a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Images are signed; a number is a place among the plan's images.
    Sign,
    /// Jobs are verified; a number is a job of the plan.
    Verify,
}

impl Stage {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sign, Self::Verify];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Verify => "verify",
        }
    }

    /// The stage of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == word)
    }
}

/// How something was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Beside others.
    Among,
    /// With nothing else under way.
    Alone,
}

impl Begun {
    fn as_str(self) -> &'static str {
        match self {
            Self::Among => "begun",
            Self::Alone => "begun-alone",
        }
    }
}

const ENDED: &str = "ended";

/// The file, and what it said when it was opened.
#[derive(Debug)]
pub(super) struct UnderWay {
    file: File,
    before: BTreeMap<(Stage, usize), Begun>,
}

impl UnderWay {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = path(folder);
        let text = match path.exists() {
            true => String::from_utf8_lossy(&units::read(&path)?).into_owned(),
            false => String::new(),
        };
        let mut before = BTreeMap::new();
        for line in text.lines() {
            // A line that was cut off is of something that ended the process as it began, or of nothing.
            let Some((key, begun)) = read(line) else {
                continue;
            };
            match begun {
                Some(begun) => before.insert(key, begun),
                None => before.remove(&key),
            };
        }
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let mut file = file.with_context(|| format!("failed to open {}", path.display()))?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")
                .context("failed to write the journal")?;
        }
        Ok(Self { file, before })
    }

    pub(super) fn begin(&self, stage: Stage, number: usize, begun: Begun) -> Result<()> {
        self.line(begun.as_str(), stage, number)
    }

    pub(super) fn end(&self, stage: Stage, number: usize) -> Result<()> {
        self.line(ENDED, stage, number)
    }

    /// One write, so that lines of several threads never mix.
    fn line(&self, what: &str, stage: Stage, number: usize) -> Result<()> {
        let line = format!("{what} {} {number}\n", stage.as_str());
        let written = (&self.file).write_all(line.as_bytes());
        written.context("failed to write the journal")
    }

    pub(super) fn suspects(&self, stage: Stage) -> Vec<(usize, Begun)> {
        let of_stage = self.before.iter().filter(|((of, _), _)| *of == stage);
        of_stage
            .map(|((_, number), begun)| (*number, *begun))
            .collect()
    }
}

/// Where the file is.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The length of the file in bytes; `None` where it is not there.
pub(super) fn length(folder: &Path) -> Option<u64> {
    let about = std::fs::metadata(path(folder)).ok()?;
    Some(about.len())
}

type Line = ((Stage, usize), Option<Begun>);

fn read(line: &str) -> Option<Line> {
    let [what, stage, number] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let key = (Stage::parse(stage)?, number.parse().ok()?);
    let begun = [Begun::Among, Begun::Alone];
    match begun.into_iter().find(|begun| begun.as_str() == what) {
        None if what != ENDED => None,
        begun => Some((key, begun)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ended_is_suspected_whatever_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let log = UnderWay::open(folder.path()).unwrap();
        for number in 0..3 {
            log.begin(Stage::Verify, number, Begun::Among).unwrap();
        }
        log.begin(Stage::Sign, 7, Begun::Alone).unwrap();
        log.end(Stage::Verify, 1).unwrap();
        (&log.file).write_all(b"begun verify 1").unwrap();
        drop(log);
        let log = UnderWay::open(folder.path()).unwrap();
        let among = |number| (number, Begun::Among);
        // Nothing can be cut to look like another line but one whose number lost digits, which ended the process as well.
        assert_eq!(log.suspects(Stage::Verify), [among(0), among(1), among(2)]);
        assert_eq!(log.suspects(Stage::Sign), [(7, Begun::Alone)]);
        log.begin(Stage::Verify, 5, Begun::Among).unwrap();
        drop(log);
        let log = UnderWay::open(folder.path()).unwrap();
        assert_eq!(log.suspects(Stage::Verify).last(), Some(&among(5)));
    }
}
