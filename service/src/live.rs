//! The store of a running service: what it keeps, and what lies near what.
//!
//! One thread writes. Proofs that arrive while it writes wait and are written together, so that a commit, which costs a
//! flush of the disk, is shared by all that came in the meantime. A proof can be found from the moment at which it is durable.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use credlink_sign_core::fingerprint::{Difference, MatchPolicy, View};
use credlink_sign_core::local::{Points, Sought};
use credlink_sign_core::store::{Candidate, Neighbourhood, Neighbours, Resident, Sharing, Store};
use credlink_sign_core::{ProofId, ProofRecord};
use tokio::sync::oneshot;

use crate::pointed::Pointed;
use crate::store::{Keeper, Proof, StoreError, points};

/// Proofs that are written together at most.
const MOST_TOGETHER: usize = 256;
/// How long after a failure the points are read again.
const READ_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(1);
/// Proofs that may wait for being written.
const MOST_WAITING: usize = 1024;

/// Keeps proofs and finds them. Shared between threads.
#[derive(Debug)]
pub struct Live {
    keeper: Arc<dyn Keeper>,
    near: Arc<RwLock<Neighbourhood>>,
    pointed: Arc<Pointed>,
    writer: SyncSender<Arrival>,
}

/// A proof that waits for being written, and who waits with it.
struct Arrival {
    proof: Proof,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Live {
    /// Reads what all proofs of a store look like, and starts two threads: one that writes, and one that reads their points.
    ///
    /// # Errors
    /// [`StoreError::Failed`], [`StoreError::Damaged`].
    pub fn over(keeper: Box<dyn Keeper>) -> Result<Self, StoreError> {
        let keeper: Arc<dyn Keeper> = keeper.into();
        let mut residents = Vec::new();
        keeper.residents(&mut |resident| residents.push(resident))?;
        let near = Arc::new(RwLock::new(residents.into_iter().collect()));
        let (writer, arrivals) = sync_channel(MOST_WAITING);
        let pointed = Arc::new(Pointed::unread());
        let (writing, found) = (
            Arc::clone(&keeper),
            Found {
                near: Arc::clone(&near),
                pointed: Arc::clone(&pointed),
            },
        );
        spawned("proof writer", move || {
            write_all(&*writing, &found, &arrivals)
        })?;
        let (reading, read) = (Arc::clone(&keeper), Arc::clone(&pointed));
        spawned("points reader", move || {
            // Until it succeeds nobody is told that a picture is unknown.
            while let Err(error) = read.read(&*reading) {
                crate::log::fault(&error.to_string());
                std::thread::sleep(READ_AGAIN_AFTER);
            }
        })?;
        Ok(Self {
            keeper,
            near,
            pointed,
            writer,
        })
    }

    /// Adds a proof; the answer comes when it is durable and can be found.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`], [`StoreError::Failed`]; then the proof is not kept.
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
            .len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Proofs within `radius` bits of a view, the best first.
    pub fn near(&self, view: View, radius: u32) -> Vec<(ProofId, Difference)> {
        let near = self.near.read().unwrap_or_else(PoisonError::into_inner);
        near.all_near(&[view], radius, &MatchPolicy::default())
    }

    /// The store as one question sees it.
    pub fn asked(self: &Arc<Self>) -> Arc<Asked> {
        Arc::new(Asked {
            live: Arc::clone(self),
            fault: Mutex::new(None),
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

/// Where proofs are found.
struct Found {
    near: Arc<RwLock<Neighbourhood>>,
    pointed: Arc<Pointed>,
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
            near.push(Resident::of(&proof.record));
            found.pointed.push(proof.record.id, &proof.points);
        }
        drop(near);
        for (answer, written) in answers.into_iter().zip(written) {
            // Whoever asked may have gone; the proof is kept all the same.
            let _ = answer.send(written);
        }
    }
}

/// A live store for the time of one question. What the medium could not tell is noted, since a verifier would take it for a
/// proof that is not there.
#[derive(Debug)]
pub struct Asked {
    live: Arc<Live>,
    fault: Mutex<Option<StoreError>>,
}

impl Asked {
    /// What went wrong while the question was answered. Then the answer is none.
    pub fn fault(&self) -> Option<StoreError> {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.take()
    }

    /// What the medium told, or nothing and a note.
    fn told<T: Default>(&self, told: Result<T, StoreError>) -> T {
        told.unwrap_or_else(|error| {
            let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
            fault.get_or_insert(error);
            T::default()
        })
    }

    fn record(&self, id: ProofId) -> Option<ProofRecord> {
        self.told(self.live.keeper.record(id))
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
        near.nearest(views, radius, policy)
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
            .all_near(views, radius, policy);
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
        self.live.pointed.sharing(sought, views, most)
    }

    fn points(&self, id: ProofId) -> Option<Points> {
        let record = self.record(id)?;
        let bytes = self.told(self.live.keeper.points(id))?;
        self.told(points(&record, &bytes).map(Some))
    }

    fn with_points(&self) -> Option<usize> {
        self.live.pointed.len()
    }

    fn nearest_wrong(
        &self,
        views: &[View],
        min_quality: u8,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Option<u32> {
        let near = &self.live.near;
        let near = near.read().unwrap_or_else(PoisonError::into_inner);
        near.nearest_wrong(views, min_quality, is_right)
    }
}
