//! Ed25519 signatures on which verifiers disagree, and what each path of ours that accepts a signature says of them.
//!
//! The twelve kinds, their order and the public vectors are those of K. Chalkias, F. Garillot and V. Nikolaenko, "Taming
//! the many EdDSAs" (2020), section 5 and table 5. Ours are made from points of the curve, over messages of ours, and both
//! are measured by the same equations.

use std::sync::Arc;

use credlink_image_files::Format;
use credlink_sign_core::carriers::State;
use credlink_sign_core::keys::{Identity, TrustAnchor};
use credlink_sign_core::store::ProofStore;
use credlink_sign_core::{ProofRecord, Verifier};
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity as _, IsIdentity as _};
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::{Signature, VerifyingKey};
use image::ImageFormat;
use sha2::{Digest as _, Sha512};

use super::common::{encoded, file, files, finding, id, picture, signer, verified};
use super::forger::{Certified, Forger, Key, certified, of_signer, root};

/// The order of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// At most 8.
    Small,
    /// That of the base point.
    Prime,
    /// A multiple of it.
    Mixed,
}
use Order::{Mixed, Prime, Small};

/// The group order, little endian (RFC 8032, section 5.1).
const GROUP_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// (0, −1) with a sign for its zero: one of the encodings that are not canonical.
const NOT_CANONICAL: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xec;
    bytes
};

/// What a signature is, by computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Measured {
    key: Order,
    r: Order,
    is_key_canonical: bool,
    is_r_canonical: bool,
    is_s_canonical: bool,
    /// S·B = R + k·A, for k over the bytes as they are, or over canonical ones.
    holds: [bool; 2],
    /// The same, multiplied by 8.
    holds_by_cofactor: [bool; 2],
}

/// A kind of signature, and what it must measure.
struct Kind {
    name: &'static str,
    measures: Measured,
    /// How often the group order was added to S.
    orders_added: u8,
    /// Whether a strict verifier takes it. There is one: with both points of mixed order, made by whoever has the key, as
    /// good as any of his; nobody else can make it, and no other signature follows from it.
    is_strict: bool,
}

const fn kind(name: &'static str, key: Order, r: Order) -> Kind {
    Kind {
        name,
        measures: Measured {
            key,
            r,
            is_key_canonical: true,
            is_r_canonical: true,
            is_s_canonical: true,
            holds: [true; 2],
            holds_by_cofactor: [true; 2],
        },
        orders_added: 0,
        is_strict: false,
    }
}

impl Kind {
    const fn only_by_cofactor(mut self) -> Self {
        self.measures.holds = [false; 2];
        self
    }

    const fn plus_orders(mut self, count: u8) -> Self {
        self.measures.is_s_canonical = false;
        self.orders_added = count;
        self
    }

    /// `place` 0: hashed as it is; 1: hashed canonically.
    const fn only_hashed(mut self, place: usize) -> Self {
        self.measures.holds = [place == 0, place == 1];
        self.measures.holds_by_cofactor = self.measures.holds;
        self
    }

    const fn with_odd_r(mut self) -> Self {
        self.measures.is_r_canonical = false;
        self
    }

    const fn with_odd_key(mut self) -> Self {
        self.measures.is_key_canonical = false;
        // Eight times a key of small order is nothing, whatever the hash.
        self.measures.holds_by_cofactor = [true; 2];
        self
    }

    const fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }
}

const KINDS: [Kind; 12] = [
    kind("small key, small R, S = 0", Small, Small),
    kind("small key, mixed R", Small, Mixed),
    kind("mixed key, small R", Mixed, Small),
    kind("mixed key, mixed R", Mixed, Mixed).strict(),
    kind("mixed key, mixed R, by cofactor alone", Mixed, Mixed).only_by_cofactor(),
    kind("mixed key, R of the group, by cofactor alone", Mixed, Prime).only_by_cofactor(),
    kind("S beyond the group order", Prime, Prime).plus_orders(1),
    kind("S far beyond the group order", Prime, Prime).plus_orders(6),
    kind("R not canonical, hashed canonically", Mixed, Small)
        .with_odd_r()
        .only_hashed(1),
    kind("R not canonical, hashed as it is", Mixed, Small)
        .with_odd_r()
        .only_hashed(0),
    kind("key not canonical, hashed canonically", Small, Mixed)
        .only_hashed(1)
        .with_odd_key(),
    kind("key not canonical, hashed as it is", Small, Mixed)
        .only_hashed(0)
        .with_odd_key(),
];

fn order(point: &EdwardsPoint) -> Order {
    match (point.is_small_order(), point.is_torsion_free()) {
        (true, _) => Small,
        (false, true) => Prime,
        (false, false) => Mixed,
    }
}

fn hash(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let digest = Sha512::new()
        .chain_update(r)
        .chain_update(key)
        .chain_update(message);
    Scalar::from_bytes_mod_order_wide(&digest.finalize().into())
}

fn point(bytes: &[u8; 32]) -> EdwardsPoint {
    CompressedEdwardsY(*bytes).decompress().unwrap()
}

fn halves(signature: &[u8; 64]) -> ([u8; 32], [u8; 32]) {
    let half = |range| <[u8; 32]>::try_from(&signature[range]).unwrap();
    (half(0..32), half(32..64))
}

fn measured(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Measured {
    let (r_bytes, s) = halves(signature);
    let (a, r) = (point(key), point(&r_bytes));
    let canonical = [a, r].map(|point| point.compress().to_bytes());
    let hashes = [
        hash(&r_bytes, key, message),
        hash(&canonical[1], &canonical[0], message),
    ];
    let off = hashes.map(|k| ED25519_BASEPOINT_POINT * Scalar::from_bytes_mod_order(s) - r - a * k);
    Measured {
        key: order(&a),
        r: order(&r),
        is_key_canonical: canonical[0] == *key,
        is_r_canonical: canonical[1] == r_bytes,
        is_s_canonical: bool::from(Scalar::from_canonical_bytes(s).is_some()),
        holds: off.map(|off| off.is_identity()),
        holds_by_cofactor: off.map(|off| off.is_small_order()),
    }
}

/// A key of one of the kinds: a·B + T, and its bytes.
struct Odd {
    a: Scalar,
    bytes: [u8; 32],
}

fn scalar(seed: &[u8], number: u64) -> Scalar {
    let digest = Sha512::new_with_prefix(seed).chain_update(number.to_le_bytes());
    Scalar::from_bytes_mod_order_wide(&digest.finalize().into())
}

impl Odd {
    fn of(kind: usize) -> Self {
        let measures = &KINDS[kind].measures;
        let a = match measures.key {
            Small => Scalar::ZERO,
            _ => scalar(b"key", 0),
        };
        let torsion = match (measures.key, measures.r) {
            // Under the neutral element every message has a signature with S = 0.
            (Prime, _) | (Small, Small) => EdwardsPoint::identity(),
            _ => EIGHT_TORSION[1],
        };
        let bytes = match measures.is_key_canonical {
            true => (ED25519_BASEPOINT_POINT * a + torsion)
                .compress()
                .to_bytes(),
            false => NOT_CANONICAL,
        };
        Self { a, bytes }
    }

    /// A signature of this kind, by trying points R; for some messages there is none.
    fn signature(&self, kind: usize, message: &[u8]) -> Option<[u8; 64]> {
        let wanted = &KINDS[kind].measures;
        (0..512).find_map(|number| {
            let r = match wanted.r {
                Small => Scalar::ZERO,
                _ => scalar(message, number),
            };
            let torsion = match wanted.r {
                Prime => EdwardsPoint::identity(),
                _ => EIGHT_TORSION[number as usize % 8],
            };
            let canonical = (ED25519_BASEPOINT_POINT * r + torsion)
                .compress()
                .to_bytes();
            let bytes = match wanted.is_r_canonical {
                true => canonical,
                false => NOT_CANONICAL,
            };
            let k = match wanted.holds {
                [false, true] => {
                    let key = point(&self.bytes).compress().to_bytes();
                    hash(&point(&bytes).compress().to_bytes(), &key, message)
                }
                _ => hash(&bytes, &self.bytes, message),
            };
            let mut s = (r + k * self.a).to_bytes();
            for _ in 0..KINDS[kind].orders_added {
                s = plus_order(s);
            }
            let signature = [bytes, s].concat().try_into().unwrap();
            let found = measured(&self.bytes, message, &signature);
            (found == *wanted).then_some(signature)
        })
    }
}

/// A number and the group order, below 2^256.
fn plus_order(mut number: [u8; 32]) -> [u8; 32] {
    let mut carry = 0;
    for (byte, more) in number.iter_mut().zip(GROUP_ORDER) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    number
}

/// Message, key, signature.
type Vector = (&'static str, &'static str, &'static str);

/// The public vectors, as their authors publish them; that each has the property that its place says is checked.
const PUBLIC: [Vector; 12] = [
    (
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a\
         0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa\
         8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f\
         87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512\
         5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7\
         e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e\
         547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942\
         7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ),
    (
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    ),
    (
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
    ),
    (
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
];

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).unwrap();
    bytes
}

#[test]
fn the_public_vectors_are_what_their_names_say_and_strict_verification_takes_one() {
    for (kind, (message, key, signature)) in KINDS.iter().zip(PUBLIC) {
        let (message, key, signature) = (bytes::<32>(message), bytes(key), bytes(signature));
        let found = measured(&key, &message, &signature);
        assert_eq!(found, kind.measures, "{}", kind.name);
        let verdict = VerifyingKey::from_bytes(&key)
            .unwrap()
            .verify_strict(&message, &Signature::from_bytes(&signature));
        assert_eq!(verdict.is_ok(), kind.is_strict, "{}", kind.name);
    }
}

/// Every kind, under a key of ours, with a message for which there is such a signature.
fn every_kind(mut message: impl FnMut(u64) -> Vec<u8>) -> Vec<(&'static Kind, Odd, u64, [u8; 64])> {
    let of_kind = |(index, kind)| {
        let key = Odd::of(index);
        let mut tries = 0..400;
        let found = tries.find_map(|number| {
            let signature = key.signature(index, &message(number))?;
            Some((number, signature))
        });
        let (number, signature) = found.expect("one message in eight has one");
        (kind, key, number, signature)
    };
    KINDS.iter().enumerate().map(of_kind).collect()
}

/// The encoding under a record's signature, written once more from its description.
fn encoded_record(record: &ProofRecord) -> Vec<u8> {
    let words = record.fingerprint.0.map(u64::to_be_bytes).concat();
    let points = record.points.unwrap();
    let fields: [&[u8]; 20] = [
        b"credlink proof record",
        &[6],
        &record.id.value().to_be_bytes(),
        &words,
        &[record.fingerprint_quality],
        &record.tone.0,
        record.sketch.as_bytes(),
        record.media_type.mime().as_bytes(),
        &record.width.to_be_bytes(),
        &record.height.to_be_bytes(),
        &record.signed_sha256,
        &record.manifest_sha256,
        // Opaque, and without a history.
        &[],
        &[],
        &[],
        &[],
        &[0],
        &[points.count],
        &points.sha256,
        &record.image_code.unwrap().0,
    ];
    let with_length = |field: &&[u8]| [&(field.len() as u32).to_be_bytes()[..], field].concat();
    fields.iter().flat_map(with_length).collect()
}

#[test]
fn of_records_only_what_is_strict_is_taken() {
    let (_, bytes) = &files(7)[1];
    let record = signer().sign(&file(bytes), id(1)).unwrap().record;
    let numbered = |number| ProofRecord {
        id: id(number),
        ..record.clone()
    };
    let honest = Key::new(2);
    let genuine = ProofRecord {
        signature: honest.sign(&encoded_record(&record)),
        ..record.clone()
    };
    let key = |bytes: &[u8; 32]| VerifyingKey::from_bytes(bytes).unwrap();
    assert!(genuine.is_signed_by(&key(&honest.public)));
    for (kind, odd, number, signature) in every_kind(|number| encoded_record(&numbered(number))) {
        let record = ProofRecord {
            signature,
            ..numbered(number)
        };
        let taken = record.is_signed_by(&key(&odd.bytes));
        assert_eq!(taken, kind.is_strict, "{}", kind.name);
    }
}

/// An anchor whose end entity has this key.
fn anchor(root: &Certified, public: [u8; 32]) -> Option<TrustAnchor> {
    let key = Key {
        public,
        private: None,
    };
    let one = certified(of_signer(2020, 2045), key, Some(root));
    TrustAnchor::new("odd", &root.pem, &one.pem).ok()
}

#[test]
fn no_key_outside_of_the_group_becomes_an_anchor_and_no_odd_statement_is_confirmed() {
    let root = root(1);
    let honest = anchor(&root, Key::new(2).public).unwrap();
    let message = |number: u64| format!("credlink statement v1\0run\0{number}").into_bytes();
    let signature = hex::encode(Key::new(2).sign(&message(5)));
    assert!(honest.confirms_statement("run", b"5", &signature));
    for (kind, odd, number, signature) in every_kind(message) {
        let anchor = anchor(&root, odd.bytes);
        assert_eq!(
            anchor.is_some(),
            kind.measures.key == Prime,
            "{}",
            kind.name
        );
        let document = number.to_string();
        let signature = hex::encode(signature);
        let confirmed =
            anchor.is_some_and(|it| it.confirms_statement("run", document.as_bytes(), &signature));
        assert!(!confirmed, "{}", kind.name);
    }
}

#[test]
fn no_manifest_with_an_odd_signature_is_ours() {
    let root = root(1);
    let bytes = encoded(&picture(4, 160, 120), ImageFormat::Png);
    // As lenient as a verifier of ours gets: any certificate that our authority issued will do.
    let honest = anchor(&root, Key::new(2).public).unwrap();
    let verifier = Verifier::new(vec![honest], Arc::new(ProofStore::empty())).unwrap();
    let verifier = verifier.trusting_whole_anchors();
    let state = |key: Key, number, sign: &dyn Fn(&[u8]) -> [u8; 64]| {
        let one = certified(of_signer(2020, 2045), key, Some(&root));
        let forger = Forger {
            chain: vec![one.der],
            sign,
        };
        let signed = forger.signed(Format::Png, &bytes, id(number));
        finding(&verified(&verifier, &signed), "manifest").state
    };
    let genuine = state(Key::new(2), 1, &|message| Key::new(2).sign(message));
    assert_eq!(genuine, State::Intact);
    for (index, kind) in KINDS.iter().enumerate() {
        let odd = Odd::of(index);
        let found = (0..400).find_map(|number| {
            let is_there = std::cell::Cell::new(false);
            let key = Key {
                public: odd.bytes,
                private: None,
            };
            let state = state(key, number, &|message| {
                let made = odd.signature(index, message);
                is_there.set(made.is_some());
                made.unwrap_or([0; 64])
            });
            is_there.get().then_some(state)
        });
        let found = found.expect("one message in eight has such a signature");
        assert!(
            matches!(found, State::Foreign | State::Invalid),
            "{}: {found:?}",
            kind.name
        );
    }
}

#[test]
fn a_genuine_signature_written_otherwise_is_taken_nowhere() {
    // An identity whose key we know, so that nothing but S is odd.
    let root = root(1);
    let key = Key::new(2);
    let one = certified(of_signer(2020, 2045), key.clone(), Some(&root));
    let private = key.private.as_ref().unwrap().to_pkcs8_pem(LineEnding::LF);
    let identity = Identity::from_pkcs8_pem("ours", &private.unwrap(), &one.pem, &root.pem);
    let signer = credlink_sign_core::Signer::new(identity.unwrap()).unwrap();
    let bytes = encoded(&picture(4, 160, 120), ImageFormat::Png);
    let signed = signer.sign(&file(&bytes), id(1)).unwrap();
    let public = VerifyingKey::from_bytes(&key.public).unwrap();
    assert!(signed.record.is_signed_by(&public));
    let (r, s) = halves(&signed.record.signature);
    let rewritten = ProofRecord {
        signature: [r, plus_order(s)].concat().try_into().unwrap(),
        ..signed.record.clone()
    };
    assert!(!rewritten.is_signed_by(&public));
    let verifier = super::common::verifier(signer.identity(), []);
    let state = |bytes: &[u8]| finding(&verified(&verifier, bytes), "manifest").state;
    assert_eq!(state(&signed.bytes), State::Intact);
    // The claim's signature ends the manifest: a byte string of 64, behind an empty map and no payload.
    let place = |bytes: &[u8]| {
        let mut found = bytes.windows(4);
        found.position(|part| part == [0xa0, 0xf6, 0x58, 0x40])
    };
    let at = place(&signed.bytes).unwrap() + 4 + 32;
    let mut malleated = signed.bytes.clone();
    let s: [u8; 32] = malleated[at..at + 32].try_into().unwrap();
    malleated[at..at + 32].copy_from_slice(&plus_order(s));
    assert_eq!(state(&png_with_check_sums(malleated)), State::Invalid);
}

/// A PNG file with the check sum of every chunk made anew.
fn png_with_check_sums(mut png: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while at + 12 <= png.len() {
        let length = u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
        let sum = crc(&png[at + 4..at + 8 + length]).to_be_bytes();
        png[at + 8 + length..at + 12 + length].copy_from_slice(&sum);
        at += 12 + length;
    }
    png
}

/// CRC-32 as PNG has it (ISO/IEC 15948, annex D), bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        let mut sum = sum ^ u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 * (sum & 1));
        }
        sum
    };
    !bytes.iter().fold(!0, step)
}
