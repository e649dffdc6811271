//! The store of a running service: what it keeps, and what lies near what.
//!
//! One thread writes. Proofs that arrive while it writes wait and are written together, so that a commit, which costs a
//! flush of the disk, is shared by all that came in the meantime. A proof can be found from the moment at which it is durable.
//!
//! Where other services write to the same store, another thread asks again and again what they added. By its id their proof is
//! found at once, by its fingerprint within [`FOLLOW_EVERY`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use credlink_sign_core::fingerprint::{Difference, MatchPolicy, View};
use credlink_sign_core::iscc::ImageCode;
use credlink_sign_core::local::{Points, Sought};
use credlink_sign_core::store::{
    Candidate, Codes, Neighbourhood, Neighbours, Resident, Sharing, Store, Unread,
};
use credlink_sign_core::{ProofId, ProofRecord};
use tokio::sync::oneshot;

use crate::log;
use crate::pointed::Pointed;
use crate::store::{Keeper, Proof, StoreError, points};

/// Proofs that are written together at most.
const MOST_TOGETHER: usize = 256;
/// How long after a failure the points are read again.
const READ_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(1);
/// Proofs that may wait for being written.
const MOST_WAITING: usize = 1024;
/// How often a store that others write to is asked what they added.
pub const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// Keeps proofs and finds them. Shared between threads.
#[derive(Debug)]
pub struct Live {
    keeper: Arc<dyn Keeper>,
    found: Arc<Found>,
    writer: SyncSender<Arrival>,
}

/// What all proofs look like.
#[derive(Debug)]
struct Near {
    neighbourhood: Neighbourhood,
    codes: Codes,
    /// Those in it, where others write too, so that none is in it twice.
    known: Option<HashSet<ProofId>>,
}

impl Near {
    /// Whether it was new.
    fn add(&mut self, resident: Resident) -> bool {
        let known = self.known.as_mut();
        let is_new = known.is_none_or(|known| known.insert(resident.id));
        if is_new {
            self.neighbourhood.push(resident);
            if let Some(code) = &resident.image_code {
                self.codes.push(resident.id, code);
            }
        }
        is_new
    }

    fn is_known(&self, id: ProofId) -> bool {
        self.known.as_ref().is_some_and(|known| known.contains(&id))
    }
}

/// Where proofs are found.
#[derive(Debug)]
struct Found {
    near: RwLock<Near>,
    pointed: Pointed,
}

/// A proof that waits for being written, and who waits with it.
struct Arrival {
    proof: Proof,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Live {
    /// Reads what all proofs of a store look like, and starts the threads that write, that read their points, and that follow
    /// what others add where others write.
    ///
    /// # Errors
    /// [`StoreError::Failed`], [`StoreError::Damaged`].
    pub fn over(keeper: Box<dyn Keeper>) -> Result<Self, StoreError> {
        let keeper: Arc<dyn Keeper> = keeper.into();
        // Before the rest, so that nothing lies between.
        let mark = keeper.mark()?;
        let mut residents = Vec::new();
        keeper.residents(&mut |resident| residents.push(resident))?;
        let near = RwLock::new(Near {
            known: mark.map(|_| residents.iter().map(|resident| resident.id).collect()),
            codes: residents
                .iter()
                .filter_map(|one| Some((one.id, one.image_code.as_ref()?)))
                .collect(),
            neighbourhood: residents.into_iter().collect(),
        });
        let (writer, arrivals) = sync_channel(MOST_WAITING);
        let found = Arc::new(Found {
            near,
            pointed: Pointed::unread(),
        });
        let (writing, written) = (Arc::clone(&keeper), Arc::clone(&found));
        spawned("proof writer", move || {
            write_all(&*writing, &written, &arrivals);
        })?;
        let (reading, read) = (Arc::downgrade(&keeper), Arc::clone(&found));
        spawned("points reader", move || {
            read_points(&reading, &read.pointed)
        })?;
        if let Some(mark) = mark {
            let (followed, added) = (Arc::downgrade(&keeper), Arc::clone(&found));
            spawned("proof follower", move || follow(&followed, &added, mark))?;
        }
        Ok(Self {
            keeper,
            found,
            writer,
        })
    }

    /// Adds a proof; the answer comes when it is durable and can be found.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`]: then the proof is not kept. [`StoreError::Failed`]: then it was not said that it is.
    pub async fn insert(&self, proof: Proof) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let failed = |what: &str| StoreError::Failed {
            action: "write",
            what: what.to_owned(),
        };
        self.writer
            .try_send(Arrival { proof, answer })
            .map_err(|error| match error {
                TrySendError::Full(_) => failed("too many proofs wait for being written"),
                TrySendError::Disconnected(_) => failed("its writer has ended"),
            })?;
        answered
            .await
            .unwrap_or_else(|_| Err(failed("its writer has ended")))
    }

    /// Where the proofs are kept.
    pub fn keeper(&self) -> &dyn Keeper {
        &*self.keeper
    }

    /// Proofs that can be found.
    pub fn len(&self) -> usize {
        self.found
            .near
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .neighbourhood
            .len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Proofs within `radius` bits of a view, the best first.
    pub fn near(&self, view: View, radius: u32) -> Vec<(ProofId, Difference)> {
        let near = self.found.near.read();
        let near = near.unwrap_or_else(PoisonError::into_inner);
        near.neighbourhood
            .all_near(&[view], radius, &MatchPolicy::default())
    }

    /// Proofs whose Image-Code differs from this one in `radius` bits or fewer, the nearest first.
    pub fn near_code(&self, code: &ImageCode, radius: u32) -> Vec<(ProofId, u32)> {
        let near = self.found.near.read();
        let near = near.unwrap_or_else(PoisonError::into_inner);
        near.codes.near(code, radius)
    }

    /// The store as one question sees it.
    pub fn asked(self: &Arc<Self>) -> Arc<Asked> {
        Arc::new(Asked {
            live: Arc::clone(self),
            fault: Mutex::new(None),
            known: Mutex::default(),
            known_points: Mutex::default(),
        })
    }
}

fn spawned(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map(drop).map_err(|error| StoreError::Failed {
        action: "start a thread",
        what: error.to_string(),
    })
}

/// Writes what arrives until nobody is left who could send.
fn write_all(keeper: &dyn Keeper, found: &Found, arrivals: &Receiver<Arrival>) {
    while let Ok(first) = arrivals.recv() {
        let (mut proofs, mut answers) = (vec![first.proof], vec![first.answer]);
        while proofs.len() < MOST_TOGETHER {
            let Ok(next) = arrivals.try_recv() else { break };
            proofs.push(next.proof);
            answers.push(next.answer);
        }
        let written = keeper.insert(&proofs);
        let mut near = found.near.write().unwrap_or_else(PoisonError::into_inner);
        let kept = proofs.iter().zip(&written).filter(|(_, kept)| kept.is_ok());
        for (proof, _) in kept {
            if near.add(Resident::of(&proof.record)) {
                found.pointed.push(proof.record.id, &proof.points);
            }
        }
        drop(near);
        for (answer, written) in answers.into_iter().zip(written) {
            // Whoever asked may have gone; the proof is kept all the same.
            let _ = answer.send(written);
        }
    }
}

/// Reads the points of all proofs, again and again until it succeeds or the store is closed: until then nobody is told that a
/// picture is unknown.
fn read_points(keeper: &Weak<dyn Keeper>, pointed: &Pointed) {
    let mut is_told = false;
    while let Some(keeper) = keeper.upgrade() {
        let Err(error) = pointed.read(&*keeper) else {
            break;
        };
        drop(keeper);
        // What is gone for an hour is said once.
        if !is_told {
            log::fault(&format!("points cannot be read: {error}"));
            is_told = true;
        }
        std::thread::sleep(READ_AGAIN_AFTER);
    }
}

/// Adds what others add, until the store is closed.
fn follow(keeper: &Weak<dyn Keeper>, found: &Found, mut mark: u64) {
    let mut is_told = false;
    loop {
        std::thread::sleep(FOLLOW_EVERY);
        let Some(keeper) = keeper.upgrade() else {
            break;
        };
        match followed(&*keeper, found, mark) {
            Ok(next) => (mark, is_told) = (next, false),
            // What is gone for an hour is said once.
            Err(error) if !is_told => {
                log::fault(&format!("others are not followed: {error}"));
                is_told = true;
            }
            Err(_) => {}
        }
    }
}

/// Adds what others added since a mark; the next mark. What was added before a fault is known when it is asked for again.
fn followed(keeper: &dyn Keeper, found: &Found, mark: u64) -> Result<u64, StoreError> {
    let mut added = Vec::new();
    let next = keeper.added_since(mark, &mut |resident| added.push(resident))?;
    let near = || found.near.read().unwrap_or_else(PoisonError::into_inner);
    added.retain(|resident| !near().is_known(resident.id));
    for some in added.chunks(MOST_TOGETHER) {
        let ids: Vec<ProofId> = some.iter().map(|resident| resident.id).collect();
        let (records, all) = (keeper.records(&ids)?, keeper.points(&ids)?);
        for (resident, (record, bytes)) in some.iter().zip(records.iter().zip(all)) {
            let read = record.as_ref().zip(bytes);
            let read = read
                .map(|(record, bytes)| points(record, &bytes))
                .transpose()?;
            let mut near = found.near.write().unwrap_or_else(PoisonError::into_inner);
            if near.add(*resident)
                && let Some(points) = read
            {
                found.pointed.push(resident.id, &points);
            }
        }
    }
    Ok(next)
}

/// A live store for the time of one question. What the medium could not tell is noted, since a verifier would take it for a
/// proof that is not there.
#[derive(Debug)]
pub struct Asked {
    live: Arc<Live>,
    fault: Mutex<Option<StoreError>>,
    /// What was asked for already: the same proof is looked up by several carriers, and the medium may be far.
    known: Mutex<HashMap<ProofId, Option<ProofRecord>>>,
    known_points: Mutex<HashMap<ProofId, Option<Vec<u8>>>>,
}

impl Asked {
    /// What went wrong while the question was answered. Then the answer is none.
    pub fn fault(&self) -> Option<StoreError> {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.take()
    }

    /// Asks for what was not asked for yet.
    fn look_up_in<T>(
        &self,
        known: &Mutex<HashMap<ProofId, T>>,
        ids: &[ProofId],
        ask: impl FnOnce(&[ProofId]) -> Result<Vec<T>, StoreError>,
    ) {
        let known = || known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing = ids.to_vec();
        missing.retain(|id| !known().contains_key(id));
        let fault = || self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        // After a fault there is no answer any more, so that nothing else has to be waited for.
        if missing.is_empty() || fault().is_some() {
            return;
        }
        match ask(&missing) {
            Ok(answers) => known().extend(missing.into_iter().zip(answers)),
            Err(error) => *fault() = Some(error),
        }
    }

    fn look_up(&self, ids: &[ProofId]) {
        self.look_up_in(&self.known, ids, |ids| self.live.keeper.records(ids));
    }

    fn look_up_points(&self, ids: &[ProofId]) {
        self.look_up_in(&self.known_points, ids, |ids| self.live.keeper.points(ids));
    }

    fn record(&self, id: ProofId) -> Option<ProofRecord> {
        self.look_up(&[id]);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).cloned().flatten()
    }
}

impl Store for Asked {
    fn by_id(&self, id: ProofId) -> Option<Cow<'_, ProofRecord>> {
        self.record(id).map(Cow::Owned)
    }

    fn candidate(&self, id: ProofId) -> Option<Candidate<'_>> {
        self.by_id(id).map(Candidate::Record)
    }

    fn nearest(&self, views: &[View], radius: u32, policy: &MatchPolicy) -> Neighbours {
        let near = &self.live.found.near;
        let near = near.read().unwrap_or_else(PoisonError::into_inner);
        near.neighbourhood.nearest(views, radius, policy)
    }

    fn all_near(
        &self,
        views: &[View],
        radius: u32,
        policy: &MatchPolicy,
        most: usize,
    ) -> Vec<(Cow<'_, ProofRecord>, Difference)> {
        let near = &self.live.found.near;
        let found = near
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .neighbourhood
            .all_near(views, radius, policy);
        let ids: Vec<ProofId> = found.iter().take(most).map(|(id, _)| *id).collect();
        self.look_up(&ids);
        let found = found.into_iter().take(most);
        found
            .filter_map(|(id, difference)| Some((self.by_id(id)?, difference)))
            .collect()
    }

    fn sharing(
        &self,
        sought: &Sought,
        views: Range<usize>,
        most: usize,
    ) -> Vec<(ProofId, Sharing)> {
        let found = self.live.found.pointed.sharing(sought, views, most);
        let ids: Vec<ProofId> = found.iter().map(|(id, _)| *id).collect();
        self.look_up(&ids);
        self.look_up_points(&ids);
        found
    }

    fn points(&self, id: ProofId) -> Result<Points, Unread> {
        let record = self.record(id).ok_or(Unread)?;
        self.look_up_points(&[id]);
        let known = self.known_points.lock();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        let bytes = known.get(&id).and_then(Option::as_deref).ok_or(Unread)?;
        points(&record, bytes).map_err(|error| {
            let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
            fault.get_or_insert(error);
            Unread
        })
    }

    fn with_points(&self) -> Option<usize> {
        self.live.found.pointed.len()
    }

    fn nearest_wrong(
        &self,
        views: &[View],
        min_quality: u8,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Option<u32> {
        let near = &self.live.found.near;
        let near = near.read().unwrap_or_else(PoisonError::into_inner);
        near.neighbourhood
            .nearest_wrong(views, min_quality, is_right)
    }
}
