//! What rows say again and again, kept once: words, the image that an op is of, and what became of it.

use std::collections::HashMap;
use std::hash::Hash;

use credlink_trial_record::{Outcome, State};

/// Bands of the displayed size in megapixels: the upper end of each, and its name.
pub(crate) const SIZE_BANDS: [(f64, &str); 5] = [
    (0.25, "below 0.25 MP"),
    (1.0, "0.25 to 1 MP"),
    (2.0, "1 to 2 MP"),
    (4.0, "2 to 4 MP"),
    (f64::INFINITY, "4 MP and more"),
];

/// The position in [`SIZE_BANDS`] of a displayed size in pixels.
pub(super) fn size_band(width: u32, height: u32) -> u8 {
    let megapixels = f64::from(width) * f64::from(height) / 1e6;
    let band = SIZE_BANDS.iter().position(|(end, _)| megapixels < *end);
    band.unwrap_or(SIZE_BANDS.len() - 1) as u8
}

/// Values in order of first appearance, each once.
#[derive(Debug)]
pub(crate) struct Interned<T> {
    list: Vec<T>,
    known: HashMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            known: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Interned<T> {
    /// The index of a value. Neighbouring rows often say the same, so the last answer is tried first by the caller.
    pub(crate) fn index<Q>(&mut self, value: &Q) -> u32
    where
        T: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(index) = self.known.get(value) {
            return *index;
        }
        let index = self.list.len() as u32;
        self.list.push(value.to_owned());
        self.known.insert(value.to_owned(), index);
        index
    }

    /// All values by index.
    pub(crate) fn into_list(self) -> Vec<T> {
        self.list
    }
}

/// No word: an index that no list has.
pub(crate) const NONE: u32 = u32::MAX;

/// An image as it entered a pipeline: the same on every op of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entrant {
    pub(crate) image: u32,
    pub(crate) source: u32,
    pub(crate) class: u32,
    pub(crate) format: u32,
    /// Position in [`SIZE_BANDS`].
    pub(crate) size: u8,
    /// Displayed width by height.
    pub(crate) pixels: u64,
    pub(crate) source_bytes: u64,
    pub(crate) signed_bytes: u64,
    pub(crate) sign_ns: u64,
    /// PSNR and SSIM of the watermark alone, then of signing, then SSIMULACRA 2 of signing, as bits so that they can be told
    /// apart; NaN where there is none.
    pub(crate) distortion: [u32; 5],
    /// Two bits a carrier: position in [`Embedded::ALL`](credlink_trial_record::Embedded::ALL), 3 where the row does not say.
    pub(crate) embedded: u128,
}

impl Entrant {
    /// How the image took a carrier: position in [`Embedded::ALL`](credlink_trial_record::Embedded::ALL), 3 where it is not known.
    pub(crate) fn embedded(&self, carrier: usize) -> usize {
        (self.embedded >> (2 * carrier) & 3) as usize
    }

    pub(crate) fn mark_psnr(&self) -> f32 {
        f32::from_bits(self.distortion[0])
    }

    pub(crate) fn mark_ssim(&self) -> f32 {
        f32::from_bits(self.distortion[1])
    }

    pub(crate) fn psnr(&self) -> f32 {
        f32::from_bits(self.distortion[2])
    }

    pub(crate) fn ssim(&self) -> f32 {
        f32::from_bits(self.distortion[3])
    }

    pub(crate) fn ssimulacra2(&self) -> f32 {
        f32::from_bits(self.distortion[4])
    }
}

/// What readers of Content Credentials that know nothing of our store see in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ReaderSees {
    /// A manifest that is valid, whoever signed it.
    Valid,
    /// One that does not fit the file.
    Invalid,
    /// None.
    Absent,
    /// Nobody could look.
    Unknown,
}

impl ReaderSees {
    /// From what the carriers say: the states of manifests are of no other carrier.
    pub(crate) fn of(states: impl Iterator<Item = State>) -> Self {
        let mut seen = Self::Unknown;
        for state in states {
            match state {
                State::Intact | State::Resigned | State::Foreign => return Self::Valid,
                State::Invalid => seen = Self::Invalid,
                State::Absent | State::Recovered | State::Unconfirmed | State::Failed => {
                    if seen == Self::Unknown {
                        seen = Self::Absent;
                    }
                }
            }
        }
        seen
    }
}

/// What became of an op: the few combinations there are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OpResult {
    /// What became of the proof.
    pub(crate) outcome: Outcome,
    /// Index of the carrier that recovered the proof in the ladder, or `u8::MAX`.
    pub(crate) recovered_by: u8,
    /// Bit c is set where carrier c accepted.
    pub(crate) accepted: u64,
    /// Whether the file came back as it went in, byte for byte.
    pub(crate) unchanged: bool,
    /// What other readers of Content Credentials see in the file.
    pub(crate) reader: ReaderSees,
    /// Index of the error's code, or [`NONE`].
    pub(crate) error: u32,
    /// For each carrier the index of its state and first code, or [`NONE`].
    pub(crate) causes: Vec<u32>,
}

/// A sum and how many went into it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    sum: u128,
    n: u64,
}

impl Mean {
    pub(super) fn add(&mut self, value: u64) {
        self.sum += u128::from(value);
        self.n += 1;
    }

    /// The mean; `None` of nothing.
    pub(crate) fn value(self) -> Option<f64> {
        (self.n > 0).then(|| self.sum as f64 / self.n as f64)
    }
}
