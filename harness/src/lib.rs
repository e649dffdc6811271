//! Plans and runs survival measurements.
//!
//! A [`plan::Plan`] says which image goes through which pipeline; [`stages::signed`] signs and registers all
//! images, [`stages::verified`] transforms and verifies, in parallel by image, and [`stages::written`] hands every op's row to a
//! writer in a fixed order. Between them lies the [`journal`], from which a run goes on that was killed, or is joined that was done
//! in parts. The stages emit [`stages::event::Event`]s and print nothing; what is shown is the business of the command
//! line. Clocks are read here, at the edge, and handed inwards.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod clock;
pub mod disagreements;
pub mod distractors;
pub mod estimate;
pub mod exhibits;
pub mod exit;
pub mod http;
pub mod identity;
pub mod image_set;
pub mod journal;
pub mod kit;
pub mod ledger;
pub mod likeness;
pub mod live;
pub mod machine;
pub mod measure;
pub mod negatives;
#[cfg(feature = "object-storage")]
pub mod object_storage;
pub mod plan;
pub mod programs;
pub mod received;
pub mod recipes;
pub mod reencode;
pub mod replay;
pub mod serving;
pub mod shard;
pub mod signed_file;
pub mod stages;
pub mod strength;
pub mod systems;
pub mod thumbnail;
pub mod time_authority;
pub mod trace;
pub mod trial;
pub mod versions;
