//! What a verifier asks a store, whatever keeps it: the files of a directory, memory, or a service that somebody adds.

use std::borrow::Cow;
use std::fmt::Debug;
use std::ops::Range;

use super::{Candidate, Neighbours, ProofStore, Sharing};
use crate::fingerprint::{Difference, MatchPolicy, View};
use crate::local::{Points, Sought};
use crate::proof_id::ProofId;
use crate::record::ProofRecord;

/// A store could not read what it holds, so that nothing is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof store could not be read")]
pub struct Unread;

/// A store as one question sees it: its answers depend on the question alone, not on timing, threads, or what was asked before.
/// What it keeps in memory it lends; what it has to fetch it gives away.
pub trait Store: Debug + Send + Sync {
    /// The record of a proof.
    fn by_id(&self, id: ProofId) -> Option<Cow<'_, ProofRecord>>;

    /// What a neighbour's id stands for.
    fn candidate(&self, id: ProofId) -> Option<Candidate<'_>>;

    /// The best record within `radius` bits of any of the views, and how good the next one is; see
    /// [`ProofStore::nearest`].
    fn nearest(&self, views: &[View], radius: u32, policy: &MatchPolicy) -> Neighbours;

    /// The records within `radius` bits of any of the views, the best first; `most` of them at most.
    fn all_near(
        &self,
        views: &[View],
        radius: u32,
        policy: &MatchPolicy,
        most: usize,
    ) -> Vec<(Cow<'_, ProofRecord>, Difference)>;

    /// The proofs that share most points with a received picture in any of these of its eight orientations, those that share most
    /// first; `most` of them at most. See [`LocalIndex::sharing`](super::LocalIndex::sharing).
    fn sharing(&self, sought: &Sought, views: Range<usize>, most: usize)
    -> Vec<(ProofId, Sharing)>;

    /// The points of a proof that is there.
    ///
    /// # Errors
    /// [`Unread`] where they cannot be read, or are not those that its record names.
    fn points(&self, id: ProofId) -> Result<Points, Unread>;

    /// Proofs that can be found by their points: by chance, too. `None` where that cannot be said yet, since they are being read.
    fn with_points(&self) -> Option<usize>;

    /// Distance to the nearest record that is wrong, bits; see [`ProofStore::nearest_wrong`]. Asked for tables alone, never to
    /// verify.
    fn nearest_wrong(
        &self,
        views: &[View],
        min_quality: u8,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Option<u32>;
}

impl Store for ProofStore {
    fn by_id(&self, id: ProofId) -> Option<Cow<'_, ProofRecord>> {
        Self::by_id(self, id).map(Cow::Borrowed)
    }

    fn candidate(&self, id: ProofId) -> Option<Candidate<'_>> {
        Self::candidate(self, id)
    }

    fn nearest(&self, views: &[View], radius: u32, policy: &MatchPolicy) -> Neighbours {
        Self::nearest(self, views, radius, policy)
    }

    fn all_near(
        &self,
        views: &[View],
        radius: u32,
        policy: &MatchPolicy,
        most: usize,
    ) -> Vec<(Cow<'_, ProofRecord>, Difference)> {
        let near = Self::all_near(self, views, radius, policy, most).into_iter();
        near.map(|(record, difference)| (Cow::Borrowed(record), difference))
            .collect()
    }

    fn sharing(
        &self,
        sought: &Sought,
        views: Range<usize>,
        most: usize,
    ) -> Vec<(ProofId, Sharing)> {
        Self::sharing(self, sought, views, most)
    }

    fn points(&self, id: ProofId) -> Result<Points, Unread> {
        Self::points(self, id).map_err(|_| Unread)
    }

    fn with_points(&self) -> Option<usize> {
        Some(self.points.len())
    }

    fn nearest_wrong(
        &self,
        views: &[View],
        min_quality: u8,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Option<u32> {
        Self::nearest_wrong(self, views, min_quality, is_right)
    }
}
