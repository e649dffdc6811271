//! Whether a service is there, over days: one small question of each kind, again and again, each a row.

use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use credlink_reports::stats::wilson;
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};

use super::Target;
use super::connection::{Connection, Question};
use super::pictures;
use crate::clock;

/// How long an answer may take; a service that takes longer is not there.
const PATIENCE: Duration = Duration::from_secs(10);

/// One look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
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
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Verify => "verify",
        }
    }
}

/// How often, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// From one look to the next.
    pub every: Duration,
    /// How many; without end if `None`.
    pub looks: Option<u64>,
}

/// Looks, and adds a row for each question to a file of JSON lines, durable one by one, until the plan ends or `stop` is set.
///
/// # Errors
/// When no picture can be made, or the file cannot be written.
pub fn run(target: Target, plan: Plan, out: &Path, stop: &AtomicBool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(out)
        .with_context(|| format!("cannot write {}", out.display()))?;
    runtime.block_on(async {
        let picture = pictures::of_a_megapixel(1, 1)?.remove(0);
        let mut connection = Connection::to(Arc::new(target), PATIENCE);
        let start = Instant::now();
        for number in 0_u32.. {
            if plan.looks.is_some_and(|looks| u64::from(number) >= looks) {
                break;
            }
            // From the start on, so that slow answers do not make looks rarer.
            let due = start + plan.every * number;
            while Instant::now() < due && !stop.load(Ordering::Relaxed) {
                let left = due.saturating_duration_since(Instant::now());
                tokio::time::sleep(left.min(Duration::from_millis(200))).await;
            }
            if stop.load(Ordering::Relaxed) {
                break;
            }
            for asked in Asked::ALL {
                let row = look(&mut connection, asked, &picture).await;
                let line = serde_json::to_string(&row)?;
                writeln!(file, "{line}").and_then(|()| file.sync_data())?;
            }
        }
        Ok(())
    })
}

async fn look(connection: &mut Connection, asked: Asked, picture: &Bytes) -> Row {
    let question = match asked {
        Asked::Ready => Question::get("/ready"),
        Asked::Verify => Question::post("/verify", picture.clone()),
    };
    let (at, start) = (clock::unix_seconds(), Instant::now());
    let answer = connection.ask(&question).await;
    let fault = match answer {
        Ok(answer) if answer.status != 200 => Some(format!("status {}", answer.status.as_u16())),
        Ok(answer) if asked == Asked::Verify && !answer.json()["verdict"].is_string() => {
            Some("a wrong answer".to_owned())
        }
        Ok(_) => None,
        Err(why) => Some(why),
    };
    Row {
        at,
        asked,
        millis: 1e3 * start.elapsed().as_secs_f64(),
        fault,
    }
}

/// The rows of a file. A last line that is not whole, as a killed probe leaves it, is no row.
///
/// # Errors
/// Names the line that is none.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let file =
        std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines: Vec<String> = std::io::BufReader::new(file)
        .lines()
        .collect::<Result<_, _>>()
        .with_context(|| format!("cannot read {}", path.display()))?;
    let mut rows = Vec::with_capacity(lines.len());
    for (number, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(row) => rows.push(row),
            Err(error) if error.is_eof() && number + 1 == lines.len() => {}
            Err(error) => bail!("{}, line {}: {error}", path.display(), number + 1),
        }
    }
    Ok(rows)
}

/// What the rows say of one question.
#[derive(Clone, Debug, Serialize)]
pub struct Availability {
    /// The question.
    pub asked: Asked,
    /// Looks.
    pub looks: u64,
    /// Those at which it was there.
    pub there: u64,
    /// Share of looks, and its 95 % interval; none without looks.
    pub share: Option<(f64, f64, f64)>,
    /// Median and 95th percentile of those at which it was there, milliseconds.
    pub p50_ms: Option<f64>,
    /// The same.
    pub p95_ms: Option<f64>,
    /// From the first look to the last, seconds.
    pub seconds: u64,
}

/// What the rows say of each question.
pub fn summed(rows: &[Row]) -> Vec<Availability> {
    let each = Asked::ALL.into_iter().map(|asked| {
        let of_it: Vec<&Row> = rows.iter().filter(|row| row.asked == asked).collect();
        let mut millis: Vec<f64> = of_it
            .iter()
            .filter(|row| row.fault.is_none())
            .map(|row| row.millis)
            .collect();
        millis.sort_by(f64::total_cmp);
        let (looks, there) = (of_it.len() as u64, millis.len() as u64);
        // The nearest rank; with fewer looks than tell it apart there is none.
        let quantile = |share: f64, least: usize| {
            let rank = (share * millis.len() as f64).ceil() as usize;
            (millis.len() >= least).then(|| millis[rank.max(1) - 1])
        };
        let times = of_it.iter().map(|row| row.at);
        let first = times.clone().min().unwrap_or_default();
        Availability {
            asked,
            looks,
            there,
            share: wilson(there, looks)
                .map(|interval| (there as f64 / looks as f64, interval.low, interval.high)),
            p50_ms: quantile(0.5, 20),
            p95_ms: quantile(0.95, 100),
            seconds: times.max().unwrap_or_default() - first,
        }
    });
    each.collect()
}

/// The availabilities as OpenMetrics text.
pub fn metrics(all: &[Availability]) -> String {
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
        &|one| one.share.map(|(share, ..)| share),
    );
    family(
        "credlink_probe_p95_seconds",
        "95th percentile of its answers",
        &|one| one.p95_ms.map(|millis| millis / 1e3),
    );
    text.push_str("# EOF\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at: u64, fault: Option<&str>) -> Row {
        Row {
            at,
            asked: Asked::Ready,
            millis: at as f64,
            fault: fault.map(str::to_owned),
        }
    }

    #[test]
    fn a_look_without_an_answer_stays_in_the_denominator() {
        let rows: Vec<Row> = (1..=200)
            .map(|at| row(at, (at > 198).then_some("no connection")))
            .collect();
        let ready = &summed(&rows)[0];
        assert_eq!((ready.looks, ready.there, ready.seconds), (200, 198, 199));
        let (share, low, high) = ready.share.unwrap();
        assert!(low < share && share < high && share == 0.99);
        assert_eq!(ready.p95_ms, Some(189.0));
        assert_eq!(summed(&rows)[1].share, None);
        assert!(metrics(&summed(&rows)).contains("available{asked=\"ready\"} 0.99\n"));
    }

    #[test]
    fn a_killed_probe_loses_no_whole_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let line = serde_json::to_string(&row(7, None)).unwrap();
        std::fs::write(&path, format!("{line}\n{}", &line[..9])).unwrap();
        assert_eq!(read(&path).unwrap(), [row(7, None)]);
        std::fs::write(&path, format!("{}\n{line}\n", &line[..9])).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 1"));
    }
}
