//! Systems side by side as pictures: curves over every swept parameter, and survival against what it costs.

use super::tables::{accepted, median, survival};
use super::{HeadToHead, Side};
use crate::header::SweepHeader;
use crate::plots::palette::{GRID, INK, MUTED, series};
use crate::plots::{Anchor, Line, Lines, PlotError, Point, Scene, lines, percent_ticks, roc};
use crate::tables::Entrant;
use credlink_trial_record::Trial;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const HEIGHT: f64 = 260.0;
const TITLE: f64 = 19.0;
const LABEL: f64 = 16.0;
const SMALL: f64 = 15.0;
/// Height of a line of the legend.
const ROW: f64 = 22.0;

/// Every plot with the stem of its file name.
pub(super) fn all(contest: &HeadToHead) -> Result<Vec<(String, Scene)>, (String, PlotError)> {
    let mut scenes = Vec::new();
    for cost in &COSTS {
        let scene = pareto(contest, cost).map_err(|error| (cost.id.to_owned(), error))?;
        scenes.push((cost.id.to_owned(), scene));
    }
    let reached = contest.sides.iter();
    let reached: Vec<_> = reached
        .map(|side| (side.name.clone(), side.evidence.reached_alike()))
        .collect();
    let scene = roc::compared(&reached).map_err(|error| ("roc".to_owned(), error))?;
    scenes.push(("roc".to_owned(), scene));
    for (name, chart) in curves(contest) {
        let scene = lines(&chart).map_err(|error| (name.clone(), error))?;
        scenes.push((name, scene));
    }
    Ok(scenes)
}

/// Survival over every parameter that a recipe sweeps, a line for each system.
fn curves(contest: &HeadToHead) -> Vec<(String, Lines)> {
    let Some(first) = contest.sides.first() else {
        return Vec::new();
    };
    let header = first.evidence.header();
    let mut sweeps: Vec<(&SweepHeader, Vec<(f64, usize)>)> = Vec::new();
    for (index, pipeline) in header.pipelines.iter().enumerate() {
        let Some(sweep) = &pipeline.sweep else {
            continue;
        };
        let mut known = sweeps.iter_mut();
        match known
            .find(|(other, _)| other.recipe == sweep.recipe && other.parameter == sweep.parameter)
        {
            Some((_, points)) => points.push((sweep.value, index)),
            None => sweeps.push((sweep, vec![(sweep.value, index)])),
        }
    }
    sweeps.retain(|(_, points)| points.len() > 1);
    let charts = sweeps.into_iter().map(|(sweep, mut points)| {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let name: String = format!("curve-{}-{}", sweep.recipe, sweep.parameter)
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '-' {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let sides = contest.sides.iter().enumerate();
        let chart = Lines {
            title: format!(
                "Found by {}, simulated pipeline {}",
                sweep.parameter, sweep.recipe
            ),
            x_title: sweep.parameter.clone(),
            x_ticks: points.iter().map(|(x, _)| (*x, x.to_string())).collect(),
            y_range: (0.0, 1.0),
            y_ticks: percent_ticks(),
            failures: Vec::new(),
            ends_right: false,
            lines: sides
                .map(|(place, side)| Line {
                    name: side.name.clone(),
                    series: place + 1,
                    points: points
                        .iter()
                        .filter_map(|(x, index)| point(side, *x, *index))
                        .collect(),
                })
                .collect(),
        };
        (name, chart)
    });
    charts.collect()
}

fn point(side: &Side, x: f64, pipeline: usize) -> Option<Point> {
    let ops = side.evidence.ops(pipeline, Trial::Signed);
    let found = side.evidence.hit_clusters(ops, None).measured(1, 0);
    Some(Point {
        x,
        y: found.rate.value()?,
        bounds: found.interval.map(|interval| (interval.low, interval.high)),
    })
}

/// Something that survival is bought with.
struct Cost {
    id: &'static str,
    title: &'static str,
    axis: &'static str,
    /// What a system pays; `None` where it pays nothing that could be drawn.
    of: fn(&Side) -> Option<f64>,
    /// Whether the axis is logarithmic.
    is_logarithmic: bool,
}

/// The median of a figure over the images that have it.
fn of_images(side: &Side, of: &dyn Fn(&Entrant) -> Option<f64>) -> Option<f64> {
    let evidence = &side.evidence;
    let images = evidence.distinct_images();
    let figures = images.iter().filter_map(|op| of(&evidence.entrant(*op)));
    median(figures.collect(), 3)
}

const COSTS: [Cost; 4] = [
    Cost {
        id: "pareto-distortion",
        title: "Found, over what signing does to the picture",
        axis: "PSNR of the signed file, dB: better to the right; systems that change no pixel are left out",
        of: |side| {
            let psnr = |entrant: &Entrant| Some(f64::from(entrant.psnr()));
            of_images(side, &|entrant| {
                psnr(entrant).filter(|psnr| psnr.is_finite())
            })
        },
        is_logarithmic: false,
    },
    Cost {
        id: "pareto-sign-time",
        title: "Found, over the time to sign",
        axis: "milliseconds to sign an image, median: better to the left",
        of: |side| {
            let millis = |entrant: &Entrant| Some(entrant.sign_ns as f64 / 1e6);
            of_images(side, &|entrant| millis(entrant).filter(|time| *time > 0.0))
        },
        is_logarithmic: true,
    },
    Cost {
        id: "pareto-verify-time",
        title: "Found, over the time to verify",
        axis: "milliseconds to verify a file, median: better to the left",
        of: |side| {
            let evidence = &side.evidence;
            let times = evidence
                .pooled_ops()
                .map(|op| evidence.verify_ns(op) as f64 / 1e6);
            median(times.filter(|time| *time > 0.0).collect(), 3)
        },
        is_logarithmic: true,
    },
    Cost {
        id: "pareto-false-accepts",
        title: "Found, over unsigned images accepted",
        axis: "upper 95 % bound of unsigned images accepted, %: better to the left",
        of: |side| {
            accepted(&side.evidence, Trial::Unsigned)
                .upper
                .map(|upper| upper * 100.0)
        },
        is_logarithmic: true,
    },
];

/// Survival over a cost: a system for which another is better in both is dominated, and drawn without a line to the edge.
fn pareto(contest: &HeadToHead, cost: &Cost) -> Result<Scene, PlotError> {
    let sides = contest.sides.iter().enumerate();
    let points: Vec<(usize, &Side, f64, crate::stats::Measured)> = sides
        .filter_map(|(place, side)| Some((place, side, (cost.of)(side)?, survival(&side.evidence))))
        .filter(|(_, _, x, _)| !cost.is_logarithmic || *x > 0.0)
        .collect();
    let mut scene = Scene::new(WIDTH);
    scene.text((RIGHT, 26.0), Anchor::Start, (TITLE, INK), cost.title);
    if points.is_empty() {
        let words = "No system has such a cost.";
        scene.text((RIGHT, 56.0), Anchor::Start, (SMALL, MUTED), words);
        scene.height = 80.0;
        return Ok(scene);
    }
    let field = Field::of(cost, points.iter().map(|(_, _, x, _)| *x));
    field.axes(cost, &mut scene)?;
    let (at_x, at_y) = (|x| field.x(x), |rate| field.y(rate));
    let mut y = field.bottom + 66.0;
    for (place, side, x, found) in points {
        let (color, marker) = series(place);
        let Some(rate) = found.rate.value() else {
            continue;
        };
        if let Some(interval) = found.interval {
            scene.line(
                (at_x(x), at_y(interval.low)),
                (at_x(x), at_y(interval.high)),
                color,
                1.5,
            );
        }
        scene.mark((at_x(x), at_y(rate)), marker, 6.0, color);
        scene.mark((RIGHT + 8.0, y), marker, 5.0, color);
        let figures = format!(
            "{}: {} %, {}",
            side.name,
            crate::figures::percent(rate),
            rounded(x)
        );
        let words = Scene::fitted(&figures, LABEL, WIDTH - 60.0)?;
        scene.text((RIGHT + 22.0, y), Anchor::Start, (LABEL, INK), words);
        y += ROW;
    }
    scene.height = y + 8.0;
    Ok(scene)
}

/// Where values lie in a plot of survival over a cost.
struct Field {
    is_logarithmic: bool,
    low: f64,
    high: f64,
    top: f64,
    bottom: f64,
}

impl Field {
    /// With room for these costs, of which there is at least one.
    fn of(cost: &Cost, values: impl Iterator<Item = f64>) -> Self {
        let mut field = Self {
            is_logarithmic: cost.is_logarithmic,
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
            top: 52.0,
            bottom: 52.0 + HEIGHT,
        };
        for value in values {
            let value = field.scaled(value);
            (field.low, field.high) = (field.low.min(value), field.high.max(value));
        }
        let room = ((field.high - field.low) * 0.08).max(0.05);
        (field.low, field.high) = (field.low - room, field.high + room);
        field
    }

    fn scaled(&self, value: f64) -> f64 {
        if self.is_logarithmic {
            value.log10()
        } else {
            value
        }
    }

    fn x(&self, value: f64) -> f64 {
        let share = (self.scaled(value) - self.low) / (self.high - self.low);
        LEFT + share * (WIDTH - RIGHT - LEFT)
    }

    fn y(&self, rate: f64) -> f64 {
        self.bottom - rate * HEIGHT
    }

    fn axes(&self, cost: &Cost, scene: &mut Scene) -> Result<(), PlotError> {
        let (right, style) = (WIDTH - RIGHT, (SMALL, MUTED));
        for (rate, words) in percent_ticks() {
            let y = self.y(rate);
            scene.line((LEFT, y), (right, y), GRID, 1.0);
            scene.text((LEFT - 8.0, y), Anchor::End, style, words);
        }
        for tick in ticks(self.low, self.high, self.is_logarithmic) {
            let x = self.x(tick);
            scene.line((x, self.top), (x, self.bottom), GRID, 1.0);
            let words = format!("{tick}");
            scene.text((x, self.bottom + 16.0), Anchor::Middle, style, words);
        }
        let words = Scene::fitted(cost.axis, SMALL, right - LEFT)?;
        let place = ((LEFT + right) / 2.0, self.bottom + 38.0);
        scene.text(place, Anchor::Middle, style, words);
        Ok(())
    }
}

fn rounded(x: f64) -> String {
    if x < 10.0 {
        format!("{x:.2}")
    } else {
        format!("{x:.1}")
    }
}

/// Places with a label: decades with 2 and 5 between them, or five round steps.
fn ticks(low: f64, high: f64, is_logarithmic: bool) -> Vec<f64> {
    if is_logarithmic {
        let decades = low.floor() as i32..=high.ceil() as i32;
        let all = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(decade)));
        let all = all.filter(|tick| (low..=high).contains(&tick.log10()));
        // Floating point makes 0.30000000000000004 of three tenths.
        return all.map(|tick| (tick * 1e6).round() / 1e6).collect();
    }
    let step = ((high - low) / 5.0).max(0.1);
    let magnitude = 10_f64.powf(step.log10().floor());
    let step = (step / magnitude).ceil() * magnitude;
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last)
        .map(|k| ((k as f64 * step) * 1e6).round() / 1e6)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_lie_within_the_axis_and_there_are_a_few() {
        for (low, high, is_logarithmic) in [
            (38.2, 45.1, false),
            (-0.2, 3.4, true),
            (1.0, 1.1, true),
            (40.0, 40.1, false),
        ] {
            let found = ticks(low, high, is_logarithmic);
            let place = |tick: f64| if is_logarithmic { tick.log10() } else { tick };
            assert!(
                found
                    .iter()
                    .all(|tick| (low - 1e-9..=high + 1e-9).contains(&place(*tick))),
                "{found:?}"
            );
            assert!(found.len() <= 14, "{found:?}");
        }
    }
}
