//! The drawing tools that all synthetic classes share.
//!
//! Everything here uses only `+ - * /`, `sqrt`, rounding and comparisons on `f32`, which IEEE 754 defines
//! to the last bit, and no fused multiply-add; so pixels do not depend on the processor or on a maths
//! library.

pub(crate) mod canvas;
pub(crate) mod colour;
pub(crate) mod exact;
pub(crate) mod glyphs;
pub(crate) mod polygon;
pub(crate) mod sensor;
pub(crate) mod shapes;
pub(crate) mod tile;
