//! Tables computed from a run's header and rows.
//!
//! A new table is a file here and a line in [`TABLES`]; formats, file names and the run directory follow.

mod answer;
mod average;
mod carriers;
mod causes;
mod claims;
mod columns;
mod decisions;
mod detail;
mod embedded;
mod error;
mod evidence;
mod false_accepts;
mod families;
mod gap;
mod generations;
mod latency;
mod layers;
mod metadata;
mod nearest;
mod op_file;
mod operating;
mod overall;
mod roc;
mod row_check;
mod signing;
mod strata;
mod survival;
mod sweeps;
mod tally;
mod thresholds;

pub use crate::figures::Unit;
pub use crate::table::{Column, Kind, Table, Value};
pub use answer::Answer;
pub(crate) use causes::REFUSED;
pub use decisions::calibrates;
pub(crate) use detail::{Entrant, Interned};
pub use error::EvidenceError;
pub use evidence::{CELLS as EVIDENCE_CELLS, COLUMNS as EVIDENCE_COLUMNS, Evidence};
pub(crate) use families::ALL as ALL_FAMILIES;
pub use latency::{LEVELS, Latency, Level, LevelVerdict, Timed, latencies};
pub(crate) use latency::{Timing, timings};
pub(crate) use metadata::{Fate, fates};
pub use operating::OperatingPoint;
pub(crate) use roc::Reached;
pub use tally::{CarrierTally, NegativeTallies, NegativeTally, PipelineTally, Tally};

/// One kind of table: its file stem and how it is made.
#[derive(Clone, Copy, Debug)]
pub struct TableKind {
    /// Stem of the file names.
    pub id: &'static str,
    /// Makes the table. Never fails: [`Evidence`] is valid by construction.
    pub make: fn(&Evidence) -> Table,
}

/// Every table, in the order in which a reader wants them.
pub const TABLES: &[TableKind] = &[
    TableKind {
        id: "answer",
        make: answer::table,
    },
    TableKind {
        id: "survival",
        make: survival::table,
    },
    TableKind {
        id: "families",
        make: families::table,
    },
    TableKind {
        id: "overall",
        make: overall::table,
    },
    TableKind {
        id: "claims",
        make: claims::table,
    },
    TableKind {
        id: "carriers",
        make: carriers::table,
    },
    TableKind {
        id: "layers",
        make: layers::table,
    },
    TableKind {
        id: "embedded",
        make: embedded::table,
    },
    TableKind {
        id: "metadata",
        make: metadata::table,
    },
    TableKind {
        id: "signing",
        make: signing::table,
    },
    TableKind {
        id: "strata",
        make: strata::table,
    },
    TableKind {
        id: "causes",
        make: causes::table,
    },
    TableKind {
        id: "doses",
        make: sweeps::doses,
    },
    TableKind {
        id: "dose-points",
        make: sweeps::dose_points,
    },
    TableKind {
        id: "generations",
        make: generations::table,
    },
    TableKind {
        id: "gap",
        make: gap::live,
    },
    TableKind {
        id: "observed",
        make: gap::observed,
    },
    TableKind {
        id: "false-accepts",
        make: false_accepts::table,
    },
    TableKind {
        id: "nearest",
        make: nearest::table,
    },
    TableKind {
        id: "thresholds",
        make: thresholds::table,
    },
    TableKind {
        id: "operating-points",
        make: operating::table,
    },
    TableKind {
        id: "roc",
        make: roc::table,
    },
    TableKind {
        id: "latency",
        make: latency::table,
    },
];

/// Said under every table of rates.
fn rate_notes() -> Vec<String> {
    vec![
        format!(
            "Rates are in percent of n; * marks a provisional rate (n below {}).",
            crate::stats::PROVISIONAL_BELOW
        ),
        INTERVALS.to_owned(),
        "Images are the distinct images behind n, sources the distinct files behind those: views of one file share evidence."
            .to_owned(),
    ]
}

/// How intervals are made, wherever there is one.
const INTERVALS: &str = "Intervals are 95 % and take whole sources as the unit of chance, one that nobody has seen into account.";

/// Said where pipelines are pooled.
const CONTROLS_APART: &str =
    "Pipelines of the family controls check the harness and are part of no pooled figure.";

/// Said under every table that pools pipelines.
const POOLED: &str = "One image goes through many pipelines, so intervals take whole sources as the unit of chance, one that nobody has seen into account. Each pipeline weighs by its number of ops. * marks a provisional rate (n below 100).";

/// Said in the notes of a table whose run was cut off or failed a control.
fn run_notes(evidence: &Evidence) -> Vec<String> {
    let header = evidence.header();
    let mut notes = vec![format!(
        "Simulated pipelines, run {}, seed {}, image set {} ({}).",
        header.id, header.seed, header.image_set.name, header.image_set.kind
    )];
    let others = header.pipelines.iter();
    let others = others.filter(|pipeline| !pipeline.provenance.is_simulated());
    let others: Vec<String> = others
        .map(|pipeline| format!("{} ({})", pipeline.id, pipeline.provenance))
        .collect();
    if !others.is_empty() {
        notes.push(format!(
            "Not simulated, not repeatable, and part of no pooled figure: {}.",
            others.join(", ")
        ));
    }
    if header.partial {
        notes.push(format!(
            "Partial run: {} of {} ops were done.",
            crate::figures::count(header.ops_done),
            crate::figures::count(header.ops_planned)
        ));
    }
    for control in header.controls.iter().filter(|control| !control.passed) {
        notes.push(format!(
            "FAILED CONTROL {}: {}",
            control.name, control.detail
        ));
    }
    notes
}
