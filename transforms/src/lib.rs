//! Image pipelines: what happens to an image file between the one who signs it and the one who looks at it.
//!
//! A pipeline is a [`recipe::Recipe`]: a TOML file of steps in which every parameter names its source. The
//! [`catalogue::Catalogue`] holds those that ship with the program. Bytes of an image file go in, bytes of an image
//! file come out; the codecs are the real ones.
//!
//! ```
//! use std::sync::Arc;
//! use credlink_image_files::ImageFile;
//! use credlink_transforms::{catalogue::Catalogue, meter::Meter};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut png = std::io::Cursor::new(Vec::new());
//! image::DynamicImage::new_rgb8(64, 48).write_to(&mut png, image::ImageFormat::Png)?;
//! let catalogue = Catalogue::embedded()?;
//! let recipe = catalogue.get("controls/identity").ok_or("not in the catalogue")?;
//! let signed = Arc::new(ImageFile::new(png.into_inner())?);
//! let clock = || 0;
//! let received = recipe.apply(&signed, &Meter::new(&clock))?;
//! assert_eq!(received.bytes(), signed.bytes());
//! # Ok(())
//! # }
//! ```
//!
//! Guarantees: the same input gives the same output, on any number of threads; an image is decoded at most once
//! however many recipes it enters; dimensions are checked before anything is decoded; nothing here knows of proofs.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod ask;
pub mod calibrate;
pub mod catalogue;
pub mod codecs;
pub mod error;
pub mod evidence;
pub mod listing;
pub mod meter;
pub mod recipe;
pub mod resign;
pub mod sightings;
pub mod value;
