//! What a service is given by the program that it runs in: codecs, clocks, randomness.

use std::fmt::Debug;

use credlink_sign_core::{Encoder, Pixels};

/// Codecs, clocks and randomness. Shared between threads.
pub trait Host: Debug + Send + Sync {
    /// The pixels of a file; it owns the limits on size and memory.
    ///
    /// # Errors
    /// Why that is impossible, in one sentence.
    fn decode(&self, bytes: &[u8]) -> Result<Pixels, String>;

    /// Whatever writes files like this one.
    fn encoder<'a>(&self, original: &'a [u8]) -> Box<dyn Encoder + 'a>;

    /// Seconds since 1970.
    fn unix_seconds(&self) -> u64;

    /// Nanoseconds from an arbitrary origin, to measure with.
    fn nanos(&self) -> u64;

    /// A random number that nobody can foresee.
    ///
    /// # Errors
    /// What the system said.
    fn random(&self) -> Result<u64, String>;

    /// CPU nanoseconds that this process took so far, and its resident memory, bytes.
    fn usage(&self) -> (u64, u64);
}
