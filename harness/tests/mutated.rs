//! What fuzzers are set on, on some thousand files that are broken the same way every time.
#![allow(clippy::unwrap_used)]

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

#[path = "../examples/common/broken.rs"]
mod broken;
#[path = "../../fuzz/src/targets/mod.rs"]
#[allow(
    dead_code,
    reason = "which files of others are of use is nothing to a test"
)]
mod targets;

use broken::{Draws, broken};
use credlink_harness::received;
use credlink_sign_core::Asset;
use credlink_sign_core::carriers::State;
use rayon::prelude::*;
use targets::{TARGETS, Target, made};

/// Seed of what is broken.
const SEED: u64 = 1;

#[test]
fn what_is_broken_at_random_keeps_every_promise() {
    targets::prepare();
    let cases: Vec<(&Target, Vec<u8>, String)> = TARGETS.par_iter().flat_map(cases_of).collect();
    assert!(cases.len() > 3000, "{} cases", cases.len());
    // Libraries may panic where we catch it, which is nobody's business.
    let hook = take_hook();
    set_hook(Box::new(|_| ()));
    let failures: Vec<String> = cases
        .par_iter()
        .filter_map(|(target, bytes, name)| {
            let panic = catch_unwind(AssertUnwindSafe(|| (target.call)(bytes))).err()?;
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or(panic.downcast_ref::<&str>().copied());
            Some(format!("{name}: {}", said.unwrap_or("a panic")))
        })
        .collect();
    set_hook(hook);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Every seed of a target as it is, and as many broken ones as the target asks for.
fn cases_of(target: &'static Target) -> Vec<(&'static Target, Vec<u8>, String)> {
    let seeds: Vec<Vec<u8>> = (target.seeds)();
    let whole = seeds.iter().enumerate();
    let whole =
        whole.map(|(number, seed)| (seed.clone(), format!("{} seed {number}", target.name)));
    let cut = (0..target.cases).map(|number| {
        let mut draws = Draws::new(SEED, number);
        let seed = &seeds[draws.below(seeds.len())];
        (
            broken(seed, &mut draws),
            format!("{} case {number}", target.name),
        )
    });
    let all = whole.chain(cut);
    all.map(|(bytes, name)| (target, bytes, name)).collect()
}

#[test]
fn what_was_signed_is_intact_before_it_is_broken() {
    let world = &*made::WORLD;
    let signed = || world.files.iter().filter(|made| made.id.is_some());
    assert_eq!(signed().count(), world.proofs.len());
    for made in signed() {
        let file = Asset::new(&made.bytes, &received::decode_bytes);
        let verification = world.verifier.verify(&file, &|| 0);
        let intact = verification
            .findings()
            .find(|(_, finding)| finding.state == State::Intact);
        assert_eq!(
            intact.map(|(_, finding)| finding.proof),
            Some(made.id),
            "{}",
            made.format
        );
    }
}
