//! When two images count as the same content. Every threshold of this crate stands here.

use super::Difference;

/// When a fingerprint match is believed.
///
/// | field | default | why |
/// |---|---|---|
/// | `max_distance` | 31 | PDQ's own threshold ("hashing.pdf", section on distances): recompressed and resized copies lie below, unrelated images at 128 ± 8 |
/// | `min_quality` | 50 | the reference advises to discard hashes of lower quality, since smooth images have few independent bits |
/// | `low_quality_max_distance` | 16 | below that quality the tone must agree as well, and fewer bits may differ: unrelated smooth images are often at distance 0, but then of another brightness |
/// | `max_tone_difference` | 3 | recompression and resizing move a cell by a level or two |
/// | `margin` | 6 | between smooth images, of which many lie within the distance, the best must stand out |
///
/// A match that a second proof fits too is none by itself: with sufficient quality no other record may score within
/// `max_distance`, not even beside an exact copy, because near-duplicates of one picture come out in either order
/// once they are recompressed. The content sketch then decides which of them are shown, and all of those are named.
///
/// Content without features (a constant image, or one that varies along one axis only) has no fingerprint
/// and never matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchPolicy {
    /// Largest accepted distance, bits, when both qualities are sufficient.
    pub max_distance: u32,
    /// Quality, 0 to 100, from which a fingerprint counts as sufficient.
    pub min_quality: u8,
    /// Largest accepted distance when one of the qualities is lower.
    pub low_quality_max_distance: u32,
    /// Tone difference, grey levels, that says nothing; when a quality is low, the largest accepted one.
    pub max_tone_difference: u8,
    /// When a quality is low: by how much the [score](MatchPolicy::score) of the best record must be lower than
    /// that of any record with another id. An exact copy (score 0) only needs to be better than every other.
    pub margin: u32,
}

impl Default for MatchPolicy {
    fn default() -> Self {
        Self {
            max_distance: 31,
            min_quality: 50,
            low_quality_max_distance: 16,
            max_tone_difference: 3,
            margin: 6,
        }
    }
}

/// What a comparison says.
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
    /// What records are ranked by: differing bits, and a bit for each grey level of tone beyond
    /// `max_tone_difference`. Candidates still have to lie within the distance.
    pub fn score(&self, difference: Difference) -> u32 {
        difference.distance + u32::from(difference.tone.saturating_sub(self.max_tone_difference))
    }

    /// Judges one candidate: how it differs, the lower of the two qualities, and the score of the best
    /// record with another id if there was one within `max_distance` bits.
    pub fn judge(&self, difference: Difference, quality: u8, runner_up: Option<u32>) -> Match {
        if difference.distance > self.max_distance {
            return Match::TooFar;
        }
        let alike = difference.distance <= self.low_quality_max_distance
            && difference.tone <= self.max_tone_difference;
        if quality < self.min_quality && !alike {
            return Match::LowQuality;
        }
        let score = self.score(difference);
        let free = match (quality < self.min_quality, score) {
            (false, _) => self.max_distance + 1,
            (true, 0) => 1,
            (true, _) => score + self.margin,
        };
        match runner_up {
            Some(other) if other < free => Match::Ambiguous,
            _ => Match::Accepted,
        }
    }
}
