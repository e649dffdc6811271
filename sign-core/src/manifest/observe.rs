//! The manifest of a file whoever signed it: which one it is, and whether it holds. For measuring what becomes of other
//! people's Content Credentials, without a key of theirs.

use std::collections::HashSet;
use std::io::Cursor;

use c2pa::validation_results::ValidationState;
use c2pa::{Error, Manifest, Reader, jumbf_io};
use credlink_image_files::{Format, containers};
use sha2::{Digest, Sha256};

use super::read::{error_code, failures};
use super::{Engine, EngineError, guarded, trust};

/// How far back the parents of a manifest are followed.
const MAX_GENERATIONS: usize = 16;

/// Reads manifests of strangers. Nothing is fetched: a manifest that lies elsewhere is named, and absent.
#[derive(Clone, Debug)]
pub struct Observer {
    engine: Engine,
    asks_for_trust: bool,
}

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// It has no manifest. The address of one that lies elsewhere, if the file names it.
    Absent(Option<String>),
    /// It has one that does not hold, with C2PA's codes; its label if it could be read.
    Broken {
        /// What it is called.
        label: Option<String>,
        /// Why it does not hold.
        codes: Vec<String>,
    },
    /// It has one that holds.
    Holds(Box<Held>),
}

/// A manifest that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What it is called: a name that no other manifest should have.
    pub label: String,
    /// SHA-256 of the whole manifest store.
    pub store_sha256: [u8; 32],
    /// What its parent, the parent of that one, and so on are called, as the signer says.
    pub parents: Vec<String>,
}

impl Observer {
    /// One that takes every certificate, or with anchors (PEM) those alone that they vouch for.
    ///
    /// # Errors
    /// [`EngineError`] if the C2PA library does not take the anchors.
    pub fn new(anchors: Option<&str>) -> Result<Self, EngineError> {
        Ok(Self {
            engine: Engine::vouching(&[], anchors.unwrap_or_default())?,
            asks_for_trust: anchors.is_some(),
        })
    }

    /// Looks at a file.
    pub fn observe(&self, format: Format, bytes: &[u8]) -> Observed {
        let read = guarded(|| {
            Reader::from_shared_context(&self.engine.0)
                .with_stream(format.mime(), Cursor::new(bytes))
        });
        let reader = match read {
            Ok(reader) => reader,
            Err(Error::JumbfNotFound) => return Observed::Absent(None),
            Err(Error::RemoteManifestUrl(url)) => return Observed::Absent(Some(url)),
            Err(_) if !containers::has_manifest(format, bytes) => return Observed::Absent(None),
            Err(error) => {
                return Observed::Broken {
                    label: None,
                    codes: vec![error_code(&error).to_owned()],
                };
            }
        };
        let label = reader.active_label().map(str::to_owned);
        let good_enough = match reader.validation_state() {
            ValidationState::Trusted => {
                let mut active = reader.active_manifest().into_iter();
                !self.asks_for_trust || active.any(trust::is_sound_in)
            }
            ValidationState::Valid => !self.asks_for_trust,
            ValidationState::Invalid => false,
        };
        let store = guarded(|| jumbf_io::load_jumbf_from_memory(format.mime(), bytes));
        match (label, reader.active_manifest(), store) {
            (Some(label), Some(active), Ok(store)) if good_enough => {
                Observed::Holds(Box::new(Held {
                    parents: parents(&reader, active),
                    label,
                    store_sha256: Sha256::digest(store).into(),
                }))
            }
            (label, ..) => Observed::Broken {
                label,
                codes: failures(&reader),
            },
        }
    }
}

/// The labels of the manifests that this one says it descends from, the nearest first.
fn parents(reader: &Reader, active: &Manifest) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut labels = Vec::new();
    let mut manifest = active;
    while labels.len() < MAX_GENERATIONS {
        let mut ingredients = manifest.ingredients().iter();
        let parent = ingredients.find(|ingredient| ingredient.is_parent());
        let Some(label) = parent.and_then(|parent| parent.active_manifest()) else {
            break;
        };
        let Some(parent) = reader.get_manifest(label).filter(|_| seen.insert(label)) else {
            break;
        };
        labels.push(label.to_owned());
        manifest = parent;
    }
    labels
}
