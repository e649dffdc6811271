//! A badge: overall survival, always with its n and the word "simulated".

use serde::Serialize;
use serde_json::json;

use super::{Document, DocumentError};
use crate::figures::{NOT_MEASURED, count, rate};
use crate::plots::text_width;
use crate::report::Report;
use crate::templates::render as fill;
use crate::usable::{Unusable, unusable};

/// The format of shields.io's endpoint badge, <https://shields.io/badges/endpoint-badge>, version 1.
pub(super) const JSON: Document = Document {
    name: "badge-json",
    file: "badge.json",
    about: "what a badge service shows, as a shields.io endpoint",
    render: json,
};

pub(super) const SVG: Document = Document {
    name: "badge-svg",
    file: "badge.svg",
    about: "the same badge as a picture",
    render: svg,
};

const LABEL: &str = "simulated survival";

/// What the badge says, and its colour by name and in hex.
fn message(report: &Report) -> (String, &'static str, &'static str) {
    let header = report.evidence.header();
    let any = report.overall.any.rate;
    let failed = header.controls.iter().any(|control| !control.passed);
    if failed || header.controls.is_empty() {
        return ("controls failed".to_owned(), "red", "#b3261e");
    }
    match unusable(&report.evidence) {
        None | Some(Unusable::Partial { .. } | Unusable::Empty) => {}
        Some(_) => return ("not usable".to_owned(), "red", "#b3261e"),
    }
    let Some(value) = any.value() else {
        return (NOT_MEASURED.to_owned(), "lightgrey", "#6b6b6b");
    };
    let partial = if header.partial { ", partial" } else { "" };
    let words = format!(
        "in the file {}, via store {}, {} ops{partial}",
        rate(report.answer.in_file.rate),
        rate(report.answer.through_store.rate),
        count(any.n)
    );
    match value {
        _ if header.partial => (words, "lightgrey", "#6b6b6b"),
        v if v >= 0.9 => (words, "blue", "#0b5394"),
        _ => (words, "orange", "#9a5200"),
    }
}

fn json(report: &Report) -> Result<String, DocumentError> {
    let (message, color, _) = message(report);
    let badge = json!({
        "schemaVersion": 1,
        "label": LABEL,
        "message": message,
        "color": color,
    });
    Ok(format!("{badge:#}\n"))
}

#[derive(Serialize)]
struct BadgeContext {
    label: &'static str,
    message: String,
    color: &'static str,
    label_width: u32,
    message_width: u32,
    label_middle: u32,
    message_middle: u32,
    width: u32,
}

fn svg(report: &Report) -> Result<String, DocumentError> {
    let (message, _, color) = message(report);
    // Viewers bring their own font; ours is narrower than most, so that a fifth is added.
    let room = |words: &str| -> u32 {
        let width = text_width(words, 15.0).unwrap_or(words.chars().count() as f64 * 7.5);
        (width * 1.2) as u32 + 14
    };
    let (label_width, message_width) = (room(LABEL), room(&message));
    fill(
        "badge.xml",
        BadgeContext {
            label: LABEL,
            color,
            label_width,
            message_width,
            label_middle: label_width / 2,
            message_middle: label_width + message_width / 2,
            width: label_width + message_width,
            message,
        },
    )
}
