//! Survival by pipeline: a bar for "any carrier", a marker with its interval for each carrier.

use super::palette::{BAR, GRID, INK, MUTED, look};
use super::{Anchor, Color, Marker, PlotError, Scene, text_width};
use crate::figures::{NOT_MEASURED, count, measured, plural};
use crate::stats::Measured;
use crate::tables::{Evidence, PipelineTally};

const WIDTH: f64 = 1200.0;
const MARGIN: f64 = 24.0;
/// Height of one series within a row; a row has one for "any" and one for each carrier.
const LANE: f64 = 8.0;
const ROW_PADDING: f64 = 5.0;
const HEADING: f64 = 30.0;
const TITLE: f64 = 25.0;
const LABEL: f64 = 17.0;
const SMALL: f64 = 15.0;

/// Where the data area lies, and how a fraction becomes a place in it.
struct SurvivalFrame {
    left: f64,
    right: f64,
}

impl SurvivalFrame {
    fn x(&self, fraction: f64) -> f64 {
        self.left + (self.right - self.left) * fraction
    }
}

pub(super) fn scene(evidence: &Evidence) -> Result<Scene, PlotError> {
    let carriers = &evidence.header().carriers;
    let families = sorted(evidence);
    let pipelines = families.iter().flat_map(|(_, pipelines)| pipelines);
    let mut label_room: f64 = 0.0;
    for pipeline in pipelines {
        label_room = label_room.max(text_width(short(pipeline), LABEL)?);
    }
    let frame = SurvivalFrame {
        left: MARGIN + label_room.clamp(120.0, 330.0) + 24.0,
        right: WIDTH - MARGIN - 280.0,
    };
    let mut scene = Scene::new(WIDTH);
    let mut y = head(&mut scene, evidence, carriers)?;
    let row_height = LANE * (carriers.len() + 1) as f64 + 2.0 * ROW_PADDING;
    let members: usize = families.iter().map(|(_, members)| members.len()).sum();
    let bottom = y + 22.0 + families.len() as f64 * HEADING + members as f64 * row_height + 6.0;
    axis(&mut scene, &frame, y, bottom);
    scene.text(
        (frame.right + 34.0, y),
        Anchor::Start,
        (SMALL, MUTED),
        "any carrier",
    );
    scene.text((WIDTH - MARGIN, y), Anchor::End, (SMALL, MUTED), "n");
    y += 22.0;
    for (family, members) in &families {
        let heading = Scene::fitted(family, LABEL, frame.left - MARGIN)?;
        scene.text(
            (MARGIN, y + HEADING * 0.62),
            Anchor::Start,
            (LABEL, MUTED),
            heading,
        );
        y += HEADING;
        for pipeline in members {
            row(&mut scene, &frame, y, row_height, pipeline)?;
            y += row_height;
        }
    }
    foot(&mut scene, evidence, bottom)?;
    Ok(scene)
}

/// Families in alphabetical order, each with its pipelines from best to worst; unmeasured ones come last.
fn sorted(evidence: &Evidence) -> Vec<(String, Vec<PipelineTally>)> {
    let mut families: Vec<(String, Vec<PipelineTally>)> = Vec::new();
    let mut all = evidence.by_pipeline();
    let merit = |pipeline: &PipelineTally| pipeline.tally.any.rate.value().unwrap_or(-1.0);
    all.sort_by(|a, b| {
        a.family
            .cmp(&b.family)
            .then(merit(b).total_cmp(&merit(a)))
            .then_with(|| a.id.cmp(&b.id))
    });
    for pipeline in all {
        match families.last_mut() {
            Some((family, members)) if *family == pipeline.family => members.push(pipeline),
            _ => families.push((pipeline.family.clone(), vec![pipeline])),
        }
    }
    families
}

/// The id without its family, which stands above as a heading.
fn short(pipeline: &PipelineTally) -> &str {
    pipeline
        .id
        .strip_prefix(pipeline.family.as_str())
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(&pipeline.id)
}

/// Title, subtitle and legend; returns where the axis begins.
fn head(scene: &mut Scene, evidence: &Evidence, carriers: &[String]) -> Result<f64, PlotError> {
    let header = evidence.header();
    let overall = evidence.overall();
    scene.text(
        (MARGIN, 36.0),
        Anchor::Start,
        (TITLE, INK),
        "Survival of proofs through simulated pipelines",
    );
    let partial = if header.partial { ", partial run" } else { "" };
    let subtitle = format!(
        "Run {}, seed {}, image set {}: {}, {} from {}{partial}",
        header.id,
        header.seed,
        header.image_set.name,
        plural(overall.n, "signed op"),
        plural(overall.images, "image"),
        plural(overall.sources, "file"),
    );
    let mut y = 66.0;
    for line in Scene::wrapped(&subtitle, SMALL, WIDTH - 2.0 * MARGIN)? {
        scene.text((MARGIN, y), Anchor::Start, (SMALL, MUTED), line);
        y += 20.0;
    }
    y += 12.0;
    let mut x = MARGIN;
    scene.rect((x, y - 7.0), (x + 26.0, y + 7.0), BAR);
    let names = ["any carrier"]
        .into_iter()
        .chain(carriers.iter().map(String::as_str));
    for (index, name) in names.enumerate() {
        let words = Scene::fitted(name, LABEL, 260.0)?;
        let width = 36.0 + text_width(&words, LABEL)? + 26.0;
        if x + width > WIDTH - MARGIN && x > MARGIN {
            x = MARGIN;
            y += 24.0;
        }
        let (color, marker) = look(index);
        whisker(scene, (x + 2.0, x + 24.0), y, color);
        scene.mark((x + 13.0, y), marker, 4.5, color);
        scene.text((x + 36.0, y), Anchor::Start, (LABEL, INK), words);
        x += width;
    }
    Ok(y + 40.0)
}

fn axis(scene: &mut Scene, frame: &SurvivalFrame, top: f64, bottom: f64) {
    for tick in 0..=5 {
        let x = frame.x(f64::from(tick) / 5.0);
        scene.line((x, top + 12.0), (x, bottom), GRID, 1.0);
        for y in [top, bottom + 14.0] {
            scene.text(
                (x, y),
                Anchor::Middle,
                (SMALL, MUTED),
                format!("{} %", tick * 20),
            );
        }
    }
}

fn row(
    scene: &mut Scene,
    frame: &SurvivalFrame,
    y: f64,
    height: f64,
    pipeline: &PipelineTally,
) -> Result<(), PlotError> {
    let tally = &pipeline.tally;
    let middle = y + height / 2.0;
    let label = Scene::fitted(short(pipeline), LABEL, frame.left - MARGIN - 18.0)?;
    scene.text(
        (frame.left - 14.0, middle),
        Anchor::End,
        (LABEL, INK),
        label,
    );
    scene.text(
        (WIDTH - MARGIN, middle),
        Anchor::End,
        (SMALL, MUTED),
        count(tally.n),
    );
    let any = tally.any;
    let Some(value) = any.rate.value() else {
        scene.text(
            (frame.left + 8.0, middle),
            Anchor::Start,
            (SMALL, MUTED),
            NOT_MEASURED,
        );
        return Ok(());
    };
    scene.text(
        (frame.right + 34.0, middle),
        Anchor::Start,
        (LABEL, INK),
        measured(any),
    );
    scene.rect(
        (frame.left, y + 2.0),
        (frame.x(value), y + height - 2.0),
        BAR,
    );
    let carriers = tally.carriers.iter().map(|carrier| carrier.alone);
    for (index, shown) in std::iter::once(any).chain(carriers).enumerate() {
        let lane = y + ROW_PADDING + LANE * (index as f64 + 0.5);
        point(scene, frame, lane, shown, look(index));
    }
    Ok(())
}

fn point(
    scene: &mut Scene,
    frame: &SurvivalFrame,
    y: f64,
    shown: Measured,
    (color, marker): (Color, Marker),
) {
    if let (Some(value), Some(bounds)) = (shown.rate.value(), shown.interval) {
        whisker(scene, (frame.x(bounds.low), frame.x(bounds.high)), y, color);
        scene.mark((frame.x(value), y), marker, 3.5, color);
    }
}

fn whisker(scene: &mut Scene, (low, high): (f64, f64), y: f64, color: Color) {
    scene.line((low, y), (high, y), color, 1.0);
    for end in [low, high] {
        scene.line((end, y - 2.5), (end, y + 2.5), color, 1.0);
    }
}

fn foot(scene: &mut Scene, evidence: &Evidence, bottom: f64) -> Result<(), PlotError> {
    let provisional = evidence
        .by_pipeline()
        .iter()
        .any(|p| p.tally.any.rate.is_provisional());
    let mut words = "Share of signed images whose proof could still be verified. Whiskers: 95 % interval over sources. Errors count as not survived."
        .to_owned();
    if provisional {
        words.push_str(" * provisional: n below 100.");
    }
    let mut y = bottom + 44.0;
    for line in Scene::wrapped(&words, SMALL, WIDTH - 2.0 * MARGIN)? {
        scene.text((MARGIN, y), Anchor::Start, (SMALL, MUTED), line);
        y += 20.0;
    }
    scene.height = y + 6.0;
    Ok(())
}
