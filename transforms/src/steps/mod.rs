//! One file a step: its parameters as recipes write them, and what it does.

pub mod adjust;
pub mod convert_to_srgb;
pub mod crop;
pub mod encode;
pub mod flip;
pub mod keep_smaller;
pub mod lossless;
pub mod metadata;
pub mod orient;
pub mod pad;
pub mod passthrough;
pub mod recipe;
pub mod resize;
pub mod rotate;
pub mod sharpen;
