//! Tests through the public interface, as one program: each further one would link the C2PA library again.
#![allow(clippy::unwrap_used, clippy::print_stderr, unreachable_pub)]

mod bound;
mod common;
mod corpora;
mod round_trip;
mod system;
mod tamper;
mod watermark;
