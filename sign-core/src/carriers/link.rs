//! The provenance link in XMP.

use super::{
    Carrier, CarrierPlace, Cost, Decision, Embedded, Finding, Registration, SoftBinding, State,
};
use crate::Clock;
use crate::asset::Asset;
use crate::proof_id::ProofId;
use crate::signed::SignedImage;
use crate::verifier::Verifier;

/// `dcterms:provenance` in the XMP packet, pointing into our proof store. Anyone can paste it onto any image,
/// so it counts only when the content sketch confirms the content.
#[derive(Clone, Copy, Debug)]
pub struct Link;

impl Carrier for Link {
    fn name(&self) -> &'static str {
        "link"
    }

    fn describe(&self) -> &'static str {
        "provenance URL in the XMP metadata; recovered means that the content confirms it"
    }

    fn place(&self) -> CarrierPlace {
        CarrierPlace::Metadata
    }

    fn decision(&self) -> Option<Decision> {
        None
    }

    fn embedded(&self, _: &Registration) -> Embedded {
        Embedded::Carried
    }

    fn soft_binding(&self, _: &Registration) -> Option<SoftBinding> {
        None
    }

    fn cost(&self, signed: &SignedImage) -> Cost {
        Cost {
            bytes: Some(signed.link_bytes as u64),
            nanos: signed.times.linking,
        }
    }

    fn examine(&self, file: &Asset<'_>, against: &Verifier, clock: Clock<'_>) -> Finding {
        let links = file.links();
        let ours: Vec<&str> = links
            .iter()
            .filter_map(|link| link.strip_prefix(against.base_url())?.strip_prefix('/'))
            .collect();
        let Some(first) = ours.first() else {
            return match links.len() {
                0 => Finding::new(State::Absent),
                _ => Finding::new(State::Absent).because("credlink.link.foreign"),
            };
        };
        if ours.iter().any(|other| other != first) {
            return Finding::new(State::Unconfirmed).because("credlink.link.ambiguous");
        }
        let Ok(id) = first.parse::<ProofId>() else {
            return Finding::new(State::Absent).because("credlink.link.malformed");
        };
        Finding::new(State::Unconfirmed).resolved(id, file, against, clock)
    }
}
