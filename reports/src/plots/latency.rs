//! Latency distributions on a logarithmic axis, services first, with the service levels.

use super::palette::{BAR, GRID, INK, LIMIT, MUTED, series};
use super::{Anchor, Color, Marker, PlotError, Scene, text_width};
use crate::figures::{NOT_MEASURED, count, duration};
use crate::stats::PERCENTILES;
use crate::tables::{Evidence, Latency, LevelVerdict, Timed, latencies};

const WIDTH: f64 = 1200.0;
const MARGIN: f64 = 24.0;
const ROW: f64 = 28.0;
const HEADING: f64 = 36.0;
const TITLE: f64 = 25.0;
const LABEL: f64 = 17.0;
const SMALL: f64 = 15.0;

/// Where the data area lies, and how nanoseconds become a place in it.
struct LatencyFrame {
    left: f64,
    right: f64,
    /// Decades that the axis spans, as powers of ten of nanoseconds.
    decades: (i32, i32),
}

impl LatencyFrame {
    fn new(left: f64, right: f64, latencies: &[Latency]) -> Self {
        let levels = latencies
            .iter()
            .filter_map(|l| l.level)
            .map(|level| level.nanos);
        let values = latencies.iter().flat_map(|l| {
            let quantiles = &l.quantiles;
            quantiles
                .max
                .into_iter()
                .chain(quantiles.quartiles.map(|(low, _)| low))
        });
        let (mut low, mut high) = (u64::MAX, 1);
        for nanos in values.chain(levels) {
            low = low.min(nanos.max(1));
            high = high.max(nanos);
        }
        let low = low.min(high).ilog10() as i32;
        // The axis ends at the decade above the largest value.
        let high = (high.saturating_sub(1)).max(1).ilog10() as i32 + 1;
        Self {
            left,
            right,
            decades: (low, high.max(low + 1)),
        }
    }

    fn x(&self, nanos: u64) -> f64 {
        let (low, high) = (f64::from(self.decades.0), f64::from(self.decades.1));
        let place = ((nanos.max(1) as f64).log10() - low) / (high - low);
        self.left + (self.right - self.left) * place.clamp(0.0, 1.0)
    }
}

pub(super) fn scene(evidence: &Evidence) -> Result<Scene, PlotError> {
    let latencies = latencies(evidence);
    let mut label_room: f64 = 0.0;
    for latency in &latencies {
        label_room = label_room.max(text_width(&latency.name, LABEL)?);
    }
    let frame = LatencyFrame::new(
        MARGIN + label_room.clamp(120.0, 330.0) + 24.0,
        WIDTH - MARGIN - 250.0,
        &latencies,
    );
    let mut scene = Scene::new(WIDTH);
    let mut y = head(&mut scene, evidence)?;
    let parts = [
        (Timed::Service, "services, with their level at p95"),
        (Timed::Carrier, "each carrier alone, on signed images"),
        (
            Timed::Transform,
            "simulated pipelines: the cost of the simulation",
        ),
    ];
    let shown = parts.map(|(timed, title)| {
        let members: Vec<&Latency> = latencies.iter().filter(|l| l.timed == timed).collect();
        (title, members)
    });
    let full = shown.iter().filter(|(_, members)| !members.is_empty());
    let height: f64 = full
        .map(|(_, members)| HEADING + ROW * members.len() as f64)
        .sum();
    let bottom = y + 14.0 + height + 6.0;
    axis(&mut scene, &frame, y, bottom);
    scene.text(
        (frame.right + 34.0, y),
        Anchor::Start,
        (SMALL, MUTED),
        "p95",
    );
    scene.text((WIDTH - MARGIN, y), Anchor::End, (SMALL, MUTED), "n");
    y += 14.0;
    for (title, members) in shown.iter().filter(|(_, members)| !members.is_empty()) {
        // White behind the heading, which runs over the grid.
        let width = text_width(title, LABEL)?;
        scene.rect(
            (MARGIN, y + 8.0),
            (MARGIN + width + 6.0, y + HEADING - 4.0),
            Color(255, 255, 255),
        );
        scene.text(
            (MARGIN, y + HEADING * 0.6),
            Anchor::Start,
            (LABEL, MUTED),
            *title,
        );
        y += HEADING;
        for latency in members {
            row(&mut scene, &frame, y, latency)?;
            y += ROW;
        }
    }
    foot(&mut scene, evidence, bottom)?;
    Ok(scene)
}

/// How a percentile is drawn; the index is that of [`PERCENTILES`].
fn look(index: usize) -> (Color, Marker) {
    // Neighbours differ in form and in lightness, since on the axis they often touch.
    let (blue, sky) = (series(0).0, series(4).0);
    match index {
        0 => (INK, Marker::Circle),
        1 => (sky, Marker::Triangle),
        2 => (blue, Marker::Diamond),
        3 => (INK, Marker::Square),
        _ => (INK, Marker::Ring),
    }
}

/// Title, subtitle and legend; returns where the axis begins.
fn head(scene: &mut Scene, evidence: &Evidence) -> Result<f64, PlotError> {
    let header = evidence.header();
    scene.text(
        (MARGIN, 36.0),
        Anchor::Start,
        (TITLE, INK),
        "Latency of signing, verification and simulated pipelines",
    );
    let cpu = if header.machine.cpu.is_empty() {
        "an unnamed processor"
    } else {
        &header.machine.cpu
    };
    let subtitle = format!(
        "Run {}: {} threads on {cpu}, without network",
        header.id, header.threads
    );
    let mut y = 66.0;
    for line in Scene::wrapped(&subtitle, SMALL, WIDTH - 2.0 * MARGIN)? {
        scene.text((MARGIN, y), Anchor::Start, (SMALL, MUTED), line);
        y += 20.0;
    }
    y += 12.0;
    let mut x = MARGIN;
    scene.rect((x, y - 7.0), (x + 24.0, y + 7.0), BAR);
    scene.text((x + 34.0, y), Anchor::Start, (LABEL, INK), "p25 to p75");
    x += 34.0 + text_width("p25 to p75", LABEL)? + 26.0;
    let marks = PERCENTILES
        .iter()
        .enumerate()
        .map(|(index, p)| (p.name, look(index)));
    for (name, (color, marker)) in marks.chain([
        ("max", (MUTED, Marker::Cross)),
        ("service level", (LIMIT, Marker::Tick)),
    ]) {
        scene.mark(
            (x + 6.0, y),
            marker,
            if marker == Marker::Tick { 9.0 } else { 5.0 },
            color,
        );
        scene.text((x + 20.0, y), Anchor::Start, (LABEL, INK), name);
        x += 20.0 + text_width(name, LABEL)? + 26.0;
    }
    Ok(y + 40.0)
}

fn axis(scene: &mut Scene, frame: &LatencyFrame, top: f64, bottom: f64) {
    for decade in frame.decades.0..=frame.decades.1 {
        let Some(nanos) = u32::try_from(decade)
            .ok()
            .and_then(|power| 10_u64.checked_pow(power))
        else {
            continue;
        };
        let x = frame.x(nanos);
        scene.line((x, top + 12.0), (x, bottom), GRID, 1.0);
        for y in [top, bottom + 14.0] {
            scene.text((x, y), Anchor::Middle, (SMALL, MUTED), power_of_ten(nanos));
        }
    }
}

/// `100 µs` rather than `100.0 µs`: a power of ten is exact.
fn power_of_ten(nanos: u64) -> String {
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{} µs", nanos / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", nanos / 1_000_000),
        _ => format!("{} s", nanos / 1_000_000_000),
    }
}

fn row(
    scene: &mut Scene,
    frame: &LatencyFrame,
    top: f64,
    latency: &Latency,
) -> Result<(), PlotError> {
    let y = top + ROW / 2.0;
    let quantiles = &latency.quantiles;
    let label = Scene::fitted(&latency.name, LABEL, frame.left - MARGIN - 18.0)?;
    scene.text((frame.left - 14.0, y), Anchor::End, (LABEL, INK), label);
    scene.text(
        (WIDTH - MARGIN, y),
        Anchor::End,
        (SMALL, MUTED),
        count(quantiles.n),
    );
    if let (Some((low, high)), Some(max)) = (quantiles.quartiles, quantiles.max) {
        // A guide for the eye from the name to its marks.
        scene.line((frame.left, y), (frame.right, y), GRID, 1.0);
        scene.line((frame.x(low), y), (frame.x(max), y), MUTED, 1.0);
        scene.rect(
            (frame.x(low), y - 8.0),
            (frame.x(high).max(frame.x(low) + 2.0), y + 8.0),
            BAR,
        );
        scene.mark((frame.x(max), y), Marker::Cross, 4.0, MUTED);
    } else {
        scene.text(
            (frame.left + 8.0, y),
            Anchor::Start,
            (SMALL, MUTED),
            NOT_MEASURED,
        );
    }
    if let Some(level) = latency.level {
        scene.mark(
            (frame.x(level.nanos), y),
            Marker::Tick,
            ROW / 2.0 - 2.0,
            LIMIT,
        );
    }
    for (index, nanos) in quantiles.at.iter().enumerate() {
        if let Some(nanos) = nanos {
            let (color, marker) = look(index);
            scene.mark((frame.x(*nanos), y), marker, 5.0, color);
        }
    }
    let p95 = match quantiles.permille(950) {
        Some(nanos) => duration(nanos),
        None if quantiles.n == 0 => "–".to_owned(),
        None => "too few".to_owned(),
    };
    let verdict = latency
        .verdict()
        .filter(|v| *v != LevelVerdict::NotMeasured);
    let color = match verdict {
        Some(LevelVerdict::NotMet) => LIMIT,
        None if quantiles.permille(950).is_none() => MUTED,
        _ => INK,
    };
    let words = match verdict {
        Some(verdict) => format!("{p95}, {}", verdict.as_str()),
        None => p95,
    };
    scene.text(
        (frame.right + 34.0, y),
        Anchor::Start,
        (LABEL, color),
        words,
    );
    Ok(())
}

fn foot(scene: &mut Scene, evidence: &Evidence, bottom: f64) -> Result<(), PlotError> {
    let partial = if evidence.header().partial {
        " Partial run."
    } else {
        ""
    };
    let words = format!(
        "Signing counts one value an image. Percentiles by nearest rank, drawn only where about ten values lie beyond them (p95: n of at least {}).{partial}",
        PERCENTILES[2].least_n()
    );
    let mut y = bottom + 44.0;
    for line in Scene::wrapped(&words, SMALL, WIDTH - 2.0 * MARGIN)? {
        scene.text((MARGIN, y), Anchor::Start, (SMALL, MUTED), line);
        y += 20.0;
    }
    scene.height = y + 6.0;
    Ok(())
}
