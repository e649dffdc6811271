//! Measurements besides survival: deployment, latency under load, benchmarks against a baseline, cost.

pub mod bench;
pub mod cost;
pub mod deploy;
pub mod instructions;
pub mod load;
pub mod outside;
