//! When two fingerprints count as the same content. Every threshold of this crate stands here.

/// When a fingerprint match is believed.
///
/// | field | default | why |
/// |---|---|---|
/// | `max_distance` | 31 | PDQ's own threshold ("hashing.pdf", section on distances): recompressed and resized copies lie below, unrelated images at 128 ± 8 |
/// | `min_quality` | 50 | the reference advises to discard hashes of lower quality, since smooth images have few independent bits |
/// | `low_quality_max_distance` | 6 | below that quality only near-exact copies count: the same pixels are at 0, unrelated smooth images were not seen below 10 |
/// | `low_quality_tolerance` | 3 | quality is a number about the content too: a near-exact copy keeps it |
/// | `margin` | 6 | a match that fits a second proof almost as well names neither |
///
/// Content without features (a constant image, or one that varies along one axis only) has no fingerprint
/// and never matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchPolicy {
    /// Largest accepted distance in bits when both qualities are sufficient.
    pub max_distance: u32,
    /// Quality, 0 to 100, from which a fingerprint counts as sufficient.
    pub min_quality: u8,
    /// Largest accepted distance when one of the qualities is lower.
    pub low_quality_max_distance: u32,
    /// Largest accepted difference of the qualities when one of them is low.
    pub low_quality_tolerance: u8,
    /// By how many bits the nearest record with another id must be farther. An exact copy (distance 0)
    /// only needs to be nearer than every other.
    pub margin: u32,
}

impl Default for MatchPolicy {
    fn default() -> Self {
        Self {
            max_distance: 31,
            min_quality: 50,
            low_quality_max_distance: 6,
            low_quality_tolerance: 3,
            margin: 6,
        }
    }
}

/// What a distance says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Same content.
    Accepted,
    /// Similar, but so smooth that unrelated images may be as similar.
    LowQuality,
    /// A second proof fits almost as well.
    Ambiguous,
    /// Other content.
    TooFar,
}

impl MatchPolicy {
    /// Judges one candidate: its `distance`, the qualities of both images, and the distance of the nearest
    /// record with another id if one was found within the search radius (`None`: farther than that).
    pub fn judge(
        &self,
        distance: u32,
        received_quality: u8,
        registered_quality: u8,
        runner_up: Option<u32>,
    ) -> Match {
        if distance > self.max_distance {
            return Match::TooFar;
        }
        let sufficient = received_quality.min(registered_quality) >= self.min_quality;
        let alike = distance <= self.low_quality_max_distance
            && received_quality.abs_diff(registered_quality) <= self.low_quality_tolerance;
        if !sufficient && !alike {
            return Match::LowQuality;
        }
        let needed = if distance == 0 { 1 } else { self.margin };
        match runner_up {
            Some(other) if other < distance + needed => Match::Ambiguous,
            _ => Match::Accepted,
        }
    }
}
