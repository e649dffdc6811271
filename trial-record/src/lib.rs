#![cfg_attr(test, allow(clippy::unwrap_used))]
//! What one op of a survival run leaves behind, as types: which trial it was, what every carrier said, and what became of
//! the proof.
//!
//! Whoever measures and whoever counts meet here. Words stand in row files and reports, enums everywhere else; the two meet
//! in this crate alone, so that a new outcome, state or kind of trial is one line, and the compiler names every place that
//! has to say something about it. Nothing here knows how anything is computed.

mod beside;
mod carrier;
mod contract;
mod embedded;
mod outcome;
mod provenance;
mod row;
mod state;
mod trial;
mod words;

pub use self::beside::Beside;
pub use self::carrier::{CarrierPlace, Decision};
pub use self::contract::Contract;
pub use self::embedded::Embedded;
pub use self::outcome::Outcome;
pub use self::provenance::Provenance;
pub use self::row::{Cell, Row};
pub use self::state::State;
pub use self::trial::Trial;
