//! What a verifier knows, and when it believes a pointer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::VerifyingKey;

use crate::asset::{Asset, Shown};
use crate::fingerprint::{Match, MatchPolicy};
use crate::keys::TrustAnchor;
use crate::manifest::describe::{self, Described};
use crate::manifest::read::Ours;
use crate::manifest::{Engine, EngineError};
use crate::proof_id::DEFAULT_BASE_URL;
use crate::proof_id::ProofId;
use crate::record::ProofRecord;
use crate::sketch::{Bars, Comparison, Likeness, Placement, Registered, Whereabouts, is_plain};
use crate::store::Store;
use crate::watermark::{Effort, WatermarkKey};

/// What a verifier knows: whom it accepts, which proofs there are, when content counts as the same.
/// Shared freely between threads, and cheap to clone.
#[derive(Clone, Debug)]
pub struct Verifier {
    anchors: Vec<TrustAnchor>,
    keys: Vec<VerifyingKey>,
    any_of_anchor: bool,
    store: Arc<dyn Store>,
    policy: MatchPolicy,
    base_url: String,
    watermark: Option<(WatermarkKey, Effort)>,
    engine: Engine,
    /// The sketches that were compared last, made ready: files of one image mostly come one after the other.
    ready: Arc<Mutex<Ready>>,
}

/// Sketches that were made ready, the last one at the end.
type Ready = VecDeque<(ProofId, Arc<Registered>)>;

/// Sketches that are kept ready, about 100 KB each.
const READY: usize = 16;

/// Fingerprint distances of a received image, bits, over the eight orientations, between contents whose quality is
/// sufficient: what a threshold decides on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distances {
    /// To the issued proof.
    pub own: Option<u32>,
    /// To the nearest wrong proof in the store.
    pub wrong: Option<u32>,
}

/// What the received pixels say about a pointer to a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Confirmation {
    /// Distance to the registered fingerprint, bits, where it could be measured.
    pub(crate) distance: Option<u32>,
    /// What confirms the pointer, or the code that says why nothing does.
    pub(crate) verdict: Result<&'static str, &'static str>,
}

impl Verifier {
    /// A verifier with the default policy and base URL.
    ///
    /// # Errors
    /// [`EngineError`] if the C2PA library does not take the anchors.
    pub fn new(anchors: Vec<TrustAnchor>, store: Arc<dyn Store>) -> Result<Self, EngineError> {
        Ok(Self {
            engine: Engine::new(&anchors)?,
            keys: anchors.iter().map(|anchor| *anchor.key()).collect(),
            any_of_anchor: false,
            anchors,
            store,
            policy: MatchPolicy::default(),
            base_url: DEFAULT_BASE_URL.to_owned(),
            watermark: None,
            ready: Arc::default(),
        })
    }

    /// Links under this URL are ours. A trailing slash is dropped.
    #[must_use]
    pub fn with_base_url(mut self, base_url: &str) -> Self {
        self.base_url = base_url.trim_end_matches('/').to_owned();
        self
    }

    /// Reads watermarks of this key. Each further [`Effort`] takes more time with images that have none.
    #[must_use]
    pub fn with_watermark(mut self, key: WatermarkKey, effort: Effort) -> Self {
        self.watermark = Some((key, effort));
        self
    }

    /// Trusts the authorities of a list of certificates (PEM), too. What they vouch for is told as trusted, and is ours no
    /// more than before.
    ///
    /// # Errors
    /// [`EngineError`] if the C2PA library does not take the list.
    pub fn vouching(mut self, list: &str) -> Result<Self, EngineError> {
        self.engine = Engine::vouching(&self.anchors, list)?;
        Ok(self)
    }

    /// Takes every manifest for ours whose certificate one of the anchors issued, whatever its key. Records in the store
    /// still need one of our keys.
    #[must_use]
    pub fn trusting_whole_anchors(mut self) -> Self {
        self.any_of_anchor = true;
        self
    }

    /// The same verifier looking among the proofs of another store. A proof must be the same in both.
    #[must_use]
    pub fn looking_in(&self, store: Arc<dyn Store>) -> Self {
        Self {
            store,
            ..self.clone()
        }
    }

    /// Another matching policy.
    #[must_use]
    pub fn with_policy(mut self, policy: MatchPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How far a received image is from a registered proof, bits, over the eight orientations: how much the
    /// content was altered. `None` if the proof is unknown, the image undecodable, or either featureless.
    pub fn distance_to(&self, file: &Asset<'_>, id: ProofId) -> Option<u32> {
        let record = self.store.by_id(id)?;
        file.content()?
            .difference(&record.view(), &self.policy)
            .map(|difference| difference.distance)
    }

    /// How near the content of a file is to the issued proof and to the nearest other one; `is_right` names the proofs
    /// that are not wrong. The default where a distance alone does not decide: undecodable, featureless, or of a
    /// quality below the policy's.
    pub fn distances(
        &self,
        file: &Asset<'_>,
        issued: Option<ProofId>,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Distances {
        let floor = self.policy.min_quality;
        let Some(content) = file.content().filter(|content| content.quality >= floor) else {
            return Distances::default();
        };
        let own = issued
            .and_then(|id| self.store.by_id(id))
            .filter(|record| record.fingerprint_quality >= floor)
            .and_then(|record| content.difference(&record.view(), &self.policy))
            .map(|difference| difference.distance);
        Distances {
            own,
            wrong: self.store.nearest_wrong(&content.views, floor, is_right),
        }
    }

    /// A received image beside a registered one, cell by cell: how much of it is seen, and where it differs. `None`
    /// if the proof is unknown or the image undecodable.
    pub fn compared_with(&self, file: &Asset<'_>, id: ProofId) -> Option<Comparison> {
        let record = self.store.by_id(id)?;
        Some(self.registered(&record).compare(file.received()?))
    }

    /// The same at the place that points named.
    pub(crate) fn compared_at(
        &self,
        file: &Asset<'_>,
        id: ProofId,
        place: &Placement,
    ) -> Option<Comparison> {
        let record = self.store.by_id(id)?;
        let registered = self.registered(&record);
        registered.compare_pointed(file.received()?, place, Bars::Free)
    }

    /// What the manifest of a file says, whosever it is; `None` where there is none.
    pub fn described(&self, file: &Asset<'_>) -> Option<Described> {
        describe::described(&self.engine, file.media_type()?, file.bytes())
    }

    /// Whom this verifier accepts.
    pub fn anchors(&self) -> &[TrustAnchor] {
        &self.anchors
    }

    /// The proofs it looks among.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// When content counts as the same.
    pub fn policy(&self) -> &MatchPolicy {
        &self.policy
    }

    /// Links under this URL are ours.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The key that watermarks are read with, and how far to search for them.
    pub fn watermark(&self) -> Option<(&WatermarkKey, Effort)> {
        self.watermark.as_ref().map(|(key, effort)| (key, *effort))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whose manifests are ours.
    pub(crate) fn ours(&self) -> Ours<'_> {
        Ours {
            keys: &self.keys,
            any_of_anchor: self.any_of_anchor,
        }
    }

    /// A record's sketch, made ready for comparisons.
    fn registered(&self, record: &ProofRecord) -> Arc<Registered> {
        let lock = || self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, held)) = lock().iter().find(|(id, _)| *id == record.id) {
            return Arc::clone(held);
        }
        let size = (record.width, record.height);
        let made = Arc::new(Registered::new(&record.sketch, size));
        let mut ready = lock();
        if ready.len() >= READY {
            ready.pop_front();
        }
        ready.push_back((record.id, Arc::clone(&made)));
        made
    }

    /// Whether one of our signers signed this record: a store may have been tampered with.
    pub(crate) fn is_genuine(&self, record: &ProofRecord) -> bool {
        self.keys.iter().any(|key| record.is_signed_by(key))
    }

    /// Whether the pixels confirm a pointer to this record. The content sketch decides, whatever the pointer: a link can
    /// be pasted, a mark copied, and a picture made whose fingerprint lies near any other (27 of 256 bits, at 30 dB).
    /// Whatever led to the proof may know where its picture lies in the image.
    pub(crate) fn confirmation(
        &self,
        file: &Asset<'_>,
        record: &ProofRecord,
        whereabouts: &Whereabouts,
    ) -> Confirmation {
        let Some(content) = file.content() else {
            return Confirmation {
                distance: None,
                verdict: Err("credlink.image.undecodable"),
            };
        };
        let difference = content.difference(&record.view(), &self.policy);
        let quality = content.quality.min(record.fingerprint_quality);
        let is_near = difference.is_some_and(|difference| {
            self.policy.judge(difference, quality, None) == Match::Accepted
        });
        let pixels = file.pixels();
        let are_frames = || pixels.is_ok_and(|pixels| pixels.shown == Shown::Frames);
        let registered = || self.registered(record);
        let verdict = match file.sketch_verdict(record, &registered, whereabouts) {
            None => Err("credlink.image.undecodable"),
            Some(Likeness::Same | Likeness::Plain) if are_frames() => {
                Err("credlink.content.frames")
            }
            Some(Likeness::Same | Likeness::Plain)
                if !file.is_same_in_colours(&registered, whereabouts) =>
            {
                Err("credlink.content.colours")
            }
            Some(Likeness::Same | Likeness::Plain)
                if !file.is_same_on_black(record, whereabouts) =>
            {
                Err("credlink.content.background")
            }
            // Shades alone say too little: the fingerprint has to agree, and no stroke may hide in them.
            Some(Likeness::Plain) if !is_near => Err("credlink.content.featureless"),
            Some(Likeness::Plain) if !pixels.is_ok_and(|pixels| is_plain(&pixels.image)) => {
                Err("credlink.content.differs")
            }
            Some(Likeness::Same | Likeness::Plain) => Ok("sketch"),
            Some(Likeness::Altered) => Err("credlink.content.altered"),
            Some(Likeness::Different) => Err("credlink.content.differs"),
            Some(Likeness::Featureless) => Err("credlink.content.featureless"),
        };
        Confirmation {
            distance: difference.map(|difference| difference.distance),
            verdict,
        }
    }
}
