//! Image files: which format one is in, how its container is built, what lies beside the pixels, what it may cost, and
//! its pixels.
//!
//! Signing, pipelines, image sets and verification all read files through this crate, so that no two of them can see
//! different things in one file. Each container has one walker ([`containers`]); everything else is built on it.
//!
//! ```
//! use credlink_image_files::{Format, ImageFile};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut png = std::io::Cursor::new(Vec::new());
//! image::DynamicImage::new_rgb8(64, 48).write_to(&mut png, image::ImageFormat::Png)?;
//! let file = ImageFile::new(png.into_inner())?;
//! assert_eq!(file.format(), Format::Png);
//! assert_eq!(file.frame()?.pixels.width(), 64);
//! # Ok(())
//! # }
//! ```
//!
//! Files come from strangers: every length is checked, work is linear in the file, limits come before anything is decoded
//! or allocated, and nothing panics.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod containers;
pub mod contents;
pub mod decode;
mod error;
mod file;
mod format;
mod held;
pub mod limits;
pub mod metadata;
mod recoded;

pub use error::{ContainerError, DecodeError, caught};
pub use file::{Frame, ImageFile};
pub use format::Format;
pub use held::Held;
pub use recoded::recoded;
