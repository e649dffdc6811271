//! Metrics for Prometheus' text format 0.0.4 and for OpenMetrics 1.0, from one list of families.
//!
//! Sources: <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::fmt::Write as _;

use credlink_trial_record::{Outcome, Trial};

use super::{Document, DocumentError};
use crate::report::Report;
use crate::stats::{PERCENTILES, Rate};
use crate::tables::{Tally, latencies};

pub(super) const PROMETHEUS: Document = Document {
    name: "prometheus",
    file: "metrics.prom",
    about: "gauges for Prometheus' text file collector; alert rules in docs/alerts.yml",
    render: |report| Ok(written(&families(report), false)),
};

pub(super) const OPEN_METRICS: Document = Document {
    name: "openmetrics",
    file: "metrics.openmetrics",
    about: "the same gauges as OpenMetrics",
    render: |report| -> Result<String, DocumentError> { Ok(written(&families(report), true)) },
};

/// A family of samples with the same name.
struct Family {
    name: &'static str,
    /// Unit in OpenMetrics, which is the end of the name; empty if it has none.
    unit: &'static str,
    is_summary: bool,
    help: &'static str,
    samples: Vec<Sample>,
}

struct Sample {
    suffix: &'static str,
    labels: Vec<(&'static str, String)>,
    value: f64,
}

fn family(name: &'static str, unit: &'static str, help: &'static str) -> Family {
    Family {
        name,
        unit,
        is_summary: false,
        help,
        samples: Vec::new(),
    }
}

impl Family {
    fn add(&mut self, labels: &[(&'static str, &str)], value: f64) {
        self.add_with("", labels, value);
    }

    fn add_with(&mut self, suffix: &'static str, labels: &[(&'static str, &str)], value: f64) {
        self.samples.push(Sample {
            suffix,
            labels: labels
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            value,
        });
    }
}

/// Every family that has a sample.
fn families(report: &Report) -> Vec<Family> {
    let mut all = run(report);
    all.extend(survival(report));
    all.extend(negatives(report));
    all.push(controls(report));
    all.push(durations(report));
    all.retain(|family| !family.samples.is_empty());
    all
}

/// What run it is.
fn run(report: &Report) -> Vec<Family> {
    let header = report.evidence.header();
    let mut info = family(
        "credlink_run_info",
        "",
        "The run these figures are of; always 1.",
    );
    let version = header.versions.get("credlink").cloned().unwrap_or_default();
    info.add(
        &[
            ("run", &header.id),
            ("seed", &header.seed.to_string()),
            ("image_set", &header.image_set.name),
            ("version", &version),
            ("simulated", "true"),
        ],
        1.0,
    );
    let mut created = family(
        "credlink_run_created_seconds",
        "seconds",
        "When the run began, in seconds since 1970.",
    );
    if let Some(seconds) = seconds_since_1970(&header.created) {
        created.add(&[], seconds as f64);
    }
    let mut partial = family(
        "credlink_run_partial",
        "",
        "1 if the run was cut off, else 0.",
    );
    partial.add(&[], f64::from(u8::from(header.partial)));
    vec![info, created, partial]
}

/// Survival by pipeline and carrier, and outcomes.
struct Survival {
    ratio: Family,
    low: Family,
    high: Family,
    ops: Family,
}

impl Survival {
    /// Adds the figures of one pipeline, by id and family.
    fn add(&mut self, pipeline: (&str, &str), carriers: &[String], tally: &Tally) {
        let (pipeline, family) = (("pipeline", pipeline.0), ("family", pipeline.1));
        let alone = carriers.iter().zip(&tally.carriers);
        let alone = alone.map(|(name, carrier)| (name.as_str(), carrier.alone));
        let shown = std::iter::once(("any", tally.any)).chain(alone);
        for (carrier, shown) in shown {
            let labels = [pipeline, family, ("carrier", carrier)];
            let (Some(value), Some(bounds)) = (shown.rate.value(), shown.interval) else {
                continue;
            };
            self.ratio.add(&labels, value);
            self.low.add(&labels, bounds.low);
            self.high.add(&labels, bounds.high);
        }
        for (outcome, number) in Outcome::SIGNED.iter().zip(&tally.outcomes) {
            let labels = [pipeline, family, ("outcome", outcome.as_str())];
            self.ops.add(&labels, *number as f64);
        }
    }
}

fn survival(report: &Report) -> Vec<Family> {
    let mut survival = Survival {
        ratio: family(
            "credlink_survival_ratio",
            "ratio",
            "Share of signed ops of a simulated pipeline that survived, by any carrier or by one alone; errors count as lost.",
        ),
        low: family(
            "credlink_survival_low_ratio",
            "ratio",
            "Lower end of the 95 % interval of the share, over sources.",
        ),
        high: family(
            "credlink_survival_high_ratio",
            "ratio",
            "Upper end of the 95 % interval of the share, over sources.",
        ),
        ops: family(
            "credlink_outcome_ops",
            "ops",
            "Signed ops by outcome; their sum is n.",
        ),
    };
    let carriers = &report.evidence.header().carriers;
    for pipeline in &report.tallies {
        let name = (pipeline.id.as_str(), pipeline.family.as_str());
        survival.add(name, carriers, &pipeline.tally);
    }
    // A family named "all" cannot come from a recipe's folder together with this empty pipeline.
    survival.add(("all", "all"), carriers, &report.overall);
    vec![survival.ratio, survival.low, survival.high, survival.ops]
}

fn negatives(report: &Report) -> [Family; 3] {
    let mut accepts = family(
        "credlink_false_accept_ratio",
        "ratio",
        "Share of negative trials that were accepted, by kind of trial.",
    );
    let mut upper = family(
        "credlink_false_accept_high_ratio",
        "ratio",
        "Upper end of the one-sided 95 % interval of the share, over sources.",
    );
    let mut trials = family(
        "credlink_false_accept_trials",
        "trials",
        "Negative trials without error, by kind of trial.",
    );
    let negative = &report.negatives;
    for control in negative.kinds.iter().chain([&negative.all]) {
        let kind = control.trial.map_or("all", Trial::as_str);
        let Rate { n, .. } = control.accepted.rate;
        trials.add(&[("trial", kind)], n as f64);
        if let Some(value) = control.accepted.rate.value() {
            accepts.add(&[("trial", kind)], value);
        }
        if let Some(bound) = control.accepted.upper {
            upper.add(&[("trial", kind)], bound);
        }
    }
    [accepts, upper, trials]
}

fn controls(report: &Report) -> Family {
    let mut controls = family(
        "credlink_control_passed",
        "",
        "1 if a control of the run gave the known answer, else 0.",
    );
    for control in &report.evidence.header().controls {
        controls.add(
            &[("control", &control.name)],
            f64::from(u8::from(control.passed)),
        );
    }
    controls
}

fn durations(report: &Report) -> Family {
    let mut latency = Family {
        is_summary: true,
        ..family(
            "credlink_latency_seconds",
            "seconds",
            "Durations: services, carriers, and pipelines (the cost of the simulation).",
        )
    };
    for timed in latencies(&report.evidence) {
        let (part, name) = (timed.timed.as_str(), timed.name.as_str());
        for (percentile, nanos) in PERCENTILES.iter().zip(timed.quantiles.at) {
            if let Some(nanos) = nanos {
                let quantile = (percentile.permille as f64 / 1000.0).to_string();
                let labels = [("part", part), ("name", name), ("quantile", &quantile)];
                latency.add(&labels, nanos as f64 / 1e9);
            }
        }
        let labels = [("part", part), ("name", name)];
        latency.add_with("_sum", &labels, timed.quantiles.sum as f64 / 1e9);
        latency.add_with("_count", &labels, timed.quantiles.n as f64);
    }
    latency
}

fn written(families: &[Family], open: bool) -> String {
    let mut text = String::new();
    for family in families {
        let kind = if family.is_summary {
            "summary"
        } else {
            "gauge"
        };
        let name = family.name;
        let _ = writeln!(text, "# HELP {name} {}", family.help);
        let _ = writeln!(text, "# TYPE {name} {kind}");
        if open && !family.unit.is_empty() {
            let _ = writeln!(text, "# UNIT {name} {}", family.unit);
        }
        for sample in &family.samples {
            let labels: Vec<String> = sample
                .labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            let labels = if labels.is_empty() {
                String::new()
            } else {
                format!("{{{}}}", labels.join(","))
            };
            let _ = writeln!(text, "{name}{}{labels} {}", sample.suffix, sample.value);
        }
    }
    if open {
        text.push_str("# EOF\n");
    }
    text
}

/// Both formats escape the same three characters in a label's value.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace('\r', " ")
}

/// Seconds since 1970-01-01 of a UTC time such as `2026-01-31T12:00:00Z`, or `None` for anything else.
///
/// Days from the civil calendar after H. Hinnant, "chrono-compatible low-level date algorithms",
/// <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
fn seconds_since_1970(time: &str) -> Option<i64> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, separator| -> Option<Vec<i64>> {
        text.split(separator)
            .map(|part| part.parse().ok())
            .collect()
    };
    let (date, clock) = (numbers(date, '-')?, numbers(clock, ':')?);
    let ([year, month, day], [hour, minute, second]) = (date.as_slice(), clock.as_slice()) else {
        return None;
    };
    if !(1..=12).contains(month) || !(1..=31).contains(day) {
        return None;
    }
    let year = if *month <= 2 { year - 1 } else { *year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_date_command() {
        for (time, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-22T08:59:41Z", 1_795_337_981),
        ] {
            assert_eq!(seconds_since_1970(time), Some(seconds), "{time}");
        }
        for time in ["", "2026-11-22", "2026-13-22T00:00:00Z", "yesterday"] {
            assert_eq!(seconds_since_1970(time), None, "{time}");
        }
    }
}
