//! What a service is given by this program: its codecs, clocks and randomness.

use credlink_sign_core::{Encoder, Pixels};

use crate::reencode::Rewriter;
use crate::{clock, machine, received};

/// Codecs, clocks and randomness of this program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl credlink_service::host::Host for Host {
    fn decode(&self, bytes: &[u8]) -> Result<Pixels, String> {
        received::decode_bytes(bytes)
    }

    fn encoder<'a>(&self, original: &'a [u8]) -> Box<dyn Encoder + 'a> {
        Box::new(Rewriter::of(original))
    }

    fn unix_seconds(&self) -> u64 {
        clock::unix_seconds()
    }

    fn nanos(&self) -> u64 {
        clock::wall_nanos()
    }

    fn random(&self) -> Result<u64, String> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn usage(&self) -> (u64, u64) {
        (clock::process_nanos(), machine::resident_memory_bytes())
    }
}
