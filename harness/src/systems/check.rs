//! The conformance test that whoever writes an adapter runs: does it do what docs/ADAPTERS.md asks?

use credlink_corpus::ImageSet;
use credlink_sign_core::carriers::State;
use credlink_sign_core::{Asset, ProofId};

use super::adapter::{Adapter, Description, SealedAdapter};
use super::{Sealed, System as _};
use crate::{clock, identity, received};

/// Images of each kind: signed, and never signed.
const IMAGES: usize = 3;
/// Images that are looked at to find so many that the system signs.
const LOOKED_AT: usize = 60;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Passed,
    /// As nobody forbids, and as the author should know.
    Noted,
    /// As it must not.
    Failed,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Noted => "note",
            Self::Failed => "FAILED",
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
}

impl Check {
    /// Whether it did not fail.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdict != Verdict::Failed
    }
}

/// An image and its proof.
struct Sample {
    name: String,
    source: Vec<u8>,
    signed: Vec<u8>,
    id: ProofId,
}

/// What verification said, as much as has to be the same each time.
type Said = Result<(State, Option<ProofId>, Option<u32>), String>;

/// Runs every check; what comes after a failure that makes it pointless is left out.
#[must_use]
pub fn checked(description: &Description, set: &dyn ImageSet) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |name, verdict, detail: String| {
        checks.push(Check {
            name,
            verdict,
            detail,
        })
    };
    let adapter = match Adapter::start(description.clone(), 1, 1, None) {
        Ok(adapter) => adapter,
        Err(failure) => {
            add(
                "starts and says hello",
                Verdict::Failed,
                failure.reason().to_owned(),
            );
            return checks;
        }
    };
    let about = adapter.about();
    add(
        "starts and says hello",
        Verdict::Passed,
        format!("version {}", about.version),
    );
    match adapter.probe() {
        Ok(()) => add(
            "answers an unknown request with an error",
            Verdict::Passed,
            "and goes on".to_owned(),
        ),
        Err(what) => add(
            "answers an unknown request with an error",
            Verdict::Failed,
            what,
        ),
    }
    let (samples, unsigned) = match samples(&adapter, set, &mut add) {
        Some(samples) => samples,
        None => return checks,
    };
    if adapter.is_deterministic() {
        repeats(&adapter, &samples, &mut add);
    } else {
        add(
            "signs the same twice",
            Verdict::Noted,
            "it does not say that it is deterministic".to_owned(),
        );
    }
    let sealed = match adapter.sealed() {
        Ok(sealed) => sealed,
        Err(error) => {
            add("takes the registry", Verdict::Failed, error.to_string());
            return checks;
        }
    };
    verifies(&sealed, &samples, &unsigned, &mut add);
    checks
}

type Add<'a> = dyn FnMut(&'static str, Verdict, String) + 'a;

/// Signs the first images that it takes, and finds as many that stay unsigned.
fn samples(
    adapter: &Adapter,
    set: &dyn ImageSet,
    add: &mut Add<'_>,
) -> Option<(Vec<Sample>, Vec<Vec<u8>>)> {
    const NAME: &str = "signs images and keeps their format";
    let (mut samples, mut unsigned, mut refused) = (Vec::new(), Vec::new(), 0);
    let mut times = Vec::new();
    let count = set.header().files.unwrap_or(LOOKED_AT).min(LOOKED_AT);
    for index in 0..count {
        let Ok(loaded) = set.load(index) else {
            continue;
        };
        if samples.len() == IMAGES {
            unsigned.push(loaded.bytes);
            if unsigned.len() == IMAGES {
                break;
            }
            continue;
        }
        let id = identity::proof_id(1, index, &loaded.bytes);
        let file = Asset::new(&loaded.bytes, &received::decode_bytes);
        let start = clock::wall_nanos();
        match adapter.sign(&file, id) {
            Ok(signed) if signed.refused.is_some() => refused += 1,
            Ok(signed) => {
                times.push(millis_since(start));
                let registered = signed.registered.unwrap_or_default();
                if let Err(error) = adapter.register(id, &registered) {
                    add(NAME, Verdict::Failed, error.to_string());
                    return None;
                }
                samples.push(Sample {
                    name: set.entry(index).name.clone(),
                    source: loaded.bytes,
                    signed: signed.bytes,
                    id,
                });
            }
            Err(error) => {
                add(NAME, Verdict::Failed, error.to_string());
                return None;
            }
        }
    }
    if samples.len() < IMAGES || unsigned.len() < IMAGES {
        let what = format!(
            "{} of {IMAGES} images were signed and {refused} refused, of {count}",
            samples.len()
        );
        add(NAME, Verdict::Failed, what);
        return None;
    }
    let undecodable = samples
        .iter()
        .find_map(|sample| received::decode_bytes(&sample.signed).err());
    match undecodable {
        Some(error) => add(
            NAME,
            Verdict::Failed,
            format!("a signed file cannot be decoded: {error}"),
        ),
        None => {
            let times: Vec<String> = times.iter().map(ToString::to_string).collect();
            let detail = format!(
                "{} images in {} ms; {refused} refused",
                samples.len(),
                times.join(", ")
            );
            add(NAME, Verdict::Passed, detail);
        }
    }
    Some((samples, unsigned))
}

fn repeats(adapter: &Adapter, samples: &[Sample], add: &mut Add<'_>) {
    const NAME: &str = "signs the same twice";
    for sample in samples {
        let file = Asset::new(&sample.source, &received::decode_bytes);
        let (verdict, detail) = match adapter.sign(&file, sample.id) {
            Ok(again) if again.bytes == sample.signed => continue,
            Ok(_) => (
                Verdict::Failed,
                format!("{}: other bytes the second time", sample.name),
            ),
            Err(error) => (Verdict::Failed, error.to_string()),
        };
        add(NAME, verdict, detail);
        return;
    }
    add(NAME, Verdict::Passed, "the same bytes".to_owned());
}

fn said(sealed: &dyn Sealed, bytes: &[u8], issued: Option<ProofId>) -> Said {
    let file = Asset::new(bytes, &received::decode_bytes);
    let answer = sealed
        .verify(&file, &clock::wall_nanos)
        .map_err(|error| format!("{}: {}", error.cause, error.reason))?;
    let near = (answer.nearness)(issued, &|_| false);
    let finding = &answer.verification.carriers[0].finding;
    Ok((
        finding.state,
        finding.proof,
        near.first().and_then(|near| near.own),
    ))
}

/// Verifies signed images untouched, and gives the answers.
fn finds(sealed: &SealedAdapter, samples: &[Sample], add: &mut Add<'_>) -> Vec<Said> {
    let mut first: Vec<Said> = Vec::new();
    let mut missed = Vec::new();
    let start = clock::wall_nanos();
    for sample in samples {
        let answer = said(sealed, &sample.signed, Some(sample.id));
        let found = matches!(&answer, Ok((state, proof, _)) if state.is_accepted() && *proof == Some(sample.id));
        if !found {
            missed.push(format!("{}: {answer:?}", sample.name));
        }
        first.push(answer);
    }
    let each = millis_since(start) / samples.len().max(1) as u64;
    // A system that misses its own files untouched is measured all the same, and its author should know; one that cannot read
    // them does nothing.
    let verdict = match (missed.is_empty(), first.iter().any(Result::is_ok)) {
        (true, _) => Verdict::Passed,
        (false, true) => Verdict::Noted,
        (false, false) => Verdict::Failed,
    };
    add(
        "finds signed images untouched",
        verdict,
        format!(
            "{} of {}, {each} ms each; {}",
            samples.len() - missed.len(),
            samples.len(),
            missed.join("; ")
        )
        .trim_end_matches("; ")
        .to_owned(),
    );
    first
}

fn verifies(sealed: &SealedAdapter, samples: &[Sample], unsigned: &[Vec<u8>], add: &mut Add<'_>) {
    let mut first = finds(sealed, samples, add);
    let mut accepted = Vec::new();
    for bytes in unsigned {
        let answer = said(sealed, bytes, None);
        if !matches!(&answer, Ok((state, ..)) if !state.is_accepted()) {
            accepted.push(format!("{answer:?}"));
        }
        first.push(answer);
    }
    add(
        "finds nothing in unsigned images",
        if accepted.is_empty() {
            Verdict::Passed
        } else {
            Verdict::Noted
        },
        format!(
            "{} of {}; {}",
            unsigned.len() - accepted.len(),
            unsigned.len(),
            accepted.join("; ")
        )
        .trim_end_matches("; ")
        .to_owned(),
    );
    let files = || {
        let signed = samples
            .iter()
            .map(|sample| (sample.signed.as_slice(), Some(sample.id)));
        signed.chain(unsigned.iter().map(|bytes| (bytes.as_slice(), None)))
    };
    let again = |order: Vec<usize>| {
        let files: Vec<_> = files().collect();
        let differs = |at: &usize| said(sealed, files[*at].0, files[*at].1) != first[*at];
        order.into_iter().find(differs)
    };
    let turned: Vec<usize> = (0..files().count()).rev().collect();
    same("says the same in another order", again(turned.clone()), add);
    sealed.end_idle();
    same("says the same after a restart", again(turned), add);
    survives(sealed, &samples[0], &first[0], add);
}

/// Files that are none, and what comes after them.
fn survives(sealed: &SealedAdapter, sample: &Sample, before: &Said, add: &mut Add<'_>) {
    for (name, bytes) in [
        ("survives an empty file", Vec::new()),
        (
            "survives garbage",
            (0_u8..=255).cycle().take(5000).collect(),
        ),
        (
            "survives half a file",
            sample.signed[..sample.signed.len() / 2].to_vec(),
        ),
    ] {
        let (verdict, detail) = match sealed.raw(&bytes) {
            Ok(state) if state.is_accepted() && name != "survives half a file" => {
                (Verdict::Failed, format!("it says {state}"))
            }
            Ok(state) => (Verdict::Passed, format!("{state}")),
            Err(error) if error.cause.starts_with("adapter-") => (Verdict::Failed, error.reason),
            Err(error) => (Verdict::Passed, error.reason),
        };
        add(name, verdict, detail);
    }
    let after = said(sealed, &sample.signed, Some(sample.id));
    same("goes on afterwards", (after != *before).then_some(0), add);
    let notes = sealed.notes();
    match notes.first() {
        None => add(
            "needs no second try",
            Verdict::Passed,
            "no request failed".to_owned(),
        ),
        Some(note) => add("needs no second try", Verdict::Failed, note.clone()),
    }
}

fn millis_since(start: u64) -> u64 {
    clock::wall_nanos().saturating_sub(start) / 1_000_000
}

fn same(name: &'static str, differs: Option<usize>, add: &mut Add<'_>) {
    match differs {
        None => add(name, Verdict::Passed, "the same answers".to_owned()),
        Some(at) => add(
            name,
            Verdict::Failed,
            format!("file {at} got another answer"),
        ),
    }
}
