//! One file or folder for each kind of picture; the list is [`CLASSES`](super::CLASSES).

pub(crate) mod architecture;
pub(crate) mod chart;
mod countryside;
pub(crate) mod document;
pub(crate) mod flat;
pub(crate) mod grounds;
pub(crate) mod landscape;
pub(crate) mod line_art;
pub(crate) mod logo;
pub(crate) mod night;
pub(crate) mod objects;
pub(crate) mod portrait;
pub(crate) mod screenshot;
pub(crate) mod texture;
pub(crate) mod words;
