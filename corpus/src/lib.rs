//! Image sets: the pictures that proofs are put on.
//!
//! # What it is for
//!
//! A run of the survival harness needs as many source images as it has trials, each with a known identity,
//! each the same on every machine and on every day. This crate gives them as files, because files are what
//! platforms see:
//!
//! - [`SyntheticSet`]: endless, made here from a seed; what a newcomer gets.
//! - [`DirectorySet`]: anybody's folder of real images, and, when more are asked for than it has, distinct
//!   views of them.
//!
//! # How to use it
//!
//! ```
//! use credlink_corpus::{ImageSet, SyntheticSet};
//!
//! let set = SyntheticSet::new(42);
//! for index in 0..2 {
//!     let image = set.load(index)?;
//!     assert!(!image.bytes.is_empty());
//! }
//! # Ok::<(), credlink_corpus::CorpusError>(())
//! ```
//!
//! # Why it is so
//!
//! An index, not an iterator: trials run on any number of threads, and one of them may be run again later; image
//! 4711 must be the same image each time. `entry` is apart from `load` so that a plan can be made without drawing
//! or reading anything. Every entry names its `source`, because two views of one photograph are not two
//! independent observations, and only the set can know that.
//!
//! # Guarantees
//!
//! Nothing here reads a clock or a random source, prints, or panics on a stranger's file; the same set and
//! index give the same bytes on any number of threads.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod directory;
mod draws;
mod error;
mod file;
mod set;
pub mod synthetic;

pub use directory::{DirectorySet, MAX_FILE_BYTES, Usable};
pub use error::CorpusError;
pub use set::{Entry, ImageSet, Rejected, SetHeader, SourceImage, View, Why};
pub use synthetic::SyntheticSet;
