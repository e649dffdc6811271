//! How look-ups and memory grow with the number of proofs, over generated fingerprints.
//!
//! ```text
//! cargo run -p credlink-harness --example capacity -- --most 10000000
//! ```
//!
//! Fingerprints and Image-Codes are random words of 256 bits, half of them set as PDQ sets them; queries are eight views, one of
//! which is 12 bits away from a proof, or a code as near. No query is asked twice. Prints a Markdown table: CPU time of one look-up of
//! each kind, median and 95th percentile of several, and the resident memory of a proof.

use std::hint::black_box;

use anyhow::Result;
use clap::Parser;
use credlink_harness::{clock, machine};
use credlink_reports::figures::bytes;
use credlink_sign_core::ProofId;
use credlink_sign_core::fingerprint::{Fingerprint, MatchPolicy, Tone, View};
use credlink_sign_core::iscc::{self, ImageCode};
use credlink_sign_core::store::{Codes, Distractor, ProofStore};

#[derive(Parser)]
struct Args {
    /// The most proofs; the others are tenths of it, down to ten thousand.
    #[arg(long, default_value_t = 10_000_000)]
    most: u64,
    /// Look-ups of each kind; a tenth of them where all proofs are looked at.
    #[arg(long, default_value_t = 400)]
    times: usize,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<()> {
    let args = Args::parse();
    println!(
        "| proofs | by id | by fingerprint, median | p95 | by Image-Code, median | p95 | nearest wrong | index built | memory a proof |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
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
    let queries: Vec<(ProofId, [View; 8])> = (0..times)
        .map(|query| {
            let mut views: [View; 8] = std::array::from_fn(|_| view(&mut state));
            let own = &proofs[query * proofs.len() / times];
            views[3] = own.view;
            views[3].fingerprint.0[1] ^= 0x000F_000F_000F;
            (own.id, views)
        })
        .collect();
    let start = clock::thread_nanos();
    let store = ProofStore::empty().with_distractors(proofs);
    let built = millis(clock::thread_nanos() - start);
    let resident = machine::resident_memory_bytes().saturating_sub(before);
    let policy = MatchPolicy::default();
    let (by_id, _) = taken(&queries, |_| {
        black_box(store.by_id(ProofId::new(black_box(count / 3))));
    });
    let (near, near_p95) = taken(&queries, |(_, views)| {
        let found = store.nearest(black_box(views), policy.max_distance, &policy);
        assert!(found.best.is_some(), "what is 12 bits away is found");
    });
    let (wrong, _) = taken(&queries[..times.div_ceil(10)], |(own, views)| {
        black_box(store.nearest_wrong(black_box(views), 50, &|id| id == *own));
    });
    drop(store);
    let (code, code_p95) = by_code(count, times, &mut state);
    println!(
        "| {count} | {by_id:.4} ms | {near:.2} ms | {near_p95:.2} ms | {code:.2} ms | {code_p95:.2} ms | {wrong:.1} ms | {built:.0} ms | {} |",
        bytes(resident / count)
    );
}

/// Milliseconds of a look-up by Image-Code, median and 95th percentile.
fn by_code(count: u64, times: usize, state: &mut u64) -> (f64, f64) {
    let mut codes = Codes::default();
    let mut queries = Vec::with_capacity(times);
    let every = (count as usize / times).max(1);
    for number in 0..count {
        let mut code = ImageCode(std::array::from_fn(|_| (next(state) >> 56) as u8));
        codes.push(ProofId::new(number), &code);
        if (number as usize).is_multiple_of(every) {
            code.0[7] ^= 0xFF;
            queries.push(code);
        }
    }
    taken(&queries, |code| {
        let found = codes.near(black_box(code), iscc::NEAR);
        assert!(!found.is_empty(), "what is 8 bits away is found");
    })
}

/// CPU milliseconds of a call for each query: the median and the 95th percentile.
fn taken<Q>(queries: &[Q], call: impl Fn(&Q)) -> (f64, f64) {
    let mut taken: Vec<u64> = queries
        .iter()
        .map(|query| {
            let start = clock::thread_nanos();
            call(query);
            clock::thread_nanos() - start
        })
        .collect();
    taken.sort_unstable();
    let at = |share: usize| millis(taken[(taken.len() * share / 100).min(taken.len() - 1)]);
    (at(50), at(95))
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
