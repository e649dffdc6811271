#![cfg_attr(test, allow(clippy::unwrap_used, clippy::print_stderr))]
//! Signing and verifying over HTTP.
//!
//! [`Desk`](desk::Desk) signs and verifies one file; [`Live`](live::Live) keeps proofs and finds them; [`routes`] ask both;
//! [`Bound`](server::Bound) serves the routes. Codecs, clocks and randomness come from the [`Host`](host::Host).
//!
//! Guarantees: a signed file is answered when its proof is durable and can be found, and not before; where the store does
//! not answer, nothing is said about a file; bodies are read into memory only for as many requests as there are places.

pub mod admission;
pub mod algorithm;
pub mod desk;
pub mod host;
pub mod live;
mod log;
mod pointed;
pub mod problem;
pub mod routes;
pub mod server;
pub mod settings;
pub mod store;
pub mod watch;
