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
pub const WIDTH: usize = 100;

/// Longest and shortest that a pipeline's name is shown.
const NAME: std::ops::RangeInclusive<usize> = 16..=36;
/// Longest and shortest that a carrier's column is wide; the shortest holds `99.999`.
const CARRIER: std::ops::RangeInclusive<usize> = 6..=11;

/// Widths of the columns n, rate and interval.
const COUNT: usize = 8;
const RATE: usize = 9;
const BOUNDS: usize = 17;

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

    /// Width of the column of sources, which is there if any pipeline has fewer of them than ops.
    fn sources_width(&self) -> usize {
        let mut tallies = self.pipelines.iter().map(|pipeline| &pipeline.tally);
        if tallies.any(|tally| tally.sources < tally.n) {
            COUNT + 1
        } else {
            0
        }
    }

    /// A cell of it.
    fn sources(&self, words: &str) -> String {
        match self.sources_width() {
            0 => String::new(),
            width => format!("{words:>width$}"),
        }
    }

    /// Widths of the name column and of each carrier's column, and how many carriers fit.
    fn layout(&self) -> (usize, Vec<usize>) {
        let fixed = COUNT + self.sources_width() + RATE + BOUNDS;
        let mut widths: Vec<usize> = self
            .carriers
            .iter()
            .map(|carrier| {
                carrier
                    .chars()
                    .count()
                    .clamp(*CARRIER.start(), *CARRIER.end())
            })
            .collect();
        let total = |widths: &[usize]| widths.iter().map(|width| width + 2).sum::<usize>();
        let room = WIDTH - fixed - NAME.start();
        // Shrink the widest first: names can be guessed from their beginnings, figures cannot.
        while total(&widths) > room {
            match widths
                .iter()
                .copied()
                .enumerate()
                .rev()
                .max_by_key(|(_, width)| *width)
            {
                Some((index, width)) if width > *CARRIER.start() => widths[index] -= 1,
                _ => {
                    widths.pop();
                }
            }
        }
        let longest = self
            .pipelines
            .iter()
            .map(|p| p.id.chars().count())
            .max()
            .unwrap_or(0);
        let name = longest
            .clamp(*NAME.start(), *NAME.end())
            .min(WIDTH - fixed - total(&widths));
        (name, widths)
    }

    fn line(
        &self,
        f: &mut String,
        layout: &(usize, Vec<usize>),
        name: &str,
        tally: &Tally,
    ) -> fmt::Result {
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
                    figures::rate(any),
                    format!("{}{mark}", figures::interval(bounds)),
                )
            }
        };
        write!(
            f,
            "{:<width$}{:>COUNT$}{}{rate:>RATE$}{bounds:>BOUNDS$}",
            tail(name, layout.0),
            count(tally.n),
            self.sources(&count(tally.sources)),
            width = layout.0
        )?;
        for (carrier, width) in tally.carriers.iter().zip(&layout.1) {
            let alone = carrier.alone.rate.value().map(percent).unwrap_or_default();
            write!(f, "  {alone:>width$}")?;
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
        let layout = self.layout();
        write!(
            f,
            "{:<width$}{:>COUNT$}{}{:>RATE$}{:>BOUNDS$}",
            "pipeline",
            "n",
            self.sources("sources"),
            "any",
            "95 % interval ",
            width = layout.0
        )?;
        for (carrier, width) in self.carriers.iter().zip(&layout.1) {
            write!(f, "  {:>width$}", head(carrier, *width))?;
        }
        writeln!(f)?;
        let longest = layout.0
            + COUNT
            + self.sources_width()
            + RATE
            + BOUNDS
            + layout.1.iter().map(|width| width + 2).sum::<usize>();
        writeln!(f, "{}", "─".repeat(longest))?;
        for pipeline in &self.pipelines {
            let tally = &pipeline.tally;
            self.line(f, &layout, &pipeline.id, tally)?;
        }
        if self.pipelines.len() > 1 {
            self.line(f, &layout, "all (pooled)", &self.overall)?;
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
        writeln!(f, ".")?;
        let hidden = self.carriers.len() - layout.1.len();
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
            "Found again through our store {}",
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
