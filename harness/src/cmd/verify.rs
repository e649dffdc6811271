//! `credlink verify`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use credlink_harness::{clock, exit, identity, received};
use credlink_sign_core::carriers::State;
use credlink_sign_core::conclusion::{Accepted, Conclusion, conclude};
use credlink_sign_core::keys::{ANCHOR_FILE, CHAIN_FILE, TrustAnchor, WATERMARK_FILE};
use credlink_sign_core::sketch::{self, Comparison};
use credlink_sign_core::store::ProofStore;
use credlink_sign_core::{ImageFile, ProofId, Shown, Verification, Verifier};
use serde::Serialize;
use serde_json::json;

use crate::cli::{DEFAULT_STORE, VerifyArgs};

pub(crate) fn run(args: &VerifyArgs) -> Result<u8> {
    let anchor = TrustAnchor::load(&args.keys)
        .with_context(|| format!("failed to load certificates from {}", args.keys.display()))?;
    let store = match &args.store {
        Some(named) => ProofStore::open(named)?,
        None if Path::new(DEFAULT_STORE).exists() => ProofStore::open(Path::new(DEFAULT_STORE))?,
        // Manifests can be verified without a store.
        None => ProofStore::empty(),
    };
    let trust = trust(&anchor, args);
    let (store, foreign) = store.without_foreign(std::slice::from_ref(&anchor));
    if let Some(first) = foreign.first() {
        super::complain(&format!(
            "left out of the store: {} records that {} did not sign, first {first}",
            foreign.len(),
            anchor.name()
        ));
    }
    let proofs = store.len() - foreign.len();
    let bytes = super::read(&args.file)?;
    let mut verifier = Verifier::new(vec![anchor], Arc::new(store))?;
    if args.any_key_of_root {
        verifier = verifier.trusting_whole_anchors();
    }
    // Without the secret everything else can be verified; the watermark then says that it could not be read.
    if args.keys.join(WATERMARK_FILE).exists() {
        let key = identity::loaded_watermark(&args.keys)?.key()?;
        verifier = verifier.with_watermark(key, super::watermark::effort(args.search_rotation));
    }
    let file = ImageFile::new(&bytes, &received::decode_bytes).with_clock(&clock::wall_nanos);
    let verification = verifier.verify(&file, &clock::wall_nanos);
    let conclusion = conclude(verification.findings());
    let content = content(&verifier, &file, &conclusion);
    let verdict = Verdict::of(&conclusion, file.pixels().err());
    if args.json {
        let report = json!({
            "file": args.file.display().to_string(),
            "proofs_in_store": proofs,
            "trust": trust,
            "conclusion": conclusion,
            "verdict": verdict.word(),
            "unreadable": file.pixels().err(),
            "content": content.as_ref().map(|content| json!({
                "verdict": word(content.verdict),
                "similarity": content.similarity,
                "seen": content.coverage,
                "largest_difference": content.largest_difference,
                "local_difference": content.local_difference,
                "local_difference_at": content.local_difference_at,
                "change_noticed": content.is_change_noticed(),
            })),
            "verification": verification,
        });
        super::say(&serde_json::to_string_pretty(&report)?)?;
    } else {
        let known = |proof| verifier.store().by_id(proof).is_some();
        let mut text = ladder(&verification)?;
        write!(
            text,
            "\n{}",
            sentence(&verdict, &verification, proofs, &known)
        )?;
        write!(text, "\n{}", trusted(&trust))?;
        if let Some(content) = &content {
            write!(text, "\n{}", described(content))?;
        }
        super::say(&text)?;
    }
    Ok(verdict.code())
}

/// Whose signatures were taken for ours, and where that was read.
#[derive(Serialize)]
struct Trust {
    /// The organisation in the signer's certificate.
    signer: String,
    /// SHA-256 of the signer's public key, its beginning.
    key: String,
    /// Root certificates in the anchor file.
    roots: usize,
    /// Whether any key counts that a root certified.
    any_key_of_root: bool,
    /// The file with the roots, and the one with the signer's certificate.
    files: [String; 2],
}

fn trust(anchor: &TrustAnchor, args: &VerifyArgs) -> Trust {
    let file = |name: &str| args.keys.join(name).display().to_string();
    Trust {
        signer: anchor.name().to_owned(),
        key: anchor.key_fingerprint(),
        roots: anchor.roots(),
        any_key_of_root: args.any_key_of_root,
        files: [file(ANCHOR_FILE), file(CHAIN_FILE)],
    }
}

fn trusted(trust: &Trust) -> String {
    let [anchor, chain] = &trust.files;
    let roots = match trust.roots {
        1 => String::new(),
        roots => format!(" ({roots} roots in one file: each of them is trusted)"),
    };
    let key = if trust.any_key_of_root {
        "any key that the root certified".to_owned()
    } else {
        format!("key {} in {chain}", trust.key)
    };
    format!(
        "Taken for ours: {}, {key}, under {anchor}{roots}.",
        trust.signer
    )
}

/// The received content beside what is registered of the proof that a pointer led to, confirmed or not. A valid manifest
/// binds every byte and needs no comparison, and where a viewer shows something else than these pixels they say nothing.
fn content(
    verifier: &Verifier,
    file: &ImageFile<'_>,
    conclusion: &Conclusion,
) -> Option<Comparison> {
    let proof = match conclusion.accepted {
        Some(accepted) if accepted.by == "manifest" => None,
        Some(accepted) => Some(accepted.proof),
        None => conclusion.unconfirmed,
    };
    let is_shown = file
        .pixels()
        .is_ok_and(|pixels| pixels.shown == Shown::These);
    let comparison = verifier.compared_with(file, proof?);
    comparison.filter(|_| is_shown)
}

/// What a content sketch can say. It never says that nothing was altered: a few letters are smaller than its cells.
fn word(verdict: sketch::Verdict) -> &'static str {
    match verdict {
        sketch::Verdict::Same => "alike",
        sketch::Verdict::Plain => "plain",
        sketch::Verdict::Altered => "altered",
        sketch::Verdict::Different => "different",
        sketch::Verdict::Featureless => "featureless",
    }
}

fn described(content: &Comparison) -> String {
    let percent = |share: f32| 100.0 * share;
    match content.verdict {
        sketch::Verdict::Same if content.is_change_noticed() => {
            let [x, y] = content.local_difference_at.map(percent);
            format!(
                "By the content sketch {:.0} % of the original is seen, and a part of it was probably changed: about {x:.0} % \
                 from the left and {y:.0} % from the top of the original it differs more than copies do.",
                percent(content.coverage)
            )
        }
        sketch::Verdict::Same => format!(
            "By the content sketch {:.0} % of the original is seen, and no large part of it differs in brightness; small changes and colours do not show.",
            percent(content.coverage)
        ),
        sketch::Verdict::Plain => {
            "The picture is plain, and its shades are those of the original; fine strokes and colours do not show in them.".to_owned()
        }
        sketch::Verdict::Altered => format!(
            "By the content sketch a part of the picture was replaced: {:.0} % of what is seen of the original.",
            percent(content.largest_difference)
        ),
        sketch::Verdict::Different => {
            "By the content sketch this is another picture, or much of it was replaced.".to_owned()
        }
        sketch::Verdict::Featureless => {
            "The picture has too few features for its content sketch to say anything.".to_owned()
        }
    }
}

/// What is said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict<'a> {
    /// Carriers lead to different proofs.
    Disagreement,
    /// A proof was found beside an invalid manifest.
    Altered(Accepted),
    /// A proof was found.
    Found(Accepted),
    /// The manifest is invalid, and nothing else leads to a proof.
    Broken,
    /// The manifest's certificate was not valid at its time.
    Expired,
    /// A valid manifest of another signer.
    Foreign,
    /// A pointer that nothing confirms.
    Unconfirmed,
    /// The file could not be read, for this reason: no answer.
    Unreadable(&'a str),
    /// No proof of ours.
    Nothing,
}

impl<'a> Verdict<'a> {
    fn of(conclusion: &Conclusion, unreadable: Option<&'a str>) -> Self {
        match (conclusion.accepted, unreadable) {
            _ if !conclusion.disagreeing.is_empty() => Self::Disagreement,
            (Some(accepted), _) if conclusion.broken => Self::Altered(accepted),
            (Some(accepted), _) => Self::Found(accepted),
            _ if conclusion.broken => Self::Broken,
            _ if conclusion.expired => Self::Expired,
            // A valid manifest is a fact; a pointer that nothing confirms is not.
            _ if conclusion.foreign => Self::Foreign,
            // Before a pointer, which an unreadable picture cannot confirm either.
            (None, Some(reason)) => Self::Unreadable(reason),
            _ if conclusion.unconfirmed.is_some() => Self::Unconfirmed,
            (None, None) => Self::Nothing,
        }
    }

    /// The word in JSON.
    fn word(self) -> &'static str {
        match self {
            Self::Disagreement => "disagreement",
            Self::Altered(_) => "altered",
            Self::Found(_) => "found",
            Self::Broken => "broken",
            Self::Expired => "expired",
            Self::Foreign => "foreign",
            Self::Unconfirmed => "unconfirmed",
            Self::Unreadable(_) => "unreadable",
            Self::Nothing => "none",
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Disagreement | Self::Unconfirmed => exit::UNCONFIRMED,
            Self::Altered(_) => exit::ALTERED,
            Self::Found(_) => exit::OK,
            Self::Broken => exit::BROKEN,
            Self::Expired => exit::EXPIRED,
            Self::Foreign => exit::FOREIGN,
            Self::Unreadable(_) => exit::UNREADABLE,
            Self::Nothing => exit::NO_PROOF,
        }
    }
}

/// One line for each carrier: what it found, and why not more.
fn ladder(verification: &Verification) -> Result<String> {
    let mut text = String::new();
    for examined in &verification.carriers {
        let finding = &examined.finding;
        write!(text, "{:<12} {:<12}", examined.carrier, finding.state)?;
        if let Some(id) = finding.proof {
            write!(text, " proof {id}")?;
        }
        if let Some(distance) = finding.distance {
            write!(text, ", distance {distance} of 256")?;
        }
        if let Some(by) = finding.confirmed_by {
            write!(text, ", confirmed by {by}")?;
        }
        if !finding.codes.is_empty() {
            write!(text, " ({})", finding.codes.join(", "))?;
        }
        writeln!(text, "  {:.1} ms", examined.nanos as f64 / 1e6)?;
    }
    Ok(text)
}

/// The verdict for people.
fn sentence(
    verdict: &Verdict<'_>,
    verification: &Verification,
    proofs: usize,
    known: &dyn Fn(ProofId) -> bool,
) -> String {
    match verdict {
        Verdict::Found(accepted) => match accepted.by {
            "manifest" if accepted.state == State::Resigned => format!(
                "Somebody else signed this file last and names ours as what it was made from; the picture agrees. Proof {}, by the manifest.",
                accepted.proof
            ),
            "manifest" if known(accepted.proof) => format!(
                "This file is, byte for byte, the one that was signed as proof {}, by the manifest and the store.",
                accepted.proof
            ),
            "manifest" => format!(
                "The bytes that its manifest covers are as they were signed: proof {}, by the manifest. The store has no record of it.",
                accepted.proof
            ),
            by => format!(
                "This image descends from the original of proof {}, by its {by}. It may have been altered since.",
                accepted.proof
            ),
        },
        Verdict::Altered(accepted) => format!(
            "This file is not as it was signed: its manifest is invalid. By its {} it descends from the original of proof {}.",
            accepted.by, accepted.proof
        ),
        Verdict::Disagreement => {
            "The carriers lead to different proofs; believe none of them.".to_owned()
        }
        Verdict::Broken => {
            "There is a manifest, but it is invalid, and nothing else leads to a proof.".to_owned()
        }
        Verdict::Expired => {
            "The manifest holds, but its certificate was not valid at the time: it expired, or had not begun.".to_owned()
        }
        Verdict::Unconfirmed => unconfirmed(verification).to_owned(),
        Verdict::Foreign => "There is a valid manifest, of another signer.".to_owned(),
        Verdict::Unreadable(reason) => format!(
            "The file could not be read, so nothing is said about it: {reason}."
        ),
        Verdict::Nothing => format!("No proof of ours was found ({proofs} in the store)."),
    }
}

/// Why a pointer to a proof is not believed.
fn unconfirmed(verification: &Verification) -> &'static str {
    let has = |wanted: &str| {
        let mut findings = verification.findings();
        findings.any(|(_, finding)| finding.codes.iter().any(|code| code == wanted))
    };
    const WORDS: [(&str, &str); 5] = [
        (
            "credlink.content.frames",
            "The picture that is ours is not all that a viewer shows: the file is an animation of others.",
        ),
        (
            "credlink.content.background",
            "On a white page the file looks like a picture of ours, on a dark one like another.",
        ),
        (
            "credlink.content.colours",
            "Viewers make another picture of these pixels: by a colour profile, or by a colour space that the file contradicts itself about.",
        ),
        (
            "credlink.content.featureless",
            "A pointer leads to a proof, but the picture is too plain to tell it from others.",
        ),
        (
            "credlink.content.ambiguous",
            "The content fits more than one proof in the store, so it names none of them.",
        ),
    ];
    let found = WORDS.iter().find(|(code, _)| has(code));
    found.map_or(
        "A pointer leads to a proof, but the pixels do not confirm it.",
        |(_, words)| words,
    )
}
