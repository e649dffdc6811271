//! Whether a service was there, from the rows of a probe that looked again and again, over days.
//!
//! Looks that follow each other stand or fall together, since an outage lasts: the unit of chance is the day (UTC).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::atomic;
use crate::figures;
use crate::file_error::{FileError, refused};
use crate::input;
use crate::stats::{Clusters, nearest_rank};

/// The name of what a site shows of it.
pub const FILE: &str = "availability.json";

/// Answers below which no median is told, and no 95th percentile.
const LEAST_MEDIAN: usize = 20;
const LEAST_P95: usize = 100;

/// One look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// When it began, Unix seconds.
    pub at: u64,
    /// What was asked.
    pub asked: Asked,
    /// From the beginning to the end of the answer, milliseconds.
    pub millis: f64,
    /// Why it counts as not there; absent where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// What a probe asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// `GET /ready`.
    Ready,
    /// `POST /verify` with a picture that nobody signed: every carrier is looked at.
    Verify,
}

impl Asked {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Ready, Self::Verify];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Verify => "verify",
        }
    }
}

/// Rows that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LooksError {
    /// The operating system refused a file operation.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line that is no row.
    #[error("{file}, line {line} is no look of a probe")]
    Line {
        /// The file.
        file: String,
        /// Number of the line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// The looks of a file of JSON lines. A last line that is not whole, as a killed probe leaves it, is no look.
///
/// # Errors
/// Names the line that is none.
pub fn read(path: &Path) -> Result<Vec<Look>, LooksError> {
    let text = std::fs::read_to_string(path).map_err(refused("read", path))?;
    let count = text.lines().count();
    let mut looks = Vec::with_capacity(count);
    for (number, line) in (1..).zip(text.lines()) {
        match serde_json::from_str(line) {
            Ok(look) => looks.push(look),
            Err(error) if error.is_eof() && number == count => {}
            Err(source) => {
                return Err(LooksError::Line {
                    file: path.display().to_string(),
                    line: number,
                    source,
                });
            }
        }
    }
    Ok(looks)
}

/// What the looks say of one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Availability {
    /// The question.
    pub asked: Asked,
    /// Looks.
    pub looks: u64,
    /// Those at which it was there.
    pub there: u64,
    /// Days (UTC) with a look.
    pub days: u64,
    /// The 95 % interval of the share of looks at which it was there, days being the unit of chance; none without looks.
    pub interval: Option<(f64, f64)>,
    /// Median of the answers at which it was there, milliseconds.
    pub p50_ms: Option<f64>,
    /// The 95th percentile of the same.
    pub p95_ms: Option<f64>,
    /// The first look and the last, Unix seconds; 0 without looks.
    pub between: (u64, u64),
}

impl Availability {
    /// There among all looks, 0 to 1; none without looks.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.looks > 0).then(|| self.there as f64 / self.looks as f64)
    }

    /// In a line.
    #[must_use]
    pub fn words(&self) -> String {
        let (Some(share), Some((low, high))) = (self.share(), self.interval) else {
            return "never asked".to_owned();
        };
        let seconds = self.between.1.saturating_sub(self.between.0);
        // Three decimals: one of 99.95 % is what people ask for.
        let mut text = format!(
            "there at {:.3} % of {} over {:.2} days [{:.3}, {:.3}]",
            100.0 * share,
            figures::plural(self.looks, "look"),
            seconds as f64 / 86_400.0,
            100.0 * low,
            100.0 * high
        );
        if let Some(p95) = self.p95_ms {
            // Writing into memory does not fail.
            let _ = write!(text, ", p95 {p95:.1} ms");
        }
        text
    }
}

/// What looks say of each question.
#[must_use]
pub fn summed(looks: &[Look]) -> Vec<Availability> {
    let each = Asked::ALL.into_iter().map(|asked| {
        let of_it = || looks.iter().filter(move |look| look.asked == asked);
        let mut days: BTreeMap<u64, [u32; 2]> = BTreeMap::new();
        for look in of_it() {
            let [there, all] = days.entry(look.at / 86_400).or_default();
            *there += u32::from(look.fault.is_none());
            *all += 1;
        }
        let count = days.len() as u64;
        let measured = Clusters::of(2, days.into_values()).measured(0, 1);
        let answers = of_it().filter(|look| look.fault.is_none());
        let mut micros: Vec<u64> = answers.map(|look| (1e3 * look.millis) as u64).collect();
        micros.sort_unstable();
        let quantile = |permille: u64, least: usize| {
            let value = nearest_rank(&micros, permille).filter(|_| micros.len() >= least);
            value.map(|micros| micros as f64 / 1e3)
        };
        let times = || of_it().map(|look| look.at);
        Availability {
            asked,
            looks: measured.rate.n,
            there: measured.rate.k,
            days: count,
            interval: measured
                .interval
                .map(|interval| (interval.low, interval.high)),
            p50_ms: quantile(500, LEAST_MEDIAN),
            p95_ms: quantile(950, LEAST_P95),
            between: (
                times().min().unwrap_or_default(),
                times().max().unwrap_or_default(),
            ),
        }
    });
    each.collect()
}

/// Writes the availabilities as OpenMetrics text.
///
/// # Errors
/// When the file cannot be written.
pub fn write_metrics(path: &Path, all: &[Availability]) -> Result<(), FileError> {
    atomic::write(path, metrics(all).as_bytes()).map_err(refused("write", path))
}

fn metrics(all: &[Availability]) -> String {
    let mut text = String::new();
    let mut family = |name: &str, help: &str, value: &dyn Fn(&Availability) -> Option<f64>| {
        // Writing into memory does not fail.
        let _ = writeln!(text, "# TYPE {name} gauge\n# HELP {name} {help}");
        for one in all {
            if let Some(value) = value(one) {
                let _ = writeln!(text, "{name}{{asked=\"{}\"}} {value}", one.asked.name());
            }
        }
    };
    family("credlink_probe_looks", "Looks", &|one| {
        Some(one.looks as f64)
    });
    family(
        "credlink_probe_available",
        "Share of looks at which the service was there",
        &Availability::share,
    );
    family(
        "credlink_probe_p95_seconds",
        "95th percentile of its answers",
        &|one| one.p95_ms.map(|millis| millis / 1e3),
    );
    text.push_str("# EOF\n");
    text
}

/// Writes what a site is to show: its [`FILE`].
///
/// # Errors
/// When the file cannot be written.
pub fn publish(path: &Path, all: &[Availability]) -> Result<(), FileError> {
    let text = serde_json::to_string_pretty(all).map_err(std::io::Error::from);
    let written = text.and_then(|text| atomic::write(path, text.as_bytes()));
    written.map_err(refused("write", path))
}

/// What a site shows: for each question its name and a line, or what is wrong with the file. Nothing where there is none.
pub(crate) fn shown(site: &Path) -> Vec<(String, String)> {
    let path = site.join(FILE);
    if !path.exists() {
        return Vec::new();
    }
    let read = input::text(&path).map_err(|error| error.to_string());
    let read = read.and_then(|text| {
        let all: Result<Vec<Availability>, _> = serde_json::from_str(&text);
        all.map_err(|error| error.to_string())
    });
    match read {
        Ok(all) => {
            let lines = all
                .iter()
                .map(|one| (one.asked.name().to_owned(), one.words()));
            lines.collect()
        }
        Err(why) => vec![(
            "unknown".to_owned(),
            format!("{FILE} cannot be read: {why}"),
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at: u64, fault: Option<&str>) -> Look {
        Look {
            at,
            asked: Asked::Ready,
            millis: at as f64,
            fault: fault.map(str::to_owned),
        }
    }

    #[test]
    fn a_look_without_an_answer_stays_in_the_denominator() {
        let looks: Vec<Look> = (1..=200)
            .map(|at| look(at, (at > 198).then_some("no connection")))
            .collect();
        let ready = &summed(&looks)[0];
        assert_eq!((ready.looks, ready.there, ready.days), (200, 198, 1));
        assert_eq!(ready.between, (1, 200));
        assert_eq!(ready.share(), Some(0.99));
        assert_eq!(ready.p95_ms, Some(189.0));
        assert_eq!(summed(&looks)[1].share(), None);
        assert!(metrics(&summed(&looks)).contains("available{asked=\"ready\"} 0.99\n"));
    }

    #[test]
    fn an_outage_of_an_hour_is_one_event_and_not_sixty() {
        let minute = |minute: u64, is_out: bool| look(60 * minute, is_out.then_some("no answer"));
        let month = |is_out: &dyn Fn(u64) -> bool| {
            let looks: Vec<Look> = (0..30 * 1440).map(|k| minute(k, is_out(k))).collect();
            summed(&looks).remove(0)
        };
        let at_once = month(&|k| (720..780).contains(&k));
        let spread = month(&|k| k % 720 == 5);
        assert_eq!((at_once.there, spread.there), (43_140, 43_140));
        // Below, both allow for a day that nobody saw; above, what differs is what was seen.
        let above = |one: &Availability| one.interval.unwrap().1 - one.share().unwrap();
        assert!(above(&at_once) > 3.0 * above(&spread));
        let (low, high) = at_once.interval.unwrap();
        assert!(low < 0.9986 && 0.9986 < high, "{low} {high}");
        assert!(
            at_once
                .words()
                .starts_with("there at 99.861 % of 43,200 looks over 30.00 days [")
        );
    }

    #[test]
    fn a_killed_probe_loses_no_whole_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let line = serde_json::to_string(&look(7, None)).unwrap();
        std::fs::write(&path, format!("{line}\n{}", &line[..9])).unwrap();
        assert_eq!(read(&path).unwrap(), [look(7, None)]);
        std::fs::write(&path, format!("{}\n{line}\n", &line[..9])).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn a_site_shows_what_was_published_and_says_so_where_it_cannot() {
        let site = tempfile::tempdir().unwrap();
        assert!(shown(site.path()).is_empty());
        let file = site.path().join(FILE);
        publish(&file, &summed(&[look(7, None)])).unwrap();
        let lines = shown(site.path());
        assert!(
            lines[0]
                .1
                .starts_with("there at 100.000 % of 1 look over 0.00 days ["),
            "{lines:?}"
        );
        assert_eq!(lines[1], ("verify".to_owned(), "never asked".to_owned()));
        std::fs::write(&file, "{").unwrap();
        assert!(shown(site.path())[0].1.contains("cannot be read"));
    }
}
