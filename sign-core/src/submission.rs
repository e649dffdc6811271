//! Signing a file that somebody hands in: what must hold before, and of what was made.

use credlink_image_files::{Format, containers, contents};

use crate::asset::Asset;
use crate::manifest::{Described, Standing, describe};
use crate::proof_id::ProofId;
use crate::record::History;
use crate::signed::{SignError, SignedImage};
use crate::signer::Signer;

/// Why a file that was handed in is not signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is empty.
    #[error("the file is empty")]
    Empty,
    /// It is a kind of picture for which there is no decoder.
    #[error("the file is {0}, and there is no decoder for it here")]
    Unread(&'static str),
    /// It has a manifest that is invalid, and a signature over that would be invalid, too.
    #[error(
        "the file has a manifest that is invalid ({0}), and a signature over it would be invalid, too"
    )]
    InvalidManifest(String),
    /// The library that embeds manifests has its own view of what other boxes mean; what it made is not valid.
    #[error("the manifest would not be valid ({codes}){}", taken_number(.is_number_taken))]
    WouldBeInvalid {
        /// C2PA status codes.
        codes: String,
        /// Whether a box of somebody else's stands under the number of manifests.
        is_number_taken: bool,
    },
    /// Embedding the manifest would change what nobody meant to change.
    #[error("with a manifest in it, {0}; the C2PA library does not move all that this file holds")]
    Harm(String),
    /// It cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

fn taken_number(is_taken: &bool) -> &'static str {
    if *is_taken {
        "; it has a JUMBF box of somebody else's under number 0x0211, which the C2PA library takes for its own"
    } else {
        ""
    }
}

/// What is known of a file that is handed in.
#[derive(Clone, Copy, Debug)]
pub struct Submission {
    /// The proof that it will be.
    pub id: ProofId,
    /// The proof that the same picture was signed as before.
    pub earlier: Option<ProofId>,
    /// Unix seconds.
    pub signed_at: u64,
}

/// A signed file, and what its sender should know.
#[derive(Debug)]
pub struct Submitted {
    /// The file and its record.
    pub signed: SignedImage,
    /// One sentence each.
    pub notes: Vec<String>,
}

/// Whether bytes can be a picture that is signed at all.
///
/// # Errors
/// [`Refusal::Empty`], [`Refusal::Unread`].
pub fn readable(bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    match (Format::sniff(bytes), Format::unread(bytes)) {
        (None, Some(kind)) => Err(Refusal::Unread(kind)),
        _ => Ok(()),
    }
}

impl Signer {
    /// The codes of what is wrong with the manifest of a file, where it has one that is invalid.
    pub fn invalid_manifest(&self, file: &Asset<'_>) -> Option<String> {
        let described = describe::described(self.engine(), file.media_type()?, file.bytes());
        let invalid = described.filter(|manifest| manifest.standing == Standing::Invalid);
        invalid.map(|Described { codes, .. }| codes.join(", "))
    }

    /// Signs a file that somebody hands in, with all checks before and after.
    ///
    /// # Errors
    /// Every variant of [`Refusal`].
    pub fn submit(&self, file: &Asset<'_>, submission: Submission) -> Result<Submitted, Refusal> {
        let bytes = file.bytes();
        readable(bytes)?;
        if let Some(codes) = self.invalid_manifest(file) {
            return Err(Refusal::InvalidManifest(codes));
        }
        let format = Format::sniff(bytes);
        let mut notes = Vec::new();
        notes.extend(cut_off(format, bytes));
        notes.extend(submission.earlier.map(|proof| {
            format!("already signed as proof {proof}, which the record names as the earlier one")
        }));
        let history = self.history(file, submission);
        notes.extend(history.earlier_link.as_ref().map(|link| {
            format!("the file named a manifest elsewhere, which our link replaces: {link}; the record keeps it")
        }));
        let signed = self.sign_after(file, submission.id, Some(history))?;
        // The library that embeds manifests has its own view of what other boxes mean; what it made is looked at.
        let decode = |bytes: &[u8]| file.decoded(bytes);
        let made = Asset::new(&signed.bytes, &decode);
        if let Some(codes) = self.invalid_manifest(&made) {
            return Err(Refusal::WouldBeInvalid {
                codes,
                is_number_taken: is_number_taken(bytes),
            });
        }
        if let Some(what) = harmed(file, &made, &signed) {
            return Err(Refusal::Harm(what));
        }
        if format == Some(Format::Tiff) {
            // The C2PA library adds a directory behind the last page; C2PA 2.2, A.3.5, demands the tags of a picture in it.
            notes.push(
                "libtiff, and what is built on it, does not read TIFF files with a manifest: the C2PA library puts it into a \
                 last directory of its own, which lacks what a page must have"
                    .to_owned(),
            );
        }
        let dropped = signed.fate.dropped_names().into_iter();
        notes.extend(dropped.map(|name| format!("not in the signed file: {name}")));
        Ok(Submitted { signed, notes })
    }

    /// What is known of the time before.
    fn history(&self, file: &Asset<'_>, submission: Submission) -> History {
        let earlier_link = file.links().first().cloned();
        History {
            parent: submission.earlier,
            signed_at: Some(submission.signed_at),
            // Not where it lies in the file itself, and not where it is the earlier proof's own.
            earlier_link: earlier_link.filter(|link| {
                let own = submission.earlier;
                let own = own.map(|proof| format!("{}/{proof}", self.base_url()));
                !link.starts_with("self#") && Some(link) != own.as_ref()
            }),
        }
    }
}

/// What embedding the manifest did to a picture that nobody meant to change, if anything.
fn harmed(file: &Asset<'_>, made: &Asset<'_>, signed: &SignedImage) -> Option<String> {
    // Where nothing was moved the picture is what it was, and need not be decoded.
    let is_stream = matches!(
        file.media_type(),
        Some(Format::Jpeg | Format::Png | Format::WebP)
    );
    if signed.is_only_inserted && is_stream {
        return None;
    }
    let before = file.pixels().ok()?;
    let after = match made.pixels() {
        Ok(after) => after,
        Err(error) => {
            return Some(format!(
                "the picture could not be decoded any more: {error}"
            ));
        }
    };
    if before.displayed_size() != after.displayed_size() {
        return Some("the picture would have another size".to_owned());
    }
    if signed.mark.is_none() && before.image != after.image {
        return Some("the picture would be another one".to_owned());
    }
    // Items of AVIF files are found by their places; only the packet with the link is meant to change.
    let changed = signed.fate.changed.iter().map(String::as_str);
    let mut lost = changed.chain(signed.fate.dropped_names());
    let item = lost.find(|name| *name == "EXIF" || name.ends_with(" item"))?;
    let is_avif = file.media_type() == Some(Format::Avif);
    is_avif.then(|| format!("its {item} would be lost"))
}

/// Whether a JPEG file holds a box of somebody else's under the number that the C2PA library gives to manifests
/// (ISO/IEC 19566-5, annex D: the box instance number).
fn is_number_taken(bytes: &[u8]) -> bool {
    let blocks = contents::blocks(Format::Jpeg, bytes);
    let mut blocks = blocks.iter();
    let is_jpeg = Format::sniff(bytes) == Some(Format::Jpeg);
    is_jpeg && blocks.any(|block| block.data.starts_with(b"JP\x02\x11"))
}

/// Whether the file ends before its image does.
fn cut_off(format: Option<Format>, bytes: &[u8]) -> Option<String> {
    let is_cut = format.is_some_and(|format| containers::is_cut_off(format, bytes));
    is_cut.then(|| {
        "the file ends before its own structure says: a part of the picture may be missing, and is signed as missing".to_owned()
    })
}
