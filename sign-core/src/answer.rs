//! What a verifier answers to whoever hands in a file: one word, and all that stands behind it.

use serde_json::{Value, json};

use crate::Clock;
use crate::asset::{Asset, Shown};
use crate::conclusion::{Accepted, Conclusion, conclude};
use crate::ladder::{Depth, Verification};
use crate::manifest::{Described, Standing};
use crate::record::History;
use crate::sketch::{Comparison, Likeness, Path};
use crate::verifier::Verifier;

/// What is said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// A proof was found beside an invalid manifest.
    Altered(Accepted),
    /// A proof was found.
    Found(Accepted),
    /// The manifest is invalid, and nothing else leads to a proof.
    Broken,
    /// The manifest's certificate was not valid at its time, or is unfit for signing content.
    Expired,
    /// A manifest of another signer that holds, and whether somebody who was named vouches for that signer.
    Foreign(Standing),
    /// A pointer that nothing confirms.
    Unconfirmed,
    /// The file could not be read, for this reason: no answer.
    Unreadable(&'a str),
    /// No proof of ours.
    Nothing,
}

impl<'a> Verdict<'a> {
    fn of(
        conclusion: &Conclusion,
        standing: Option<Standing>,
        unreadable: Option<&'a str>,
    ) -> Self {
        match (conclusion.accepted, unreadable) {
            (Some(accepted), _) if conclusion.broken => Self::Altered(accepted),
            (Some(accepted), _) => Self::Found(accepted),
            _ if conclusion.broken => Self::Broken,
            _ if conclusion.expired => Self::Expired,
            // A valid manifest is a fact; a pointer that nothing confirms is not.
            _ if conclusion.foreign => Self::Foreign(standing.unwrap_or(Standing::UnknownSigner)),
            // Before a pointer, which an unreadable picture cannot confirm either.
            (None, Some(reason)) => Self::Unreadable(reason),
            _ if conclusion.unconfirmed.is_some() => Self::Unconfirmed,
            (None, None) => Self::Nothing,
        }
    }

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Altered(_) => "altered",
            Self::Found(_) => "found",
            Self::Broken => "broken",
            Self::Expired => "expired",
            Self::Foreign(_) => "foreign",
            Self::Unconfirmed => "unconfirmed",
            Self::Unreadable(_) => "unreadable",
            Self::Nothing => "none",
        }
    }
}

/// Everything that is said of one file.
#[derive(Debug)]
pub struct Answer {
    /// What every carrier found.
    pub verification: Verification,
    /// What follows from that.
    pub conclusion: Conclusion,
    /// What the record of the proof says of the time before it was signed.
    pub history: Option<History>,
    /// The received picture beside the registered one, where a pointer led to a proof.
    pub content: Option<Comparison>,
    /// What the manifest says, whosever it is.
    pub manifest: Option<Described>,
    /// Where the XMP packet says that a manifest lies.
    pub links: Vec<String>,
    /// Why the picture cannot be decoded, if it cannot.
    pub unreadable: Option<String>,
}

impl Answer {
    /// Looks at a file.
    pub fn about(verifier: &Verifier, file: &Asset<'_>, depth: Depth, clock: Clock<'_>) -> Self {
        let mut verification = verifier.verify_to(depth, file, clock);
        let parent = |proof| verifier.store().by_id(proof)?.parent();
        let conclusion = conclude(verification.findings(), &parent);
        let record = conclusion
            .accepted
            .and_then(|accepted| verifier.store().by_id(accepted.proof));
        let content = content(verifier, file, &conclusion, &verification);
        if let Some(content) = content
            .as_ref()
            .filter(|content| content.path == Path::Pointed)
        {
            // What lies there, less what is covered of it.
            let covered = (1000.0 * content.covered) as u16;
            let findings = verification
                .carriers
                .iter_mut()
                .map(|examined| &mut examined.finding);
            for part in findings.filter_map(|finding| finding.part.as_mut()) {
                part.seen = part.seen.saturating_sub(covered);
            }
        }
        Self {
            history: record.and_then(|record| record.history.clone()),
            content,
            manifest: verifier.described(file),
            links: file.links().to_vec(),
            unreadable: file.pixels().err().map(str::to_owned),
            verification,
            conclusion,
        }
    }

    /// The one word.
    pub fn verdict(&self) -> Verdict<'_> {
        let standing = self.manifest.as_ref().map(|manifest| manifest.standing);
        Verdict::of(&self.conclusion, standing, self.unreadable.as_deref())
    }

    /// All of it as a JSON object.
    pub fn json(&self) -> Value {
        json!({
            "verdict": self.verdict().word(),
            "conclusion": self.conclusion,
            "record": self.history,
            "unreadable": self.unreadable,
            "manifest": self.manifest,
            "manifest_elsewhere": self.links,
            "content": self.content.as_ref().map(|content| json!({
                "verdict": likeness(content.verdict),
                "similarity": content.similarity,
                "seen": content.coverage,
                "covered": content.covered,
                "shading": content.shading,
                "largest_difference": content.largest_difference,
                "local_difference": content.local_difference,
                "local_difference_at": content.local_difference_at,
                "change_noticed": content.is_change_noticed(),
            })),
            "verification": self.verification,
        })
    }
}

/// What a content sketch can say. It never says that nothing was altered: a few letters are smaller than its cells.
fn likeness(verdict: Likeness) -> &'static str {
    match verdict {
        Likeness::Same => "alike",
        Likeness::Plain => "plain",
        Likeness::Altered => "altered",
        Likeness::Different => "different",
        Likeness::Featureless => "featureless",
    }
}

/// The received content beside what is registered of the proof that a pointer led to, confirmed or not. A valid manifest
/// binds every byte and needs no comparison, and where a viewer shows something else than these pixels they say nothing.
fn content(
    verifier: &Verifier,
    file: &Asset<'_>,
    conclusion: &Conclusion,
    verification: &Verification,
) -> Option<Comparison> {
    let proof = match conclusion.accepted {
        Some(accepted) if accepted.by == "manifest" => None,
        Some(accepted) => Some(accepted.proof),
        None => conclusion.unconfirmed,
    };
    let is_shown = file
        .pixels()
        .is_ok_and(|pixels| pixels.shown == Shown::These);
    let proof = proof.filter(|_| is_shown)?;
    // What was accepted for lying at a place is described there: in a collage, and in a crop.
    let by = conclusion.accepted.map(|accepted| accepted.by);
    let mut findings = verification.findings();
    let place = findings.find(|(carrier, _)| Some(*carrier) == by);
    let place = place.and_then(|(_, finding)| finding.place);
    let at_place = place.and_then(|place| verifier.compared_at(file, proof, &place));
    match at_place.filter(|found| found.verdict == Likeness::Same) {
        Some(found) => Some(found),
        None => verifier.compared_with(file, proof),
    }
}
