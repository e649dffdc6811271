//! Which proofs share points with a picture, while proofs keep arriving.
//!
//! A million proofs have 7 GB of points. They are read once after the start, while the service already answers what it can
//! answer without them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use credlink_sign_core::ProofId;
use credlink_sign_core::local::{Points, Sought};
use credlink_sign_core::store::{Filling, LocalIndex, Sharing};

use crate::store::{Keeper, StoreError};

/// The points of all proofs.
#[derive(Debug, Default)]
pub(crate) struct Pointed(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    index: LocalIndex,
    /// By position in the index.
    ids: Vec<ProofId>,
    /// Proofs that arrived while those of the store were read; `None` once they are.
    late: Option<Vec<(ProofId, Points)>>,
}

impl Pointed {
    /// Before the points of a store were read.
    pub(crate) fn unread() -> Self {
        Self(RwLock::new(Inner {
            late: Some(Vec::new()),
            ..Inner::default()
        }))
    }

    /// Reads the points of all proofs; what arrives meanwhile is waited for by nobody.
    pub(crate) fn read(&self, keeper: &dyn Keeper) -> Result<(), StoreError> {
        let (mut filling, mut ids) = (Filling::default(), Vec::new());
        keeper.points_of_all(&mut |id, points| {
            filling.push(&points);
            ids.push(id);
        })?;
        let mut index = filling.indexed();
        let read: BTreeSet<ProofId> = ids.iter().copied().collect();
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let late = inner.late.take().unwrap_or_default();
        for (id, points) in late.iter().filter(|(id, _)| !read.contains(id)) {
            index.push(points);
            ids.push(*id);
        }
        (inner.index, inner.ids) = (index, ids);
        Ok(())
    }

    /// One more proof.
    pub(crate) fn push(&self, id: ProofId, points: &Points) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match &mut inner.late {
            Some(late) => late.push((id, points.clone())),
            None => {
                inner.index.push(points);
                inner.ids.push(id);
            }
        }
    }

    /// How many proofs there are; `None` while they are being read.
    pub(crate) fn len(&self) -> Option<usize> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.late.is_none().then_some(inner.ids.len())
    }

    /// As [`LocalIndex::sharing`] has it.
    pub(crate) fn sharing(
        &self,
        sought: &Sought,
        views: Range<usize>,
        most: usize,
    ) -> Vec<(ProofId, Sharing)> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = inner.index.sharing(sought, views, most).into_iter();
        found.map(|one| (inner.ids[one.position], one)).collect()
    }
}
