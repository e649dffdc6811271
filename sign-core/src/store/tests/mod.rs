//! Bands against a scan, order of insertion, damage on disk.

mod kept;

use std::fs;

use super::*;
use crate::fingerprint::{Fingerprint, SYMMETRIES, Tone};
use crate::record::ProofRecord;
use crate::sketch::Sketch;
use credlink_image_files::Format;
use sha2::{Digest, Sha256};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fingerprint(&mut self) -> Fingerprint {
        Fingerprint(std::array::from_fn(|_| self.next()))
    }

    /// `base` with this many different bits.
    fn near(&mut self, base: Fingerprint, bits: u32) -> Fingerprint {
        let mut changed = base;
        while changed.distance(&base) < bits {
            let bit = (self.next() % 256) as usize;
            changed.0[bit / 64] |= 1 << (bit % 64);
            if base.0[bit / 64] >> (bit % 64) & 1 == 1 {
                changed.0[bit / 64] &= !(1 << (bit % 64));
            }
        }
        changed
    }
}

fn manifest(number: u64) -> Vec<u8> {
    (0..100 + number % 50).map(|k| (k * number) as u8).collect()
}

fn record(number: u64, fingerprint: Fingerprint) -> ProofRecord {
    ProofRecord {
        id: ProofId::new(number),
        fingerprint,
        fingerprint_quality: 100,
        tone: Tone([(number % 200) as u8; 16]),
        sketch: Sketch::of(
            &image::DynamicImage::new_luma8(8, 8),
            Orientation::NoTransforms,
        ),
        sketch_on_black: None,
        history: None,
        points: None,
        image_code: None,
        media_type: Format::Jpeg,
        width: 1,
        height: 1,
        signed_sha256: [0; 32],
        manifest_sha256: Sha256::digest(manifest(number)).into(),
        signature: [0; 64],
    }
}

fn filled(fingerprints: &[Fingerprint]) -> ProofStore {
    let builder = ProofStoreBuilder::in_memory();
    for (number, fingerprint) in (1..).zip(fingerprints) {
        builder
            .insert(
                record(number, *fingerprint),
                &manifest(number),
                &Points::default(),
            )
            .unwrap();
    }
    builder.seal().unwrap()
}

/// What [`ProofStore::nearest`] should say, by looking at everything.
fn scanned(store: &ProofStore, views: &[View], radius: u32, policy: &MatchPolicy) -> Neighbours {
    let mut found: Vec<(u32, ProofId, usize, Difference)> = Vec::new();
    for record in store.records() {
        let best = views
            .iter()
            .enumerate()
            .filter(|(_, view)| !view.fingerprint.is_featureless())
            .map(|(number, view)| (number, view.difference(&record.view())))
            .filter(|(_, difference)| difference.distance <= radius)
            .map(|(number, difference)| (policy.score(difference), record.id, number, difference))
            .min();
        if !record.fingerprint.is_featureless() {
            found.extend(best);
        }
    }
    found.sort();
    Neighbours {
        best: found.first().map(|(_, id, number, difference)| Neighbour {
            id: *id,
            difference: *difference,
            symmetry: SYMMETRIES[*number],
        }),
        runner_up: found.get(1).map(|found| found.0),
    }
}

#[test]
fn the_bands_find_what_a_scan_finds() {
    let mut random = Random(1);
    let mut fingerprints: Vec<Fingerprint> = (0..4000).map(|_| random.fingerprint()).collect();
    // Clusters around some of them, exact copies, and content without features.
    for k in 0..1500 {
        let base = fingerprints[k % 30];
        let bits = random.next() % 45;
        fingerprints.push(random.near(base, bits as u32));
    }
    fingerprints.push(Fingerprint::FEATURELESS);
    let store = filled(&fingerprints);
    let policy = MatchPolicy::default();
    let mut hits = [0; 2];
    for query in 0..150 {
        let base = fingerprints[query % 60];
        let bits = random.next() % 50;
        let count = 1 + query % 8;
        let mut views: Vec<View> = (0..count)
            .map(|_| View {
                fingerprint: random.fingerprint(),
                tone: Tone([(random.next() % 200) as u8; 16]),
            })
            .collect();
        views[query % count].fingerprint = random.near(base, bits as u32);
        if query % 7 == 0 {
            views[0].fingerprint = Fingerprint::FEATURELESS;
        }
        for radius in [0, 5, 15, 16, 31, 32, 60] {
            let ours = store.nearest(&views, radius, &policy);
            assert_eq!(
                ours,
                scanned(&store, &views, radius, &policy),
                "{query} {radius}"
            );
            hits[0] += usize::from(ours.best.is_some());
            hits[1] += usize::from(ours.runner_up.is_some());
        }
    }
    assert!(hits[0] > 200 && hits[1] > 100, "{hits:?}");
}

#[test]
fn the_nearest_wrong_proof_is_the_nearest_that_is_not_right_and_can_be_told_apart() {
    let mut random = Random(3);
    let base = random.fingerprint();
    let near = [20, 40, 60, 80].map(|bits| random.near(base, bits));
    let mut records: Vec<ProofRecord> = (1..)
        .zip(near)
        .map(|(number, fingerprint)| record(number, fingerprint))
        .collect();
    records[1].fingerprint_quality = 49;
    let builder = ProofStoreBuilder::in_memory();
    for (number, record) in (1..).zip(records) {
        builder
            .insert(record, &manifest(number), &Points::default())
            .unwrap();
    }
    let store = builder.seal().unwrap();
    let view = |fingerprint| View {
        fingerprint,
        tone: Tone([0; 16]),
    };
    let nearest = |views: &[View], right: u64| {
        store.nearest_wrong(views, 50, &|id| id == ProofId::new(right))
    };
    assert_eq!(nearest(&[view(base)], 0), Some(20));
    // The next one is of poor quality and does not decide.
    assert_eq!(nearest(&[view(base)], 1), Some(60));
    // Of several views the nearest counts; one without features is none.
    let views = [view(Fingerprint::FEATURELESS), view(base), view(near[3])];
    assert_eq!(nearest(&views, 1), Some(0));
    assert_eq!(nearest(&views[..1], 1), None);
    assert_eq!(
        ProofStore::empty().nearest_wrong(&views, 50, &|_| false),
        None
    );
}

#[test]
fn every_distance_up_to_the_radius_is_found() {
    let mut random = Random(2);
    let fingerprints: Vec<Fingerprint> = (0..5000).map(|_| random.fingerprint()).collect();
    let store = filled(&fingerprints);
    let policy = MatchPolicy::default();
    for bits in 0..=31 {
        for k in 0..40 {
            let view = View {
                fingerprint: random.near(fingerprints[k * 100], bits),
                tone: Tone::default(),
            };
            let best = store.nearest(&[view], 31, &policy).best.unwrap();
            assert_eq!(
                (best.id.value(), best.difference.distance),
                (k as u64 * 100 + 1, bits)
            );
        }
    }
    // Spread evenly: two bits in fifteen bands and one in the last, the hardest case for the bands.
    let mut hard = fingerprints[7];
    for band in 0..16 {
        hard.0[band / 4] ^= (if band == 15 { 1 } else { 3 }) << (16 * (band % 4));
    }
    assert_eq!(hard.distance(&fingerprints[7]), 31);
    let view = View {
        fingerprint: hard,
        tone: Tone::default(),
    };
    assert_eq!(
        store.nearest(&[view], 31, &policy).best.unwrap().id.value(),
        8
    );
}

#[test]
fn duplicates_and_wrong_manifests_are_refused() {
    let builder = ProofStoreBuilder::in_memory();
    let one = record(1, Fingerprint([1; 4]));
    builder
        .insert(one.clone(), &manifest(1), &Points::default())
        .unwrap();
    assert!(matches!(
        builder.insert(one, &manifest(1), &Points::default()),
        Err(StoreError::Duplicate(_))
    ));
    let wrong = builder.insert(
        record(2, Fingerprint([1; 4])),
        &manifest(1),
        &Points::default(),
    );
    assert!(matches!(wrong, Err(StoreError::ManifestDamaged { .. })));
    assert_eq!(builder.registered().unwrap(), 1);
}

#[test]
fn an_absent_store_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = ProofStore::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("records.jsonl"), "{error}");
}

#[test]
fn distractors_are_found_by_content_and_by_nothing_else() {
    let mut random = Random(21);
    let (ours, theirs) = (random.fingerprint(), random.fingerprint());
    let distractor = Distractor {
        id: ProofId::new(99),
        view: View {
            fingerprint: theirs,
            tone: Tone([50; 16]),
        },
        quality: 80,
        image_code: None,
    };
    let builder = ProofStoreBuilder::in_memory().with_distractors(vec![distractor]);
    builder
        .insert(record(1, ours), &manifest(1), &Points::default())
        .unwrap();
    let store = builder.seal().unwrap();
    assert_eq!((store.len(), store.distractors()), (1, 1));
    assert!(store.by_id(ProofId::new(99)).is_none());
    let found = |fingerprint| {
        let view = View {
            fingerprint,
            tone: Tone([50; 16]),
        };
        let best = store.nearest(&[view], 31, &MatchPolicy::default()).best;
        best.map(|best| best.id)
    };
    assert_eq!(found(ours), Some(ProofId::new(1)));
    assert_eq!(found(theirs), Some(ProofId::new(99)));
    assert!(matches!(
        store.candidate(ProofId::new(99)),
        Some(Candidate::Distractor(found)) if *found == distractor
    ));
    assert!(matches!(
        store.candidate(ProofId::new(1)),
        Some(Candidate::Record(_))
    ));
    assert!(store.candidate(ProofId::new(2)).is_none());
}
