//! Verifying a file: every carrier, in ladder order.

use serde::Serialize;

use crate::Clock;
use crate::asset::Asset;
use crate::carriers::{CARRIERS, Carrier, Finding, State};
use crate::proof_id::ProofId;
use crate::verifier::Verifier;

/// How far down the ladder a verifier looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// Until a carrier is accepted: the quickest answer, which tells of one proof.
    FirstAccepted,
    /// At every carrier: what else leads to a proof, and to which.
    #[default]
    AllCarriers,
}

/// One carrier's part of a verification.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Examined {
    /// The carrier's name.
    pub carrier: &'static str,
    /// What it found.
    pub finding: Finding,
    /// How long it took, nanoseconds; the first carrier that needs pixels bears decoding and hashing.
    pub nanos: u64,
}

/// Everything found out about one file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// Those that were examined, in ladder order.
    pub carriers: Vec<Examined>,
    /// Time of a verifier that stops at the first acceptance, nanoseconds; the time of all if there is none.
    pub ladder_nanos: u64,
    /// Part of the time that went into decoding, nanoseconds.
    pub decode_nanos: u64,
    /// Part of the time that went into fingerprint hashing, nanoseconds.
    pub hash_nanos: u64,
    /// Part of the time that went into reading the watermark, nanoseconds.
    pub watermark_nanos: u64,
    /// Part of the time that went into finding points and comparing them, nanoseconds.
    pub points_nanos: u64,
}

impl Verification {
    /// The findings by carrier, in ladder order.
    pub fn findings(&self) -> impl Iterator<Item = (&'static str, &Finding)> {
        self.carriers
            .iter()
            .map(|examined| (examined.carrier, &examined.finding))
    }
}

impl Verifier {
    /// Examines every carrier in ladder order, without stopping.
    pub fn verify(&self, file: &Asset<'_>, clock: Clock<'_>) -> Verification {
        self.verify_to(Depth::AllCarriers, file, clock)
    }

    /// Examines carriers in ladder order, as far as `depth` says.
    pub fn verify_to(&self, depth: Depth, file: &Asset<'_>, clock: Clock<'_>) -> Verification {
        self.examined(CARRIERS.iter().copied(), depth, file, clock)
    }

    /// The same with these carriers alone, by name.
    pub fn verify_by(&self, names: &[&str], file: &Asset<'_>, clock: Clock<'_>) -> Verification {
        let chosen = CARRIERS.iter().copied();
        let chosen = chosen.filter(|carrier| names.contains(&carrier.name()));
        self.examined(chosen, Depth::AllCarriers, file, clock)
    }

    /// A pointer to a proof that no carrier holds, judged as theirs are: the record must be genuine, and the picture confirm it.
    pub fn confirmed(&self, proof: ProofId, file: &Asset<'_>, clock: Clock<'_>) -> Finding {
        Finding::new(State::Unconfirmed).resolved(proof, file, self, clock)
    }

    fn examined(
        &self,
        ladder: impl Iterator<Item = &'static dyn Carrier>,
        depth: Depth,
        file: &Asset<'_>,
        clock: Clock<'_>,
    ) -> Verification {
        let start = clock();
        let mut ladder_nanos = None;
        let mut before = start;
        let mut carriers = Vec::with_capacity(CARRIERS.len());
        for carrier in ladder {
            let finding = carrier.examine(file, self, clock);
            let now = clock();
            if finding.accepted().is_some() && ladder_nanos.is_none() {
                ladder_nanos = Some(now.saturating_sub(start));
            }
            carriers.push(Examined {
                carrier: carrier.name(),
                finding,
                nanos: now.saturating_sub(before),
            });
            before = now;
            if depth == Depth::FirstAccepted && ladder_nanos.is_some() {
                break;
            }
        }
        let (decode_nanos, hash_nanos) = file.nanos();
        Verification {
            carriers,
            ladder_nanos: ladder_nanos.unwrap_or(before.saturating_sub(start)),
            decode_nanos,
            hash_nanos,
            watermark_nanos: file.watermark_nanos(),
            points_nanos: file.points_nanos(),
        }
    }
}
