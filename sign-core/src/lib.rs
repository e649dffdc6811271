#![cfg_attr(test, allow(clippy::unwrap_used, clippy::print_stderr))]
//! Signing images and finding the proof again.
//!
//! [`Signer`] puts a provenance proof on an image file: a C2PA manifest signed with Ed25519, a link in the
//! XMP metadata, and two fingerprints in the [`store`]. [`Verifier`] examines a file that comes back by every
//! [carrier](carriers), and [`conclusion::conclude`] says what follows.
//!
//! ```
//! use std::sync::Arc;
//! use credlink_sign_core::keys::{Date, Identity, Validity};
//! use credlink_sign_core::carriers::State;
//! use credlink_sign_core::conclusion::conclude;
//! use credlink_sign_core::store::ProofStoreBuilder;
//! use credlink_sign_core::{Asset, Pixels, ProofId, Shown, Signer, Verifier};
//! use image::{DynamicImage, ImageFormat, RgbImage, metadata::Orientation};
//!
//! // Decoding is handed in; here without any limits.
//! let decode = |bytes: &[u8]| {
//!     let image = image::load_from_memory(bytes).map_err(|error| error.to_string())?;
//!     Ok(Pixels { image: Arc::new(image), orientation: Orientation::NoTransforms, shown: Shown::These })
//! };
//! let picture = RgbImage::from_fn(320, 200, |x, y| image::Rgb([(x * y % 251) as u8, x as u8, y as u8]));
//! let mut png = std::io::Cursor::new(Vec::new());
//! DynamicImage::from(picture).write_to(&mut png, ImageFormat::Png)?;
//!
//! let validity = Validity { not_before: Date::new(2024, 1, 1)?, not_after: Date::new(2044, 1, 1)? };
//! let identity = Identity::generate([7; 32].into(), "Example", validity)?;
//! let anchor = identity.anchor()?;
//! let signer = Signer::new(identity)?;
//! let id = ProofId::new(42);
//! let signed = signer.sign(&Asset::new(png.get_ref(), &decode), id)?;
//!
//! let store = ProofStoreBuilder::in_memory();
//! store.insert(signed.record.clone(), &signed.manifest, &signed.points)?;
//! let verifier = Verifier::new(vec![anchor], Arc::new(store.seal()?))?;
//! let verification = verifier.verify(&Asset::new(&signed.bytes, &decode), &|| 0);
//! let accepted = conclude(verification.findings(), &|_| None).accepted.ok_or("lost")?;
//! assert_eq!((accepted.proof, accepted.state), (id, State::Intact));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Why so: a platform sees files, so files go in and come out; what a verifier believes is decided by
//! signatures and by content, never by a name or by somebody's word; every carrier is examined on its own, so
//! that what each contributes can be counted.
//!
//! Guarantees: nothing prints, reads a clock or draws random numbers, with one exception that C2PA makes
//! unavoidable (the library compares certificate validity with the system clock); nothing touches the
//! network; bytes from strangers give findings, not panics; the same inputs give the same answers on any
//! number of threads.

pub mod answer;
mod asset;
pub mod carriers;
pub mod conclusion;
mod distortion;
pub mod fingerprint;
mod formats;
pub mod iscc;
pub mod keys;
mod ladder;
pub mod local;
pub mod manifest;
mod marker;
mod pixels;
mod proof_id;
mod record;
mod resigner;
mod signed;
mod signer;
pub mod sketch;
pub mod store;
pub mod submission;
mod verifier;
pub mod watermark;
mod xmp;

pub use c2pa::DigitalSourceType;

pub use self::asset::{Asset, Care, Decode, Encoder, Pixels, Shown, Unwritten};
pub use self::distortion::Distortion;
pub use self::formats::{SIGNABLE, signable};
pub use self::ladder::{Depth, Examined, Verification};
pub use self::manifest::{Credential, EngineError, TimeStamps};
pub use self::marker::Marker;
pub use self::proof_id::{DEFAULT_BASE_URL, ProofId, ProofIdError};
pub use self::record::{History, ProofRecord, RegisteredPoints};
pub use self::resigner::Resigner;
pub use self::signed::{SignError, SignedImage, SigningTimes};
pub use self::signer::{Signer, Thumbnail};
pub use self::verifier::{Distances, Verifier};
pub use self::xmp::XmpError;

/// Elapsed nanoseconds from an arbitrary origin. Passed in by whoever owns a clock; only ever used to
/// measure, never to decide.
pub type Clock<'a> = &'a (dyn Fn() -> u64 + Sync);
