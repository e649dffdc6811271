//! Codec rooms: one file a codec, each the only place that names its library.

pub mod avif;
pub mod bmp;
pub mod chroma;
pub mod colours;
pub mod frames;
pub mod gif;
pub mod jpeg;
pub mod jpegli;
pub mod jxl;
pub mod libjpeg;
pub mod lossless_png;
mod palette;
pub mod png;
pub mod quantisers;
pub mod tiff;
pub mod webp;
