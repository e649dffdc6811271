//! The local fingerprint, matched in the proof store.

use std::ops::Range;

use super::{
    Carrier, CarrierPlace, Cost, Decision, Embedded, Finding, Registration, SoftBinding, State,
    gated,
};
use crate::Clock;
use crate::asset::Asset;
use crate::local::{
    Fit, Gate, LEAST_POINTS, ORIENTATIONS, Sought, SoughtView, VIEWS, canonical_size, fitted,
};
use crate::pixels::affine::Placement;
use crate::proof_id::ProofId;
use crate::record::ProofRecord;
use crate::signed::SignedImage;
use crate::sketch::{Part, Whereabouts};
use crate::verifier::Verifier;

/// Points from which on a part of the picture can be expected to be found.
const ENOUGH: usize = 40;

/// Orientations that are looked at first: as it is, and mirrored. The others only where that finds nothing.
const FIRST: Range<usize> = 0..2;
const OTHERS: Range<usize> = 2..VIEWS;

/// Proofs whose points are compared one by one, of each of the two groups of orientations. Turned pictures are mostly whole, and
/// whole pictures head their list.
const SHORTLIST: usize = 32;
const SHORTLIST_OF_OTHERS: usize = 8;

/// Proofs whose content is compared, at most.
const MOST_COMPARED: usize = 5;

/// Why nothing was looked for: a store that was just opened is still reading.
pub const NOT_READY: &str = "credlink.local.notReady";

/// Why nothing is said: points of a proof could not be read, and this may be its picture.
const UNREAD: &str = "credlink.local.unread";

/// Once one is accepted, those that share less than one in so many of its weight are not looked at.
const FAR_BEHIND: u32 = 3;

/// The points of the picture: found in any part of it that is left.
#[derive(Clone, Copy, Debug)]
pub struct Local;

/// A proof through the gate.
struct Suspect {
    id: ProofId,
    /// Points that lie alike, in thousandths of what they must reach.
    strength: u32,
    independent: usize,
    place: Placement,
}

impl Carrier for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn describe(&self) -> &'static str {
        "points of the picture that look and lie as registered, looked up in the proof store; found in any part of the picture, and recovered means that the content of that part confirms it"
    }

    fn place(&self) -> CarrierPlace {
        CarrierPlace::Store
    }

    fn decision(&self) -> Option<Decision> {
        Some(gated(
            "points that lie as those of another proof, in thousandths of the number that chance does not reach; 0 where there is none; the content decides behind it",
        ))
    }

    fn embedded(&self, registration: &Registration) -> Embedded {
        match registration.points {
            ENOUGH.. => Embedded::Carried,
            LEAST_POINTS.. => Embedded::Fragile,
            _ => Embedded::Refused,
        }
    }

    /// None: seven kilobytes that only this store can look up bind nothing.
    fn soft_binding(&self, _: &Registration) -> Option<SoftBinding> {
        None
    }

    fn cost(&self, signed: &SignedImage) -> Cost {
        Cost {
            bytes: Some(signed.points.to_bytes().len() as u64),
            nanos: signed.times.pointing,
        }
    }

    fn examine(&self, file: &Asset<'_>, against: &Verifier, clock: Clock<'_>) -> Finding {
        let Ok(pixels) = file.pixels() else {
            return Finding::new(State::Failed).because("credlink.image.undecodable");
        };
        let start = file.clock()();
        let sought = Sought::of(&pixels.image, pixels.orientation);
        file.add_points_nanos(file.clock()().saturating_sub(start));
        let Some(sought) = sought.filter(|sought| sought.len() >= LEAST_POINTS) else {
            return Finding::new(State::Absent).because("credlink.local.tooFewPoints");
        };
        let Some(proofs) = against.store().with_points() else {
            return Finding::new(State::Failed).because(NOT_READY);
        };
        let gate = Gate::for_store(proofs);
        let mut look = Look {
            file,
            against,
            clock,
            sought: &sought,
            gate: &gate,
            best: None,
            accepted: None,
            alternatives: Vec::new(),
            refused: None,
            is_unread: false,
            compared: 0,
            retrieve_nanos: 0,
        };
        look.among(FIRST, SHORTLIST);
        if look.accepted.is_none() {
            look.among(OTHERS, SHORTLIST_OF_OTHERS);
        }
        look.finding()
    }
}

/// One look for a picture.
struct Look<'l> {
    file: &'l Asset<'l>,
    against: &'l Verifier,
    clock: Clock<'l>,
    sought: &'l Sought,
    gate: &'l Gate,
    /// The proof that most points lead to, through the gate or not, and how strongly.
    best: Option<(ProofId, u32)>,
    accepted: Option<Finding>,
    alternatives: Vec<ProofId>,
    /// What the content says of the first that it refused.
    refused: Option<Finding>,
    /// Whether points of a proof could not be read.
    is_unread: bool,
    compared: usize,
    retrieve_nanos: u64,
}

impl Look<'_> {
    /// Looks in some of the orientations.
    fn among(&mut self, views: Range<usize>, most: usize) {
        let (start, working) = ((self.clock)(), self.file.clock()());
        let store = self.against.store();
        let shortlist = store.sharing(self.sought, views.clone(), most);
        self.retrieve_nanos += (self.clock)().saturating_sub(start);
        let turned: Vec<SoughtView<'_>> =
            views.clone().map(|view| self.sought.view(view)).collect();
        let of_file = self.file.clock();
        self.file
            .add_points_nanos(of_file().saturating_sub(working));
        let mut waiting = Vec::new();
        let mut ahead = None;
        for (id, sharing) in shortlist {
            if ahead.is_some_and(|ahead| sharing.weight < ahead / FAR_BEHIND) {
                break;
            }
            let view = &turned[sharing.view - views.start];
            let Some(suspect) = self.suspected(id, view) else {
                continue;
            };
            // Far ahead of all others there is nothing to wait for.
            if waiting.is_empty() && ahead.is_none() && self.compare(&suspect) {
                ahead = Some(sharing.weight);
            } else {
                waiting.push(suspect);
            }
        }
        waiting.sort_by_key(|suspect| (std::cmp::Reverse(suspect.independent), suspect.id));
        for suspect in waiting {
            self.compare(&suspect);
        }
    }

    /// Whether points of a proof lie as those of the picture, and where it then is.
    fn suspected(&mut self, id: ProofId, view: &SoughtView<'_>) -> Option<Suspect> {
        let start = (self.clock)();
        let store = self.against.store();
        let (record, points) = (store.by_id(id), store.points(id));
        self.retrieve_nanos += (self.clock)().saturating_sub(start);
        self.is_unread |= points.is_err();
        let (record, points) = record.zip(points.ok())?;
        let working = self.file.clock()();
        let fit = fitted(&view.points, points.as_slice());
        self.file
            .add_points_nanos(self.file.clock()().saturating_sub(working));
        let fit = fit?;
        let least = self.gate.least(fit.pairs, fit.is_crowded);
        let strength = (1000 * fit.independent / least) as u32;
        if self.best.is_none_or(|(_, held)| strength > held) {
            self.best = Some((id, strength));
        }
        if fit.independent < least {
            return None;
        }
        let place = placed(&fit, view, &record)?;
        Some(Suspect {
            id,
            strength,
            independent: fit.independent,
            place,
        })
    }

    /// Asks the content; whether it agrees.
    fn compare(&mut self, suspect: &Suspect) -> bool {
        if self.compared >= MOST_COMPARED {
            return false;
        }
        self.compared += 1;
        let finding = Finding {
            part: Some(Part::at(&suspect.place)),
            place: Some(suspect.place),
            read: Some((suspect.id, suspect.strength)),
            ..Finding::new(State::Unconfirmed)
        };
        let whereabouts = |_| Whereabouts::Pointed(suspect.place);
        let finding = finding.resolved_at(
            suspect.id,
            self.file,
            self.against,
            self.clock,
            &whereabouts,
        );
        self.retrieve_nanos += finding.retrieve_nanos;
        let is_accepted = finding.accepted().is_some();
        if !is_accepted {
            self.refused.get_or_insert(finding);
        } else if self.accepted.is_none() {
            self.accepted = Some(finding);
        } else {
            self.alternatives.push(suspect.id);
        }
        is_accepted
    }

    fn finding(self) -> Finding {
        let unread = || Finding::new(State::Failed).because(UNREAD);
        let unread = self.is_unread.then(unread);
        let found = self.accepted.or(unread).or(self.refused);
        Finding {
            alternatives: self.alternatives,
            read: self.best,
            retrieve_nanos: self.retrieve_nanos,
            ..found.unwrap_or_else(|| Finding::new(State::Absent))
        }
    }
}

/// Where the registered picture lies in the received one.
fn placed(fit: &Fit, view: &SoughtView<'_>, record: &ProofRecord) -> Option<Placement> {
    let registered = canonical_size((record.width, record.height));
    let back = fit.map.inverse()?;
    Some(Placement {
        symmetry: ORIENTATIONS[view.number],
        map: back.without_pixels(registered, view.size),
    })
}
