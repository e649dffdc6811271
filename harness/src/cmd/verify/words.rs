//! What `credlink verify` says, in words.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use credlink_sign_core::answer::Verdict;
use credlink_sign_core::carriers::State;
use credlink_sign_core::conclusion::Conclusion;
use credlink_sign_core::manifest::{Described, Standing};
use credlink_sign_core::sketch::{self, Comparison};
use credlink_sign_core::store::Store;
use credlink_sign_core::{ProofId, Verification};

/// What a content sketch can say. It never says that nothing was altered: a few letters are smaller than its cells.
pub(super) fn compared(content: &Comparison) -> String {
    let percent = |share: f32| 100.0 * share;
    match content.verdict {
        sketch::Likeness::Same if content.is_covered() => format!(
            "By the content sketch {:.0} % of the original is seen, and something else is shown along the border in the place of {:.0} % of it.",
            percent(content.coverage),
            percent(content.covered)
        ),
        sketch::Likeness::Same if content.is_change_noticed() => {
            let [x, y] = content.local_difference_at.map(percent);
            format!(
                "By the content sketch {:.0} % of the original is seen, and a part of it was probably changed: about {x:.0} % \
                 from the left and {y:.0} % from the top of the original it differs more than copies do.",
                percent(content.coverage)
            )
        }
        sketch::Likeness::Same => format!(
            "By the content sketch {:.0} % of the original is seen, and no large part of it differs in brightness; small changes and colours do not show.",
            percent(content.coverage)
        ),
        sketch::Likeness::Plain => {
            "The picture is plain, and its shades are those of the original; fine strokes and colours do not show in them.".to_owned()
        }
        sketch::Likeness::Altered => format!(
            "By the content sketch a part of the picture was replaced: {:.0} % of what is seen of the original.",
            percent(content.largest_difference)
        ),
        sketch::Likeness::Different => {
            "By the content sketch this is another picture, or much of it was replaced.".to_owned()
        }
        sketch::Likeness::Featureless => {
            "The picture has too few features for its content sketch to say anything.".to_owned()
        }
    }
}

/// One line for each carrier: what it found, and why not more.
pub(super) fn ladder(verification: &Verification) -> Result<String> {
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

/// What the manifest says, in the order in which people ask: who, when, with what, what was done, what it was made from.
pub(super) fn manifest(manifest: &Described) -> String {
    let signer = manifest.signer.as_deref().unwrap_or("somebody unnamed");
    let standing = match manifest.standing {
        Standing::Trusted => "an authority that was named vouches for this signer",
        Standing::UnknownSigner => "nobody here vouches for this signer (--trust FILE.pem)",
        Standing::UnfitCertificate => {
            "the certificate was not valid then, or is unfit for signing content"
        }
        Standing::Invalid => "the manifest is invalid",
    };
    let time = match (&manifest.time_stamp, manifest.is_time_stamp_trusted) {
        (Some(time), true) => format!("{time}, by a time stamp"),
        (Some(time), false) => {
            format!("{time}, by a time stamp for whose authority nobody here vouches")
        }
        (None, _) => "no time stamp: when it was signed is not known, and the signature ends with its certificate".to_owned(),
    };
    let mut lines = vec![
        format!("manifest     signed by {signer}; {standing}"),
        format!("  when       {time}"),
    ];
    let mut add = |name: &str, what: Vec<String>| {
        if !what.is_empty() {
            lines.push(format!("  {name:<10} {}", what.join(", ")));
        }
    };
    add("made with", manifest.generators.clone());
    add("title", manifest.title.iter().cloned().collect());
    let actions = manifest.actions.iter().map(|action| {
        let source = action
            .source_type
            .as_ref()
            .map(|source| format!(" ({source})"));
        format!("{}{}", action.action, source.unwrap_or_default())
    });
    add("actions", actions.collect());
    let ingredients = manifest.ingredients.iter().map(|ingredient| {
        let title = ingredient.title.as_deref().unwrap_or("untitled");
        let own = if ingredient.has_manifest {
            ", with a manifest of its own"
        } else {
            ""
        };
        format!("{title} ({}{own})", ingredient.relationship)
    });
    add("made from", ingredients.collect());
    let bindings = manifest.soft_bindings.iter();
    add(
        "found by",
        bindings.map(|binding| binding.algorithm.clone()).collect(),
    );
    add("faults", manifest.codes.clone());
    lines.join("\n")
}

/// When the proof was made, what came before it, and which others fit the same content; each on a line.
pub(super) fn history(conclusion: &Conclusion, store: &dyn Store) -> String {
    let mut text = String::new();
    let Some(accepted) = conclusion.accepted else {
        return text;
    };
    let record = store.by_id(accepted.proof);
    let when = |proof: ProofId| {
        let signed = store.by_id(proof)?.signed_at()?;
        let time = std::time::UNIX_EPOCH.checked_add(Duration::from_secs(signed))?;
        Some(humantime::format_rfc3339_seconds(time).to_string())
    };
    if let Some(when) = when(accepted.proof) {
        let _ = write!(text, "\nSigned at {when}, as its signer says.");
    }
    let dated = |proof: &ProofId| match when(*proof) {
        Some(when) => format!("{proof} ({when})"),
        None => proof.to_string(),
    };
    let list = |proofs: &[ProofId]| proofs.iter().map(dated).collect::<Vec<_>>().join(", ");
    if !conclusion.chain.is_empty() {
        let _ = write!(
            text,
            "\nThe same picture was signed before, last first: {}.",
            list(&conclusion.chain)
        );
    }
    if !conclusion.later.is_empty() {
        let _ = write!(
            text,
            "\nThe same picture was signed again later, newest first: {}.",
            list(&conclusion.later)
        );
    }
    if !conclusion.alternatives.is_empty() {
        let _ = write!(
            text,
            "\nThe content fits other proofs as well, which are not related by their records: {}.",
            list(&conclusion.alternatives)
        );
    }
    if let Some(link) = record.and_then(|record| record.history.as_ref()?.earlier_link.clone()) {
        let _ = write!(
            text,
            "\nBefore it was signed, its XMP named a manifest elsewhere: {link}"
        );
    }
    text
}

/// The verdict for people.
pub(super) fn sentence(
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
            "local" => part(accepted.proof, verification),
            by => format!(
                "This image descends from the original of proof {}, by its {by}. It may have been altered since.",
                accepted.proof
            ),
        },
        Verdict::Altered(accepted) => format!(
            "This file is not as it was signed: its manifest is invalid. By its {} it descends from the original of proof {}.",
            accepted.by, accepted.proof
        ),
        Verdict::Broken => {
            "There is a manifest, but it is invalid, and nothing else leads to a proof.".to_owned()
        }
        Verdict::Expired => {
            "The manifest holds, but its certificate does not: it was not valid at the time, or is unfit for signing content."
                .to_owned()
        }
        Verdict::Unconfirmed => unconfirmed(verification).to_owned(),
        Verdict::Foreign(Standing::Trusted) => {
            "There is a valid manifest, of another signer.".to_owned()
        }
        Verdict::Foreign(_) => {
            "There is a manifest that holds, of a signer for whom nobody here vouches: the file is as that signer left it, whoever it is."
                .to_owned()
        }
        Verdict::Unreadable(reason) => format!(
            "The file could not be read, so nothing is said about it: {reason}."
        ),
        Verdict::Nothing => format!("No proof of ours was found ({proofs} in the store)."),
    }
}

/// Which part of a received picture is a registered one.
fn part(proof: ProofId, verification: &Verification) -> String {
    let mut parts = verification
        .findings()
        .filter_map(|(_, finding)| finding.part);
    let percent = |thousandths: u16| (thousandths + 5) / 10;
    match parts.next() {
        // All but a border of it: nothing else is beside it.
        Some(part) if part.fills < 980 => format!(
            "The registered picture fills {} % of this image, and {} % of that picture is there: it descends from the original of proof {proof}, by its points. What lies beside it is not ours, and what is there may have been altered since.",
            percent(part.fills),
            percent(part.seen),
        ),
        Some(part) => format!(
            "This image is {} % of the original of proof {proof}, by its points. It may have been altered since.",
            percent(part.seen),
        ),
        None => format!(
            "This image descends from the original of proof {proof}, by its points. It may have been altered since."
        ),
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
