//! Whether the rows of a file contradict themselves: what the writer refuses is refused again when it is read, since
//! somebody else may have written or edited the file.

use std::collections::HashSet;

use credlink_trial_record::{Cell, Embedded, Outcome, Row, State, Trial};

/// What [`Row::check`] looks at of a row, and nothing else: few combinations, however many rows there are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Facts {
    pub(super) trial: Trial,
    pub(super) outcome: Outcome,
    pub(super) survived: bool,
    /// The name of the carrier that recovered the proof.
    pub(super) recovered_by: Option<String>,
    /// For each carrier whether it has a state, whether it says how the image took it, and whether it accepted.
    pub(super) cells: Vec<(bool, bool, bool)>,
}

impl Facts {
    /// To be filled.
    pub(super) fn none() -> Self {
        Self {
            trial: Trial::Signed,
            outcome: Outcome::Error,
            survived: false,
            recovered_by: None,
            cells: Vec::new(),
        }
    }
}

/// Combinations that were found to be in order.
#[derive(Debug, Default)]
pub(super) struct RowCheck(HashSet<Facts>);

impl RowCheck {
    /// Checks one row; the reason as [`Row::check`] gives it.
    pub(super) fn check(&mut self, facts: &Facts, carriers: &[String]) -> Result<(), String> {
        if self.0.contains(facts) {
            return Ok(());
        }
        let with_state = facts.cells.iter().filter(|cell| cell.0).count();
        if with_state > 0 && with_state < facts.cells.len() {
            return Err("some carriers have a state and others have none".to_owned());
        }
        row(facts, with_state > 0).check(carriers)?;
        self.0.insert(facts.clone());
        Ok(())
    }
}

/// A row of which only these facts are meant.
fn row(facts: &Facts, examined: bool) -> Row {
    let cell = |(_, embedded, accepted): &(bool, bool, bool)| Cell {
        embedded: embedded.then_some(Embedded::Carried),
        accepted: *accepted,
        ..Cell::new(State::Absent)
    };
    let carriers = facts.cells.iter().filter(|_| examined).map(cell);
    Row {
        survived: facts.survived,
        recovered_by: facts.recovered_by.clone(),
        carriers: carriers.collect(),
        ..Row::new(0, facts.trial, facts.outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_the_writer_refuses_is_refused_when_read() {
        let carriers = ["manifest", "link"].map(str::to_owned);
        let recovered = Facts {
            trial: Trial::Signed,
            outcome: Outcome::Recovered,
            survived: true,
            recovered_by: Some("link".to_owned()),
            cells: vec![(true, true, false), (true, true, true)],
        };
        let mut check = RowCheck::default();
        assert_eq!(check.check(&recovered, &carriers), Ok(()));
        let unexamined = Facts {
            outcome: Outcome::Error,
            survived: false,
            recovered_by: None,
            cells: vec![(false, false, false); 2],
            ..recovered.clone()
        };
        assert_eq!(check.check(&unexamined, &carriers), Ok(()));
        let cells = |cells: [(bool, bool, bool); 2]| Facts {
            cells: cells.to_vec(),
            ..recovered.clone()
        };
        let wrong = [
            // A loss that was turned into a recovery, and the other way round.
            cells([(true, true, false); 2]),
            Facts {
                outcome: Outcome::Lost,
                survived: false,
                ..recovered.clone()
            },
            Facts {
                survived: false,
                ..recovered.clone()
            },
            // An outcome of another trial, and an acceptance hidden behind an error.
            Facts {
                trial: Trial::Unsigned,
                ..recovered.clone()
            },
            Facts {
                trial: Trial::Unsigned,
                outcome: Outcome::Error,
                survived: false,
                cells: vec![(true, false, true), (true, false, false)],
                ..recovered.clone()
            },
            Facts {
                recovered_by: Some("sonar".to_owned()),
                ..recovered.clone()
            },
            // A carrier without a state, and one that does not say how the image took it.
            cells([(false, true, false), (true, true, true)]),
            cells([(true, false, false), (true, true, true)]),
        ];
        for facts in wrong {
            assert!(check.check(&facts, &carriers).is_err(), "{facts:?}");
        }
    }
}
