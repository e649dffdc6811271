//! A file that grows run by run: a line for each system of each contest. A site that has one shows it.

use std::io::Write as _;
use std::path::Path;

use credlink_trial_record::Trial;
use serde::{Deserialize, Serialize};

use super::HeadToHead;
use super::tables::{accepted, median, misattributed, survival};

/// A system in one contest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When the run began.
    pub date: String,
    /// The system.
    pub system: String,
    /// Its version.
    pub version: String,
    /// Its settings that decide results, `name=value`.
    pub settings: Vec<String>,
    /// The image set, with the beginning of its digest.
    pub images: String,
    /// How many pipelines it met.
    pub pipelines: usize,
    /// SHA-256 over the digests of their recipes, its first 16 digits: equal where the pipelines are.
    pub recipes: String,
    /// Signed ops.
    pub n: u64,
    /// The share found by its own decision, 0 to 1, and its 95 % interval.
    pub found: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// One-sided 95 % bound of unsigned images accepted, 0 to 1; absent where none was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsigned_below: Option<f64>,
    /// One-sided 95 % bound of signed images attributed to a wrong proof, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong_below: Option<f64>,
    /// Why the figures must not be used; absent where they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
    /// Median PSNR of signed files; absent where no pixel changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub psnr: Option<f64>,
}

/// A line for every system; one whose figures must not be used says why.
#[must_use]
pub fn entries(contest: &HeadToHead) -> Vec<Entry> {
    let sides = contest.sides.iter();
    let entry = |side: &super::Side| {
        let evidence = &side.evidence;
        let header = evidence.header();
        let found = survival(evidence);
        let interval = found.interval?;
        let pooled = evidence.pooled_pipelines();
        let digests: String = pooled
            .iter()
            .map(|index| header.pipelines[*index].digest.as_str())
            .collect();
        let images = evidence.distinct_images();
        let psnr = images
            .iter()
            .map(|op| f64::from(evidence.entrant(*op).psnr()));
        Some(Entry {
            date: header.created.clone(),
            system: side.name.clone(),
            version: header.system.version.clone(),
            settings: header
                .settings
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            images: format!(
                "{} {}",
                header.image_set.name,
                header.image_set.digest.get(..16).unwrap_or_default()
            ),
            pipelines: pooled.len(),
            recipes: crate::digest::hex(digests.as_bytes())
                .get(..16)
                .unwrap_or_default()
                .to_owned(),
            n: found.rate.n,
            found: found.rate.value()?,
            low: interval.low,
            high: interval.high,
            unsigned_below: accepted(evidence, Trial::Unsigned).upper,
            wrong_below: misattributed(evidence).upper,
            unusable: side.unusable.clone(),
            psnr: median(psnr.filter(|psnr| psnr.is_finite()).collect(), 3),
        })
    };
    sides.filter_map(entry).collect()
}

/// The name of the file in a site.
pub const FILE: &str = "leaderboard.jsonl";

/// A line as words: date, system, images, pipelines, n, found, unsigned accepted, PSNR.
#[must_use]
pub fn words(entry: &Entry) -> [String; 8] {
    let percent = |share: f64| crate::figures::percent(share);
    [
        entry.date.get(..10).unwrap_or(&entry.date).to_owned(),
        match &entry.unusable {
            None => format!("{} {}", entry.system, entry.version),
            Some(why) => format!(
                "{} {}, UNUSABLE: the run {why}",
                entry.system, entry.version
            ),
        },
        entry.images.clone(),
        format!("{} ({})", entry.pipelines, entry.recipes),
        crate::figures::count(entry.n),
        format!(
            "{} % [{}, {}]",
            percent(entry.found),
            percent(entry.low),
            percent(entry.high)
        ),
        entry
            .unsigned_below
            .map_or_else(String::new, |below| format!("≤ {} %", percent(below))),
        entry
            .psnr
            .map_or_else(String::new, |psnr| format!("{psnr:.1} dB")),
    ]
}

/// The lines of a file, the newest first; none where there is no file, and without those that are of no known form.
#[must_use]
pub fn read(path: &Path) -> Vec<Entry> {
    let text = crate::input::text(path).unwrap_or_default();
    let lines = text.lines().rev();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Adds lines to a file of JSON lines, which is made if absent; lines that are there already are not added again.
///
/// # Errors
/// When the file cannot be read or written.
pub fn append(path: &Path, entries: &[Entry]) -> std::io::Result<usize> {
    let known = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut lines = Vec::new();
    for entry in entries {
        let line = serde_json::to_string(entry)?;
        if !known.lines().any(|known| known == line) {
            lines.push(line);
        }
    }
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    for line in &lines {
        writeln!(file, "{line}")?;
    }
    Ok(lines.len())
}
