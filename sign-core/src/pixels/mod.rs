//! Pixel mathematics that marks, sketches and distances share: planes of samples, luma, resampling, similarity.

pub(crate) mod affine;
pub(crate) mod canonical;
pub(crate) mod luma;
pub(crate) mod plane;
pub(crate) mod similarity;
pub(crate) mod wide;
