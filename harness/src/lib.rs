//! Plans and runs survival measurements.
//!
//! A [`plan::Plan`] says which image goes through which pipeline; [`runner::run`] signs all images, waits until all
//! are registered, then transforms and verifies, in parallel by image, and hands every op's row to a writer in a
//! fixed order. The runner emits [`event::Event`]s and prints nothing; what is shown is the business of the command
//! line. Clocks are read here, at the edge, and handed inwards.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod clock;
pub mod collision;
pub mod cost;
pub mod delivery;
pub mod distractors;
pub mod estimate;
pub mod event;
pub mod exit;
pub mod gallery;
pub mod identity;
pub mod image_set;
pub mod in_order;
pub mod judge;
pub mod machine;
pub mod measure;
mod negative;
pub mod plan;
pub mod received;
pub mod reencode;
pub mod replay;
pub mod runner;
pub mod setting;
pub mod signing;
pub mod trial;
pub mod versions;
