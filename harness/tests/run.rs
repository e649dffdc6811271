//! Whole runs in small: the record does not depend on threads, and systems that lie are caught.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use credlink_corpus::SyntheticSet;
use credlink_harness::identity;
use credlink_harness::plan::{Negatives, Size, UNSIGNED_SHARE, plan};
use credlink_harness::stages::Ending;
use credlink_harness::stages::event::Event;
use credlink_harness::systems::credlink::CredLink;
use credlink_harness::systems::{About, Answer, Sealed, Signed, System, SystemError};
use credlink_harness::trial::delivery;
use credlink_sign_core::carriers::{CARRIERS, Finding, State};
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::{Asset, Clock, Examined, Marker, ProofId, Signer, Verification};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::Recipe;
use credlink_trial_record::{Beside, Outcome, Row, Trial};

#[path = "support/small_run.rs"]
mod small_run;

use small_run::ran;

const PIPELINES: [&str; 6] = [
    "controls/identity",
    "controls/blank",
    "optimizers/imageoptim",
    "cdn/cloudflare-credentials@w=640",
    "edits/resize-half",
    "edits/crop-10",
];

fn recipes(ids: &[&str]) -> Vec<Arc<Recipe>> {
    let catalogue = Catalogue::embedded().unwrap();
    ids.iter()
        .map(|id| Arc::clone(catalogue.get(id).unwrap()))
        .collect()
}

fn signer() -> Signer {
    let key = identity::watermark_of_run(None, 1).unwrap().key().unwrap();
    let signer = Signer::new(identity::of_run(None, [1; 32].into()).unwrap()).unwrap();
    signer.with_marker(Marker::new(key))
}

/// Runs `each` ops a pipeline with a system made for it, and reads the rows back.
fn measured(
    ids: &[&str],
    each: u64,
    threads: usize,
    system: Box<dyn System>,
) -> (Ending, Vec<Row>, Vec<Event>) {
    let set = SyntheticSet::new(11);
    let negatives = Negatives {
        unsigned_share: UNSIGNED_SHARE,
        deceptions: &system.about().deceptions,
    };
    let plan = plan(&set, recipes(ids), Size::PerPipeline(each), negatives);
    let events = Mutex::new(Vec::new());
    let listener = |event| events.lock().unwrap().push(event);
    let name = "CredLink measurement";
    let (ending, rows) = ran(&set, &plan, system, name, threads, &listener);
    (ending, rows, events.into_inner().unwrap())
}

fn credlink() -> Box<dyn System> {
    Box::new(CredLink::new(signer(), ProofStoreBuilder::in_memory()))
}

fn verdict(ending: &Ending, words: &str) -> bool {
    let control = ending
        .controls
        .iter()
        .find(|control| control.name.contains(words));
    control
        .unwrap_or_else(|| panic!("no control about {words} in {:?}", ending.controls))
        .passed
}

/// The row with every measured time at 0, each of which was measured.
fn without_times(row: Row) -> Row {
    for time in [
        row.sign_ns,
        row.transform_ns,
        row.codec_ns,
        row.verify_ns,
        row.retrieve_ns,
    ] {
        assert!(
            // An intact file needs no look-up, and a blank one leaves nothing to look up.
            time > 0
                || row.trial.is_negative()
                || matches!(row.outcome.as_str(), "intact" | "lost"),
            "a time was not measured: {} {} of {}",
            row.outcome,
            row.pipeline,
            row.name
        );
    }
    row.without_times()
}

#[test]
fn one_two_and_eight_threads_give_the_same_rows() {
    let timeless = |threads| {
        let (_, rows, _) = measured(&PIPELINES, 6, threads, credlink());
        rows.into_iter().map(without_times).collect::<Vec<_>>()
    };
    let one = timeless(1);
    assert!(one.len() >= 24);
    assert_eq!(one, timeless(2));
    assert_eq!(one, timeless(8));
}

#[test]
fn rows_say_what_else_survived_and_which_step_took_the_rest() {
    let ids = [
        "controls/identity",
        "optimizers/imageoptim",
        "conversion/sharp-keep",
    ];
    let (_, rows, _) = measured(&ids, 25, 2, credlink());
    let of = |id: &str| -> Vec<(Vec<Beside>, Vec<Beside>, String)> {
        let signed = rows.iter().filter(|row| row.trial == Trial::Signed);
        let signed = signed.filter(|row| row.pipeline == id);
        let words = |text: &Option<String>| Beside::split(text.as_deref().unwrap()).unwrap();
        signed
            .map(|row| {
                let taken = row.taken.clone().unwrap();
                (words(&row.holds), words(&row.still_holds), taken)
            })
            .collect()
    };
    let untouched = of("controls/identity");
    for (holds, still, taken) in &untouched {
        assert!(
            holds == still && taken.is_empty(),
            "{holds:?} {still:?} {taken}"
        );
        // The link lies in an XMP packet of every signed file.
        assert!(holds.contains(&Beside::Xmp));
    }
    for what in Beside::ALL {
        let with = untouched
            .iter()
            .filter(|(holds, _, _)| holds.contains(&what));
        assert!(with.count() > 0, "no signed file held {what}");
    }
    for (_, still, taken) in of("optimizers/imageoptim") {
        assert_eq!(still, [], "an optimiser keeps nothing");
        assert!(
            taken.contains("C2PA manifest") && taken.contains("XMP"),
            "{taken}"
        );
    }
    // Nothing but the manifest goes where all is kept.
    for (holds, still, taken) in of("conversion/sharp-keep") {
        assert_eq!(holds, still);
        assert!(taken.ends_with("jpeg: C2PA manifest"), "{taken}");
    }
}

#[test]
fn an_honest_system_passes_every_control() {
    let (ending, rows, events) = measured(&PIPELINES, 8, 2, credlink());
    for control in &ending.controls {
        assert!(control.passed, "{}: {}", control.name, control.detail);
    }
    assert!(!ending.partial);
    // The attacks that are known stand in every run, and nothing comes of them.
    for trial in [Trial::Collision, Trial::ResignedTransplant] {
        let of_trial: Vec<&Row> = rows.iter().filter(|row| row.trial == trial).collect();
        assert!(!of_trial.is_empty(), "{trial:?}: {:?}", ending.not_made);
        for row in of_trial {
            assert_eq!(row.outcome, Outcome::Rejected, "{row:?}");
        }
    }
    let resigned: Vec<&Row> = rows
        .iter()
        .filter(|row| row.pipeline.starts_with("cdn/") && row.trial == Trial::Signed)
        .collect();
    assert!(resigned.len() >= 8);
    for row in resigned {
        assert_eq!((row.outcome.as_str(), row.survived), ("resigned", true));
        assert_eq!(row.carriers[0].state, State::Resigned);
        assert_eq!(row.carriers[0].codes, format!("signer:{}", delivery::NAME));
    }
    assert_eq!(ending.ops_done, rows.len() as u64);
    let place = |name: &str| {
        let carriers = CARRIERS.iter();
        carriers
            .map(|carrier| carrier.name())
            .position(|known| known == name)
    };
    let (content, mark) = (place("fingerprint").unwrap(), place("watermark").unwrap());
    let mut decided = [0, 0];
    for row in rows.iter().filter(|row| !row.carriers.is_empty()) {
        let cells = [&row.carriers[content], &row.carriers[mark]];
        // A crop is as far from its own proof as from others.
        if row.trial == Trial::Signed && cells[0].own.is_some() && row.family != "edits" {
            assert_eq!(cells[0].own, row.content_distance);
            assert!(
                cells[0].wrong > cells[0].own,
                "no two pictures are alike: {row:?}"
            );
            decided[0] += 1;
        }
        if row.trial == Trial::Unsigned {
            assert_eq!((cells[0].own, cells[1].own), (None, None));
        }
        if cells[1].accepted {
            assert!(cells[1].own >= Some(1000), "accepted above its gate");
            decided[1] += 1;
        }
        // What signing took stands on every op of a signed image.
        let manifest = row.carriers[place("manifest").unwrap()].bytes;
        assert_eq!(manifest > Some(1000), row.trial == Trial::Signed);
    }
    let refused = rows.iter().filter(|row| row.trial == Trial::Collision);
    let near = |row: &&Row| row.carriers[content].wrong.is_some_and(|bits| bits <= 31);
    assert!(
        refused.filter(near).count() > 0,
        "a collision that is none tries nothing"
    );
    assert!(decided[0] > 5, "{decided:?}");
    let advanced: u64 = events
        .iter()
        .map(|event| {
            if let Event::Advanced(count) = event {
                *count
            } else {
                0
            }
        })
        .sum();
    let signed: std::collections::BTreeSet<u32> = rows
        .iter()
        .filter(|row| row.trial == Trial::Signed)
        .map(|row| row.image)
        .collect();
    assert_eq!(
        advanced,
        signed.len() as u64 + ending.ops_done + ending.ops_not_made,
        "one unit an image signed, one an op, made or not"
    );
}

/// What a liar says of a file.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// "The proof is here", with the same id for every file.
    Always,
    /// "Nothing here."
    Never,
    /// Heads or tails, and some id that was issued.
    AtRandom,
    /// The honest answer, but with the proof of another image.
    OfAnother,
    /// The library behind it panics.
    Crash,
    /// The honest answer, but every tenth time the library behind it panics.
    CrashAtTimes,
}

/// Signs honestly and verifies by a lie.
struct Liar(CredLink, Lie, Mutex<Vec<ProofId>>);

struct SealedLiar {
    honest: Box<dyn Sealed>,
    lie: Lie,
    issued: Vec<ProofId>,
    asked: AtomicU64,
}

impl System for Liar {
    fn about(&self) -> About {
        About {
            name: "liar".to_owned(),
            ..self.0.about()
        }
    }
    fn sign(&self, file: &Asset<'_>, id: ProofId) -> Result<Signed, SystemError> {
        self.2.lock().unwrap().push(id);
        self.0.sign(file, id)
    }
    fn register(&self, id: ProofId, registered: &[u8]) -> Result<(), SystemError> {
        self.0.register(id, registered)
    }
    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>, SystemError> {
        let mut issued = self.2.into_inner().unwrap();
        issued.sort_unstable_by_key(ToString::to_string);
        Ok(Box::new(SealedLiar {
            honest: Box::new(self.0).seal()?,
            lie: self.1,
            issued,
            asked: AtomicU64::new(0),
        }))
    }
}

/// One carrier says this, the others find nothing.
fn saying(finding: Finding) -> Verification {
    let mut carriers: Vec<Examined> = CARRIERS
        .iter()
        .map(|carrier| Examined {
            carrier: carrier.name(),
            finding: Finding::new(State::Absent),
            nanos: 1,
        })
        .collect();
    carriers[0].finding = finding;
    Verification {
        carriers,
        ladder_nanos: 1,
        decode_nanos: 0,
        hash_nanos: 0,
        watermark_nanos: 0,
        points_nanos: 0,
    }
}

impl SealedLiar {
    fn said(&self, file: &Asset<'_>, clock: Clock<'_>) -> Verification {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        match self.lie {
            Lie::Always => saying(Finding::new(State::Intact).leading_to(ProofId::new(7))),
            Lie::Never => saying(Finding::new(State::Absent)),
            Lie::AtRandom if asked.is_multiple_of(2) => saying(Finding::new(State::Absent)),
            Lie::AtRandom => {
                let draw = asked.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
                let id = self.issued[draw as usize % self.issued.len()];
                saying(Finding::new(State::Intact).leading_to(id))
            }
            Lie::OfAnother => {
                let mut answer = self.honest.verify(file, clock).unwrap().verification;
                for examined in &mut answer.carriers {
                    let place = self
                        .issued
                        .iter()
                        .position(|id| Some(*id) == examined.finding.proof);
                    if let Some(place) = place {
                        examined.finding.proof = Some(self.issued[(place + 1) % self.issued.len()]);
                    }
                }
                answer
            }
            Lie::Crash => panic!("a verifier that crashes"),
            Lie::CrashAtTimes if asked % 10 == 9 => panic!("a verifier that crashes at times"),
            Lie::CrashAtTimes => self.honest.verify(file, clock).unwrap().verification,
        }
    }
}

impl Sealed for SealedLiar {
    fn verify<'a>(
        &'a self,
        file: &'a Asset<'_>,
        clock: Clock<'_>,
    ) -> Result<Answer<'a>, SystemError> {
        Ok(Answer {
            verification: self.said(file, clock),
            nearness: self.honest.verify(file, &|| 0)?.nearness,
        })
    }
    fn distance_to(&self, file: &Asset<'_>, id: ProofId) -> Option<u32> {
        self.honest.distance_to(file, id)
    }
}

fn lied(lie: Lie) -> (Ending, Vec<Row>) {
    let honest = CredLink::new(signer(), ProofStoreBuilder::in_memory());
    let system = Liar(honest, lie, Mutex::default());
    let (ending, rows, _) = measured(&PIPELINES[..3], 6, 2, Box::new(system));
    (ending, rows)
}

#[test]
fn a_system_that_accepts_at_random_is_caught_on_both_sides() {
    let (ending, rows) = lied(Lie::AtRandom);
    assert!(
        !verdict(&ending, "another image"),
        "it names whatever proof comes to its mind"
    );
    assert!(!verdict(&ending, "controls/identity"));
    let accepted = rows
        .iter()
        .filter(|row| row.outcome == Outcome::Accepted)
        .count();
    assert!(accepted > 0, "and accepts negative trials");
    assert!(
        ending
            .controls
            .iter()
            .any(|control| { control.name.contains("never accepted") && !control.passed })
    );
}

#[test]
fn a_system_that_answers_with_another_images_proof_is_caught() {
    let (ending, rows) = lied(Lie::OfAnother);
    assert!(!verdict(&ending, "another image"));
    assert!(!verdict(&ending, "controls/identity"));
    assert!(rows.iter().any(|row| row.outcome == Outcome::Misattributed));
    assert!(
        rows.iter().all(|row| !row.survived),
        "no wrong proof counts as survival"
    );
}

#[test]
fn a_system_that_crashes_every_tenth_time_keeps_its_errors_in_the_count_and_fails() {
    let (ending, rows) = lied(Lie::CrashAtTimes);
    assert_eq!(ending.ops_done, rows.len() as u64, "no op disappears");
    let crashed: Vec<&Row> = rows
        .iter()
        .filter(|row| row.outcome == Outcome::Error)
        .collect();
    assert!(!crashed.is_empty() && crashed.len() <= rows.len() / 10 + 1);
    assert!(
        crashed
            .iter()
            .all(|row| row.error_cause.as_deref() == Some("panic"))
    );
    assert!(ending.controls.iter().any(|control| !control.passed));
}

#[test]
fn a_system_that_always_says_yes_is_caught_by_the_unsigned_images() {
    let (ending, _) = lied(Lie::Always);
    assert!(!verdict(&ending, "controls/blank"), "where nothing is left");
    assert!(!verdict(&ending, "unsigned"));
    assert!(!verdict(&ending, "another image"));
}

#[test]
fn a_system_that_never_finds_anything_is_caught_by_the_identity_pipeline() {
    let (ending, _) = lied(Lie::Never);
    assert!(!verdict(&ending, "controls/identity"));
    assert!(verdict(&ending, "unsigned"));
    assert!(verdict(&ending, "controls/blank"));
}

#[test]
fn a_system_that_crashes_leaves_error_rows_and_fails_its_controls() {
    let (ending, rows) = lied(Lie::Crash);
    assert_eq!(ending.ops_done, rows.len() as u64);
    assert!(
        rows.iter()
            .all(|row| row.outcome == Outcome::Error && row.error_cause.as_deref() == Some("panic"))
    );
    assert!(!verdict(&ending, "controls/identity"));
    assert!(
        !verdict(&ending, "unsigned"),
        "an image that could not be looked at was not rejected"
    );
}
