//! What a recipe rests on.

use serde::Deserialize;

use crate::evidence::Selection;

/// How good the evidence behind a parameter is, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[non_exhaustive]
pub enum Grade {
    /// Open source code that does it.
    A,
    /// Files that the platform wrote.
    O,
    /// The vendor's documentation.
    B,
    /// A published measurement.
    C,
    /// An estimate.
    D,
}

impl Grade {
    /// The grade's letter.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::O => 'O',
            Self::B => 'B',
            Self::C => 'C',
            Self::D => 'D',
        }
    }
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Repository path at a commit, page with date, or paper.
    pub cite: String,
    /// How good it is.
    pub grade: Grade,
    /// The parameters it backs: `step.parameter`, or `step` for all of a step's parameters.
    pub backs: Vec<String>,
    /// The files that a source of grade O is; absent for all others.
    pub observed: Option<Selection>,
}

/// Whether a name in `backs` or `assumed` means this parameter: itself, its step, or the table that it stands in.
pub(super) fn covers(name: &str, parameter: &str) -> bool {
    parameter == name
        || parameter
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('.'))
}

impl Source {
    /// Whether it backs this parameter.
    pub(super) fn covers(&self, parameter: &str) -> bool {
        self.backs.iter().any(|name| covers(name, parameter))
    }

    /// How many files it is, of how many, from when; empty for other grades than O.
    #[must_use]
    pub fn extent_in_words(&self) -> String {
        let extent = self.observed.as_ref().and_then(Selection::extent);
        extent.map_or_else(String::new, |extent| extent.to_string())
    }

    /// What is cited, with the number of files where there are some.
    #[must_use]
    pub fn words(&self) -> String {
        match self.extent_in_words().as_str() {
            "" => self.cite.clone(),
            extent => format!("{}: {extent}", self.cite),
        }
    }
}
