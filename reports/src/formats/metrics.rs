//! Metrics for Prometheus' text format 0.0.4 and for OpenMetrics 1.0, from one list of families.
//!
//! Sources: <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::fmt::Write as _;

use credlink_trial_record::{Outcome, Trial};

use super::{Document, DocumentError, seconds_since_1970};
use crate::report::Report;
use crate::stats::{Interval, PERCENTILES, Rate};
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

fn families(report: &Report) -> Vec<Family> {
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

    let mut ratio = family(
        "credlink_survival_ratio",
        "ratio",
        "Share of signed ops of a simulated pipeline that survived, by any carrier or by one alone; errors count as lost.",
    );
    let mut low = family(
        "credlink_survival_low_ratio",
        "ratio",
        "Lower end of the 95 % Wilson interval of the share.",
    );
    let mut high = family(
        "credlink_survival_high_ratio",
        "ratio",
        "Upper end of the 95 % Wilson interval of the share.",
    );
    let mut ops = family(
        "credlink_outcome_ops",
        "ops",
        "Signed ops by outcome; their sum is n.",
    );
    let mut one = |pipeline: &str, family: &str, tally: &Tally, pooled: &[Option<Interval>]| {
        let carriers = header.carriers.iter().zip(&tally.carriers);
        let alone = carriers.map(|(name, carrier)| (name.as_str(), tally.rate(carrier.alone)));
        let shown = std::iter::once(("any", tally.any())).chain(alone);
        for (place, (carrier, shown)) in shown.enumerate() {
            let labels = [
                ("pipeline", pipeline),
                ("family", family),
                ("carrier", carrier),
            ];
            // Pooled ops are not independent; a single pipeline's are.
            let interval = pooled.get(place).copied().unwrap_or(shown.interval());
            let (Some(value), Some(bounds)) = (shown.value(), interval) else {
                continue;
            };
            ratio.add(&labels, value);
            low.add(&labels, bounds.low);
            high.add(&labels, bounds.high);
        }
        for (outcome, number) in Outcome::SIGNED.iter().zip(&tally.outcomes) {
            let labels = [
                ("pipeline", pipeline),
                ("family", family),
                ("outcome", outcome.as_str()),
            ];
            ops.add(&labels, *number as f64);
        }
    };
    for pipeline in report.evidence.by_pipeline() {
        one(&pipeline.id, &pipeline.family, &pipeline.tally, &[]);
    }
    // A family named "all" cannot come from a recipe's folder together with this empty pipeline.
    let intervals = report.evidence.overall_intervals();
    one("all", "all", &report.evidence.overall(), &intervals);

    let mut accepts = family(
        "credlink_false_accept_ratio",
        "ratio",
        "Share of negative trials that were accepted, by kind of trial.",
    );
    let mut trials = family(
        "credlink_false_accept_trials",
        "trials",
        "Negative trials without error, by kind of trial.",
    );
    let negative = report.evidence.controls();
    for control in negative.kinds.iter().chain([&negative.all]) {
        let kind = control.trial.map_or("all", Trial::as_str);
        let Rate { n, .. } = control.accepted;
        trials.add(&[("trial", kind)], n as f64);
        if let Some(value) = control.accepted.value() {
            accepts.add(&[("trial", kind)], value);
        }
    }
    let mut controls = family(
        "credlink_control_passed",
        "",
        "1 if a control of the run gave the known answer, else 0.",
    );
    for control in &header.controls {
        controls.add(
            &[("control", &control.name)],
            f64::from(u8::from(control.passed)),
        );
    }
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
    let all = vec![
        info, created, partial, ratio, low, high, ops, accepts, trials, controls, latency,
    ];
    all.into_iter()
        .filter(|family| !family.samples.is_empty())
        .collect()
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
