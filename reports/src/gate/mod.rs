//! Gates: what a run must show before anybody may rely on it, as a TOML file.
//!
//! A gate fails closed. A survival passes by its one-sided 95 % lower bound, a false-accept rate by its upper bound, so a
//! run that measured too little does not pass; a partial run, a failed control or a pipeline without ops never does.
//! Names that the run does not have are refused, since a gate that checks nothing would pass.

mod evaluate;
mod file;

pub use evaluate::{GateCheck, GateReport};
pub use file::{FalseAcceptGate, Gate, RunGate, ServiceGate, SurvivalGate};

use std::path::PathBuf;

/// A gate that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The file could not be read.
    #[error("read gate {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML, or holds a key that gates do not have.
    #[error("gate {path}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why, with line and column.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value that cannot be meant.
    #[error("gate: {entry}: {reason}")]
    Value {
        /// The entry, e.g. `survival 2`.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that the run does not have.
    #[error("gate: {entry}: the run has no {kind} {name:?}; it has {}", .known.join(", "))]
    Unknown {
        /// The entry.
        entry: String,
        /// What kind of name, e.g. `pipeline`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
}
