//! `credlink verify`.

mod words;

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use credlink_corpus::MAX_FILE_BYTES;
use credlink_harness::{clock, exit, identity, received};
use credlink_sign_core::conclusion::{Accepted, Conclusion, conclude};
use credlink_sign_core::keys::{ANCHOR_FILE, CHAIN_FILE, TrustAnchor, WATERMARK_FILE};
use credlink_sign_core::manifest::Standing;
use credlink_sign_core::sketch::Comparison;
use credlink_sign_core::store::ProofStore;
use credlink_sign_core::{Asset, Shown, Verifier};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::{DEFAULT_KEYS, DEFAULT_STORE, VerifyArgs};

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

pub(crate) fn run(args: &VerifyArgs) -> Result<u8> {
    let examiner = Examiner::new(args)?;
    let mut worst = exit::OK;
    let mut reports = Vec::new();
    for path in &args.files {
        // A file that cannot be opened is no answer about it, and the others are asked about all the same.
        let seen = match read(path) {
            Ok(bytes) => examiner.seen(path, &bytes)?,
            Err(error) => Seen::unopened(path, &format!("{error:#}")),
        };
        worst = worst.max(seen.code);
        if args.json {
            reports.push(seen.report);
        } else if args.files.len() > 1 {
            super::say_beside(&format!("== {}\n{}\n", path.display(), seen.text))?;
        } else {
            super::say_beside(&seen.text)?;
        }
    }
    if args.json {
        let all = match <[Value; 1]>::try_from(reports) {
            Ok([one]) => one,
            Err(several) => Value::Array(several),
        };
        super::say_beside(&serde_json::to_string_pretty(&all)?)?;
    }
    Ok(worst)
}

/// A file, or standard input.
fn read(path: &Path) -> Result<Vec<u8>> {
    if path != Path::new(STANDARD_INPUT) {
        return super::read(path);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .context("failed to read standard input")?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(anyhow!(
            "standard input has more than {} MiB",
            MAX_FILE_BYTES >> 20
        ));
    }
    Ok(bytes)
}

/// What was found out about one file.
struct Seen {
    text: String,
    report: Value,
    code: u8,
}

impl Seen {
    fn unopened(path: &Path, reason: &str) -> Self {
        let verdict = Reply::Unreadable(reason);
        Self {
            text: format!("The file could not be read, so nothing is said about it: {reason}."),
            report: json!({
                "file": path.display().to_string(),
                "verdict": verdict.word(),
                "unreadable": reason,
            }),
            code: verdict.code(),
        }
    }
}

/// A verifier with what the command line says of it.
struct Examiner {
    verifier: Verifier,
    /// `None` where no keys of ours are at hand: then no proof can be ours.
    trust: Option<Trust>,
    /// Proofs in the store that are ours.
    proofs: usize,
}

impl Examiner {
    fn new(args: &VerifyArgs) -> Result<Self> {
        let folder = args.keys.as_deref().unwrap_or(Path::new(DEFAULT_KEYS));
        // On a stranger's machine there are none, and a manifest can be judged without.
        let anchor = if args.keys.is_none() && !folder.join(ANCHOR_FILE).exists() {
            None
        } else {
            Some(TrustAnchor::load(folder).with_context(|| {
                format!("failed to load certificates from {}", folder.display())
            })?)
        };
        let store = match &args.store {
            Some(named) => ProofStore::open(named)?,
            None if Path::new(DEFAULT_STORE).exists() => {
                ProofStore::open(Path::new(DEFAULT_STORE))?
            }
            // Manifests can be verified without a store.
            None => ProofStore::empty(),
        };
        let ours = anchor.as_slice();
        let (store, foreign) = store.without_foreign(ours);
        if let (Some(first), Some(anchor)) = (foreign.first(), &anchor) {
            super::complain(&format!(
                "left out of the store: {} records that {} did not sign, first {first}",
                foreign.len(),
                anchor.name()
            ));
        }
        let proofs = store.len() - foreign.len();
        let trust = anchor
            .as_ref()
            .map(|anchor| Trust::of(anchor, folder, args));
        let mut verifier = Verifier::new(anchor.into_iter().collect(), Arc::new(store))?;
        if let Some(list) = &args.trust {
            verifier = verifier.vouching(&super::read_text(list)?)?;
        }
        if args.any_key_of_root {
            verifier = verifier.trusting_whole_anchors();
        }
        // Without the secret everything else can be verified; the watermark then says that it could not be read.
        if folder.join(WATERMARK_FILE).exists() {
            let key = identity::loaded_watermark(folder)?.key()?;
            verifier = verifier.with_watermark(key, super::watermark::effort(args.search_rotation));
        }
        Ok(Self {
            verifier,
            trust,
            proofs,
        })
    }

    fn seen(&self, path: &Path, bytes: &[u8]) -> Result<Seen> {
        let verifier = &self.verifier;
        let file = Asset::new(bytes, &received::decode_bytes).with_clock(&clock::wall_nanos);
        let verification = verifier.verify(&file, &clock::wall_nanos);
        let parent = |proof| verifier.store().by_id(proof)?.parent();
        let conclusion = conclude(verification.findings(), &parent);
        let content = content(verifier, &file, &conclusion);
        let manifest = verifier.described(&file);
        let standing = manifest.as_ref().map(|manifest| manifest.standing);
        let verdict = Reply::of(&conclusion, standing, file.pixels().err());
        let report = json!({
            "file": path.display().to_string(),
            "verdict": verdict.word(),
            "proofs_in_store": self.proofs,
            "trust": self.trust,
            "conclusion": conclusion,
            "record": conclusion
                .accepted
                .and_then(|accepted| verifier.store().by_id(accepted.proof)?.history.as_ref()),
            "unreadable": file.pixels().err(),
            "manifest": manifest,
            "manifest_elsewhere": file.links(),
            "content": content.as_ref().map(|content| json!({
                "verdict": words::word(content.verdict),
                "similarity": content.similarity,
                "seen": content.coverage,
                "largest_difference": content.largest_difference,
                "local_difference": content.local_difference,
                "local_difference_at": content.local_difference_at,
                "change_noticed": content.is_change_noticed(),
            })),
            "verification": verification,
        });
        let known = |proof| verifier.store().by_id(proof).is_some();
        let mut text = words::sentence(&verdict, &verification, self.proofs, &known);
        text.push_str(&words::history(&conclusion, verifier.store()));
        if let Some(content) = &content {
            write!(text, "\n{}", words::compared(content))?;
        }
        match &manifest {
            Some(manifest) => write!(text, "\n\n{}", words::manifest(manifest))?,
            None => {
                for link in file.links() {
                    write!(
                        text,
                        "\nIts XMP names a manifest elsewhere, which was not fetched: {link}"
                    )?;
                }
            }
        }
        write!(text, "\n\n{}", words::ladder(&verification)?)?;
        write!(text, "\n{}", trusted(self.trust.as_ref()))?;
        Ok(Seen {
            text,
            report,
            code: verdict.code(),
        })
    }
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

impl Trust {
    fn of(anchor: &TrustAnchor, folder: &Path, args: &VerifyArgs) -> Self {
        let file = |name: &str| folder.join(name).display().to_string();
        Self {
            signer: anchor.name().to_owned(),
            key: anchor.key_fingerprint(),
            roots: anchor.roots(),
            any_key_of_root: args.any_key_of_root,
            files: [file(ANCHOR_FILE), file(CHAIN_FILE)],
        }
    }
}

fn trusted(trust: Option<&Trust>) -> String {
    let Some(trust) = trust else {
        return "Nothing is taken for ours: there are no keys here (--keys DIR).".to_owned();
    };
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
fn content(verifier: &Verifier, file: &Asset<'_>, conclusion: &Conclusion) -> Option<Comparison> {
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

/// What is said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply<'a> {
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

impl<'a> Reply<'a> {
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
    fn word(self) -> &'static str {
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

    fn code(self) -> u8 {
        match self {
            Self::Unconfirmed => exit::UNCONFIRMED,
            Self::Altered(_) => exit::ALTERED,
            Self::Found(_) => exit::OK,
            Self::Broken => exit::BROKEN,
            Self::Expired => exit::EXPIRED,
            Self::Foreign(_) => exit::FOREIGN,
            Self::Unreadable(_) => exit::UNREADABLE,
            Self::Nothing => exit::NO_PROOF,
        }
    }
}
