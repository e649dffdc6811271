//! ROC and DET curves: for each kind of negative trial what every carrier's thresholds find and miss over what they let
//! through. A point is a threshold that was tried; the box around it is the band of both its rates.

use credlink_trial_record::Trial;

use super::palette::{BAR, GRID, INK, MUTED, look};
use super::{Anchor, PlotError, Scene, text_width};
use crate::stats::{Interval, Measured, normal_quantile};
use crate::tables::{Evidence, Reached};

const WIDTH: f64 = 1200.0;
const MARGIN: f64 = 24.0;
const TITLE: f64 = 25.0;
const LABEL: f64 = 17.0;
const SMALL: f64 = 15.0;
const PANEL_HEIGHT: f64 = 230.0;
/// Room for the labels on the left of a panel.
const LEFT: f64 = 86.0;
const PANEL_WIDTH: f64 = 470.0;

/// How a rate becomes a place on an axis from 0 to 1.
#[derive(Clone, Copy, PartialEq)]
enum Axis {
    /// As it is.
    Even,
    /// By the quantile of the normal distribution, from one in a thousand to 999: rates of small errors lie apart.
    Normal,
}

impl Axis {
    const TICKS: [&'static [f64]; 2] = [
        &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
        &[0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999],
    ];
    const LEAST: f64 = 0.001;

    fn ticks(self) -> &'static [f64] {
        Self::TICKS[usize::from(self == Self::Normal)]
    }

    fn place(self, rate: f64) -> f64 {
        match self {
            Self::Even => rate,
            Self::Normal => {
                let end = -normal_quantile(Self::LEAST);
                let rate = rate.clamp(Self::LEAST, 1.0 - Self::LEAST);
                (normal_quantile(rate) + end) / (2.0 * end)
            }
        }
    }
}

/// One curve: for each threshold what is let through, and what is found.
struct Curve<'a> {
    /// Which series it is of the plot.
    series: usize,
    points: Vec<(&'a Measured, &'a Measured, bool)>,
}

pub(super) fn scene(evidence: &Evidence) -> Result<Scene, PlotError> {
    let reached = evidence.reached();
    let mut scene = Scene::new(WIDTH);
    let mut y = head(&mut scene, evidence, &reached)?;
    for trial in Trial::NEGATIVES {
        let curves = curves(&reached, trial);
        if curves.is_empty() {
            continue;
        }
        let words = format!("{trial}: {}", trial.about());
        let words = Scene::fitted(&words, LABEL, WIDTH - 2.0 * MARGIN)?;
        scene.text((MARGIN, y), Anchor::Start, (LABEL, INK), words);
        let second = MARGIN + WIDTH / 2.0;
        panel(&mut scene, &curves, (MARGIN + LEFT, y + 22.0), Axis::Even);
        panel(&mut scene, &curves, (second + LEFT, y + 22.0), Axis::Normal);
        y += PANEL_HEIGHT + 102.0;
    }
    scene.height = y;
    Ok(scene)
}

/// What several runs reach, side by side: ROC and DET of unsigned images, a curve for every carrier that decides by a number.
pub(crate) fn compared(runs: &[(String, Vec<Reached>)]) -> Result<Scene, PlotError> {
    let mut scene = Scene::new(WIDTH);
    let mut y = 34.0;
    let title = "What thresholds find and let through of unsigned images, simulated pipelines";
    scene.text((MARGIN, y), Anchor::Start, (TITLE, INK), title);
    y += 30.0;
    let words = "Left: ROC. Right: DET, scaled so that normal errors make straight lines. Boxes: 95 % intervals over sources. The larger mark is the threshold in use. By the number alone.";
    let words = Scene::fitted(words, SMALL, WIDTH - 2.0 * MARGIN)?;
    scene.text((MARGIN, y), Anchor::Start, (SMALL, MUTED), words);
    y += 30.0;
    let mut all = Vec::new();
    let mut x = MARGIN;
    for (name, reached) in runs {
        for mut curve in curves(reached, Trial::Unsigned) {
            let of_carrier = reached.iter().find(|one| one.carrier == curve.series);
            let carrier = of_carrier.map_or("", |one| one.name.as_str());
            curve.series = all.len();
            let words = Scene::fitted(&format!("{name}: {carrier}"), LABEL, 420.0)?;
            let width = text_width(&words, LABEL)? + 56.0;
            if x + width > WIDTH - MARGIN && x > MARGIN {
                x = MARGIN;
                y += 24.0;
            }
            let (color, marker) = look(curve.series + 1);
            scene.mark((x + 8.0, y), marker, 5.0, color);
            scene.text((x + 22.0, y), Anchor::Start, (LABEL, INK), words);
            x += width;
            all.push(curve);
        }
    }
    y += 30.0;
    panel(&mut scene, &all, (MARGIN + LEFT, y), Axis::Even);
    let second = MARGIN + WIDTH / 2.0;
    panel(&mut scene, &all, (second + LEFT, y), Axis::Normal);
    scene.height = y + PANEL_HEIGHT + 60.0;
    Ok(scene)
}

/// The curves of one kind of trial, a carrier each.
fn curves(reached: &[Reached], trial: Trial) -> Vec<Curve<'_>> {
    let of = |trial: Trial, carrier: usize| {
        let mut all = reached.iter();
        all.find(|reached| reached.trial == trial && reached.carrier == carrier)
    };
    let through = reached.iter().filter(|reached| reached.trial == trial);
    let curve = |through: &'_ Reached| -> Option<(usize, usize)> {
        let place = reached
            .iter()
            .position(|other| std::ptr::eq(other, through))?;
        let found = of(Trial::Signed, through.carrier)?;
        Some((
            place,
            reached
                .iter()
                .position(|other| std::ptr::eq(other, found))?,
        ))
    };
    let pairs = through.filter_map(curve);
    let made = pairs.map(|(through, found)| Curve {
        series: reached[through].carrier,
        points: reached[through]
            .points
            .iter()
            .zip(&reached[found].points)
            .map(|((threshold, let_through), (_, found))| {
                (let_through, found, *threshold == reached[through].in_use)
            })
            .collect(),
    });
    made.collect()
}

/// Title and legend; gives the height of the first panel.
fn head(scene: &mut Scene, evidence: &Evidence, reached: &[Reached]) -> Result<f64, PlotError> {
    let mut y = 34.0;
    scene.text(
        (MARGIN, y),
        Anchor::Start,
        (TITLE, INK),
        "What thresholds find and let through, simulated pipelines",
    );
    y += 30.0;
    let words = if reached.is_empty() {
        "No carrier of this run decided by a number."
    } else {
        "Left: ROC. Right: DET, scaled so that normal errors make straight lines; its ends stand for 0.1 % and 99.9 % and beyond."
    };
    scene.text((MARGIN, y), Anchor::Start, (SMALL, MUTED), words);
    y += 22.0;
    scene.text(
        (MARGIN, y),
        Anchor::Start,
        (SMALL, MUTED),
        "Boxes: 95 % intervals over sources. The larger mark is the threshold in use. By the number alone, before any other rule.",
    );
    y += 26.0;
    let mut x = MARGIN;
    let mut named = Vec::new();
    for one in reached.iter().filter(|one| one.trial == Trial::Signed) {
        if named.contains(&one.carrier) {
            continue;
        }
        named.push(one.carrier);
        let words = Scene::fitted(&one.name, LABEL, 300.0)?;
        let (color, marker) = look(one.carrier + 1);
        scene.mark((x + 8.0, y), marker, 5.0, color);
        let width = text_width(&words, LABEL)?;
        scene.text((x + 22.0, y), Anchor::Start, (LABEL, INK), words);
        x += width + 56.0;
    }
    let run = Scene::fitted(&format!("run {}", evidence.header().id), SMALL, 420.0)?;
    scene.text((WIDTH - MARGIN, y), Anchor::End, (SMALL, MUTED), run);
    Ok(y + 40.0)
}

/// One panel with its axes; `from` is its top left corner.
fn panel(scene: &mut Scene, curves: &[Curve<'_>], from: (f64, f64), axis: Axis) {
    let (left, top) = from;
    let (right, bottom) = (left + PANEL_WIDTH, top + PANEL_HEIGHT);
    let x = |rate: f64| left + PANEL_WIDTH * axis.place(rate);
    let y = |rate: f64| bottom - PANEL_HEIGHT * axis.place(rate);
    for tick in axis.ticks() {
        scene.line((left, y(*tick)), (right, y(*tick)), GRID, 1.0);
        scene.line((x(*tick), top), (x(*tick), bottom), GRID, 1.0);
        let words = format!("{} %", (tick * 1000.0).round() / 10.0);
        let style = (SMALL, MUTED);
        scene.text((left - 8.0, y(*tick)), Anchor::End, style, words.clone());
        scene.text((x(*tick), bottom + 16.0), Anchor::Middle, style, words);
    }
    let upwards = match axis {
        Axis::Even => "up: found",
        Axis::Normal => "up: missed",
    };
    scene.text(
        ((left + right) / 2.0, bottom + 38.0),
        Anchor::Middle,
        (SMALL, MUTED),
        format!("to the right: let through; {upwards}"),
    );
    let up = |found: f64| match axis {
        Axis::Even => found,
        Axis::Normal => 1.0 - found,
    };
    for curve in curves {
        for (through, found, _) in &curve.points {
            if let (Some(Interval { low: l, high: r }), Some(band)) =
                (through.interval, found.interval)
            {
                let (a, b) = (y(up(band.low)), y(up(band.high)));
                scene.rect((x(l), a.min(b)), (x(r), a.max(b)), BAR);
            }
        }
    }
    for curve in curves {
        let (color, marker) = look(curve.series + 1);
        let points: Vec<((f64, f64), bool)> = curve
            .points
            .iter()
            .filter_map(|(through, found, in_use)| {
                let at = (x(through.rate.value()?), y(up(found.rate.value()?)));
                Some((at, *in_use))
            })
            .collect();
        for pair in points.windows(2) {
            scene.line(pair[0].0, pair[1].0, color, 2.0);
        }
        for (at, in_use) in points {
            scene.mark(at, marker, if in_use { 6.5 } else { 3.5 }, color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_run_from_end_to_end_and_never_turn_back() {
        for axis in [Axis::Even, Axis::Normal] {
            let places: Vec<f64> = (0..=1000)
                .map(|k| axis.place(f64::from(k) / 1000.0))
                .collect();
            assert!(places.is_sorted());
            assert!(places[0].abs() < 1e-12 && (places[1000] - 1.0).abs() < 1e-12);
            assert!((axis.place(0.5) - 0.5).abs() < 1e-9);
        }
    }
}
