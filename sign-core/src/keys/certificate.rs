//! The X.509 certificates of an identity (RFC 5280, RFC 8410; C2PA 2.x, "Certificate profiles").
//!
//! Everything about rcgen is in this file. Its own cryptography stays out of the build: ed25519-dalek
//! signs, SHA-256 makes the key identifiers.

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyUsagePurpose, PKCS_ED25519, PublicKeyData, SerialNumber,
    SignatureAlgorithm,
};
use sha2::{Digest, Sha256};
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::KeyError;

/// A day of the Gregorian calendar, years 1950 to 2999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

impl Date {
    /// The day, if it exists.
    ///
    /// # Errors
    /// [`KeyError::Date`].
    pub fn new(year: i32, month: u8, day: u8) -> Result<Self, KeyError> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u8::from(leap),
            _ => 31,
        };
        if !(1950..3000).contains(&year) || !(1..=12).contains(&month) || !(1..=days).contains(&day)
        {
            return Err(KeyError::Date(format!("{year:04}-{month:02}-{day:02}")));
        }
        Ok(Self { year, month, day })
    }
}

/// From the first moment of one day to the first moment of another, UTC. Verifiers compare it with the
/// system's clock, since no time stamp authority is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// First valid moment.
    pub not_before: Date,
    /// First invalid moment.
    pub not_after: Date,
}

/// What [`issue`] makes.
pub(super) struct Issued {
    pub(super) end_entity_der: Vec<u8>,
    pub(super) end_entity_pem: String,
    pub(super) root_pem: String,
}

struct Public(VerifyingKey);

impl PublicKeyData for Public {
    fn der_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

struct Root<'a> {
    key: &'a SigningKey,
    public: Public,
}

impl PublicKeyData for Root<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.public.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

impl rcgen::SigningKey for Root<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.key.sign(message).to_bytes().to_vec())
    }
}

/// The first 20 bytes of SHA-256 over the key, as RFC 7093 (method 1) allows.
fn key_identifier(key: &VerifyingKey) -> Vec<u8> {
    Sha256::digest(key.as_bytes())[..20].to_vec()
}

/// Positive, 20 bytes, different for every key (RFC 5280, 4.1.2.2).
fn serial_number(key: &VerifyingKey) -> SerialNumber {
    let mut digest = Sha256::new_with_prefix(b"credlink serial v1\0");
    digest.update(key.as_bytes());
    let mut serial = digest.finalize()[..20].to_vec();
    serial[0] = serial[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&serial)
}

fn parameters(
    organisation: &str,
    common_name: &str,
    key: &VerifyingKey,
    validity: Validity,
) -> Result<CertificateParams, KeyError> {
    if validity.not_before >= validity.not_after {
        return Err(KeyError::Date(
            "a certificate must begin before it ends".to_owned(),
        ));
    }
    let mut parameters = CertificateParams::default();
    let moment = |date: Date| rcgen::date_time_ymd(date.year, date.month, date.day);
    parameters.not_before = moment(validity.not_before);
    parameters.not_after = moment(validity.not_after);
    parameters.serial_number = Some(serial_number(key));
    parameters.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier(key));
    parameters.use_authority_key_identifier_extension = true;
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, organisation);
    name.push(DnType::CommonName, common_name);
    parameters.distinguished_name = name;
    Ok(parameters)
}

/// c2pa-kp-claimSigning (C2PA 2.2, "Certificate profiles").
const CLAIM_SIGNING: &[u64] = &[1, 3, 6, 1, 4, 1, 62558, 2, 1];

/// A root that issues one end entity. C2PA forbids self-signed end entities, so there are always two.
pub(super) fn issue(
    organisation: &str,
    root: &SigningKey,
    end_entity: &VerifyingKey,
    validity: Validity,
) -> Result<Issued, KeyError> {
    let failed = |error: rcgen::Error| KeyError::Certificate(error.to_string());
    let root = Root {
        key: root,
        public: Public(root.verifying_key()),
    };
    let mut root_parameters = parameters(organisation, "CredLink root", &root.public.0, validity)?;
    root_parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root_parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let root_certificate = root_parameters.self_signed(&root).map_err(failed)?;

    let mut parameters = parameters(organisation, "CredLink signer", end_entity, validity)?;
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // C2PA's own usage, and email protection, which validators knew before there was one.
    parameters.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::Other(CLAIM_SIGNING.to_vec()),
        ExtendedKeyUsagePurpose::EmailProtection,
    ];
    let issuer = Issuer::from_params(&root_parameters, &root);
    let certificate = parameters
        .signed_by(&Public(*end_entity), &issuer)
        .map_err(failed)?;
    Ok(Issued {
        end_entity_der: certificate.der().to_vec(),
        end_entity_pem: certificate.pem(),
        root_pem: root_certificate.pem(),
    })
}

/// The Ed25519 key of a certificate, as [`ed25519`] takes it. The certificate's signature is checked elsewhere.
pub(super) fn public_key(der: &[u8]) -> Option<VerifyingKey> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    ed25519(certificate.public_key())
}

/// An Ed25519 key (RFC 8410, section 4) that somebody may have made from a private one: a canonical point of the base
/// point's group. Under one of small order anybody can sign; under one of mixed order verifiers disagree.
pub(crate) fn ed25519(key: &SubjectPublicKeyInfo<'_>) -> Option<VerifyingKey> {
    let bytes = <&[u8; 32]>::try_from(&*key.subject_public_key.data).ok()?;
    let found = VerifyingKey::from_bytes(bytes).ok()?;
    let point = found.to_edwards();
    let is_sound = !found.is_weak() && point.is_torsion_free() && point.compress().0 == *bytes;
    (key.algorithm.algorithm == OID_SIG_ED25519 && is_sound).then_some(found)
}

/// The last organisation name of a certificate, which is the subject's; for display only.
pub(super) fn organisation(der: &[u8]) -> Option<String> {
    // id-at-organizationName; then the tag and the length of the string.
    const OID: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x0a];
    let at = der.windows(OID.len()).rposition(|window| window == OID)? + OID.len();
    let length = usize::from(*der.get(at + 1)?);
    let text = std::str::from_utf8(der.get(at + 2..at + 2 + length)?).ok()?;
    (length < 128 && !text.is_empty()).then(|| text.to_owned())
}
