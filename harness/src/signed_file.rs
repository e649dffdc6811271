//! A signed image as stages hand it on and the journal keeps it.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, ensure};
use credlink_image_files::contents::Fate;
use credlink_sign_core::carriers::Cost;
use credlink_sign_core::{Distortion, ProofId};
use credlink_trial_record::Embedded;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A signed image, waiting on disk for its pipelines.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedFile {
    /// The proof that was issued for it.
    pub id: ProofId,
    /// The file in the run directory.
    #[serde(skip)]
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Size of the source file.
    pub source_bytes: u64,
    /// Size of the signed file.
    pub signed_bytes: u64,
    /// How well the image took each carrier, in ladder order.
    pub embedded: Vec<Embedded>,
    /// What the watermark alone did to the pixels; `None` where there is none.
    pub mark: Option<Distortion>,
    /// What signing did to the pixels; `None` where it changed none.
    pub distortion: Option<Distortion>,
    /// SSIMULACRA 2 of signed file and source; `None` where it was not asked for, or no pixel changed.
    pub perceptual: Option<f32>,
    /// What each carrier took, in ladder order.
    pub costs: Vec<Cost>,
    /// Why the system declined the image; `None` if it did not.
    pub refused: Option<String>,
    /// What became of everything that the source held beside its pixels.
    pub fate: Fate,
    /// Wall-clock time of signing and registering, decoding and hashing included, in nanoseconds.
    pub nanos: u64,
}

impl SignedFile {
    /// The file, as it was when it was signed.
    ///
    /// # Errors
    /// In words, naming it, when it cannot be read or is another.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        let path = self.path.display();
        let bytes = std::fs::read(&self.path).map_err(|error| format!("{path}: {error}"))?;
        match digest(&bytes) == self.sha256 {
            true => Ok(bytes),
            false => Err(self.is_another()),
        }
    }

    fn is_another(&self) -> String {
        let path = self.path.display();
        format!("{path} is not the file that was signed; put that back, or begin the run anew")
    }

    /// Checks that the file is there, by its length alone.
    ///
    /// # Errors
    /// In words, naming it.
    pub fn check(&self) -> Result<(), String> {
        let path = self.path.display();
        let about = std::fs::metadata(&self.path).map_err(|error| format!("{path}: {error}"))?;
        match about.len() == self.signed_bytes {
            true => Ok(()),
            false => Err(self.is_another()),
        }
    }
}

/// SHA-256 in hex, as [`SignedFile::sha256`] has it.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Why an image has no signed file: a short code for tables, and the reason in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningFailure {
    /// `source`, `sign`, `panic`, `crash`, or what the system calls it.
    pub cause: Cow<'static, str>,
    /// The reason, naming the image.
    pub reason: String,
}

/// What signing made of the planned images, by their place in the plan: nothing where an image is another part's, or the run was
/// stopped before. What is known of each lies in a file without a name; in memory is what is asked of all of them at once.
#[derive(Debug)]
pub struct SignedImages(Mutex<Known>);

#[derive(Debug)]
struct Known {
    file: File,
    end: u64,
    places: Vec<Option<Place>>,
    /// The folders that signed files lie in.
    folders: Vec<PathBuf>,
    /// How many images the system declined, by the reason.
    refused: BTreeMap<String, usize>,
}

/// Where in the file an image stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u64,
    length: u32,
    is_marked: bool,
    /// The proof that was issued; `None` for an image that could not be signed.
    proof: Option<ProofId>,
}

/// Signed, or why not.
pub type Signing = Result<SignedFile, SigningFailure>;

impl SignedImages {
    /// None yet of so many. The file lies in `folder`, or where that cannot be, where temporary files lie.
    ///
    /// # Errors
    /// When there is no such file to be had.
    pub fn none_of(images: usize, folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile());
        Ok(Self(Mutex::new(Known {
            file: file.context("failed to make a temporary file")?,
            end: 0,
            places: vec![None; images],
            folders: Vec::new(),
            refused: BTreeMap::new(),
        })))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first image of the plan that nothing is known of.
    #[must_use]
    pub fn first_missing(&self) -> Option<usize> {
        self.known().places.iter().position(Option::is_none)
    }

    /// Whether it is known what became of an image.
    #[must_use]
    pub fn has(&self, position: usize) -> bool {
        self.proof_or_failure(position).is_some()
    }

    /// The proof that was issued for an image; `None` where there is no signed file.
    #[must_use]
    pub fn proof(&self, position: usize) -> Option<ProofId> {
        self.proof_or_failure(position)?.proof
    }

    fn proof_or_failure(&self, position: usize) -> Option<Place> {
        *self.known().places.get(position)?
    }

    /// The images that have a signed file, or a signed file with a watermark.
    #[must_use]
    pub fn positions(&self, only_marked: bool) -> Vec<usize> {
        let fits = |place: &Place| place.proof.is_some() && (place.is_marked || !only_marked);
        let known = self.known();
        let places = known.places.iter().enumerate();
        let found = places.filter(|(_, place)| place.as_ref().is_some_and(fits));
        found.map(|(position, _)| position).collect()
    }

    /// Takes in what became of an image.
    ///
    /// # Errors
    /// When the plan has no such image, it is there already, or the disk is full.
    pub fn put(&self, position: usize, signing: &Signing) -> Result<()> {
        let mut known = self.known();
        let place = known.places.get(position);
        let place = place.context("it is of an image that the plan has not")?;
        ensure!(place.is_none(), "image {position} is there twice");
        let (folder, name) = match signing {
            Ok(file) => (known.folder_of(&file.path), name_of(&file.path)?),
            Err(_) => (0, ""),
        };
        let bytes = serde_json::to_vec(&(signing, folder, name))?;
        let at = known.end;
        known.file.seek(SeekFrom::Start(at))?;
        let written = known.file.write_all(&bytes);
        written.context("failed to keep what is known of a signed image")?;
        known.end += bytes.len() as u64;
        let file = signing.as_ref().ok();
        if let Some(reason) = file.and_then(|file| file.refused.clone()) {
            *known.refused.entry(reason).or_default() += 1;
        }
        known.places[position] = Some(Place {
            at,
            length: u32::try_from(bytes.len())?,
            is_marked: file.is_some_and(|file| file.mark.is_some()),
            proof: file.map(|file| file.id),
        });
        Ok(())
    }

    /// What became of an image.
    ///
    /// # Errors
    /// When it cannot be read back.
    pub fn get(&self, position: usize) -> Result<Option<Signing>> {
        let mut known = self.known();
        let Some(Some(place)) = known.places.get(position).copied() else {
            return Ok(None);
        };
        let mut bytes = vec![0; place.length as usize];
        known.file.seek(SeekFrom::Start(place.at))?;
        let read = known.file.read_exact(&mut bytes);
        read.context("failed to read what is known of a signed image")?;
        let (signing, folder, name): (Signing, usize, String) = serde_json::from_slice(&bytes)?;
        Ok(Some(signing.map(|file| SignedFile {
            path: known.folders[folder].join(name),
            ..file
        })))
    }

    /// What systems declined, and why: a sentence for each reason, the most frequent first.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        let known = self.known();
        let mut reasons: Vec<(&String, &usize)> = known.refused.iter().collect();
        reasons.sort_by_key(|(_, count)| Reverse(**count));
        let all = known.places.len();
        let told = reasons.into_iter().map(|(reason, count)| {
            format!("{count} of {all} images were refused and went out as they came: {reason}")
        });
        told.collect()
    }
}

impl Known {
    /// The number of the folder that a file lies in.
    fn folder_of(&mut self, file: &Path) -> usize {
        let folder = file.parent().unwrap_or(Path::new(""));
        let known = self.folders.iter().position(|known| known == folder);
        known.unwrap_or_else(|| {
            self.folders.push(folder.to_owned());
            self.folders.len() - 1
        })
    }
}

fn name_of(file: &Path) -> Result<&str> {
    let name = file.file_name().and_then(|name| name.to_str());
    name.with_context(|| format!("{} has no plain name", file.display()))
}
