//! The proof id in the pixels.

use super::{
    Carrier, CarrierPlace, Cost, Decision, Embedded, Finding, Registration, SoftBinding, State,
    gated,
};
use crate::Clock;
use crate::asset::Asset;
use crate::signed::SignedImage;
use crate::sketch::Whereabouts;
use crate::verifier::Verifier;
use crate::watermark::{Marking, detect};

/// Name of the soft-binding algorithm: CT-128 as in [`crate::watermark`], the proof id, big endian.
const ALGORITHM: &str = "com.credlink.ct128.v1";

/// The proof id, invisibly in the pixels. Whoever copies the mark's residual onto another image copies the id, so it
/// counts only when the content sketch confirms the content.
#[derive(Clone, Copy, Debug)]
pub struct Watermark;

impl Watermark {
    /// Name of the soft-binding algorithm.
    pub const ALGORITHM: &str = ALGORITHM;
}

impl Carrier for Watermark {
    fn name(&self) -> &'static str {
        "watermark"
    }

    fn describe(&self) -> &'static str {
        "proof id in the pixels, read with the watermark key; recovered means that the content confirms it"
    }

    fn place(&self) -> CarrierPlace {
        CarrierPlace::Pixels
    }

    fn decision(&self) -> Option<Decision> {
        Some(gated(
            "strength of a word that is another id, in thousandths of what it must reach; 0 where there is none",
        ))
    }

    fn embedded(&self, registration: &Registration) -> Embedded {
        match registration.watermark {
            Some(Marking::Carried) => Embedded::Carried,
            Some(Marking::Fragile) => Embedded::Fragile,
            Some(Marking::Refused(_)) | None => Embedded::Refused,
        }
    }

    fn soft_binding(&self, registration: &Registration) -> Option<SoftBinding> {
        (self.embedded(registration) != Embedded::Refused).then(|| SoftBinding {
            algorithm: ALGORITHM,
            describes: "proof id in the pixels",
            value: registration.id.value().to_be_bytes().to_vec(),
        })
    }

    /// Its bytes are those of coding the image anew: what else the file grew by.
    fn cost(&self, signed: &SignedImage) -> Cost {
        Cost {
            bytes: None,
            nanos: signed.times.marking,
        }
    }

    fn examine(&self, file: &Asset<'_>, against: &Verifier, clock: Clock<'_>) -> Finding {
        let Some((key, effort)) = against.watermark() else {
            return Finding::new(State::Failed).because("credlink.watermark.noKey");
        };
        let Ok(pixels) = file.pixels() else {
            return Finding::new(State::Failed).because("credlink.image.undecodable");
        };
        let start = file.clock()();
        let detection = detect(&pixels.image, pixels.orientation, key, effort);
        file.add_watermark_nanos(file.clock()().saturating_sub(start));
        // Rounded down: what did not reach the gate must not look as if it had.
        let strength = (1000.0 * detection.exponent / detection.gate).clamp(0.0, 1e6) as u32;
        let read = detection.word.map(|word| (word, strength));
        let Some(id) = detection.id else {
            return Finding {
                read,
                ..Finding::new(State::Absent)
            };
        };
        let finding = Finding {
            read,
            // The deflection: about 13 is needed, and beyond 100 nothing changes.
            quality: Some(detection.z.clamp(0.0, 100.0) as u8),
            ..Finding::new(State::Unconfirmed)
        };
        let geometry = detection.geometry.as_ref();
        let whereabouts = |size| {
            let places = geometry.map(|geometry| geometry.placements(size));
            places.map_or(Whereabouts::Unknown, Whereabouts::Led)
        };
        finding.resolved_at(id, file, against, clock, &whereabouts)
    }
}
