//! Why a proof was not found, in plain words: what every code means, and a sentence for an op.

use std::fmt::Write as _;

use credlink_trial_record::{CarrierPlace, State};

/// Status codes of carriers and causes of errors, and what each means, as a clause. Codes of ours begin with `credlink.`,
/// those of C2PA are of its specification (C2PA 2.2, "Status codes"), causes of errors have no dot.
const CODES: &[(&str, &str)] = &[
    (
        "credlink.content.differs",
        "the picture differs too much from the one that was signed",
    ),
    (
        "credlink.content.lowQuality",
        "the picture is too smooth for a fingerprint to decide",
    ),
    (
        "credlink.content.featureless",
        "the picture is too plain to tell it from others",
    ),
    (
        "credlink.content.ambiguous",
        "the picture fits more than one proof, so it names none",
    ),
    (
        "credlink.content.altered",
        "a part of the picture was replaced",
    ),
    (
        "credlink.content.frames",
        "the file is an animation that shows other pictures, too",
    ),
    (
        "credlink.content.colours",
        "viewers make other colours of these pixels than of those that were signed",
    ),
    (
        "credlink.content.background",
        "on a dark page the transparent picture is another one",
    ),
    (
        "credlink.proof.unknown",
        "the store has no proof with the id that was read",
    ),
    (
        "credlink.proof.mismatch",
        "the manifest is another one than the store has under its id",
    ),
    (
        "credlink.proof.missing",
        "the manifest is signed with our key but holds no proof of ours",
    ),
    (
        "credlink.file.differs",
        "the manifest holds, but the file is not, byte for byte, the one that was signed",
    ),
    (
        "credlink.record.signature",
        "the proof in the store does not bear our signature",
    ),
    (
        "credlink.signer.otherKey",
        "the signer's certificate is of our authority, but the key is not ours",
    ),
    (
        "credlink.ingredient.invalid",
        "a later signer names a manifest of ours that does not hold by itself",
    ),
    (
        "credlink.manifest.framing",
        "the container holds more, or other, than the manifest that was read",
    ),
    (
        "credlink.manifest.padding",
        "padding that no signature covers is not empty",
    ),
    (
        "credlink.manifest.exclusion",
        "the manifest's hash leaves out more of the file than the manifest itself",
    ),
    (
        "credlink.container.unknown",
        "the container is one that cannot hold a manifest",
    ),
    (
        "credlink.link.foreign",
        "the file has a provenance link, but not to our store",
    ),
    (
        "credlink.link.ambiguous",
        "the file has links to several proofs",
    ),
    (
        "credlink.link.malformed",
        "the link to our store names no proof id",
    ),
    (
        "credlink.watermark.noKey",
        "nobody gave the key that reads the watermark",
    ),
    (
        "credlink.local.tooFewPoints",
        "the picture has too few points to know any part of it by",
    ),
    (
        "credlink.local.notReady",
        "the store was still reading the points of its proofs",
    ),
    (
        "credlink.local.unread",
        "the store could not read the points of a proof",
    ),
    (
        "credlink.image.undecodable",
        "the picture could not be decoded",
    ),
    (
        "assertion.dataHash.mismatch",
        "bytes that the manifest covers were changed",
    ),
    (
        "assertion.dataHash.malformed",
        "the manifest's hash of the file cannot be read",
    ),
    (
        "assertion.bmffHash.mismatch",
        "boxes of the file that the manifest covers were changed",
    ),
    (
        "assertion.hashedURI.mismatch",
        "a statement inside the manifest was changed",
    ),
    (
        "assertion.missing",
        "a statement that the manifest names is not there",
    ),
    ("claim.missing", "the manifest has no claim"),
    ("claim.multiple", "the manifest has more than one claim"),
    (
        "claimSignature.mismatch",
        "the manifest's signature does not fit what it says",
    ),
    ("claimSignature.missing", "the manifest has no signature"),
    (
        "claimSignature.outsideValidity",
        "the manifest was signed when its certificate was not valid",
    ),
    (
        "signingCredential.untrusted",
        "nobody here vouches for the signer",
    ),
    (
        "signingCredential.invalid",
        "the signer's certificate is not fit for signing content",
    ),
    (
        "signingCredential.expired",
        "the signer's certificate is out of date",
    ),
    (
        "algorithm.unsupported",
        "the manifest uses an algorithm that the reader does not know",
    ),
    ("general.error", "the manifest cannot be read"),
    ("source", "the source image could not be read"),
    ("sign", "the image could not be signed"),
    ("disk", "the signed file could not be kept or read again"),
    ("panic", "the program failed inside a codec"),
    ("decode", "the pipeline could not decode the file"),
    ("encode", "the pipeline could not encode the picture"),
    ("format", "the pipeline does not take this file"),
    (
        "geometry",
        "the pipeline's steps leave nothing of a picture so small",
    ),
    ("engine", "a tool inside the pipeline failed"),
    ("no-signer", "the pipeline signs, and nobody was there to"),
    ("signing", "the pipeline's own signing failed"),
    (
        "no-network",
        "the pipeline asks a real server, and nobody was there to",
    ),
    ("server-forbidden", "the pipeline's server may not be asked"),
    (
        "server-setting",
        "what a request to the pipeline's server needs was not there",
    ),
    (
        "server-unreachable",
        "the pipeline's server could not be reached",
    ),
    ("server-status", "the pipeline's server refused"),
    ("server-redirect", "the pipeline's server sent elsewhere"),
    (
        "server-cut",
        "the pipeline's server ended in the middle of its answer",
    ),
    (
        "server-type",
        "the pipeline's server answered with what is no image",
    ),
    ("server-size", "the pipeline's server did not stop sending"),
    ("server-slow", "the pipeline's server took too long"),
    ("program", "a program outside failed"),
    ("missing-program", "a program outside is not installed"),
    ("received", "what came out could not be looked at"),
];

/// What a code means, as a clause; `None` for one that this program does not give.
pub fn explained(code: &str) -> Option<&'static str> {
    let known = CODES.iter().find(|(known, _)| *known == code);
    known.map(|(_, meaning)| *meaning)
}

/// The first of some comma-separated codes that is not the name of a signer; empty if there is none.
pub(crate) fn first_code(codes: &str) -> &str {
    let mut codes = codes.split(',');
    codes
        .find(|code| !code.starts_with("signer:"))
        .unwrap_or_default()
}

/// What a carrier's state means, with its first code if it has one.
pub(crate) fn of_state(place: CarrierPlace, state: State, code: &str) -> String {
    let because = |plain: &str| match explained(code) {
        Some(meaning) => format!("{plain}: {meaning}"),
        None if code.is_empty() => plain.to_owned(),
        None => format!("{plain}: {code}"),
    };
    match (state, place) {
        (State::Absent, _) if !code.is_empty() => because("not found"),
        (State::Absent, CarrierPlace::Metadata) => "gone from the file".to_owned(),
        (State::Absent, CarrierPlace::Pixels) => "no longer readable in the pixels".to_owned(),
        (State::Absent, CarrierPlace::Store) => {
            "too far from every picture in the store".to_owned()
        }
        (State::Intact, _) => because("valid"),
        (State::Resigned, _) => because("carried on by a later signer"),
        (State::Foreign, _) => because("replaced by another signer's"),
        (State::Invalid, _) => because("there, but invalid"),
        (State::Recovered, _) => because("led to the proof"),
        (State::Unconfirmed, _) => because("led to a proof, but was not believed"),
        (State::Failed, _) => because("could not be looked at"),
    }
}

/// What one carrier said about an op, as far as a sentence needs it.
#[derive(Clone, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) carrier: &'a str,
    pub(crate) place: CarrierPlace,
    /// `None` where it was not examined.
    pub(crate) state: Option<State>,
    /// Its first code, or nothing.
    pub(crate) code: &'a str,
    /// Whether the image refused the carrier when it was signed.
    pub(crate) refused: bool,
}

impl Said<'_> {
    fn words(&self) -> String {
        match self.state {
            _ if self.refused => "the image took none when it was signed".to_owned(),
            None => "not examined".to_owned(),
            Some(state) => of_state(self.place, state, self.code),
        }
    }
}

/// A plain sentence about what every carrier said. Carriers of which the same is to be said are named together.
pub(crate) fn sentence(said: &[Said<'_>]) -> String {
    let mut parts: Vec<(String, Vec<&str>)> = Vec::new();
    for one in said {
        let words = one.words();
        match parts.iter_mut().find(|(known, _)| *known == words) {
            Some((_, names)) => names.push(one.carrier),
            None => parts.push((words, vec![one.carrier])),
        }
    }
    let mut text = String::new();
    for (words, names) in parts {
        let names = match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, before)) => format!("{} and {last}", before.join(", ")),
            None => continue,
        };
        let mut letters = names.chars();
        let first: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .collect();
        let gap = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{gap}{first}{}: {words}.", letters.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes that stand in quotes in the sources of a room.
    fn codes_in(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                codes_in(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let parts = text.split("\"credlink.").skip(1);
                found.extend(
                    parts.filter_map(|part| Some(format!("credlink.{}", part.split_once('"')?.0))),
                );
            }
        }
    }

    #[test]
    fn every_code_of_the_verifier_is_explained() {
        let room = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../sign-core/src");
        for of in ["carriers", "manifest"] {
            let mut found = Vec::new();
            codes_in(&room.join(of), &mut found);
            assert!(found.len() > 5, "{of}: {found:?}");
            for code in found {
                assert!(explained(&code).is_some(), "{code} has no words");
            }
        }
        let mut found = Vec::new();
        let verifier = std::fs::read_to_string(room.join("verifier.rs")).unwrap();
        for part in verifier.split("Err(\"").skip(1) {
            found.extend(part.split_once('"').map(|(code, _)| code.to_owned()));
        }
        assert!(found.len() > 5, "{found:?}");
        assert!(
            found.iter().all(|code| explained(code).is_some()),
            "{found:?}"
        );
    }

    #[test]
    fn a_code_is_explained_once_and_as_a_clause() {
        for (index, (code, meaning)) in CODES.iter().enumerate() {
            assert!(
                !CODES[..index].iter().any(|(other, _)| other == code),
                "{code}"
            );
            assert!(!meaning.ends_with('.') && meaning.len() > 10, "{meaning}");
        }
    }

    #[test]
    fn a_sentence_names_together_what_is_alike() {
        let said = |carrier, place, state, code| Said {
            carrier,
            place,
            state,
            code,
            refused: false,
        };
        let metadata = CarrierPlace::Metadata;
        let text = sentence(&[
            said("manifest", metadata, Some(State::Absent), ""),
            said("link", metadata, Some(State::Absent), ""),
            said(
                "fingerprint",
                CarrierPlace::Store,
                Some(State::Unconfirmed),
                "credlink.content.differs",
            ),
            Said {
                refused: true,
                ..said("watermark", CarrierPlace::Pixels, Some(State::Absent), "")
            },
        ]);
        assert_eq!(
            text,
            "Manifest and link: gone from the file. Fingerprint: led to a proof, but was not believed: the picture differs \
             too much from the one that was signed. Watermark: the image took none when it was signed."
        );
        assert_eq!(
            of_state(metadata, State::Invalid, "a.code.of.tomorrow"),
            "there, but invalid: a.code.of.tomorrow"
        );
    }
}
