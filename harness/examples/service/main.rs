//! Measures a service from outside, in what its promises rest on: a real `credlink serve` on this machine, which is killed,
//! filled, abused, or has its store taken away.
//!
//! ```text
//! cargo build && cargo run -p credlink-harness --example service -- kills --kills 20
//! cargo build && cargo run -p credlink-harness --example service -- start --proofs 1000000
//! cargo build && cargo run -p credlink-harness --example service -- abuse --requests 10000 --files DIR
//! ```
//!
//! `faults` and `shared` need a server of the store: deploy/stores/prove starts those. Exit code 1 if a promise is broken, and a sentence that says which.

mod abuse;
mod faults;
mod faulty;
mod kills;
mod million;
mod process;
mod proxy;
mod shared;
mod start;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Kills it while it signs, again and again: every proof that was answered is there.
    Kills(kills::Args),
    /// Starts it over a store of many proofs, and waits until it is ready.
    Start(start::Args),
    /// Sends what no honest client sends: no panic, no fault, no memory that stays.
    Abuse(abuse::Args),
    /// Takes its store away in every way, and gives it back.
    Faults(faults::Args),
    /// Lets two of them share a store.
    Shared(shared::Args),
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<ExitCode> {
    let faults = match Args::parse().what {
        What::Kills(args) => kills::run(&args)?,
        What::Start(args) => start::run(&args)?,
        What::Abuse(args) => abuse::run(&args)?,
        What::Faults(args) => faults::run(&args)?,
        What::Shared(args) => shared::run(&args)?,
    };
    for fault in &faults {
        println!("BROKEN: {fault}");
    }
    println!("{} promises broken", faults.len());
    Ok(match faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
