//! Latency under an open-loop load: requests are due at planned times, whether or not earlier ones are done, and a
//! latency counts from the planned time. A closed loop would wait for a slow answer before asking again, and so leave
//! out the very requests that would have suffered ("coordinated omission"; G. Tene, "How NOT to measure latency", 2013).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_sign_core::keys::Identity;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::watermark::Effort;
use credlink_sign_core::{Asset, Marker, ProofId, Signer, Verifier};
use hdrhistogram::Histogram;

use crate::reencode::Rewriter;
use crate::{clock, identity, received};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Signing a file.
    Sign,
    /// Verifying a signed file; every carrier is examined, though a service may stop at the first that leads to a proof.
    Verify,
    /// Fetching a proof record by its id.
    Retrieve,
}

/// A load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Requests a second.
    pub rate: f64,
    /// How long requests are due, in seconds.
    pub seconds: f64,
    /// Threads that answer.
    pub threads: usize,
    /// Distinct images.
    pub images: usize,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Latencies from the planned time to the answer, in nanoseconds, within 0.1 %.
    pub latency: Histogram<u64>,
    /// Times of the service alone, from its begin, likewise.
    pub service: Histogram<u64>,
    /// Answers that were errors.
    pub errors: u64,
    /// Requests a second that were answered.
    pub answered_rate: f64,
}

fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 3_600_000_000_000, 3)?)
}

/// Runs `ask` open-loop.
///
/// # Errors
/// When a histogram cannot be made, or a thread panicked.
pub fn run(load: Load, ask: &(dyn Fn(u64) -> bool + Sync)) -> Result<Measured> {
    let total = (load.rate * load.seconds).round().max(1.0) as u64;
    let next = AtomicU64::new(0);
    let start = clock::wall_nanos();
    let worker = || -> Result<(Histogram<u64>, Histogram<u64>, u64)> {
        let (mut latency, mut service, mut errors) = (histogram()?, histogram()?, 0);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= total {
                return Ok((latency, service, errors));
            }
            let planned = start + (number as f64 * 1e9 / load.rate) as u64;
            let early = planned.saturating_sub(clock::wall_nanos());
            if early > 0 {
                std::thread::sleep(Duration::from_nanos(early));
            }
            let begin = clock::wall_nanos();
            errors += u64::from(!ask(number));
            let end = clock::wall_nanos();
            latency.saturating_record(end.saturating_sub(planned).max(1));
            service.saturating_record((end - begin).max(1));
        }
    };
    let mut measured = Measured {
        latency: histogram()?,
        service: histogram()?,
        errors: 0,
        answered_rate: 0.0,
    };
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..load.threads.max(1))
            .map(|_| scope.spawn(worker))
            .collect();
        for thread in threads {
            let joined = thread
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))?;
            let (latency, service, errors) = joined?;
            measured.latency.add(&latency)?;
            measured.service.add(&service)?;
            measured.errors += errors;
        }
        Ok(())
    })?;
    let elapsed = (clock::wall_nanos() - start) as f64 / 1e9;
    measured.answered_rate = total as f64 / elapsed;
    Ok(measured)
}

/// Prepares synthetic images and measures one service under a load.
///
/// # Errors
/// When images cannot be made or signed.
pub fn measure(what: Service, load: Load, seed: u64) -> Result<Measured> {
    let set = SyntheticSet::new(seed);
    let identity: Identity = identity::of_run(None, identity::fresh_seed()?)?;
    // As shipped: every carrier, the watermark included.
    let marker = Marker::new(identity::watermark_of_run(None, seed)?.key()?);
    let signer = Signer::new(identity)?.with_marker(marker.clone());
    let store = ProofStoreBuilder::in_memory();
    let (mut sources, mut signed) = (Vec::new(), Vec::new());
    for index in 0..load.images.max(1) {
        let source = set.load(index)?.bytes;
        let id = identity::proof_id(seed, index, &source);
        let rewriter = Rewriter::of(&source);
        let file = Asset::new(&source, &received::decode_bytes).with_encoder(&rewriter);
        let image = signer
            .sign(&file, id)
            .with_context(|| format!("failed to sign image {index}"))?;
        store.insert(image.record.clone(), &image.manifest, &image.points)?;
        signed.push((id, image.bytes));
        sources.push(source);
    }
    let anchor = signer.identity().anchor()?;
    let verifier = Verifier::new(vec![anchor], Arc::new(store.seal()?))?
        .with_watermark(marker.key().clone(), Effort::Search);
    let at = |number: u64| (number % signed.len() as u64) as usize;
    let ask = |number: u64| -> bool {
        match what {
            Service::Sign => {
                let source = &sources[at(number)];
                let rewriter = Rewriter::of(source);
                let file = Asset::new(source, &received::decode_bytes).with_encoder(&rewriter);
                signer.sign(&file, ProofId::new(number)).is_ok()
            }
            Service::Verify => {
                let (id, bytes) = &signed[at(number)];
                let file = Asset::new(bytes, &received::decode_bytes);
                let verification = verifier.verify(&file, &clock::wall_nanos);
                verification
                    .findings()
                    .any(|(_, finding)| finding.accepted() == Some(*id))
            }
            Service::Retrieve => verifier.store().by_id(signed[at(number)].0).is_some(),
        }
    };
    run(load, &ask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stalled_server_shows_in_the_latency_of_the_requests_that_waited() {
        // One thread, 200 requests a second; the first one takes 200 ms, all others nothing. Some forty requests fall
        // due meanwhile; a closed loop would report one slow answer of a hundred.
        let load = Load {
            rate: 200.0,
            seconds: 0.5,
            threads: 1,
            images: 1,
        };
        let ask = |number: u64| {
            if number == 0 {
                std::thread::sleep(Duration::from_millis(200));
            }
            true
        };
        let measured = run(load, &ask).unwrap();
        assert_eq!(measured.latency.len(), 100);
        let slow = |histogram: &Histogram<u64>| histogram.count_between(50_000_000, u64::MAX >> 1);
        assert!(slow(&measured.latency) >= 25, "{}", slow(&measured.latency));
        assert!(slow(&measured.service) < slow(&measured.latency) / 2);
    }

    #[test]
    fn every_service_answers() {
        let load = Load {
            rate: 50.0,
            seconds: 0.1,
            threads: 2,
            images: 2,
        };
        for what in [Service::Sign, Service::Verify, Service::Retrieve] {
            let measured = measure(what, load, 3).unwrap();
            assert_eq!(
                (measured.latency.len(), measured.errors),
                (5, 0),
                "{what:?}"
            );
        }
    }
}
