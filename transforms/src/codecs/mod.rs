//! Codec rooms: one file a codec, each the only place that names its library.

pub mod avif;
pub mod decode;
pub(crate) mod isobmff;
pub mod jpeg;
pub mod lossless_jpeg;
pub mod lossless_png;
pub mod png;
pub mod webp;
