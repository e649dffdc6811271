//! Certificates that no authority should issue, and manifests under any certificate and any signature.

use std::io::Cursor;

use c2pa::{Builder, Context, SigningAlg};
use credlink_image_files::Format;
use credlink_sign_core::ProofId;
use ed25519_dalek::{Signer as _, SigningKey};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyUsagePurpose, PKCS_ED25519, PublicKeyData, SerialNumber,
    SignatureAlgorithm,
};
use serde_json::json;

/// A key pair, or a public key that nobody made from a private one.
#[derive(Clone)]
pub struct Key {
    pub public: [u8; 32],
    pub private: Option<SigningKey>,
}

impl Key {
    pub fn new(seed: u8) -> Self {
        let private = SigningKey::from_bytes(&[seed; 32]);
        Self {
            public: private.verifying_key().to_bytes(),
            private: Some(private),
        }
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.private.as_ref().unwrap().sign(message).to_bytes()
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Key::sign(self, message).to_vec())
    }
}

/// A certificate with the key of its subject.
#[derive(Clone)]
pub struct Certified {
    pub parameters: CertificateParams,
    pub key: Key,
    pub der: Vec<u8>,
    pub pem: String,
}

fn named(common_name: &str, from: i32, to: i32) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
    parameters.serial_number = Some(SerialNumber::from_slice(&[7; 8]));
    // The same for every key, so that nothing but the signature tells look-alikes apart.
    parameters.key_identifier_method = KeyIdMethod::PreSpecified(vec![9; 20]);
    parameters.use_authority_key_identifier_extension = true;
    parameters.distinguished_name = DistinguishedName::new();
    for (kind, text) in [
        (DnType::OrganizationName, "CredLink test"),
        (DnType::CommonName, common_name),
    ] {
        parameters.distinguished_name.push(kind, text);
    }
    parameters
}

/// What an authority's certificate says.
pub fn of_authority(common_name: &str) -> CertificateParams {
    let mut parameters = named(common_name, 2020, 2045);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters
}

/// What a signer's certificate says, valid from one year to another.
pub fn of_signer(from: i32, to: i32) -> CertificateParams {
    let mut parameters = named("Signer", from, to);
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    parameters
}

/// A root of its own.
pub fn root(seed: u8) -> Certified {
    certified(of_authority("Root"), Key::new(seed), None)
}

/// A certificate that `issuer` signed, or the key itself.
pub fn certified(parameters: CertificateParams, key: Key, issuer: Option<&Certified>) -> Certified {
    let certificate = match issuer {
        Some(issuer) => {
            let by = Issuer::from_params(&issuer.parameters, issuer.key.clone());
            parameters.signed_by(&key, &by)
        }
        None => parameters.self_signed(&key),
    };
    let certificate = certificate.unwrap();
    Certified {
        der: certificate.der().to_vec(),
        pem: certificate.pem(),
        parameters,
        key,
    }
}

/// The head of a byte string, a text or an array in CBOR (RFC 8949, section 3).
fn head(major: u8, length: usize) -> Vec<u8> {
    let major = major << 5;
    match length {
        0..24 => vec![major | length as u8],
        24..256 => vec![major | 24, length as u8],
        _ => [&[major | 25], &(length as u16).to_be_bytes()[..]].concat(),
    }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&head(2, bytes.len())[..], bytes].concat()
}

/// Signs claims under any chain, with whatever signature it is told; writes the COSE structure itself (RFC 9052, section
/// 4), since the C2PA library signs under no certificate that it would refuse.
pub struct Forger<'a> {
    /// DER, end entity first.
    pub chain: Vec<Vec<u8>>,
    pub sign: &'a dyn Fn(&[u8]) -> [u8; 64],
}

impl Forger<'_> {
    /// The algorithm under 1, the chain under 33 (RFC 9360, section 2).
    fn protected(&self) -> Vec<u8> {
        let mut chain: Vec<u8> = self.chain.iter().flat_map(|der| string(der)).collect();
        if self.chain.len() > 1 {
            chain.splice(0..0, head(4, self.chain.len()));
        }
        [&[0xa2, 0x01, 0x27, 0x18, 33], &chain[..]].concat()
    }

    /// What is signed.
    fn message(&self, claim: &[u8]) -> Vec<u8> {
        let parts = [
            &[0x84, 0x6a],
            &b"Signature1"[..],
            &string(&self.protected()),
            &string(b""),
            &string(claim),
        ];
        parts.concat()
    }

    fn structure(&self, signature: &[u8; 64]) -> Vec<u8> {
        let parts = [
            &[0xd2, 0x84][..],
            &string(&self.protected()),
            &[0xa0, 0xf6],
            &string(signature),
        ];
        parts.concat()
    }

    /// A file with a manifest that names a proof.
    pub fn signed(&self, format: Format, file: &[u8], id: ProofId) -> Vec<u8> {
        let settings = json!({
            "builder": {
                "thumbnail": { "enabled": false },
                "created_assertion_labels": ["c2pa.actions", "com.credlink.proof"],
            },
        });
        let context = Context::new().with_settings(settings.to_string().as_str());
        let definition = json!({
            "claim_version": 2,
            "claim_generator_info": [{ "name": "forger" }],
            "format": format.mime(),
            "assertions": [
                { "label": "c2pa.actions", "created": true, "data": { "actions": [{
                    "action": "c2pa.created",
                    "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
                }] } },
                { "label": "com.credlink.proof", "created": true, "data": { "id": id, "store": "" } },
            ],
        });
        let context = context.unwrap().into_shared();
        let builder = Builder::from_shared_context(&context).with_definition(definition);
        let mut out = Cursor::new(Vec::new());
        builder
            .unwrap()
            .sign(self, format.mime(), &mut Cursor::new(file), &mut out)
            .unwrap();
        out.into_inner()
    }
}

impl c2pa::Signer for Forger<'_> {
    fn sign(&self, claim: &[u8]) -> c2pa::Result<Vec<u8>> {
        Ok(self.structure(&(self.sign)(&self.message(claim))))
    }

    fn direct_cose_handling(&self) -> bool {
        true
    }

    fn alg(&self) -> SigningAlg {
        SigningAlg::Ed25519
    }

    fn certs(&self) -> c2pa::Result<Vec<Vec<u8>>> {
        Ok(self.chain.clone())
    }

    fn reserve_size(&self) -> usize {
        self.structure(&[0; 64]).len()
    }
}
