//! What the items of the table look like.
//!
//! | key | what |
//! |---|---|
//! | `proof#ID` | the digests of record, manifest and points, the manifest's label, SHA-256 of the signed file (`file`), and who wrote it |
//! | `urn#LABEL` | the proof whose manifest has this label |
//! | `log#NUMBER` | ids and looks of the proofs that were added together, and how many there are with them; numbers ascend without a gap |

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use credlink_sign_core::ProofId;
use credlink_sign_core::store::Resident;

use super::Digest;
use crate::store::{LOOKS, StoreError, failed, resident};

pub(super) type Item = HashMap<String, AttributeValue>;

/// The key of every item, its secondary index, and attributes of more than one kind of item.
pub(super) const KEY: &str = "pk";
pub(super) const FILE: &str = "file";
pub(super) const WRITER: &str = "writer";
pub(super) const TOTAL: &str = "total";
/// Bytes of a proof in the log: its id and what it looks like.
const LOGGED: usize = 8 + LOOKS;

/// Where the parts of a proof are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) record: Digest,
    pub(super) manifest: Digest,
    pub(super) points: Option<Digest>,
}

/// A proof for the table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: ProofId,
    pub(super) parts: Parts,
    pub(super) looks: [u8; LOOKS],
    pub(super) urn: String,
    pub(super) file: Digest,
}

/// The end of the log: its last number, and how many proofs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    pub(super) number: u64,
    pub(super) total: u64,
}

pub(super) fn proof_key(id: ProofId) -> String {
    format!("proof#{id}")
}

pub(super) fn urn_key(urn: &str) -> String {
    format!("urn#{urn}")
}

pub(super) fn log_key(number: u64) -> String {
    format!("log#{number:020}")
}

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn bytes(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

fn digest_of(item: &Item, name: &str) -> Option<Digest> {
    item.get(name)?.as_b().ok()?.as_ref().try_into().ok()
}

pub(super) fn key_of(item: &Item) -> Option<&str> {
    Some(item.get(KEY)?.as_s().ok()?)
}

pub(super) fn proof_of(key: &str) -> Option<ProofId> {
    key.strip_prefix("proof#")?.parse().ok()
}

impl Parts {
    pub(super) fn of(item: &Item) -> Option<Self> {
        let points = item.contains_key("points");
        Some(Self {
            record: digest_of(item, "record")?,
            manifest: digest_of(item, "manifest")?,
            points: match points {
                true => Some(digest_of(item, "points")?),
                false => None,
            },
        })
    }
}

impl Entry {
    pub(super) fn item(&self, writer: &str) -> Item {
        let Parts {
            record,
            manifest,
            points,
        } = self.parts;
        let mut item = Item::from([
            (KEY.to_owned(), text(proof_key(self.id))),
            ("record".to_owned(), bytes(record)),
            ("manifest".to_owned(), bytes(manifest)),
            ("urn".to_owned(), text(&self.urn)),
            (FILE.to_owned(), bytes(self.file)),
            (WRITER.to_owned(), text(writer)),
        ]);
        if let Some(points) = points {
            item.insert("points".to_owned(), bytes(points));
        }
        item
    }

    pub(super) fn label(&self, writer: &str) -> Item {
        Item::from([
            (KEY.to_owned(), text(urn_key(&self.urn))),
            ("proof".to_owned(), text(self.id.to_string())),
            (WRITER.to_owned(), text(writer)),
        ])
    }
}

/// The number of the log that some proofs are added under.
pub(super) fn log_item(end: End, entries: &[&Entry], writer: &str) -> Item {
    let mut looks = Vec::with_capacity(entries.len() * LOGGED);
    for entry in entries {
        looks.extend(entry.id.value().to_be_bytes());
        looks.extend(entry.looks);
    }
    Item::from([
        (KEY.to_owned(), text(log_key(end.number))),
        ("looks".to_owned(), bytes(looks)),
        (TOTAL.to_owned(), AttributeValue::N(end.total.to_string())),
        (WRITER.to_owned(), text(writer)),
    ])
}

/// How many proofs there are with those of an entry of the log.
pub(super) fn total_of(number: u64, item: &Item) -> Result<u64, StoreError> {
    let total = item.get(TOTAL).and_then(|total| total.as_n().ok());
    let total = total.and_then(|total| total.parse().ok());
    total.ok_or_else(|| damaged_log(number))
}

/// The proofs of an entry of the log, which has to be there.
pub(super) fn logged(number: u64, item: Option<&Item>) -> Result<Vec<Resident>, StoreError> {
    let looks = item
        .and_then(|item| item.get("looks"))
        .and_then(|looks| looks.as_b().ok());
    let looks = looks
        .map(Blob::as_ref)
        .filter(|looks| looks.len() % LOGGED == 0);
    let looks = looks.ok_or_else(|| damaged_log(number))?;
    let one = |one: &[u8]| {
        let (id, looks) = one.split_at(8);
        let id = u64::from_be_bytes(std::array::from_fn(|at| id[at]));
        resident(ProofId::new(id), looks)
    };
    looks.chunks_exact(LOGGED).map(one).collect()
}

/// The proof that a label belongs to.
pub(super) fn labelled(urn: &str, item: &Item) -> Result<ProofId, StoreError> {
    let id = item.get("proof").and_then(|id| id.as_s().ok());
    let id = id.and_then(|id| id.parse().ok());
    id.ok_or_else(|| failed("read")(&format!("the entry of {urn:?} is damaged")))
}

fn damaged_log(number: u64) -> StoreError {
    failed("read")(&format!("entry {number} of its log is damaged"))
}
