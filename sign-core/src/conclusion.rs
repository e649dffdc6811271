//! From findings to what a verifier tells whoever asks.

use serde::Serialize;

use crate::carriers::{Finding, State};
use crate::proof_id::ProofId;

/// What to tell somebody who hands in a file of unknown origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conclusion {
    /// The proof, the carrier highest on the ladder that was accepted, and how.
    pub accepted: Option<Accepted>,
    /// The proofs of the same picture that came before that one, the last of them first, by its record and theirs.
    pub chain: Vec<ProofId>,
    /// Proofs of the same picture that came after that one, the newest first: the file is, byte for byte, an earlier one.
    pub later: Vec<ProofId>,
    /// Proofs that fit the same content and are not related to that one by their records.
    pub alternatives: Vec<ProofId>,
    /// There is a manifest, and it does not validate.
    pub broken: bool,
    /// There is a manifest that does not validate for one reason alone: its certificate was not valid at the time, or is
    /// unfit. The file is as it was signed.
    pub expired: bool,
    /// Somebody else's valid manifest is there.
    pub foreign: bool,
    /// A pointer leads to this proof, without confirmation.
    pub unconfirmed: Option<ProofId>,
}

impl Conclusion {
    /// The newest proof of the picture: what a further signature comes after.
    pub fn newest(&self) -> Option<ProofId> {
        let accepted = self.accepted.map(|accepted| accepted.proof);
        self.later.first().copied().or(accepted)
    }
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

/// What C2PA says of a signature whose certificate was not valid at its time, or is unfit for signing content ("Standard
/// status codes").
const OF_CERTIFICATE: [&str; 4] = [
    "signingCredential.expired",
    "claimSignature.outsideValidity",
    "signingCredential.invalid",
    "signingCredential.ocsp.revoked",
];

/// How far back the proofs of one picture are followed.
const MAX_GENERATIONS: usize = 1024;

/// Sums up the findings about a file whose origin is not known. `parent` tells which proof of the same picture came before
/// one, by its record.
///
/// All that was accepted was confirmed by the content, so different proofs are proofs of one picture. Where one of them
/// names the others as what came before, it is the answer; otherwise the carrier highest on the ladder decides, and the
/// others are told beside it. But what is, byte for byte, the file of one proof is that, whatever was signed after it.
pub fn conclude<'f>(
    findings: impl IntoIterator<Item = (&'static str, &'f Finding)>,
    parent: &dyn Fn(ProofId) -> Option<ProofId>,
) -> Conclusion {
    let mut conclusion = Conclusion {
        accepted: None,
        chain: Vec::new(),
        later: Vec::new(),
        alternatives: Vec::new(),
        broken: false,
        expired: false,
        foreign: false,
        unconfirmed: None,
    };
    let mut found: Vec<Accepted> = Vec::new();
    for (by, finding) in findings {
        if finding.state == State::Invalid {
            let is_of_certificate = |code: &String| OF_CERTIFICATE.contains(&code.as_str());
            // Whoever verifies need not know the signer: distrust is no damage.
            let is_of_trust = |code: &String| code == "signingCredential.untrusted";
            let codes = &finding.codes;
            let expired = codes.iter().any(is_of_certificate)
                && codes
                    .iter()
                    .all(|code| is_of_certificate(code) || is_of_trust(code));
            conclusion.expired |= expired;
            conclusion.broken |= !expired;
        }
        // A later signer's manifest is valid even where nothing confirms that it is about our image.
        let signed = |code: &String| code.starts_with("signer:");
        conclusion.foreign |= matches!(finding.state, State::Foreign | State::Resigned)
            || finding.state != State::Intact && finding.codes.iter().any(signed);
        if finding.state == State::Unconfirmed {
            conclusion.unconfirmed = conclusion.unconfirmed.or(finding.proof);
        }
        let proofs = finding.accepted().into_iter();
        for proof in proofs.chain(finding.alternatives.iter().copied()) {
            if !found.iter().any(|known| known.proof == proof) {
                found.push(Accepted {
                    proof,
                    by,
                    state: finding.state,
                });
            }
        }
    }
    let before = |proof: ProofId| ancestors(proof, parent);
    // The newest: the one that has every other behind it.
    let newest = found.iter().find(|one| {
        let behind = before(one.proof);
        found
            .iter()
            .all(|other| other.proof == one.proof || behind.contains(&other.proof))
    });
    let intact = found.iter().find(|one| one.state == State::Intact);
    conclusion.accepted = intact.or(newest).or(found.first()).copied();
    if let Some(accepted) = conclusion.accepted {
        conclusion.chain = before(accepted.proof);
        let others = found.iter().map(|one| one.proof);
        let others = others
            .filter(|other| *other != accepted.proof && !conclusion.chain.contains(other))
            .map(|other| (before(other), other));
        let (mut later, unrelated): (Vec<_>, Vec<_>) =
            others.partition(|(behind, _)| behind.contains(&accepted.proof));
        later.sort_by_key(|(behind, _)| std::cmp::Reverse(behind.len()));
        let proofs = |list: Vec<(Vec<ProofId>, ProofId)>| list.into_iter().map(|(_, proof)| proof);
        conclusion.later = proofs(later).collect();
        conclusion.alternatives = proofs(unrelated).collect();
    }
    conclusion
}

/// The proofs that came before one, the last of them first. A circle, which only a damaged store holds, ends.
fn ancestors(proof: ProofId, parent: &dyn Fn(ProofId) -> Option<ProofId>) -> Vec<ProofId> {
    let mut behind = Vec::new();
    let mut next = parent(proof);
    while let Some(one) =
        next.filter(|one| *one != proof && !behind.contains(one) && behind.len() < MAX_GENERATIONS)
    {
        behind.push(one);
        next = parent(one);
    }
    behind
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: ProofId = ProofId::new(1);
    const OTHER: ProofId = ProofId::new(2);

    fn concluded(
        findings: &[Finding; 3],
        parent: &dyn Fn(ProofId) -> Option<ProofId>,
    ) -> Conclusion {
        conclude(["a", "b", "c"].into_iter().zip(findings), parent)
    }

    #[test]
    fn several_proofs_of_one_picture_are_a_chain_or_stand_beside_each_other() {
        let findings = [
            Finding::new(State::Invalid),
            Finding::new(State::Recovered).leading_to(OURS),
            Finding::new(State::Recovered).leading_to(OTHER),
        ];
        let unrelated = concluded(&findings, &|_| None);
        assert!(unrelated.broken);
        let answer = |conclusion: &Conclusion| conclusion.accepted.map(|a| (a.proof, a.by));
        assert_eq!(answer(&unrelated), Some((OURS, "b")));
        assert_eq!(unrelated.alternatives, [OTHER]);
        assert!(unrelated.chain.is_empty());
        // Signed again: the later one is the answer, whichever carrier leads to it.
        let again = concluded(&findings, &|proof| (proof == OTHER).then_some(OURS));
        assert_eq!(answer(&again), Some((OTHER, "c")));
        assert_eq!(again.chain, [OURS]);
        assert!(again.alternatives.is_empty());
        // A circle is nobody's history.
        let circle = |proof| Some(if proof == OURS { OTHER } else { OURS });
        assert_eq!(answer(&concluded(&findings, &circle)), Some((OURS, "b")));
    }

    #[test]
    fn the_file_of_an_earlier_proof_is_that_file() {
        let findings = [
            Finding::new(State::Intact)
                .leading_to(OURS)
                .because("signer:Press"),
            Finding::new(State::Recovered).leading_to(OTHER),
            Finding::new(State::Absent),
        ];
        let again = concluded(&findings, &|proof| (proof == OTHER).then_some(OURS));
        assert_eq!(again.accepted.map(|a| a.proof), Some(OURS));
        assert_eq!(again.later, [OTHER]);
        assert_eq!(again.newest(), Some(OTHER));
        assert!(again.chain.is_empty() && again.alternatives.is_empty() && !again.foreign);
    }

    #[test]
    fn a_carrier_may_lead_to_several() {
        let several = Finding {
            alternatives: vec![OTHER],
            ..Finding::new(State::Recovered).leading_to(OURS)
        };
        let absent = || Finding::new(State::Absent);
        let conclusion = concluded(&[absent(), absent(), several], &|_| None);
        assert_eq!(conclusion.alternatives, [OTHER]);
    }
}
