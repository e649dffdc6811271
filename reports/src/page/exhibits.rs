//! The gallery: examples by pipeline, with their pictures inside the page.

use std::collections::HashMap;

use minijinja::Value;
use serde::Serialize;

use super::lost::taken;
use crate::figures::bytes;
use crate::gallery::{Exhibit, Shows};
use crate::losses::sentence_of;
use crate::report::Report;
use crate::templates::{DocumentError, safe};

/// A picture that is part of the page.
#[derive(Serialize)]
struct InlinePicture {
    /// An address made by us, of letters that need no escaping.
    source: Value,
    width: u32,
    height: u32,
}

#[derive(Serialize)]
struct Shown {
    exhibit: Exhibit,
    title: String,
    signed: Option<InlinePicture>,
    received: Option<InlinePicture>,
    difference: Option<InlinePicture>,
    signed_words: String,
    received_words: String,
    command: String,
    why: String,
}

#[derive(Serialize)]
pub(super) struct GalleryGroup {
    pipeline: String,
    title: String,
    shown: Vec<Shown>,
}

pub(super) fn gallery(report: &Report) -> Result<Vec<GalleryGroup>, DocumentError> {
    let sentences = sentences(report)?;
    let header = report.evidence.header();
    let picture = |picture: &crate::gallery::Picture| {
        report
            .pictures
            .get(&picture.file)
            .map(|source| InlinePicture {
                source: safe(source.clone()),
                width: picture.width,
                height: picture.height,
            })
    };
    let size =
        |(size, width, height): (u64, u32, u32)| format!("{width}×{height}, {}", bytes(size));
    let mut groups = Vec::new();
    for pipeline in &header.pipelines {
        let mut members: Vec<&Exhibit> = report
            .gallery
            .exhibits
            .iter()
            .filter(|exhibit| exhibit.pipeline == pipeline.id)
            .collect();
        members.sort_by_key(|exhibit| (exhibit.shows == Shows::Loss, exhibit.op));
        let shown: Vec<Shown> = members
            .into_iter()
            .map(|exhibit| Shown {
                title: match exhibit.shows {
                    Shows::Loss => format!("Not survived: {}", exhibit.outcome),
                    Shows::Example => format!("Before and after: {}", exhibit.outcome),
                },
                signed: picture(&exhibit.signed),
                received: exhibit.received.as_ref().and_then(picture),
                difference: exhibit.difference.as_ref().and_then(picture),
                signed_words: size(exhibit.signed_size),
                received_words: exhibit.received_size.map_or_else(
                    || "nothing came out".to_owned(),
                    |received| format!("{} {}", exhibit.received_format, size(received)),
                ),
                command: format!("credlink replay {} {}", header.id, exhibit.op),
                why: sentences.get(&exhibit.op).cloned().unwrap_or_default(),
                exhibit: exhibit.clone(),
            })
            .collect();
        if !shown.is_empty() {
            groups.push(GalleryGroup {
                pipeline: pipeline.id.clone(),
                title: pipeline.title.clone(),
                shown,
            });
        }
    }
    Ok(groups)
}

/// Why each op of the gallery ended as it did, by op: which step took what, and what every carrier said.
fn sentences(report: &Report) -> Result<HashMap<u64, String>, DocumentError> {
    let header = report.evidence.header();
    let exhibits = report.gallery.exhibits.iter();
    let mut wanted: HashMap<u64, String> = exhibits
        .map(|exhibit| (exhibit.op, taken(&exhibit.stripped)))
        .collect();
    for (row, op) in report.rows.big("op")?.iter().enumerate() {
        let Some(words) = op.and_then(|op| wanted.get_mut(&op)) else {
            continue;
        };
        let why = sentence_of(header, &report.rows, row)?;
        *words = format!("{words} {why}").trim().to_owned();
    }
    Ok(wanted)
}
