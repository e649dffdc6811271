//! Which registered fingerprints lie near a query: what every store answers from, sealed or growing.

use std::collections::BTreeMap;

use super::index::{BANDED_RADIUS, Index};
use super::{Neighbour, Neighbours};
use crate::fingerprint::{Difference, Fingerprint, MatchPolicy, SYMMETRIES, Tone, View};
use crate::iscc::ImageCode;
use crate::proof_id::ProofId;
use crate::record::ProofRecord;

/// One fingerprint under the id of its proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// The proof.
    pub id: ProofId,
    /// What its image looks like.
    pub view: View,
    /// PDQ quality of its image, 0 to 100.
    pub quality: u8,
    /// Its Image-Code, which no neighbourhood looks at; `None` for one colour, and for proofs from before there were some.
    pub image_code: Option<ImageCode>,
}

impl Resident {
    /// What a record says of its image.
    pub fn of(record: &ProofRecord) -> Self {
        Self {
            id: record.id,
            view: record.view(),
            quality: record.fingerprint_quality,
            image_code: record.image_code,
        }
    }
}

/// Fingerprints by nearness. Takes some 100 to 150 bytes of memory for each.
#[derive(Debug)]
pub struct Neighbourhood {
    index: Index,
    /// By position in the index.
    ids: Vec<ProofId>,
    tones: Vec<Tone>,
    qualities: Vec<u8>,
}

impl Default for Neighbourhood {
    fn default() -> Self {
        std::iter::empty().collect()
    }
}

impl FromIterator<Resident> for Neighbourhood {
    fn from_iter<I: IntoIterator<Item = Resident>>(residents: I) -> Self {
        let (mut ids, mut tones, mut qualities) = (Vec::new(), Vec::new(), Vec::new());
        let fingerprints: Vec<Fingerprint> = residents
            .into_iter()
            .map(|resident| {
                ids.push(resident.id);
                tones.push(resident.view.tone);
                qualities.push(resident.quality);
                resident.view.fingerprint
            })
            .collect();
        Self {
            index: Index::new(fingerprints),
            ids,
            tones,
            qualities,
        }
    }
}

impl Neighbourhood {
    /// Adds one more, in the time of some memory accesses.
    pub fn push(&mut self, resident: Resident) {
        self.ids.push(resident.id);
        self.tones.push(resident.view.tone);
        self.qualities.push(resident.quality);
        self.index.push(resident.view.fingerprint);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    fn view(&self, position: usize) -> View {
        View {
            fingerprint: self.index.entries()[position],
            tone: self.tones[position],
        }
    }

    /// Those within `radius` bits, 0 to 256, of any of `views`: the best by the policy's score, and how good the next one is.
    ///
    /// `views` are the query in the order of [`SYMMETRIES`], all eight or a prefix; featureless ones match
    /// nothing, on either side. Exact for every radius: up to 31 through the index, beyond by looking at all.
    pub fn nearest(&self, views: &[View], radius: u32, policy: &MatchPolicy) -> Neighbours {
        // Of an entry the best view counts; of the query the best entry, and the best other one.
        let mut best: Option<(u32, usize, usize, Difference)> = None;
        let mut runner_up: Option<(u32, usize)> = None;
        for (number, view) in views.iter().enumerate().take(SYMMETRIES.len()) {
            if view.fingerprint.is_featureless() {
                continue;
            }
            self.index.within(&view.fingerprint, radius, |position| {
                let difference = view.difference(&self.view(position));
                let candidate = (policy.score(difference), position, number, difference);
                match best {
                    Some(held) if held.1 == position => best = Some(held.min(candidate)),
                    Some(held) if held < candidate => {
                        let other = (candidate.0, position);
                        runner_up = Some(runner_up.map_or(other, |held| held.min(other)));
                    }
                    held => {
                        // Whoever was best before is now the best of the others.
                        if let Some((score, position, ..)) = held {
                            runner_up = Some((score, position));
                        }
                        best = Some(candidate);
                    }
                }
            });
        }
        Neighbours {
            best: best.map(|(_, position, number, difference)| Neighbour {
                id: self.ids[position],
                difference,
                symmetry: SYMMETRIES[number],
            }),
            runner_up: runner_up.map(|(score, _)| score),
        }
    }

    /// Those within `radius` bits, 0 to 256, of any of `views`, each once, the best by the policy's score first, and of equal
    /// ones the smallest id.
    pub fn all_near(
        &self,
        views: &[View],
        radius: u32,
        policy: &MatchPolicy,
    ) -> Vec<(ProofId, Difference)> {
        let mut best: BTreeMap<usize, Difference> = BTreeMap::new();
        for view in views
            .iter()
            .filter(|view| !view.fingerprint.is_featureless())
        {
            self.index.within(&view.fingerprint, radius, |position| {
                let difference = view.difference(&self.view(position));
                let held = best.entry(position).or_insert(difference);
                if policy.score(difference) < policy.score(*held) {
                    *held = difference;
                }
            });
        }
        let all = best.into_iter();
        let mut found: Vec<_> = all
            .map(|(position, difference)| (self.ids[position], difference))
            .collect();
        found.sort_by_key(|(id, difference)| (policy.score(*difference), *id));
        found
    }

    /// The smallest distance, bits, from any of `views` to one of at least this quality that `is_right` does not
    /// name; featureless ones aside. `None` if there is none. Looks at all: 0.4 ms for ten thousand.
    pub fn nearest_wrong(
        &self,
        views: &[View],
        min_quality: u8,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Option<u32> {
        let counts = |position: usize| {
            self.qualities[position] >= min_quality && !is_right(self.ids[position])
        };
        let mut nearest = None;
        let views: Vec<&View> = views
            .iter()
            .filter(|view| !view.fingerprint.is_featureless())
            .collect();
        // Whatever lies within the radius for which the index is exact is nearer than everything beyond.
        for view in &views {
            self.index
                .within(&view.fingerprint, BANDED_RADIUS, |position| {
                    let distance = self.index.entries()[position].distance(&view.fingerprint);
                    if nearest.is_none_or(|held| distance < held) && counts(position) {
                        nearest = Some(distance);
                    }
                });
        }
        if nearest.is_some() {
            return nearest;
        }
        for view in views {
            for (position, entry) in self.index.entries().iter().enumerate() {
                let distance = entry.distance(&view.fingerprint);
                // Few entries are nearer than all before them, so the other questions are asked last.
                if nearest.is_none_or(|held| distance < held)
                    && !entry.is_featureless()
                    && counts(position)
                {
                    nearest = Some(distance);
                }
            }
        }
        nearest
    }
}
