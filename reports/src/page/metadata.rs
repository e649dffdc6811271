//! What else survives, as a matrix: one line a pipeline, one column a kind of thing.

use credlink_trial_record::Beside;
use serde::Serialize;

use super::matrix::parts;
use crate::figures::{count, percent};
use crate::report::Report;
use crate::tables::{Fate, fates};

#[derive(Serialize)]
pub(super) struct Others {
    columns: Vec<&'static str>,
    rows: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    /// The pipeline's name where it may be broken.
    parts: Vec<String>,
    /// Percent of how many, by column; empty where no file had it.
    cells: Vec<(String, String)>,
}

/// What a column is called.
fn title(what: Beside) -> &'static str {
    match what {
        Beside::Exif => "EXIF: camera, date",
        Beside::Location => "EXIF: place",
        Beside::Xmp => "XMP",
        Beside::Iptc => "IPTC record",
        Beside::Icc => "colour profile",
        Beside::PngText => "PNG text",
        Beside::Caption => "caption",
        Beside::Credit => "credit",
        Beside::Copyright => "copyright",
        Beside::AltText => "alternative text",
    }
}

/// `None` for rows that were written before this was looked at.
pub(super) fn others(report: &Report) -> Option<Others> {
    let fates = fates(&report.evidence);
    let is_there = |fate: &Fate<'_>| fate.clusters.sources() > 0;
    let held = Beside::ALL.into_iter();
    let columns: Vec<Beside> = held
        .filter(|what| {
            fates
                .iter()
                .any(|fate| fate.what == *what && is_there(fate))
        })
        .collect();
    let cell = |fate: &Fate<'_>| {
        let rate = fate.clusters.rate(1, 0);
        let share = rate.value().map(|value| format!("{} %", percent(value)));
        let of = format!("of {}", count(rate.n));
        (share.unwrap_or_default(), of)
    };
    let lines = fates.chunk_by(|a, b| a.pipeline == b.pipeline);
    let rows: Vec<Line> = lines
        .map(|line| Line {
            parts: parts(line[0].pipeline),
            cells: columns
                .iter()
                .map(|what| {
                    let mut there = line.iter().filter(|fate| is_there(fate));
                    let fate = there.find(|fate| fate.what == *what);
                    fate.map_or_else(Default::default, cell)
                })
                .collect(),
        })
        .collect();
    (!columns.is_empty()).then(|| Others {
        columns: columns.into_iter().map(title).collect(),
        rows,
    })
}
