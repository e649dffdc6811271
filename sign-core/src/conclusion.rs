//! From findings to what a verifier tells whoever asks.

use serde::Serialize;

use crate::carriers::{Finding, State};
use crate::proof_id::ProofId;

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
