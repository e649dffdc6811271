//! From findings to one outcome.

use serde::Serialize;

use crate::carriers::{Finding, State};
use crate::proof_id::ProofId;

/// What became of the proof in one trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "outcome")]
pub enum Outcome {
    /// The embedded manifest is valid on these bytes.
    Intact,
    /// A later signer's valid manifest has ours as parent, and the content confirms it.
    Resigned,
    /// A pointer led to the issued proof, and the content confirms it.
    Recovered {
        /// The carrier highest on the ladder that did.
        by: &'static str,
    },
    /// A pointer led to the proof, but nothing ties it to this content.
    Unconfirmed,
    /// A manifest is there but invalid, and nothing recovered the proof.
    Broken,
    /// Nothing found.
    Lost,
    /// A carrier was accepted for a proof that was not issued for this image.
    Misattributed {
        /// The carrier highest on the ladder that was.
        by: &'static str,
    },
    /// The trial itself failed. [`judge`] never says so; whoever runs the trial does.
    Error,
}

impl Outcome {
    /// Whether the proof survived.
    pub fn survived(&self) -> bool {
        matches!(self, Self::Intact | Self::Resigned | Self::Recovered { .. })
    }

    /// The name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Resigned => "resigned",
            Self::Recovered { .. } => "recovered",
            Self::Unconfirmed => "unconfirmed",
            Self::Broken => "broken",
            Self::Lost => "lost",
            Self::Misattributed { .. } => "misattributed",
            Self::Error => "error",
        }
    }
}

/// Judges a trial whose answer is known: `issued` is the proof issued for this image, `None` for an unsigned
/// control, for which every acceptance is a misattribution.
///
/// Order: any acceptance of another proof, then intact, resigned, recovered, broken, unconfirmed, lost. One
/// wrong acceptance outweighs any number of right ones: a verifier that followed it would have been misled.
/// A pointer that leads to another proof without being accepted does not count either way.
pub fn judge<'f>(
    issued: Option<ProofId>,
    findings: impl IntoIterator<Item = (&'static str, &'f Finding)>,
) -> Outcome {
    let mut best: Option<(u8, Outcome)> = None;
    for (carrier, finding) in findings {
        let (rank, outcome) = match (finding.accepted(), finding.state) {
            (Some(id), _) if Some(id) != issued => (0, Outcome::Misattributed { by: carrier }),
            (Some(_), State::Intact) => (1, Outcome::Intact),
            (Some(_), State::Resigned) => (2, Outcome::Resigned),
            (Some(_), _) => (3, Outcome::Recovered { by: carrier }),
            (None, State::Invalid) => (4, Outcome::Broken),
            (None, State::Unconfirmed) if issued.is_some() && finding.proof == issued => {
                (5, Outcome::Unconfirmed)
            }
            _ => continue,
        };
        // The first of equal rank is highest on the ladder.
        if best.as_ref().is_none_or(|(held, _)| rank < *held) {
            best = Some((rank, outcome));
        }
    }
    best.map_or(Outcome::Lost, |(_, outcome)| outcome)
}

/// What to tell somebody who hands in a file of unknown origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conclusion {
    /// The proof, the carrier highest on the ladder that was accepted, and how.
    pub accepted: Option<Accepted>,
    /// Carriers that were accepted for another proof than that one. Not empty means: do not believe any.
    pub disagreeing: Vec<Accepted>,
    /// There is a manifest, and it does not validate.
    pub broken: bool,
    /// There is a manifest that does not validate for one reason alone: its certificate was not valid at the time. The file
    /// is as it was signed.
    pub expired: bool,
    /// Somebody else's valid manifest is there.
    pub foreign: bool,
    /// A pointer leads to this proof, without confirmation.
    pub unconfirmed: Option<ProofId>,
}

/// One accepted carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// The proof.
    pub proof: ProofId,
    /// The carrier.
    pub by: &'static str,
    /// How it was accepted.
    pub state: State,
}

/// What C2PA says of a signature whose certificate was not valid at its time ("Standard status codes").
const OF_TIME: [&str; 2] = [
    "signingCredential.expired",
    "claimSignature.outsideValidity",
];

/// Sums up the findings about a file whose origin is not known.
pub fn conclude<'f>(findings: impl IntoIterator<Item = (&'static str, &'f Finding)>) -> Conclusion {
    let mut conclusion = Conclusion {
        accepted: None,
        disagreeing: Vec::new(),
        broken: false,
        expired: false,
        foreign: false,
        unconfirmed: None,
    };
    for (by, finding) in findings {
        if finding.state == State::Invalid {
            let is_of_time = |code: &String| OF_TIME.contains(&code.as_str());
            // Whoever verifies need not know the signer: distrust is no damage.
            let is_of_trust = |code: &String| code == "signingCredential.untrusted";
            let codes = &finding.codes;
            let expired = codes.iter().any(is_of_time)
                && codes
                    .iter()
                    .all(|code| is_of_time(code) || is_of_trust(code));
            conclusion.expired |= expired;
            conclusion.broken |= !expired;
        }
        // A later signer's manifest is valid even where nothing confirms that it is about our image.
        let signed = |code: &String| code.starts_with("signer:");
        conclusion.foreign |= matches!(finding.state, State::Foreign | State::Resigned)
            || finding.codes.iter().any(signed);
        if finding.state == State::Unconfirmed {
            conclusion.unconfirmed = conclusion.unconfirmed.or(finding.proof);
        }
        let Some(proof) = finding.accepted() else {
            continue;
        };
        let accepted = Accepted {
            proof,
            by,
            state: finding.state,
        };
        match conclusion.accepted {
            None => conclusion.accepted = Some(accepted),
            Some(first) if first.proof != proof => conclusion.disagreeing.push(accepted),
            Some(_) => {}
        }
    }
    conclusion
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: ProofId = ProofId::new(1);
    const OTHER: ProofId = ProofId::new(2);

    fn judged(issued: Option<ProofId>, states: [(State, Option<ProofId>); 3]) -> Outcome {
        let findings = states.map(|(state, proof)| Finding {
            proof,
            ..Finding::new(state)
        });
        judge(issued, ["a", "b", "c"].into_iter().zip(&findings))
    }

    #[test]
    fn the_table_of_outcomes_holds() {
        use State::*;
        let (ours, other, none) = (Some(OURS), Some(OTHER), (Absent, None));
        let table = [
            ([none, none, none], Outcome::Lost),
            ([(Intact, ours), none, none], Outcome::Intact),
            ([(Intact, ours), (Recovered, ours), none], Outcome::Intact),
            (
                [(Resigned, ours), (Recovered, ours), none],
                Outcome::Resigned,
            ),
            (
                [none, (Recovered, ours), (Recovered, ours)],
                Outcome::Recovered { by: "b" },
            ),
            (
                [(Invalid, ours), none, (Recovered, ours)],
                Outcome::Recovered { by: "c" },
            ),
            (
                [(Invalid, ours), (Unconfirmed, ours), none],
                Outcome::Broken,
            ),
            ([(Invalid, None), none, none], Outcome::Broken),
            (
                [(Foreign, None), (Unconfirmed, ours), none],
                Outcome::Unconfirmed,
            ),
            ([(Foreign, None), none, none], Outcome::Lost),
            ([none, (Unconfirmed, other), none], Outcome::Lost),
            ([none, (Unconfirmed, None), none], Outcome::Lost),
            ([none, none, (Failed, None)], Outcome::Lost),
            (
                [(Intact, other), (Recovered, ours), none],
                Outcome::Misattributed { by: "a" },
            ),
            (
                [(Intact, ours), none, (Recovered, other)],
                Outcome::Misattributed { by: "c" },
            ),
            ([(Intact, None), none, none], Outcome::Lost),
        ];
        for (states, expected) in table {
            assert_eq!(judged(ours, states), expected, "{states:?}");
        }
    }

    #[test]
    fn any_acceptance_of_an_unsigned_control_is_a_misattribution() {
        for state in [State::Intact, State::Resigned, State::Recovered] {
            let none = (State::Absent, None);
            assert_eq!(
                judged(None, [none, (state, Some(OURS)), none]),
                Outcome::Misattributed { by: "b" }
            );
        }
        assert_eq!(
            judged(
                None,
                [
                    (State::Invalid, None),
                    (State::Unconfirmed, Some(OURS)),
                    (State::Absent, None)
                ]
            ),
            Outcome::Broken
        );
        assert_eq!(
            judged(
                None,
                [
                    (State::Absent, None),
                    (State::Unconfirmed, Some(OURS)),
                    (State::Absent, None)
                ]
            ),
            Outcome::Lost
        );
    }

    #[test]
    fn disagreement_is_visible() {
        let findings = [
            Finding::new(State::Invalid),
            Finding::new(State::Recovered).leading_to(OURS),
            Finding::new(State::Recovered).leading_to(OTHER),
        ];
        let conclusion = conclude(["a", "b", "c"].into_iter().zip(&findings));
        assert!(conclusion.broken);
        assert_eq!(
            conclusion.accepted.map(|a| (a.proof, a.by)),
            Some((OURS, "b"))
        );
        assert_eq!(conclusion.disagreeing.len(), 1);
        assert_eq!(conclusion.disagreeing[0].proof, OTHER);
    }
}
