//! The page: every plot and table of systems side by side, in one file.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::{FOLDER, HeadToHead, gallery};
use crate::page::{STYLE, Sheet, sheet};
use crate::plots::{Scene, svg};
use crate::table::Table;
use crate::templates::{DocumentError, render, safe};

#[derive(Serialize)]
struct Context {
    title: String,
    style: minijinja::Value,
    about: String,
    first: String,
    systems: Vec<System>,
    skipped: Vec<(String, String)>,
    /// Name and drawing of each.
    plots: Vec<(String, minijinja::Value)>,
    gallery: Vec<Exhibit>,
    sheets: Vec<Sheet>,
}

/// An image that one system saved and another lost.
#[derive(Serialize)]
struct Exhibit {
    saved_by: String,
    lost_by: String,
    pipeline: String,
    image: u32,
    found: String,
    lost: String,
}

#[derive(Serialize)]
struct System {
    name: String,
    report: String,
    version: String,
    licence: String,
    source: String,
    settings: String,
    unusable: Option<String>,
}

/// The exhibits whose pictures are there.
fn exhibits(root: &Path) -> Vec<Exhibit> {
    let picture = |name: &str| {
        let bytes = gallery::picture(root, name)?;
        Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes)))
    };
    let exhibit = |one: gallery::Disagreement| {
        Some(Exhibit {
            found: picture(&one.found)?,
            lost: picture(&one.lost)?,
            saved_by: one.saved_by,
            lost_by: one.lost_by,
            pipeline: one.pipeline,
            image: one.image,
        })
    };
    gallery::read(root)
        .into_iter()
        .filter_map(exhibit)
        .collect()
}

/// The whole page with these tables and plots, and with the pictures of the gallery that lies in `root`.
///
/// # Errors
/// [`DocumentError`] if a template of ours does not fit, or a plot cannot be drawn.
pub(super) fn html(
    contest: &HeadToHead,
    tables: &[Table],
    scenes: &[(String, Scene)],
    root: &Path,
) -> Result<String, DocumentError> {
    let systems = contest.sides.iter().map(|side| {
        let header = side.evidence.header();
        let settings = header
            .settings
            .iter()
            .map(|(name, value)| format!("{name}: {value}"));
        System {
            name: side.name.clone(),
            report: format!("{}/report.html", side.folder),
            version: header.system.version.clone(),
            licence: header.system.licence.clone(),
            source: header.system.source.clone(),
            settings: settings.collect::<Vec<_>>().join("; "),
            unusable: side.unusable.clone(),
        }
    });
    let mut plots = Vec::new();
    for (name, scene) in scenes {
        let drawn = svg(scene).map_err(|error| DocumentError::Plot(error.to_string()))?;
        let drawing = crate::page::themed(&drawn, name);
        plots.push((name.clone(), drawing));
    }
    let first = contest.sides.first();
    let about = first.map_or_else(String::new, |side| {
        let header = side.evidence.header();
        format!(
            "{} on the same images ({}) through the same {} simulated pipelines, seed {}.",
            crate::figures::plural(contest.sides.len() as u64, "system"),
            header.image_set.name,
            header.pipelines.len(),
            header.seed
        )
    });
    render(
        "head-to-head.html",
        Context {
            title: "Systems side by side, simulated pipelines".to_owned(),
            style: safe(STYLE.to_owned()),
            about,
            first: first.map_or_else(String::new, |side| side.name.clone()),
            systems: systems.collect(),
            skipped: contest
                .skipped
                .iter()
                .map(|skipped| (skipped.name.clone(), skipped.why.clone()))
                .collect(),
            plots,
            gallery: exhibits(root),
            sheets: tables
                .iter()
                .map(|table| sheet(table, &format!("{FOLDER}/")))
                .collect(),
        },
    )
}
