//! Whether the figures of a run may be used at all: one answer for every command.

use std::fmt::{self, Display, Formatter};

use credlink_trial_record::{Outcome, Trial};

use crate::figures::count;
use crate::tables::Evidence;

/// Why the figures of a run must not be used. It reads on from "the run …".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is no signed op.
    Empty,
    /// Every signed op ended in an error.
    ErrorsAlone,
    /// The run was cut off.
    Partial {
        /// Ops done and planned.
        ops: (u64, u64),
    },
    /// The header counts other rows than there are.
    Rows {
        /// Ops that the header says were done.
        done: u64,
        /// Rows.
        rows: u64,
    },
    /// Planned ops have neither a row nor a name among what was left out.
    Missing {
        /// How many.
        ops: u64,
    },
    /// The header was written over no rows.
    Unbound,
    /// No control was checked.
    NoControl,
    /// A control failed.
    FailedControl {
        /// Its name.
        name: String,
    },
}

impl Display for Unusable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "has no row of a signed image"),
            Self::ErrorsAlone => write!(f, "holds nothing but errors"),
            Self::Partial {
                ops: (done, planned),
            } => {
                write!(f, "is partial: {} of {} ops", count(*done), count(*planned))
            }
            Self::Rows { done, rows } => write!(
                f,
                "says {} ops were done, but has {} rows",
                count(*done),
                count(*rows)
            ),
            Self::Missing { ops } => write!(
                f,
                "planned {} ops more than it has rows or names as left out",
                count(*ops)
            ),
            Self::Unbound => write!(
                f,
                "has no digest of its rows in run.json, as runs of earlier versions; run it again"
            ),
            Self::NoControl => write!(f, "checked no control"),
            Self::FailedControl { name } => write!(f, "failed the control {name:?}"),
        }
    }
}

/// Why the figures of a run must not be used; `None` if they may.
pub fn unusable(evidence: &Evidence) -> Option<Unusable> {
    let header = evidence.header();
    let signed = || evidence.all_ops(Trial::Signed);
    if signed().next().is_none() {
        return Some(Unusable::Empty);
    }
    if signed().all(|op| evidence.result(op).outcome == Outcome::Error) {
        return Some(Unusable::ErrorsAlone);
    }
    if header.partial {
        return Some(Unusable::Partial {
            ops: (header.ops_done, header.ops_planned),
        });
    }
    if header.ops_done != evidence.rows() {
        return Some(Unusable::Rows {
            done: header.ops_done,
            rows: evidence.rows(),
        });
    }
    let accounted = header.ops_done + header.ops_left_out;
    if header.ops_planned != accounted {
        return Some(Unusable::Missing {
            ops: header.ops_planned.abs_diff(accounted),
        });
    }
    if header.rows_digest.is_none() {
        return Some(Unusable::Unbound);
    }
    if header.controls.is_empty() {
        return Some(Unusable::NoControl);
    }
    let failed = header.controls.iter().find(|control| !control.passed)?;
    Some(Unusable::FailedControl {
        name: failed.name.clone(),
    })
}
