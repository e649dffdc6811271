//! The short table that ends a run on a terminal. The caller prints it.

use std::fmt::{self, Display, Formatter, Write};
use std::path::PathBuf;

use credlink_trial_record::Outcome;

use crate::figures::{self, NOT_MEASURED, PROVISIONAL, bytes, count, duration, percent, plural};
use crate::header::ControlResult;
use crate::stats::{Bounded, Rate};
use crate::tables::{
    Answer, Evidence, Latency, LevelVerdict, NegativeTally, PipelineTally, Tally, Timed, latencies,
};
use crate::usable::{Unusable, unusable};

/// No line of the summary is longer than this many characters, paths aside.
pub const WIDTH: usize = 80;

/// Longest and shortest that a pipeline's name is shown.
const NAME: std::ops::RangeInclusive<usize> = 16..=36;
/// What of a name tells it from others, in most cases.
const READABLE: usize = 24;
/// Longest and shortest that a carrier's column is wide; the shortest holds `99.999`.
const CARRIER: std::ops::RangeInclusive<usize> = 6..=11;

/// Between two columns.
const GAP: usize = 1;
/// Titles of columns.
const FILES: &str = "files";
const INTERVAL: &str = "95 % interval ";

/// What a run found, in short. `to_string()` is the terminal's table.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Id of the run.
    pub run: String,
    /// Whether the run was cut off.
    pub partial: bool,
    /// Ops done and planned.
    pub ops: (u64, u64),
    /// Carriers in ladder order.
    pub carriers: Vec<String>,
    /// One entry per pipeline in the header's order.
    pub pipelines: Vec<PipelineTally>,
    /// The first figures.
    pub answer: Answer,
    /// All signed ops together, controls apart.
    pub overall: Tally,
    /// All negative trials together.
    pub controls: NegativeTally,
    /// The services and whether they meet their levels.
    pub services: Vec<Latency>,
    /// Why the figures must not be used; `None` if they may.
    pub unusable: Option<Unusable>,
    /// Controls that did not give the known answer.
    pub failed_controls: Vec<ControlResult>,
    /// Wall-clock time in seconds.
    pub elapsed_s: f64,
    /// Share of the CPU time that is neither codecs nor hashing nor resizing nor watermarks.
    pub overhead_share: f64,
    /// Peak resident memory in bytes; 0 if unknown.
    pub peak_memory_bytes: u64,
    /// Every file that was written, tables first.
    pub files: Vec<PathBuf>,
}

impl Summary {
    /// Sums up a run whose tables and plots were written to `files`.
    pub fn new(evidence: &Evidence, files: Vec<PathBuf>) -> Self {
        let header = evidence.header();
        let failed = header.controls.iter().filter(|control| !control.passed);
        Self {
            run: header.id.clone(),
            partial: header.partial,
            ops: (header.ops_done, header.ops_planned),
            carriers: header.carriers.clone(),
            pipelines: evidence.by_pipeline(),
            answer: evidence.answer(),
            overall: evidence.overall(),
            controls: evidence.negatives().all,
            services: latencies(evidence)
                .into_iter()
                .filter(|latency| latency.timed == Timed::Service)
                .collect(),
            unusable: unusable(evidence),
            failed_controls: failed.cloned().collect(),
            elapsed_s: header.elapsed_s,
            overhead_share: header.cpu.overhead_share,
            peak_memory_bytes: header.peak_memory_bytes,
            files,
        }
    }

    /// The lines of the table, one for each pipeline and, if there are several, one for all.
    fn lines(&self) -> Vec<Line> {
        let pipelines = self.pipelines.iter();
        let mut lines: Vec<Line> = pipelines
            .map(|pipeline| Line::of(&pipeline.id, &pipeline.tally))
            .collect();
        if self.pipelines.len() > 1 {
            lines.push(Line::of("all (pooled)", &self.overall));
        }
        lines
    }

    /// Whether any pipeline has fewer source files than ops.
    fn shows_files(&self) -> bool {
        let mut tallies = self.pipelines.iter().map(|pipeline| &pipeline.tally);
        tallies.any(|tally| tally.sources < tally.n)
    }

    /// How wide each column is, so that a line has at most [`WIDTH`] characters.
    fn layout(&self, lines: &[Line]) -> Layout {
        let widest = |title: &str, of: &dyn Fn(&Line) -> &str| {
            let cells = lines.iter().map(|line| of(line).chars().count());
            cells.chain([title.len()]).max().unwrap_or(0) + GAP
        };
        let count = widest("n", &|line| &line.n);
        let files = match self.shows_files() {
            true => widest(FILES, &|line| &line.files),
            false => 0,
        };
        let rate = widest("any", &|line| &line.rate);
        let bounds = widest(INTERVAL, &|line| &line.bounds);
        let fixed = count + files + rate + bounds;
        let mut carriers: Vec<usize> = self
            .carriers
            .iter()
            .map(|carrier| {
                let width = carrier.chars().count();
                width.clamp(*CARRIER.start(), *CARRIER.end()) + GAP
            })
            .collect();
        let longest = self
            .pipelines
            .iter()
            .map(|pipeline| pipeline.id.chars().count());
        let longest = longest.max().unwrap_or(0).clamp(*NAME.start(), *NAME.end());
        // Carriers' titles are cut before names of pipelines are, the widest first: figures stay whole, and where not even
        // those fit, carriers are left out.
        while carriers.iter().sum::<usize>() + fixed + longest.min(READABLE) > WIDTH {
            let widths = carriers.iter().copied().enumerate().rev();
            match widths.max_by_key(|(_, width)| *width) {
                Some((index, width)) if width > CARRIER.start() + GAP => carriers[index] -= 1,
                _ if carriers.iter().sum::<usize>() + fixed + NAME.start() <= WIDTH => break,
                _ => {
                    carriers.pop();
                }
            }
        }
        let name = longest.min(WIDTH.saturating_sub(fixed + carriers.iter().sum::<usize>()));
        Layout {
            name,
            count,
            files,
            rate,
            bounds,
            carriers,
        }
    }
}

/// The words of one line of the table.
struct Line {
    name: String,
    n: String,
    files: String,
    rate: String,
    bounds: String,
    carriers: Vec<String>,
}

impl Line {
    fn of(name: &str, tally: &Tally) -> Self {
        let any = tally.any.rate;
        let (rate, bounds) = match tally.any.interval {
            // A space where a provisional rate has its mark.
            None => (String::new(), format!("{NOT_MEASURED} ")),
            Some(bounds) => {
                let mark = if any.is_provisional() {
                    PROVISIONAL
                } else {
                    ' '
                };
                (
                    any.value().map(percent).unwrap_or_default(),
                    format!("{}{mark}", figures::interval(bounds)),
                )
            }
        };
        let alone = tally
            .carriers
            .iter()
            .map(|carrier| carrier.alone.rate.value());
        Self {
            name: name.to_owned(),
            n: count(tally.n),
            files: count(tally.sources),
            rate,
            bounds,
            carriers: alone
                .map(|rate| rate.map(percent).unwrap_or_default())
                .collect(),
        }
    }
}

/// Widths of the table's columns, each with the gap before it; no files where they say nothing.
struct Layout {
    name: usize,
    count: usize,
    files: usize,
    rate: usize,
    bounds: usize,
    carriers: Vec<usize>,
}

impl Layout {
    fn total(&self) -> usize {
        let carriers: usize = self.carriers.iter().sum();
        self.name + self.count + self.files + self.rate + self.bounds + carriers
    }

    fn write(&self, f: &mut String, line: &Line) -> fmt::Result {
        write!(
            f,
            "{:<width$}",
            tail(&line.name, self.name),
            width = self.name
        )?;
        let mut cell = |words: &str, width: usize| write!(f, "{words:>width$}");
        cell(&line.n, self.count)?;
        if self.files > 0 {
            cell(&line.files, self.files)?;
        }
        cell(&line.rate, self.rate)?;
        cell(&line.bounds, self.bounds)?;
        for (words, width) in line.carriers.iter().zip(&self.carriers) {
            cell(&head(words, width - GAP), *width)?;
        }
        writeln!(f)
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text)?;
        for line in text.lines().flat_map(wrapped) {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl Summary {
    fn write(&self, f: &mut String) -> fmt::Result {
        let partial = if self.partial {
            format!(
                " (PARTIAL: {} of {} ops)",
                count(self.ops.0),
                count(self.ops.1)
            )
        } else {
            String::new()
        };
        writeln!(
            f,
            "Survival through simulated pipelines, run {}{partial}",
            self.run
        )?;
        writeln!(f)?;
        self.answer(f)?;
        let lines = self.lines();
        let layout = self.layout(&lines);
        let titles = Line {
            name: "pipeline".to_owned(),
            n: "n".to_owned(),
            files: FILES.to_owned(),
            rate: "any".to_owned(),
            bounds: INTERVAL.to_owned(),
            carriers: self.carriers.clone(),
        };
        layout.write(f, &titles)?;
        writeln!(f, "{}", "─".repeat(layout.total()))?;
        for line in &lines {
            layout.write(f, line)?;
        }
        writeln!(f)?;
        write!(f, "Percent of n; each carrier on its own")?;
        if self
            .pipelines
            .iter()
            .any(|pipeline| pipeline.tally.any.rate.is_provisional())
        {
            write!(
                f,
                "; {PROVISIONAL} provisional, n below {}",
                crate::stats::PROVISIONAL_BELOW
            )?;
        }
        if layout.files > 0 {
            write!(f, "; files: distinct source files behind n")?;
        }
        writeln!(f, ".")?;
        let hidden = self.carriers.len() - layout.carriers.len();
        if hidden > 0 {
            writeln!(
                f,
                "{} more in the tables.",
                plural(hidden as u64, "carrier")
            )?;
        }
        self.verdicts(f)?;
        self.cost(f)
    }

    /// Two lines before all others, and what everybody else sees.
    fn answer(&self, f: &mut String) -> fmt::Result {
        let answer = &self.answer;
        let shown = figures::measured;
        writeln!(f, "Still in the file             {}", shown(answer.in_file))?;
        writeln!(
            f,
            "Found again through {} {}",
            answer.store,
            shown(answer.through_store)
        )?;
        let finders = answer.finders();
        if !finders.is_empty() {
            writeln!(f, "  first by {finders}")?;
        }
        if answer.n == 0 {
            return writeln!(f);
        }
        writeln!(
            f,
            "of {} from {}, controls apart.",
            plural(answer.n, "op"),
            plural(answer.sources, "source file")
        )?;
        if answer.unchanged > 0 {
            writeln!(
                f,
                "{} came back unchanged; of the others {} hold it.",
                plural(answer.unchanged, "file"),
                shown(answer.in_changed_file)
            )?;
        }
        writeln!(
            f,
            "Other readers see no credential in {},",
            shown(answer.seen_absent)
        )?;
        writeln!(
            f,
            "  one that they call tampered with in {}.",
            shown(answer.seen_invalid)
        )?;
        writeln!(f)
    }

    fn verdicts(&self, f: &mut String) -> fmt::Result {
        let Bounded {
            rate: Rate { k, n },
            upper,
        } = self.controls.accepted;
        if n == 0 {
            writeln!(f, "False accepts: {NOT_MEASURED}.")?;
        } else {
            let upper = upper.map(figures::percent_above);
            writeln!(
                f,
                "False accepts: {} of {} from {}, at most {} % (95 %).",
                count(k),
                plural(n, "negative trial"),
                plural(self.controls.sources, "source file"),
                upper.unwrap_or_default()
            )?;
        }
        let troubles = [
            Outcome::Misattributed,
            Outcome::Broken,
            Outcome::Unconfirmed,
            Outcome::Error,
        ]
        .map(|outcome| (outcome, self.overall.outcome(outcome)));
        let mut troubles: Vec<String> = troubles
            .into_iter()
            .filter(|(_, number)| *number > 0)
            .map(|(outcome, number)| format!("{outcome} {}", count(number)))
            .collect();
        if self.controls.errors > 0 {
            troubles.push(format!(
                "error in negative trials {}",
                count(self.controls.errors)
            ));
        }
        if !troubles.is_empty() {
            writeln!(f, "Of note: {}.", troubles.join(", "))?;
        }
        for service in &self.services {
            let (Some(level), Some(verdict)) = (service.level, service.verdict()) else {
                continue;
            };
            let bound = duration(level.nanos);
            let found = match service.quantiles.permille(950) {
                Some(nanos) => format!(
                    "p95 {} (level {bound}), {}",
                    duration(nanos),
                    verdict.as_str()
                ),
                None if verdict == LevelVerdict::NotMeasured && service.quantiles.n > 0 => {
                    format!(
                        "{NOT_MEASURED} at p95 (n {} is below 200)",
                        count(service.quantiles.n)
                    )
                }
                None => NOT_MEASURED.to_owned(),
            };
            writeln!(f, "{:<24}{found}", service.name)?;
        }
        if let Some(reason) = &self.unusable {
            writeln!(f, "DO NOT USE these figures: the run {reason}.")?;
        }
        for control in &self.failed_controls {
            writeln!(f, "FAILED CONTROL {}: {}", control.name, control.detail)?;
        }
        Ok(())
    }

    fn cost(&self, f: &mut String) -> fmt::Result {
        write!(
            f,
            "{:.1} s, {} % of the CPU time outside codecs, hashing, resizing and watermarks",
            self.elapsed_s,
            percent(self.overhead_share)
        )?;
        if self.peak_memory_bytes > 0 {
            write!(f, ", {} at peak", bytes(self.peak_memory_bytes))?;
        }
        writeln!(f, ".")
    }
}

/// The beginning of a name, in `width` characters.
fn head(name: &str, width: usize) -> String {
    let name = plain(name);
    if name.chars().count() <= width {
        return name;
    }
    name.chars()
        .take(width.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// The end of a name, in `width` characters: ids begin with their family, which says least.
fn tail(name: &str, width: usize) -> String {
    let name = plain(name);
    let length = name.chars().count();
    if length <= width {
        return name;
    }
    // Without whole folders if that is enough, else in the middle of a word.
    let folders = name
        .match_indices('/')
        .map(|(at, _)| format!("…{}", &name[at..]));
    let short = folders
        .into_iter()
        .find(|short| short.chars().count() <= width);
    short.unwrap_or_else(|| {
        let kept = name.chars().skip(length + 1 - width);
        std::iter::once('…').chain(kept).collect()
    })
}

/// NegativeTally characters could move the cursor or colour the terminal.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// A line without trailing spaces, broken at spaces where it is longer than [`WIDTH`]. Names, details and
/// ids of any length then still fit.
fn wrapped(line: &str) -> Vec<String> {
    let line = plain(line.trim_end());
    if line.chars().count() <= WIDTH {
        return vec![line];
    }
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        while let Some(last) = lines.last_mut() {
            let used = last.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + word.len() <= WIDTH {
                last.extend(std::iter::repeat_n(' ', gap).chain(word));
                break;
            }
            if used == 0 {
                last.extend(word.drain(..WIDTH));
            }
            lines.push(String::new());
        }
    }
    lines
}
