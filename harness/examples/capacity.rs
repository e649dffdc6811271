//! How look-ups and memory grow with the number of proofs, over generated fingerprints.
//!
//! ```text
//! cargo run -p credlink-harness --example capacity -- --most 10000000
//! ```
//!
//! Fingerprints are random words of 256 bits, half of them set as PDQ sets them; queries are eight views, one of which is 12 bits
//! away from a proof. Prints a Markdown table: CPU time of one look-up of each kind, median of several, and the resident memory
//! of a proof.

use std::hint::black_box;

use anyhow::Result;
use clap::Parser;
use credlink_harness::{clock, machine};
use credlink_reports::figures::bytes;
use credlink_sign_core::ProofId;
use credlink_sign_core::fingerprint::{Fingerprint, MatchPolicy, Tone, View};
use credlink_sign_core::store::{Distractor, ProofStore};

#[derive(Parser)]
struct Args {
    /// The most proofs; the others are tenths of it, down to ten thousand.
    #[arg(long, default_value_t = 10_000_000)]
    most: u64,
    /// Look-ups of each kind.
    #[arg(long, default_value_t = 21)]
    times: usize,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<()> {
    let args = Args::parse();
    println!("| proofs | by id | by fingerprint | nearest wrong | index built | memory a proof |");
    println!("|---:|---:|---:|---:|---:|---:|");
    let mut count = 10_000;
    while count <= args.most {
        measure(count, args.times);
        count *= 10;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn measure(count: u64, times: usize) {
    let before = machine::resident_memory_bytes();
    let mut state = count;
    let proofs: Vec<Distractor> = (0..count)
        .map(|number| Distractor {
            id: ProofId::new(number),
            view: view(&mut state),
            quality: 100,
            image_code: None,
        })
        .collect();
    let wanted = proofs[proofs.len() / 2].view;
    let start = clock::thread_nanos();
    let store = ProofStore::empty().with_distractors(proofs);
    let built = millis(clock::thread_nanos() - start);
    let resident = machine::resident_memory_bytes().saturating_sub(before);
    let mut views: [View; 8] = std::array::from_fn(|_| view(&mut state));
    views[3] = wanted;
    views[3].fingerprint.0[1] ^= 0x000F_000F_000F;
    let policy = MatchPolicy::default();
    let by_id = median(times, || {
        black_box(store.by_id(ProofId::new(black_box(count / 3))));
    });
    let near = median(times, || {
        black_box(store.nearest(black_box(&views), policy.max_distance, &policy));
    });
    let is_right = |id: ProofId| id == ProofId::new(count / 2);
    let wrong = median(times, || {
        black_box(store.nearest_wrong(black_box(&views), 50, &is_right));
    });
    println!(
        "| {count} | {by_id:.4} ms | {near:.2} ms | {wrong:.1} ms | {built:.0} ms | {} |",
        bytes(resident / count)
    );
}

/// CPU milliseconds of the median call.
fn median(times: usize, mut call: impl FnMut()) -> f64 {
    let mut taken: Vec<u64> = (0..times)
        .map(|_| {
            let start = clock::thread_nanos();
            call();
            clock::thread_nanos() - start
        })
        .collect();
    taken.sort_unstable();
    millis(taken[taken.len() / 2])
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

fn view(state: &mut u64) -> View {
    View {
        fingerprint: Fingerprint(std::array::from_fn(|_| next(state))),
        tone: Tone(std::array::from_fn(|_| (next(state) >> 56) as u8)),
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
