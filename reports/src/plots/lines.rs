//! Lines with intervals over one axis: dose and response, generations, nights.

use super::palette::{GRID, INK, MUTED, look};
use super::{Anchor, PlotError, Scene, text_width};

const WIDTH: f64 = 760.0;
const PLOT_HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TITLE: f64 = 19.0;
const LABEL: f64 = 16.0;
const SMALL: f64 = 15.0;
/// Between the markers of two lines at the same place.
const DODGE: f64 = 4.0;

/// A value at a place, with its interval where it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Place on the horizontal axis.
    pub x: f64,
    /// The value.
    pub y: f64,
    /// Its interval.
    pub bounds: Option<(f64, f64)>,
}

/// A named line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Which series it is of all charts: 0 is any carrier, c + 1 is carrier c, so that a colour means the same everywhere.
    pub series: usize,
    /// Its points by ascending x.
    pub points: Vec<Point>,
}

/// What a chart shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// Title; says that pipelines are simulated.
    pub title: String,
    /// Title of the horizontal axis.
    pub x_title: String,
    /// Places with a label on the horizontal axis.
    pub x_ticks: Vec<(f64, String)>,
    /// Ends of the vertical axis.
    pub y_range: (f64, f64),
    /// Places with a label on the vertical axis.
    pub y_ticks: Vec<(f64, String)>,
    /// Where something failed: marked on the horizontal axis, and no line crosses it.
    pub failures: Vec<f64>,
    /// Whether what matters most stands on the right: labels of the vertical axis are there, and of labels that would touch
    /// the last ones stay.
    pub ends_right: bool,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Ticks from 0 to 100 % in fifths, for [`Lines::y_ticks`].
pub fn percent_ticks() -> Vec<(f64, String)> {
    (0..=5)
        .map(|tick| (f64::from(tick) / 5.0, format!("{} %", tick * 20)))
        .collect()
}

/// Lays the chart out.
///
/// # Errors
/// [`PlotError::Font`] if text cannot be measured.
pub fn lines(chart: &Lines) -> Result<Scene, PlotError> {
    let mut scene = Scene::new(WIDTH);
    let mut y = 26.0;
    for line in Scene::wrapped(&chart.title, TITLE, WIDTH - 2.0 * RIGHT)? {
        scene.text((RIGHT, y), Anchor::Start, (TITLE, INK), line);
        y += 24.0;
    }
    y = legend(chart, &mut scene, y + 4.0)?;
    let field = Field::of(chart, y + 28.0);
    axes(chart, &field, &mut scene)?;
    for (index, line) in chart.lines.iter().enumerate() {
        curve(chart, &field, index, line, &mut scene);
    }
    scene.height = field.bottom + 54.0;
    Ok(scene)
}

/// The names of the lines from height `y` on; gives the height of its last line.
fn legend(chart: &Lines, scene: &mut Scene, mut y: f64) -> Result<f64, PlotError> {
    let mut x = RIGHT;
    for line in &chart.lines {
        let words = Scene::fitted(&line.name, LABEL, 240.0)?;
        let width = 24.0 + text_width(&words, LABEL)? + 22.0;
        if x + width > WIDTH - RIGHT && x > RIGHT {
            x = RIGHT;
            y += 22.0;
        }
        let (color, marker) = look(line.series);
        scene.mark((x + 8.0, y), marker, 5.0, color);
        scene.text((x + 22.0, y), Anchor::Start, (LABEL, INK), words);
        x += width;
    }
    Ok(y)
}

/// Where values lie on the page.
struct Field {
    top: f64,
    bottom: f64,
    /// Ends of the horizontal axis.
    x: (f64, f64),
    /// Ends of the vertical axis.
    y: (f64, f64),
    /// Where the field begins and ends on the page.
    sides: (f64, f64),
}

impl Field {
    fn of(chart: &Lines, top: f64) -> Self {
        let points = chart.lines.iter().flat_map(|line| &line.points);
        let xs = points
            .map(|point| point.x)
            .chain(chart.x_ticks.iter().map(|(x, _)| *x))
            .chain(chart.failures.iter().copied());
        Self {
            top,
            bottom: top + PLOT_HEIGHT,
            x: xs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
                (low.min(x), high.max(x))
            }),
            y: chart.y_range,
            sides: match chart.ends_right {
                true => (RIGHT, WIDTH - LEFT),
                false => (LEFT, WIDTH - RIGHT),
            },
        }
    }

    fn place(&self, x: f64) -> f64 {
        let span = self.x.1 - self.x.0;
        let share = if span > 0.0 {
            (x - self.x.0) / span
        } else {
            0.5
        };
        let (left, right) = self.sides;
        left + 12.0 + (right - left - 24.0) * share
    }

    fn height(&self, value: f64) -> f64 {
        let (low, high) = self.y;
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        self.bottom - (self.bottom - self.top) * share
    }
}

/// Grid, labels, marks of failures and the title of the horizontal axis.
fn axes(chart: &Lines, field: &Field, scene: &mut Scene) -> Result<(), PlotError> {
    for (value, label) in &chart.y_ticks {
        let y = field.height(*value);
        let (left, right) = field.sides;
        scene.line((left, y), (right, y), GRID, 1.0);
        let (at, anchor) = match chart.ends_right {
            true => (right + 8.0, Anchor::Start),
            false => (left - 8.0, Anchor::End),
        };
        scene.text((at, y), anchor, (SMALL, MUTED), label.clone());
    }
    // Labels that would touch are left out; their points stay.
    let mut ticks: Vec<&(f64, String)> = chart.x_ticks.iter().collect();
    if chart.ends_right {
        ticks.reverse();
    }
    let mut taken: Option<(f64, f64)> = None;
    for (x, label) in ticks {
        let half = text_width(label, SMALL)? / 2.0;
        let at = field.place(*x);
        let apart = |(left, right): (f64, f64)| at + half + 12.0 < left || at - half - 12.0 > right;
        if taken.is_none_or(apart) {
            scene.text(
                (at, field.bottom + 16.0),
                Anchor::Middle,
                (SMALL, MUTED),
                label.clone(),
            );
            taken = Some((at - half, at + half));
        }
    }
    for x in &chart.failures {
        scene.mark(
            (field.place(*x), field.bottom - 6.0),
            super::Marker::Cross,
            5.0,
            super::palette::LIMIT,
        );
    }
    scene.text(
        (
            f64::midpoint(field.sides.0, field.sides.1),
            field.bottom + 38.0,
        ),
        Anchor::Middle,
        (SMALL, MUTED),
        chart.x_title.clone(),
    );
    Ok(())
}

/// One line with its points and their intervals.
fn curve(chart: &Lines, field: &Field, index: usize, line: &Line, scene: &mut Scene) {
    let failed_between = |a: Point, b: Point| chart.failures.iter().any(|x| a.x < *x && *x < b.x);
    let height = |value: f64| field.height(value);
    let (color, marker) = look(line.series);
    // Beside each other, since lines at 0 and 100 % would hide one another.
    let shift = DODGE * (index as f64 - (chart.lines.len() as f64 - 1.0) / 2.0);
    let place = |x: f64| field.place(x) + shift;
    for pair in line.points.windows(2) {
        if failed_between(pair[0], pair[1]) {
            continue;
        }
        let ends = [pair[0], pair[1]].map(|point| (place(point.x), height(point.y)));
        scene.line(ends[0], ends[1], color, 2.0);
    }
    for point in &line.points {
        let x = place(point.x);
        if let Some((low, high)) = point.bounds {
            scene.line((x, height(low)), (x, height(high)), color, 1.0);
            for end in [low, high] {
                scene.line((x - 3.0, height(end)), (x + 3.0, height(end)), color, 1.0);
            }
        }
        scene.mark((x, height(point.y)), marker, 3.5, color);
    }
}
