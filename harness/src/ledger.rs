//! Where the CPU time of a run goes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use credlink_reports::header::CpuShares;

use crate::clock;

/// A kind of work. The first five are what the harness exists to run; the rest is its overhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Encoders, decoders, lossless transcoders.
    Codec,
    /// Resampling.
    Resize,
    /// Perceptual hashing.
    Hash,
    /// Putting watermarks in and reading them.
    Watermark,
    /// Finding points and comparing them.
    Points,
    /// Making or reading source images, their own encoding included.
    SourceImages,
    /// Signing; codecs, hashing and watermarks aside.
    Sign,
    /// Pixel steps, metadata and copies inside pipelines.
    OtherSteps,
    /// Verification; decoding, hashing and watermarks aside.
    Verify,
}

const ALL: [(Work, &str); 9] = [
    (Work::Codec, "codecs"),
    (Work::Resize, "resizing"),
    (Work::Hash, "hashing"),
    (Work::Watermark, "watermarking"),
    (Work::Points, "points"),
    (Work::SourceImages, "source images"),
    (Work::Sign, "signing"),
    (Work::OtherSteps, "other steps"),
    (Work::Verify, "verification"),
];

/// Sums of CPU nanoseconds by kind of work, over all threads.
#[derive(Debug)]
pub struct Ledger {
    sums: [AtomicU64; ALL.len()],
    start: u64,
}

impl Ledger {
    /// An empty ledger; the total counts from now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sums: Default::default(),
            start: clock::process_nanos(),
        }
    }

    /// Adds CPU nanoseconds to a kind of work.
    pub fn add(&self, work: Work, nanos: u64) {
        self.sums[work as usize].fetch_add(nanos, Ordering::Relaxed);
    }

    /// The shares so far. What no kind of work claims is listed as `everything else`.
    #[must_use]
    pub fn shares(&self) -> CpuShares {
        let seconds = |nanos: u64| nanos as f64 / 1e9;
        let total = seconds(clock::process_nanos().saturating_sub(self.start));
        let mut by_category = BTreeMap::new();
        let (mut claimed, mut purpose) = (0.0, 0.0);
        for (work, name) in ALL {
            let sum = seconds(self.sums[work as usize].load(Ordering::Relaxed));
            claimed += sum;
            if matches!(
                work,
                Work::Codec | Work::Resize | Work::Hash | Work::Watermark | Work::Points
            ) {
                purpose += sum;
            }
            by_category.insert(name.to_owned(), sum);
        }
        by_category.insert("everything else".to_owned(), (total - claimed).max(0.0));
        let overhead_share = if total > 0.0 {
            (1.0 - purpose / total).max(0.0)
        } else {
            0.0
        };
        CpuShares {
            total_s: total,
            by_category,
            overhead_share,
        }
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}
