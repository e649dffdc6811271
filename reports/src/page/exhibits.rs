//! The gallery: examples by pipeline, with their pictures inside the page.

use minijinja::Value;
use serde::Serialize;

use super::lost::taken;
use crate::figures::bytes;
use crate::gallery::{Exhibit, Shows};
use crate::report::Report;
use crate::templates::safe;

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

pub(super) fn gallery(report: &Report) -> Vec<GalleryGroup> {
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
                why: {
                    let said = report.sentences.get(&exhibit.op);
                    let said = said.map(String::as_str).unwrap_or_default();
                    format!("{} {said}", taken(&exhibit.stripped))
                        .trim()
                        .to_owned()
                },
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
    groups
}
