//! `credlink sign-run`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use credlink_harness::exit;
use credlink_reports::{RunDir, bound_header};
use credlink_sign_core::keys::{Identity, TrustAnchor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::SignRunArgs;

/// The signature beside the header that it is over.
const FILE: &str = "run.json.signature";
const PURPOSE: &str = "survival run";

/// The signature file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    version: u32,
    /// Whom to look for; what counts is whose key confirms it.
    signer: String,
    key: String,
    /// Ed25519 over the purpose and the bytes of `run.json`.
    signature: String,
}

pub(crate) fn run(args: &SignRunArgs) -> Result<u8> {
    let run = RunDir::open(&args.run)?;
    // The header names the digest of the rows, so a signature over it is one over them, once both agree.
    let header = bound_header(&run)?;
    anyhow::ensure!(
        header.rows_digest.is_some(),
        "run.json of {} names no digest of its rows, as runs of earlier versions; a signature would not cover them",
        header.id
    );
    let bytes = std::fs::read(run.header())
        .with_context(|| format!("failed to read {}", run.header().display()))?;
    let path = run.root().join(FILE);
    if args.check {
        return check(args, &path, &bytes, &header.id);
    }
    let identity = Identity::load(&args.keys)?;
    let anchor = identity.anchor()?;
    let signed = Signed {
        version: 1,
        signer: anchor.name().to_owned(),
        key: anchor.key_fingerprint(),
        signature: identity.sign_statement(PURPOSE, &bytes),
    };
    let text = serde_json::to_string_pretty(&signed)? + "\n";
    super::write_new(&path, text.as_bytes())?;
    say(args, &header.id, &path, &anchor, true)?;
    Ok(exit::OK)
}

fn check(args: &SignRunArgs, path: &PathBuf, header: &[u8], run: &str) -> Result<u8> {
    let anchor = TrustAnchor::load(&args.keys)?;
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("run {run} is not signed: failed to read {}", path.display()))?;
    let signed: Signed = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a signature of a run", path.display()))?;
    anyhow::ensure!(
        signed.version == 1,
        "{} is of version {}, which this program does not know",
        path.display(),
        signed.version
    );
    let holds = anchor.confirms_statement(PURPOSE, header, &signed.signature);
    say(args, run, path, &anchor, holds)?;
    Ok(if holds { exit::OK } else { exit::DIFFERS })
}

fn say(
    args: &SignRunArgs,
    run: &str,
    path: &Path,
    anchor: &TrustAnchor,
    holds: bool,
) -> Result<()> {
    let (name, key) = (anchor.name(), anchor.key_fingerprint());
    if args.json {
        let answer =
            json!({ "run": run, "file": path, "signer": name, "key": key, "holds": holds });
        return super::say(&format!("{answer:#}"));
    }
    let words = match (args.check, holds) {
        (false, _) => format!("{}: run {run} signed by {name} (key {key})", path.display()),
        (true, true) => {
            format!("run {run}: header and rows are as {name} (key {key}) signed them")
        }
        (true, false) => format!(
            "run {run}: {} is no signature of {name} (key {key}) over this header",
            path.display()
        ),
    };
    super::say(&words)
}
