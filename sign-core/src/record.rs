//! The proof record: what the store keeps about one signed image, and the signature that binds it.
//!
//! The signature is Ed25519 over this encoding: version 2 (1 had no sketch), 3 for an image that is not opaque, 4 for one
//! with a history, 5 for one with points, 6 for one with an Image-Code. `bytes(x)` is the length of `x` as four bytes, big endian, and then `x`; integers are big endian.
//!
//! | field | encoding |
//! |---|---|
//! | domain | `bytes("credlink proof record")` |
//! | version | `bytes(02)` to `bytes(06)` |
//! | id | `bytes(8 bytes)` |
//! | fingerprint | `bytes(32 bytes)`: words 0 to 3 |
//! | fingerprint quality | `bytes(1 byte)` |
//! | tone | `bytes(16 bytes)` |
//! | content sketch | `bytes(at most 1532 bytes)`, as in [`crate::sketch`] |
//! | media type | `bytes(ASCII)` |
//! | width, height as displayed | `bytes(4 bytes)` each |
//! | SHA-256 of the signed file | `bytes(32 bytes)` |
//! | SHA-256 of the manifest | `bytes(32 bytes)` |
//! | from version 3 on: content sketch on black | `bytes(at most 1532 bytes)`, empty for an opaque image |
//! | from version 4 on: earlier proof | `bytes(8 bytes)`, empty if there is none |
//! | from version 4 on: Unix time of signing, seconds | `bytes(8 bytes)`, empty if nobody told it |
//! | from version 4 on: earlier provenance link | `bytes(UTF-8)`, empty if there was none |
//! | from version 5 on: whether there is a history, 1 or 0 | `bytes(1 byte)` |
//! | from version 5 on: number of points | `bytes(1 byte)`, empty if none are kept |
//! | from version 5 on: SHA-256 of the points, as in [`Points::to_bytes`](crate::local::Points::to_bytes) | `bytes(32 bytes)`, empty likewise |
//! | in version 6: body of the Image-Code | `bytes(32 bytes)` |
//!
//! Every field has its length in front and its place is fixed, so two records never share an encoding, and
//! the domain keeps a record's signature from being taken for one over a manifest.

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fingerprint::{Fingerprint, Tone, View};
use crate::iscc::ImageCode;
use crate::keys::{Identity, TrustAnchor};
use crate::proof_id::ProofId;
use crate::sketch::Sketch;
use credlink_image_files::Format;

/// What the store keeps about one signed image. As JSON, digests and the signature are lowercase
/// hexadecimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofRecord {
    /// The proof.
    pub id: ProofId,
    /// PDQ hash of the displayed image.
    pub fingerprint: Fingerprint,
    /// PDQ quality, 0 to 100.
    pub fingerprint_quality: u8,
    /// Coarse brightness of the displayed image.
    pub tone: Tone,
    /// Thumbnail of the displayed image; as JSON, base64.
    pub sketch: Sketch,
    /// The same on a black page; only for images that are not opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sketch_on_black: Option<Sketch>,
    /// What came before, and when this was; only where somebody told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// Points of the displayed image, which are kept beside the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<RegisteredPoints>,
    /// What others look the displayed image up by: an Image-Code of ISO 24138.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_code: Option<ImageCode>,
    /// Container of the signed file.
    #[serde(with = "crate::formats::by_media_type")]
    pub media_type: Format,
    /// Width as displayed, pixels.
    pub width: u32,
    /// Height as displayed, pixels.
    pub height: u32,
    /// SHA-256 of the signed file.
    #[serde(with = "hex::serde")]
    pub signed_sha256: [u8; 32],
    /// SHA-256 of the manifest (the JUMBF store as embedded).
    #[serde(with = "hex::serde")]
    pub manifest_sha256: [u8; 32],
    /// Ed25519 signature of the above by the signer's end-entity key.
    #[serde(with = "hex::serde")]
    pub signature: [u8; 64],
}

/// Which points belong to a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisteredPoints {
    /// How many, at most 200.
    pub count: u8,
    /// SHA-256 of their bytes.
    #[serde(with = "hex::serde")]
    pub sha256: [u8; 32],
}

impl RegisteredPoints {
    /// Of what [`Points::to_bytes`](crate::local::Points::to_bytes) gives.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            count: bytes.get(1).copied().unwrap_or_default(),
            sha256: Sha256::digest(bytes).into(),
        }
    }
}

/// What a signer knows of the time before a proof. All of it is the signer's word, under the signer's signature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The proof as which the same picture was signed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ProofId>,
    /// When the file was signed: Unix time, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<u64>,
    /// The provenance link that stood in the file and was replaced by ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_link: Option<String>,
}

impl ProofRecord {
    /// The proof as which the same picture was signed before.
    #[must_use]
    pub fn parent(&self) -> Option<ProofId> {
        self.history.as_ref()?.parent
    }

    /// When the file was signed: Unix time, seconds.
    #[must_use]
    pub fn signed_at(&self) -> Option<u64> {
        self.history.as_ref()?.signed_at
    }

    /// Fills in the signature.
    #[must_use]
    pub fn signed(mut self, identity: &Identity) -> Self {
        self.signature = identity.sign(&self.encoded()).to_bytes();
        self
    }

    /// Whether the key of this signer's end entity signed it.
    pub fn is_signed_under(&self, anchor: &TrustAnchor) -> bool {
        self.is_signed_by(anchor.key())
    }

    /// Whether `key` signed exactly this record. Strict: no malleable signature, no weak key
    /// (`verify_strict` of ed25519-dalek).
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        // Encoded, an empty link is none.
        let link = self.history.as_ref().map(|history| &history.earlier_link);
        if link.is_some_and(|link| link.as_deref() == Some("")) {
            return false;
        }
        key.verify_strict(&self.encoded(), &Signature::from_bytes(&self.signature))
            .is_ok()
    }

    /// What the registered image looks like.
    pub(crate) fn view(&self) -> View {
        View {
            fingerprint: self.fingerprint,
            tone: self.tone,
        }
    }

    /// The bytes under the signature.
    fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2048);
        let mut field = |bytes: &[u8]| {
            // The longest field is the sketch.
            out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            out.extend_from_slice(bytes);
        };
        field(b"credlink proof record");
        let later = (&self.history, &self.points, &self.image_code);
        let version = match (&self.sketch_on_black, later) {
            (_, (_, _, Some(_))) => 6,
            (_, (_, Some(_), None)) => 5,
            (_, (Some(_), None, None)) => 4,
            (Some(_), (None, None, None)) => 3,
            (None, (None, None, None)) => 2,
        };
        field(&[version]);
        field(&self.id.value().to_be_bytes());
        let words = self.fingerprint.0.map(u64::to_be_bytes);
        field(words.as_flattened());
        field(&[self.fingerprint_quality]);
        field(&self.tone.0);
        field(self.sketch.as_bytes());
        field(self.media_type.mime().as_bytes());
        field(&self.width.to_be_bytes());
        field(&self.height.to_be_bytes());
        field(&self.signed_sha256);
        field(&self.manifest_sha256);
        if version > 2 {
            let sketch = self.sketch_on_black.as_ref();
            field(sketch.map_or(&[][..], |sketch| sketch.as_bytes()));
        }
        if version > 3 {
            let none = History::default();
            let history = self.history.as_ref().unwrap_or(&none);
            let number =
                |number: Option<u64>| number.map_or(Vec::new(), |n| n.to_be_bytes().into());
            field(&number(history.parent.map(ProofId::value)));
            field(&number(history.signed_at));
            let link = history.earlier_link.as_deref();
            field(link.unwrap_or_default().as_bytes());
        }
        if version > 4 {
            field(&[u8::from(self.history.is_some())]);
            let points = self.points.as_ref();
            field(points.map_or(&[][..], |points| std::slice::from_ref(&points.count)));
            field(points.map_or(&[][..], |points| &points.sha256));
        }
        if let Some(code) = &self.image_code {
            field(&code.0);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Date, Validity};

    fn identity(seed: u8) -> Identity {
        let validity = Validity {
            not_before: Date::new(2020, 1, 1).unwrap(),
            not_after: Date::new(2040, 1, 1).unwrap(),
        };
        Identity::generate([seed; 32].into(), "Test", validity).unwrap()
    }

    fn sketch() -> Sketch {
        let picture = image::GrayImage::from_fn(90, 60, |x, y| image::Luma([(x * y % 251) as u8]));
        Sketch::of(&picture.into(), image::metadata::Orientation::NoTransforms)
    }

    fn record() -> ProofRecord {
        ProofRecord {
            id: ProofId::new(0x0123_4567_89ab_cdef),
            fingerprint: Fingerprint([1, 2, 3, 4]),
            fingerprint_quality: 77,
            tone: Tone([9; 16]),
            sketch: sketch(),
            sketch_on_black: None,
            history: None,
            points: None,
            image_code: None,
            media_type: Format::Png,
            width: 640,
            height: 480,
            signed_sha256: [5; 32],
            manifest_sha256: [6; 32],
            signature: [0; 64],
        }
    }

    #[test]
    fn only_the_signers_key_verifies() {
        let signed = record().signed(&identity(1));
        let key = |seed| *identity(seed).anchor().unwrap().key();
        assert!(signed.is_signed_by(&key(1)));
        assert!(!signed.is_signed_by(&key(2)));
        assert!(!record().is_signed_by(&key(1)));
    }

    #[test]
    fn any_flipped_bit_of_any_field_is_refused() {
        let identity = identity(1);
        let key = *identity.anchor().unwrap().key();
        let signed = record().signed(&identity);
        let mut changed = Vec::new();
        let mut change = |edit: &dyn Fn(&mut ProofRecord)| {
            let mut copy = signed.clone();
            edit(&mut copy);
            changed.push(copy);
        };
        for bit in 0..64 {
            change(&|r| r.id = ProofId::new(r.id.value() ^ 1 << bit));
        }
        for bit in 0..256 {
            change(&|r| r.fingerprint.0[bit / 64] ^= 1 << (bit % 64));
            change(&|r| r.signed_sha256[bit / 8] ^= 1 << (bit % 8));
            change(&|r| r.manifest_sha256[bit / 8] ^= 1 << (bit % 8));
        }
        for bit in 0..512 {
            change(&|r| r.signature[bit / 8] ^= 1 << (bit % 8));
        }
        for bit in 0..128 {
            change(&|r| r.tone.0[bit / 8] ^= 1 << (bit % 8));
        }
        for bit in 0..32 {
            change(&|r| r.width ^= 1 << bit);
            change(&|r| r.height ^= 1 << bit);
        }
        for bit in 0..8 {
            change(&|r| r.fingerprint_quality ^= 1 << bit);
        }
        // The first two bytes give the size: with another one the bytes are no sketch.
        let bits = 8 * signed.sketch.as_bytes().len();
        for bit in 16..bits {
            change(&|r| {
                let mut bytes = r.sketch.as_bytes().to_vec();
                bytes[bit / 8] ^= 1 << (bit % 8);
                r.sketch = Sketch::from_bytes(bytes).unwrap();
            });
        }
        change(&|r| r.media_type = Format::Jpeg);
        change(&|r| r.sketch_on_black = Some(sketch()));
        let history = |parent, signed_at, link: Option<&str>| History {
            parent: Option::map(parent, ProofId::new),
            signed_at,
            earlier_link: link.map(str::to_owned),
        };
        for told in [
            history(Some(1), None, None),
            history(None, Some(1), None),
            history(None, None, Some("https://example.com")),
            history(None, None, Some("")),
            History::default(),
        ] {
            change(&|r| r.history = Some(told.clone()));
        }
        for count in [0, 1] {
            let points = RegisteredPoints {
                count,
                sha256: [0; 32],
            };
            change(&|r| r.points = Some(points));
        }
        change(&|r| r.image_code = Some(ImageCode([0; 32])));
        let others = 64 + 3 * 256 + 512 + 128 + 64 + 8 + 2 + 5 + 2 + 1;
        assert_eq!(changed.len(), others + bits - 16);
        for record in changed {
            assert!(!record.is_signed_by(&key), "{record:?}");
        }
    }

    #[test]
    fn any_flipped_bit_of_the_points_is_refused() {
        let identity = identity(1);
        let key = *identity.anchor().unwrap().key();
        let points = RegisteredPoints {
            count: 7,
            sha256: [8; 32],
        };
        let signed = ProofRecord {
            points: Some(points),
            ..record()
        }
        .signed(&identity);
        assert!(signed.is_signed_by(&key));
        let with = |points| ProofRecord {
            points,
            ..signed.clone()
        };
        assert!(!with(None).is_signed_by(&key));
        for bit in 0..256 {
            let mut other = points;
            other.sha256[bit / 8] ^= 1 << (bit % 8);
            assert!(!with(Some(other)).is_signed_by(&key));
        }
        for bit in 0..8 {
            let count = points.count ^ 1 << bit;
            assert!(!with(Some(RegisteredPoints { count, ..points })).is_signed_by(&key));
        }
        let history = Some(History::default());
        let told = ProofRecord { history, ..signed };
        assert!(!told.is_signed_by(&key));
    }

    /// An empty link had the encoding of none, so that a signed record could be given one.
    #[test]
    fn an_empty_link_cannot_be_added() {
        let identity = identity(1);
        let key = *identity.anchor().unwrap().key();
        let with = |earlier_link| ProofRecord {
            history: Some(History {
                earlier_link,
                ..History::default()
            }),
            ..record()
        };
        let signed = with(None).signed(&identity);
        assert!(signed.is_signed_by(&key));
        let changed = ProofRecord {
            signature: signed.signature,
            ..with(Some(String::new()))
        };
        assert!(!changed.is_signed_by(&key));
    }

    #[test]
    fn any_flipped_bit_of_the_image_code_is_refused() {
        let identity = identity(1);
        let key = *identity.anchor().unwrap().key();
        let points = Some(RegisteredPoints {
            count: 0,
            sha256: [8; 32],
        });
        let code = ImageCode([7; 32]);
        for points in [None, points] {
            let signed = ProofRecord {
                points,
                image_code: Some(code),
                ..record()
            }
            .signed(&identity);
            assert!(signed.is_signed_by(&key));
            let text = serde_json::to_string(&signed).unwrap();
            assert!(text.contains(r#""image_code":"ISCC:EED"#), "{text}");
            assert_eq!(serde_json::from_str::<ProofRecord>(&text).unwrap(), signed);
            let with = |image_code| ProofRecord {
                image_code,
                ..signed.clone()
            };
            assert!(!with(None).is_signed_by(&key));
            for bit in 0..256 {
                let mut other = code;
                other.0[bit / 8] ^= 1 << (bit % 8);
                assert!(!with(Some(other)).is_signed_by(&key));
            }
            let without = ProofRecord {
                points: Some(RegisteredPoints {
                    count: 1,
                    sha256: [8; 32],
                }),
                ..signed
            };
            assert!(!without.is_signed_by(&key));
        }
    }

    #[test]
    fn a_record_reads_back_from_json() {
        let signed = record().signed(&identity(1));
        let text = serde_json::to_string(&signed).unwrap();
        assert!(text.contains(r#""id":"0123456789abcdef""#), "{text}");
        assert!(text.contains(r#""media_type":"image/png""#), "{text}");
        assert_eq!(serde_json::from_str::<ProofRecord>(&text).unwrap(), signed);
    }
}
