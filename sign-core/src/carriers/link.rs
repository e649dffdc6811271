//! The provenance link in XMP.

use super::{Carrier, Embedded, Finding, Registration, SoftBinding, State};
use crate::Clock;
use crate::fingerprint::Match;
use crate::image_file::ImageFile;
use crate::proof_id::ProofId;
use crate::verifier::Verifier;

/// `dcterms:provenance` in the XMP packet, pointing into our proof store. Anyone can paste it onto any image,
/// so it counts only when the fingerprint confirms the content.
#[derive(Clone, Copy, Debug)]
pub struct Link;

impl Carrier for Link {
    fn name(&self) -> &'static str {
        "link"
    }

    fn describe(&self) -> &'static str {
        "provenance URL in the XMP metadata; recovered means that the fingerprint confirms it"
    }

    fn embedded(&self, _: &Registration) -> Embedded {
        Embedded::Carried
    }

    fn soft_binding(&self, _: &Registration) -> Option<SoftBinding> {
        None
    }

    fn examine(&self, file: &ImageFile<'_>, against: &Verifier, clock: Clock<'_>) -> Finding {
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

        let start = clock();
        let record = against.store().by_id(id);
        let genuine = record.is_some_and(|record| against.is_genuine(record));
        let retrieve_nanos = clock().saturating_sub(start);
        let finding = Finding {
            retrieve_nanos,
            ..Finding::new(State::Unconfirmed).leading_to(id)
        };
        let Some(record) = record else {
            return finding.because("credlink.proof.unknown");
        };
        if !genuine {
            return Finding {
                state: State::Failed,
                ..finding.because("credlink.record.signature")
            };
        }
        let Some(content) = file.content() else {
            return finding.because("credlink.image.undecodable");
        };
        let finding = Finding {
            quality: Some(content.quality),
            ..finding
        };
        let Some((distance, verdict)) = against.compared(content, record) else {
            return finding.because("credlink.content.featureless");
        };
        let finding = Finding {
            distance: Some(distance),
            ..finding
        };
        match verdict {
            Match::Accepted => Finding {
                state: State::Recovered,
                confirmed_by: Some("fingerprint"),
                ..finding
            },
            Match::LowQuality => finding.because("credlink.content.lowQuality"),
            Match::Ambiguous | Match::TooFar => finding.because("credlink.content.differs"),
        }
    }
}
