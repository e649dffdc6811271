//! What the manifest of a file says, whosever it is: for people and machines that ask about a file of strangers.

use std::io::Cursor;

use c2pa::validation_results::ValidationState;
use c2pa::validation_results::validation_codes as code;
use c2pa::{Manifest, Reader};
use credlink_image_files::{Format, containers};
use serde::Serialize;
use serde_json::Value;

use super::read::failures;
use super::{Engine, SOFT_BINDING, guarded, trust};

/// Entries of each list that are told; a manifest may hold thousands.
const MOST: usize = 32;
/// Characters of each text.
const LONGEST: usize = 200;

/// How far a manifest is to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It holds, and its certificate leads to an anchor that was handed in.
    Trusted,
    /// It holds, but nobody who was handed in vouches for its certificate: anybody could have made it.
    UnknownSigner,
    /// Its bytes hold, but its certificate was not valid at the time, or is unfit for signing content.
    UnfitCertificate,
    /// The file or the manifest was changed, or the manifest contradicts itself.
    Invalid,
}

/// One thing that was done to the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// C2PA's name of it, such as `c2pa.resized`.
    pub action: String,
    /// What the content is, by the last part of its IPTC term, such as `digitalCapture`.
    pub source_type: Option<String>,
    /// When, as the signer says.
    pub when: Option<String>,
}

/// Something that the picture was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ingredient {
    /// Its title.
    pub title: Option<String>,
    /// `parentOf`, `componentOf` or `inputTo`.
    pub relationship: String,
    /// Whether it has a manifest of its own in this file.
    pub has_manifest: bool,
}

/// A pointer from the content to its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// The algorithm, by its name in the soft-binding list.
    pub algorithm: String,
    /// The value: bytes as hexadecimal digits, text as it is.
    pub value: String,
}

/// What a manifest says, in its own words; nothing in it is ours. Texts and lists are cut where they are endless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Described {
    /// How far it is to be believed.
    pub standing: Standing,
    /// C2PA's codes of what is wrong, each once.
    pub codes: Vec<String>,
    /// The organisation in the signer's certificate, or its common name.
    pub signer: Option<String>,
    /// The signature algorithm.
    pub algorithm: Option<String>,
    /// When it was signed, by a time-stamping authority; `None` where none was asked, so that only the signer could say.
    pub time_stamp: Option<String>,
    /// Whether somebody who was named vouches for that authority; the time is its word alone where nobody does.
    pub is_time_stamp_trusted: bool,
    /// The programs that made the claim.
    pub generators: Vec<String>,
    /// The title of the picture.
    pub title: Option<String>,
    /// What was done, in order.
    pub actions: Vec<Action>,
    /// What it was made from.
    pub ingredients: Vec<Ingredient>,
    /// Soft bindings.
    pub soft_bindings: Vec<Binding>,
}

/// A manifest that cannot be read, for these reasons.
fn unreadable(codes: Vec<String>) -> Described {
    Described {
        standing: Standing::Invalid,
        codes,
        signer: None,
        algorithm: None,
        time_stamp: None,
        is_time_stamp_trusted: false,
        generators: Vec::new(),
        title: None,
        actions: Vec::new(),
        ingredients: Vec::new(),
        soft_bindings: Vec::new(),
    }
}

/// Describes the active manifest of a file; `None` where it has none.
pub(crate) fn described(engine: &Engine, format: Format, bytes: &[u8]) -> Option<Described> {
    if !containers::has_manifest(format, bytes) {
        return None;
    }
    let read = guarded(|| {
        Reader::from_shared_context(&engine.0).with_stream(format.mime(), Cursor::new(bytes))
    });
    let reader = match read {
        Ok(reader) => reader,
        Err(error) => return Some(unreadable(vec![super::read::error_code(&error).to_owned()])),
    };
    let Some(manifest) = reader.active_manifest() else {
        return Some(unreadable(vec![code::CLAIM_MISSING.to_owned()]));
    };
    let mut codes = failures(&reader);
    let mut state = reader.validation_state();
    if state == ValidationState::Trusted && !trust::is_sound_in(manifest) {
        codes.push(code::SIGNING_CREDENTIAL_UNTRUSTED.to_owned());
        state = ValidationState::Valid;
    }
    let data = |wanted: &str| {
        manifest
            .assertions()
            .iter()
            .filter(|found| found.label().split("__").next() == Some(wanted))
            .filter_map(|found| found.value().ok())
            .collect::<Vec<&Value>>()
    };
    let actions = [data("c2pa.actions"), data("c2pa.actions.v2")].concat();
    let signature = manifest.signature_info();
    Some(Described {
        standing: standing(state, &codes),
        codes,
        signer: manifest
            .issuer()
            .or_else(|| manifest.common_name())
            .map(|name| cut(&name)),
        algorithm: signature
            .and_then(|signature| signature.alg)
            .map(|algorithm| algorithm.to_string()),
        time_stamp: manifest.time(),
        is_time_stamp_trusted: reader
            .validation_results()
            .and_then(|results| results.active_manifest())
            .is_some_and(|status| {
                let mut found = status.success().iter();
                found.any(|found| found.code() == code::TIMESTAMP_TRUSTED)
            }),
        generators: generators(manifest),
        title: manifest.title().map(cut),
        actions: actions
            .iter()
            .flat_map(|data| list(&data["actions"]))
            .take(MOST)
            .map(action)
            .collect(),
        ingredients: manifest
            .ingredients()
            .iter()
            .take(MOST)
            .map(|ingredient| Ingredient {
                title: ingredient.title().map(cut),
                relationship: text(
                    &serde_json::to_value(ingredient.relationship()).unwrap_or_default(),
                )
                .unwrap_or_default(),
                has_manifest: ingredient.active_manifest().is_some(),
            })
            .collect(),
        soft_bindings: data(SOFT_BINDING)
            .into_iter()
            .take(MOST)
            .map(|data| Binding {
                algorithm: text(&data["alg"]).unwrap_or_default(),
                value: binding_value(&data["blocks"][0]["value"]),
            })
            .collect(),
    })
}

/// "Valid" is said only of what validates: a certificate that is expired or unfit makes a manifest neither.
fn standing(state: ValidationState, codes: &[String]) -> Standing {
    const OF_CERTIFICATE: [&str; 5] = [
        code::SIGNING_CREDENTIAL_INVALID,
        code::SIGNING_CREDENTIAL_EXPIRED,
        code::SIGNING_CREDENTIAL_REVOKED,
        code::CLAIM_SIGNATURE_OUTSIDE_VALIDITY,
        code::TIMESTAMP_OUTSIDE_VALIDITY,
    ];
    let of_certificate = |code: &String| OF_CERTIFICATE.contains(&code.as_str());
    let of_trust = |code: &String| code == code::SIGNING_CREDENTIAL_UNTRUSTED;
    let is_whole = codes
        .iter()
        .all(|code| of_certificate(code) || of_trust(code));
    if codes.iter().any(of_certificate) && is_whole {
        return Standing::UnfitCertificate;
    }
    match state {
        ValidationState::Trusted => Standing::Trusted,
        ValidationState::Valid => Standing::UnknownSigner,
        ValidationState::Invalid => Standing::Invalid,
    }
}

fn generators(manifest: &Manifest) -> Vec<String> {
    let told = serde_json::to_value(manifest).unwrap_or_default();
    let mut names: Vec<String> = list(&told["claim_generator_info"])
        .filter_map(|info| {
            let name = text(&info["name"])?;
            let version = text(&info["version"]);
            Some(version.map_or_else(|| name.clone(), |version| format!("{name} {version}")))
        })
        .take(MOST)
        .collect();
    if names.is_empty() {
        names.extend(manifest.claim_generator().map(cut));
    }
    names
}

fn action(data: &Value) -> Action {
    let source = text(&data["digitalSourceType"]);
    Action {
        action: text(&data["action"]).unwrap_or_default(),
        source_type: source.map(|term| term.rsplit('/').next().unwrap_or_default().to_owned()),
        when: text(&data["when"]),
    }
}

/// Bytes as hexadecimal digits; text, which earlier signers wrote, as it is.
fn binding_value(value: &Value) -> String {
    let bytes = list(value).filter_map(Value::as_u64);
    let digits: String = bytes
        .take(LONGEST)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    text(value).unwrap_or(digits)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(cut)
}

/// Without control characters, and no longer than anybody reads.
fn cut(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(LONGEST).collect()
}
