//! From findings to the outcome of a trial whose answer is known.

use credlink_sign_core::ProofId;
use credlink_sign_core::carriers::{Finding, State};
use credlink_trial_record::Outcome;

/// What became of a proof, and by which carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The outcome.
    pub outcome: Outcome,
    /// The carrier highest on the ladder that was accepted, where the outcome comes of an acceptance.
    pub by: Option<&'static str>,
}

/// Judges a trial: `issued` is the proof issued for this image, `None` in a negative trial, where every acceptance is wrong.
///
/// Order: any acceptance of another proof, then intact, resigned, recovered, broken, unconfirmed, lost. One wrong acceptance
/// outweighs any number of right ones: a verifier that followed it would have been misled. A pointer that leads to another
/// proof without being accepted does not count either way.
pub fn judge<'f>(
    issued: Option<ProofId>,
    findings: impl IntoIterator<Item = (&'static str, &'f Finding)>,
) -> Judgement {
    // Most telling first.
    const RANKS: [Outcome; 6] = [
        Outcome::Misattributed,
        Outcome::Intact,
        Outcome::Resigned,
        Outcome::Recovered,
        Outcome::Broken,
        Outcome::Unconfirmed,
    ];
    let rank = |outcome: Outcome| RANKS.iter().position(|known| *known == outcome);
    let mut best: Option<Judgement> = None;
    for (carrier, finding) in findings {
        let accepted = finding.accepted();
        let outcome = match (accepted, finding.state) {
            (Some(_), _) if !issued.is_some_and(|issued| finding.accepts(issued)) => {
                Outcome::Misattributed
            }
            (Some(_), State::Intact) => Outcome::Intact,
            (Some(_), State::Resigned) => Outcome::Resigned,
            (Some(_), _) => Outcome::Recovered,
            (None, State::Invalid) => Outcome::Broken,
            (None, State::Unconfirmed) if issued.is_some() && finding.proof == issued => {
                Outcome::Unconfirmed
            }
            _ => continue,
        };
        // The first of equal rank is highest on the ladder.
        if best.is_none_or(|held| rank(outcome) < rank(held.outcome)) {
            let by = accepted.map(|_| carrier);
            best = Some(Judgement { outcome, by });
        }
    }
    let of_signed = best.unwrap_or(Judgement {
        outcome: Outcome::Lost,
        by: None,
    });
    match (issued, of_signed.outcome) {
        (Some(_), _) => of_signed,
        (None, Outcome::Misattributed) => Judgement {
            outcome: Outcome::Accepted,
            ..of_signed
        },
        (None, _) => Judgement {
            outcome: Outcome::Rejected,
            by: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: ProofId = ProofId::new(1);
    const OTHER: ProofId = ProofId::new(2);

    fn judged(
        issued: Option<ProofId>,
        states: [(State, Option<ProofId>); 3],
    ) -> (Outcome, Option<&'static str>) {
        let findings = states.map(|(state, proof)| Finding {
            proof,
            ..Finding::new(state)
        });
        let judgement = judge(issued, ["a", "b", "c"].into_iter().zip(&findings));
        (judgement.outcome, judgement.by)
    }

    #[test]
    fn the_table_of_outcomes_holds() {
        use State::*;
        let (ours, other, none) = (Some(OURS), Some(OTHER), (Absent, None));
        let table = [
            ([none, none, none], Outcome::Lost, None),
            ([(Intact, ours), none, none], Outcome::Intact, Some("a")),
            (
                [(Intact, ours), (Recovered, ours), none],
                Outcome::Intact,
                Some("a"),
            ),
            (
                [(Resigned, ours), (Recovered, ours), none],
                Outcome::Resigned,
                Some("a"),
            ),
            (
                [none, (Recovered, ours), (Recovered, ours)],
                Outcome::Recovered,
                Some("b"),
            ),
            (
                [(Invalid, ours), none, (Recovered, ours)],
                Outcome::Recovered,
                Some("c"),
            ),
            (
                [(Invalid, ours), (Unconfirmed, ours), none],
                Outcome::Broken,
                None,
            ),
            ([(Invalid, None), none, none], Outcome::Broken, None),
            (
                [(Foreign, None), (Unconfirmed, ours), none],
                Outcome::Unconfirmed,
                None,
            ),
            ([(Foreign, None), none, none], Outcome::Lost, None),
            ([none, (Unconfirmed, other), none], Outcome::Lost, None),
            ([none, (Unconfirmed, None), none], Outcome::Lost, None),
            ([none, none, (Failed, None)], Outcome::Lost, None),
            (
                [(Intact, other), (Recovered, ours), none],
                Outcome::Misattributed,
                Some("a"),
            ),
            (
                [(Intact, ours), none, (Recovered, other)],
                Outcome::Misattributed,
                Some("c"),
            ),
            ([(Intact, None), none, none], Outcome::Lost, None),
        ];
        for (states, outcome, by) in table {
            assert_eq!(judged(ours, states), (outcome, by), "{states:?}");
        }
    }

    #[test]
    fn any_acceptance_in_a_negative_trial_is_a_false_one_and_nothing_else_is() {
        for state in State::ALL {
            let none = (State::Absent, None);
            let expected = match state.is_accepted() {
                true => (Outcome::Accepted, Some("b")),
                false => (Outcome::Rejected, None),
            };
            assert_eq!(judged(None, [none, (state, Some(OURS)), none]), expected);
        }
    }
}
