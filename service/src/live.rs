//! The store of a running service: what it keeps, and what lies near what.
//!
//! One thread writes. Proofs that arrive while it writes wait and are written together, so that a commit, which costs a
//! flush of the disk, is shared by all that came in the meantime. A proof can be found from the moment at which it is durable.
//!
//! Where other services write to the same store, another thread asks again and again what they added. By its id their proof is
//! found at once, by its fingerprint within [`FOLLOW_EVERY`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use credlink_sign_core::fingerprint::{Difference, MatchPolicy, View};
use credlink_sign_core::store::{Candidate, Neighbourhood, Neighbours, Resident, Store};
use credlink_sign_core::{ProofId, ProofRecord};
use tokio::sync::oneshot;

use crate::log;
use crate::store::{Keeper, Proof, StoreError};

/// Proofs that are written together at most.
const MOST_TOGETHER: usize = 256;
/// Proofs that may wait for being written.
const MOST_WAITING: usize = 1024;
/// How often a store that others write to is asked what they added.
pub const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// Keeps proofs and finds them. Shared between threads.
#[derive(Debug)]
pub struct Live {
    keeper: Arc<dyn Keeper>,
    near: Arc<RwLock<Near>>,
    writer: SyncSender<Arrival>,
}

/// What all proofs look like.
#[derive(Debug)]
struct Near {
    neighbourhood: Neighbourhood,
    /// Those in it, where others write too, so that none is in it twice.
    known: Option<HashSet<ProofId>>,
}

impl Near {
    fn add(&mut self, resident: Resident) {
        let is_new = self.known.as_mut();
        if is_new.is_none_or(|known| known.insert(resident.id)) {
            self.neighbourhood.push(resident);
        }
    }
}

/// A proof that waits for being written, and who waits with it.
struct Arrival {
    proof: Proof,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Live {
    /// Reads what all proofs of a store look like, and starts the thread that writes.
    ///
    /// # Errors
    /// [`StoreError::Failed`], [`StoreError::Damaged`].
    pub fn over(keeper: Box<dyn Keeper>) -> Result<Self, StoreError> {
        let keeper: Arc<dyn Keeper> = keeper.into();
        // Before the rest, so that nothing lies between.
        let mark = keeper.mark()?;
        let mut residents = Vec::new();
        keeper.residents(&mut |resident| residents.push(resident))?;
        let near = Arc::new(RwLock::new(Near {
            known: mark.map(|_| residents.iter().map(|resident| resident.id).collect()),
            neighbourhood: residents.into_iter().collect(),
        }));
        let (writer, arrivals) = sync_channel(MOST_WAITING);
        let (writing, found) = (Arc::clone(&keeper), Arc::clone(&near));
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let failed = |error: std::io::Error| StoreError::Failed {
            action: "start its threads",
            what: error.to_string(),
        };
        thread("proof writer")
            .spawn(move || write_all(&*writing, &found, &arrivals))
            .map_err(failed)?;
        if let Some(mark) = mark {
            let (followed, found) = (Arc::downgrade(&keeper), Arc::clone(&near));
            thread("proof follower")
                .spawn(move || follow(&followed, &found, mark))
                .map_err(failed)?;
        }
        Ok(Self {
            keeper,
            near,
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
        self.near
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
        let near = self.near.read().unwrap_or_else(PoisonError::into_inner);
        near.neighbourhood
            .all_near(&[view], radius, &MatchPolicy::default())
    }

    /// The store as one question sees it.
    pub fn asked(self: &Arc<Self>) -> Arc<Asked> {
        Arc::new(Asked {
            live: Arc::clone(self),
            fault: Mutex::new(None),
            known: Mutex::default(),
        })
    }
}

/// Writes what arrives until nobody is left who could send.
fn write_all(keeper: &dyn Keeper, near: &RwLock<Near>, arrivals: &Receiver<Arrival>) {
    while let Ok(first) = arrivals.recv() {
        let (mut proofs, mut answers) = (vec![first.proof], vec![first.answer]);
        while proofs.len() < MOST_TOGETHER {
            let Ok(next) = arrivals.try_recv() else { break };
            proofs.push(next.proof);
            answers.push(next.answer);
        }
        let written = keeper.insert(&proofs);
        let mut near = near.write().unwrap_or_else(PoisonError::into_inner);
        let kept = proofs.iter().zip(&written).filter(|(_, kept)| kept.is_ok());
        kept.for_each(|(proof, _)| near.add(Resident::of(&proof.record)));
        drop(near);
        for (answer, written) in answers.into_iter().zip(written) {
            // Whoever asked may have gone; the proof is kept all the same.
            let _ = answer.send(written);
        }
    }
}

/// Adds what others add, until the store is closed.
fn follow(keeper: &Weak<dyn Keeper>, near: &RwLock<Near>, mut mark: u64) {
    let mut is_told = false;
    loop {
        std::thread::sleep(FOLLOW_EVERY);
        let Some(keeper) = keeper.upgrade() else {
            break;
        };
        let mut added = Vec::new();
        match keeper.added_since(mark, &mut |resident| added.push(resident)) {
            Ok(next) => (mark, is_told) = (next, false),
            // What is gone for an hour is said once.
            Err(error) if !is_told => {
                log::fault(&format!("others are not followed: {error}"));
                is_told = true;
            }
            Err(_) => {}
        }
        let mut near = near.write().unwrap_or_else(PoisonError::into_inner);
        added.into_iter().for_each(|resident| near.add(resident));
    }
}

/// A live store for the time of one question. What the medium could not tell is noted, since a verifier would take it for a
/// proof that is not there.
#[derive(Debug)]
pub struct Asked {
    live: Arc<Live>,
    fault: Mutex<Option<StoreError>>,
    /// What was asked for already: the same proof is looked up by several carriers, and the medium may be far.
    known: Mutex<HashMap<ProofId, Option<ProofRecord>>>,
}

impl Asked {
    /// What went wrong while the question was answered. Then the answer is none.
    pub fn fault(&self) -> Option<StoreError> {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.take()
    }

    /// Asks for those records that were not asked for yet.
    fn look_up(&self, ids: &[ProofId]) {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing = ids.to_vec();
        missing.retain(|id| !known().contains_key(id));
        let fault = || self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        // After a fault there is no answer any more, so that nothing else has to be waited for.
        if missing.is_empty() || fault().is_some() {
            return;
        }
        match self.live.keeper.records(&missing) {
            Ok(records) => known().extend(missing.into_iter().zip(records)),
            Err(error) => *fault() = Some(error),
        }
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
        let near = &self.live.near;
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
        let near = &self.live.near;
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

    fn nearest_wrong(
        &self,
        views: &[View],
        min_quality: u8,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Option<u32> {
        let near = &self.live.near;
        let near = near.read().unwrap_or_else(PoisonError::into_inner);
        near.neighbourhood
            .nearest_wrong(views, min_quality, is_right)
    }
}
