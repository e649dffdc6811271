//! The watermark: a 64-bit proof id in the pixels, invisible, readable after posting, only with the key.
//!
//! [`embed`] adds a keyed pattern of 128×128 pixels period to the luma of a copy that is 384 pixels long, so
//! resizing does not move it; under texture masks, so that it does not show; spread over low block frequencies, so
//! that compression spares it; and only where the image does not happen to say the right thing already. [`detect`]
//! reads it from any copy.
//!
//! ```
//! use credlink_sign_core::ProofId;
//! use credlink_sign_core::watermark::{Effort, EmbedSettings, Marking, WatermarkKey, detect, embed};
//! use image::{DynamicImage, RgbImage, imageops::FilterType, metadata::Orientation::NoTransforms};
//!
//! let key = WatermarkKey::derive(b"a secret of 16 bytes or more")?;
//! let mut state = 1_u32;
//! let picture = RgbImage::from_fn(640, 480, |_, _| {
//!     state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
//!     image::Rgb([(state >> 26) as u8 + 90; 3])
//! });
//! let picture = image::imageops::blur(&picture, 0.8);
//! let id = ProofId::new(42);
//! let embedding = embed(&picture.into(), NoTransforms, id, &key, &EmbedSettings::default());
//! assert_eq!(embedding.verdict, Marking::Carried);
//!
//! let smaller = embedding.image.map(|image| image.resize(500, 500, FilterType::Triangle));
//! let found = smaller.map(|image| detect(&image, NoTransforms, &key, Effort::Direct));
//! assert_eq!(found.and_then(|found| found.id), Some(id));
//! # Ok::<(), credlink_sign_core::watermark::WatermarkError>(())
//! ```
//!
//! Why so: the id says which proof belongs to an image whose metadata is gone; so a wrong id is worse than none,
//! and the [gate](Detection::gate) bounds false accepts without assuming anything about images.
//!
//! Guarantees: at most one false accept in 10⁹ images and keys (divide by the number of keys tried); an image that
//! cannot hide the mark is refused and stays as it was; the same inputs give the same pixels and answers; no
//! threads, no clock, no randomness; no panic on any image. The pattern is the same for all ids of a key, so who
//! averages many marked images learns it: the mark survives accidents, not attacks.

mod align;
mod apply;
mod crc;
mod dct;
mod detect;
mod embed;
mod features;
mod fft;
mod frames;
mod gate;
mod geometry;
mod key;
mod layout;
mod masks;
mod polar;
mod search;
mod shape;
mod trim;

pub use self::detect::{Detection, Effort, Features, detect};
pub use self::embed::{EmbedSettings, Embedding, Marking, Probe, Refusal, embed, embed_tried};
pub use self::geometry::Geometry;
pub use self::key::{MIN_SECRET, WatermarkError, WatermarkKey};
