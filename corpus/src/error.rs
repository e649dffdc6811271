//! What can go wrong while a set is scanned or an image is loaded.

use std::io;
use std::path::PathBuf;

/// Why a set could not be opened or an image of it could not be produced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// The folder does not exist, is not a folder, or may not be read.
    #[error("cannot read image folder {path}: check that it exists and is a readable folder")]
    Root {
        /// The folder as it was given.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The folder holds nothing that can be used.
    #[error("no usable image in {path}: {found}; give a folder with decodable images")]
    Empty {
        /// The folder as it was given.
        path: PathBuf,
        /// What was there instead, with the first rejection.
        found: String,
    },
    /// A file of the set can no longer be read.
    #[error("cannot read {path}: do not move files during a run")]
    Read {
        /// Path relative to the set's folder.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file's bytes are no longer those that were scanned.
    #[error("{path} changed after the scan: start the run again")]
    Changed {
        /// Path relative to the set's folder.
        path: String,
    },
    /// A file that decoded during the scan does not decode now.
    #[error("cannot decode {path}: {reason}")]
    Decode {
        /// Path relative to the set's folder.
        path: String,
        /// The decoder's words.
        reason: String,
    },
    /// An encoder refused pixels made by this crate.
    #[error("cannot encode {name}: {reason}")]
    Encode {
        /// The entry's name.
        name: String,
        /// The encoder's words.
        reason: String,
    },
}
