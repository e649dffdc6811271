//! Tests through the public interface, as one program: each further one would link the C2PA library again.
#![allow(clippy::unwrap_used, clippy::print_stderr, unreachable_pub)]

mod bound;
mod certificates;
mod common;
mod corpora;
mod forger;
mod parts;
mod round_trip;
mod signatures;
mod system;
mod tamper;
mod watermark;
