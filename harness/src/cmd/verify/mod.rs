//! `credlink verify`.

mod words;

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use credlink_corpus::MAX_FILE_BYTES;
use credlink_harness::{clock, exit, identity, received};
use credlink_sign_core::answer::{Answer, Verdict};
use credlink_sign_core::keys::{ANCHOR_FILE, CHAIN_FILE, TrustAnchor, WATERMARK_FILE};
use credlink_sign_core::store::ProofStore;
use credlink_sign_core::{Asset, Depth, Verifier};
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
        let verdict = Verdict::Unreadable(reason);
        Self {
            text: format!("The file could not be read, so nothing is said about it: {reason}."),
            report: json!({
                "file": path.display().to_string(),
                "verdict": verdict.word(),
                "unreadable": reason,
            }),
            code: code(&verdict),
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
        let answer = Answer::about(verifier, &file, Depth::AllCarriers, &clock::wall_nanos);
        let verdict = answer.verdict();
        let mut report = json!({
            "file": path.display().to_string(),
            "verdict": verdict.word(),
            "proofs_in_store": self.proofs,
            "trust": self.trust,
        });
        if let (Value::Object(report), Value::Object(all)) = (&mut report, answer.json()) {
            report.extend(all);
        }
        let known = |proof| verifier.store().by_id(proof).is_some();
        let mut text = words::sentence(&verdict, &answer.verification, self.proofs, &known);
        text.push_str(&words::history(&answer.conclusion, verifier.store()));
        if let Some(content) = &answer.content {
            write!(text, "\n{}", words::compared(content))?;
        }
        match &answer.manifest {
            Some(manifest) => write!(text, "\n\n{}", words::manifest(manifest))?,
            None => {
                for link in &answer.links {
                    write!(
                        text,
                        "\nIts XMP names a manifest elsewhere, which was not fetched: {link}"
                    )?;
                }
            }
        }
        write!(text, "\n\n{}", words::ladder(&answer.verification)?)?;
        write!(text, "\n{}", trusted(self.trust.as_ref()))?;
        Ok(Seen {
            text,
            report,
            code: code(&verdict),
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

fn code(verdict: &Verdict<'_>) -> u8 {
    match verdict {
        Verdict::Unconfirmed => exit::UNCONFIRMED,
        Verdict::Altered(_) => exit::ALTERED,
        Verdict::Found(_) => exit::OK,
        Verdict::Broken => exit::BROKEN,
        Verdict::Expired => exit::EXPIRED,
        Verdict::Foreign(_) => exit::FOREIGN,
        Verdict::Unreadable(_) => exit::UNREADABLE,
        Verdict::Nothing => exit::NO_PROOF,
    }
}
