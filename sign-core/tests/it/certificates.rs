//! Certificates under which a manifest is not ours, one by one, although our authority issued them or seems to have.

use std::sync::Arc;

use credlink_image_files::Format;
use credlink_sign_core::Verifier;
use credlink_sign_core::carriers::State;
use credlink_sign_core::keys::TrustAnchor;
use credlink_sign_core::manifest::{Observed, Observer, Standing};
use credlink_sign_core::store::ProofStore;
use image::ImageFormat;
use rcgen::string::BmpString;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose,
};

use super::common::{encoded, file, finding, id, picture, verified};
use super::forger::{Certified, Forger, Key, certified, of_authority, of_signer, root};

/// A chain, end entity first, and what becomes of a manifest under it. The key is always the first certificate's own.
struct Case {
    name: &'static str,
    chain: Vec<Certified>,
    state: State,
    standing: Standing,
    /// Whether it is known for what it is when it is read as the chain of somebody to trust, too: dates are asked for when
    /// something was signed, and what a certificate says it is for by the C2PA library, when it reads a manifest.
    is_refused_as_anchor: bool,
}

/// A signer's certificate of which one thing is otherwise.
fn signer(issuer: &Certified, edit: impl FnOnce(&mut CertificateParams)) -> Certified {
    let mut parameters = of_signer(2020, 2045);
    edit(&mut parameters);
    certified(parameters, Key::new(2), Some(issuer))
}

/// An authority under another.
fn authority(issuer: &Certified, edit: impl FnOnce(&mut CertificateParams)) -> Certified {
    let mut parameters = of_authority("Intermediate");
    edit(&mut parameters);
    certified(parameters, Key::new(4), Some(issuer))
}

fn cases(ours: &Certified) -> Vec<Case> {
    use Standing::{Trusted, UnfitCertificate, UnknownSigner};
    // Another key under the same name, serial number and key identifier.
    let look_alike = root(3);
    let good = signer(ours, |_| ());
    let intermediate = authority(ours, |_| ());
    let constrained = authority(ours, |p| {
        p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    let below = authority(&constrained, |_| ());
    let no_authority = authority(ours, |p| p.is_ca = IsCa::ExplicitNoCa);
    let cannot_issue = authority(ours, |p| {
        p.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    let weak = authority(ours, |_| ());
    let weak = certified(weak.parameters, identity_point(), Some(ours));
    let case = |name, chain, state, standing, is_refused_as_anchor| Case {
        name,
        chain,
        state,
        standing,
        is_refused_as_anchor,
    };
    let is_good = |name, chain| case(name, chain, State::Intact, Trusted, false);
    let is_unfit =
        |name, one, refused| case(name, vec![one], State::Invalid, UnfitCertificate, refused);
    let is_stranger = |name, chain| case(name, chain, State::Foreign, UnknownSigner, true);
    vec![
        is_good("nothing is wrong with it", vec![good.clone()]),
        is_good(
            "issued by an authority under ours",
            vec![signer(&intermediate, |_| ()), intermediate],
        ),
        is_unfit(
            "not for digital signatures",
            signer(ours, |p| p.key_usages = vec![KeyUsagePurpose::CrlSign]),
            false,
        ),
        is_unfit(
            "no usage at all",
            signer(ours, |p| p.key_usages.clear()),
            false,
        ),
        is_unfit(
            "for servers",
            signer(ours, |p| {
                p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            }),
            true,
        ),
        is_unfit(
            "for any purpose",
            signer(ours, |p| {
                p.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
            }),
            true,
        ),
        is_unfit(
            "for time stamps and mail",
            signer(ours, |p| {
                p.extended_key_usages
                    .push(ExtendedKeyUsagePurpose::TimeStamping);
            }),
            false,
        ),
        is_unfit(
            "no purpose at all",
            signer(ours, |p| p.extended_key_usages.clear()),
            true,
        ),
        is_unfit(
            "an authority's own",
            signer(ours, |p| {
                p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }),
            false,
        ),
        is_unfit(
            "expired",
            signer(ours, |p| {
                p.not_after = rcgen::date_time_ymd(2021, 1, 1);
            }),
            false,
        ),
        is_unfit(
            "not yet valid",
            signer(ours, |p| {
                p.not_before = rcgen::date_time_ymd(2044, 1, 1);
            }),
            false,
        ),
        is_stranger(
            "issued by somebody else",
            vec![signer(
                &certified(of_authority("Other"), Key::new(3), None),
                |_| (),
            )],
        ),
        is_stranger(
            "the same names, the same serial number, another key",
            vec![signer(&look_alike, |_| ())],
        ),
        is_stranger(
            "the same, with the authority beside it",
            vec![signer(&look_alike, |_| ()), look_alike],
        ),
        is_stranger(
            "issued by a signer of ours",
            vec![
                certified(of_signer(2020, 2045), Key::new(5), Some(&good)),
                good,
            ],
        ),
        is_stranger(
            "issued by one who is no authority",
            vec![signer(&no_authority, |_| ()), no_authority],
        ),
        is_stranger(
            "issued by an authority that may not issue certificates",
            vec![signer(&cannot_issue, |_| ()), cannot_issue],
        ),
        is_stranger(
            "issued by an authority under one that may have none under it",
            vec![signer(&below, |_| ()), below, constrained],
        ),
        is_stranger(
            "issued under a key that anybody can sign with",
            vec![forged_issue(&weak), weak],
        ),
    ]
}

/// The neutral element as a public key: R = neutral, S = 0 is a signature of anything under it.
fn identity_point() -> Key {
    let mut public = [0; 32];
    public[0] = 1;
    Key {
        public,
        private: None,
    }
}

/// A certificate under that key, which nobody signed: one that somebody did sign, with the signature changed.
fn forged_issue(weak: &Certified) -> Certified {
    let with_key = Certified {
        key: Key::new(6),
        ..weak.clone()
    };
    let mut forged = signer(&with_key, |_| ());
    let length = forged.der.len();
    forged.der[length - 64..].fill(0);
    forged.der[length - 64] = 1;
    forged
}

fn pem(chain: &[Certified]) -> String {
    chain.iter().map(|one| text(&one.der)).collect()
}

/// A certificate as PEM text.
fn text(der: &[u8]) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = (0..body.len())
        .step_by(64)
        .map(|at| &body[at..body.len().min(at + 64)])
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

#[test]
fn every_manifest_under_an_unfit_chain_is_seen_for_what_it_is() {
    let ours = root(1);
    let bytes = encoded(&picture(4, 160, 120), ImageFormat::Png);
    // As lenient as a verifier of ours gets: any certificate that our authority issued will do.
    let anchor = TrustAnchor::new("ours", &ours.pem, &signer(&ours, |_| ()).pem).unwrap();
    let verifier = Verifier::new(vec![anchor], Arc::new(ProofStore::empty())).unwrap();
    let verifier = verifier.trusting_whole_anchors();
    let observer = Observer::new(Some(&ours.pem)).unwrap();
    for case in cases(&ours) {
        let key = &case.chain[0].key;
        let forger = Forger {
            chain: case.chain.iter().map(|one| one.der.clone()).collect(),
            sign: &|message| key.sign(message),
        };
        let signed = forger.signed(Format::Png, &bytes, id(1));
        let manifest = finding(&verified(&verifier, &signed), "manifest").clone();
        assert_eq!(manifest.state, case.state, "{}: {manifest:?}", case.name);
        let described = verifier.described(&file(&signed)).unwrap();
        let found = (described.standing, &described.codes);
        assert_eq!(found.0, case.standing, "{}: {found:?}", case.name);
        let observed = observer.observe(Format::Png, &signed);
        let holds = matches!(observed, Observed::Holds(_));
        assert_eq!(holds, case.state == State::Intact, "{}", case.name);
        let as_anchor = TrustAnchor::new("theirs", &ours.pem, &pem(&case.chain));
        assert_eq!(
            as_anchor.is_err(),
            case.is_refused_as_anchor,
            "{}: {as_anchor:?}",
            case.name
        );
    }
}

#[test]
fn a_certificate_that_is_no_authoritys_is_no_anchor() {
    let ours = root(1);
    let good = signer(&ours, |_| ());
    let issued = certified(of_signer(2020, 2045), Key::new(5), Some(&good));
    assert!(TrustAnchor::new("ours", &ours.pem, &good.pem).is_ok());
    let refused = TrustAnchor::new("theirs", &good.pem, &issued.pem).unwrap_err();
    assert!(refused.to_string().contains("authority"), "{refused}");
    let weak = authority(&ours, |_| ());
    let weak = certified(weak.parameters, identity_point(), Some(&ours));
    let issued = pem(&[forged_issue(&weak)]);
    assert!(TrustAnchor::new("theirs", &weak.pem, &issued).is_err());
}

#[test]
fn a_key_that_stands_in_a_name_is_not_the_key() {
    let ours = root(1);
    let good = signer(&ours, |_| ());
    let anchor = TrustAnchor::new("ours", &ours.pem, &good.pem).unwrap();
    let verifier = Verifier::new(vec![anchor], Arc::new(ProofStore::empty())).unwrap();
    // How a certificate writes an Ed25519 key (RFC 8410, section 4), with ours, where a careless authority copies a name.
    let field = [
        &[
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ][..],
        &good.key.public,
    ];
    let name = BmpString::from_utf16be(field.concat()).expect("no surrogates in this key");
    let mut parameters = of_signer(2020, 2045);
    parameters
        .distinguished_name
        .push(DnType::LocalityName, DnValue::BmpString(name));
    let theirs = certified(parameters, Key::new(5), Some(&ours));
    let bytes = encoded(&picture(4, 160, 120), ImageFormat::Png);
    for (one, expected) in [(good, State::Intact), (theirs, State::Foreign)] {
        let forger = Forger {
            chain: vec![one.der.clone()],
            sign: &|message| one.key.sign(message),
        };
        let signed = forger.signed(Format::Png, &bytes, id(1));
        assert_eq!(
            finding(&verified(&verifier, &signed), "manifest").state,
            expected
        );
    }
}
