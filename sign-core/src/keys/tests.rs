//! Keys that are none, files with wrong permissions, secrets that must not show.

use std::fs;

use super::*;

const RSA: &str = "-----BEGIN PRIVATE KEY-----
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAKqIHIzAPzFiYHVT
-----END PRIVATE KEY-----";

/// An elliptic curve key: PKCS#8, well-formed, of another algorithm.
const CURVE: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfNJBI05Kz3e9mAAJ
TtjWMu9KLJ9zqbRiLz4DEXMM3FChRANCAAQpNEBOnmdjkQ2n3IQFBOqI2WlQOGlr
GQBsnQHXQ2o9GZ+2f4jvSrLXHqXvWJx0TnQ6cAIKTLn9q4nhVZ0m6Mqu
-----END PRIVATE KEY-----";

fn identity(seed: u8) -> Identity {
    let validity = Validity {
        not_before: Date::new(2020, 1, 1).unwrap(),
        not_after: Date::new(2045, 1, 1).unwrap(),
    };
    Identity::generate([seed; 32].into(), "Test & Söhne", validity).unwrap()
}

#[test]
fn a_seed_gives_one_identity() {
    let (one, same, other) = (identity(1), identity(1), identity(2));
    assert_eq!(one.chain, same.chain);
    assert_eq!(one.anchor_pem, same.anchor_pem);
    assert_ne!(one.chain, other.chain);
    assert_ne!(one.sign(b"x"), other.sign(b"x"));
}

#[test]
fn a_saved_identity_loads_and_signs_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let one = identity(1);
    one.save(dir.path()).unwrap();
    let loaded = Identity::load(dir.path()).unwrap();
    assert_eq!(loaded.name(), "Test & Söhne");
    assert_eq!(loaded.sign(b"x"), one.sign(b"x"));
    assert_eq!(loaded.chain, one.chain);
    let anchor = TrustAnchor::load(dir.path()).unwrap();
    assert_eq!(anchor.key(), one.anchor().unwrap().key());
    assert_eq!(anchor.name(), "Test & Söhne");
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    identity(1).save(dir.path()).unwrap();
    let before = fs::read(dir.path().join(KEY_FILE)).unwrap();
    assert!(matches!(
        identity(2).save(dir.path()),
        Err(KeyError::Exists(_))
    ));
    assert_eq!(fs::read(dir.path().join(KEY_FILE)).unwrap(), before);

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(ANCHOR_FILE), "mine").unwrap();
    assert!(matches!(
        identity(2).save(dir.path()),
        Err(KeyError::Exists(_))
    ));
    assert!(!dir.path().join(KEY_FILE).exists());
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    identity(1).save(dir.path()).unwrap();
    let path = dir.path().join(KEY_FILE);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for mode in [0o640, 0o604, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Identity::load(dir.path()).unwrap_err();
        assert!(matches!(error, KeyError::Permissions { .. }));
        let text = error.to_string();
        assert!(
            text.contains("key.pem") && text.contains("chmod 600"),
            "{text}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(Identity::load(dir.path()).is_ok());
}

#[test]
fn what_is_no_key_is_named_for_what_it_is() {
    let one = identity(1);
    let key = pem::private_key(&one.key).unwrap();
    let cut = &key[..key.len() / 2];
    let public = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
    let rsa1 = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----";
    for (text, what) in [
        ("", "no PEM"),
        ("hello", "no PEM"),
        ("\u{0}\u{1}binary", "no PEM"),
        (cut, "cut short"),
        (RSA, "another algorithm"),
        (CURVE, "another algorithm"),
        (public, "public key"),
        (rsa1, "another kind"),
        (one.chain_pem.as_str(), "certificate"),
    ] {
        let error =
            Identity::from_pkcs8_pem("x", text, &one.chain_pem, &one.anchor_pem).unwrap_err();
        assert!(matches!(error, KeyError::NotAKey { .. }), "{error:?}");
        assert!(error.to_string().contains(what), "{error} lacks {what}");
    }
}

#[test]
fn a_bad_key_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    identity(1).save(dir.path()).unwrap();
    let path = dir.path().join(KEY_FILE);
    fs::write(&path, "not a key").unwrap();
    let text = Identity::load(dir.path()).unwrap_err().to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    fs::remove_file(&path).unwrap();
    let text = Identity::load(dir.path()).unwrap_err().to_string();
    assert!(text.contains("key.pem"), "{text}");
    fs::write(&path, vec![b'a'; 2 << 20]).unwrap();
    assert!(Identity::load(dir.path()).is_err());
}

#[test]
fn key_chain_and_anchor_must_belong_together() {
    let (one, other) = (identity(1), identity(2));
    let key = pem::private_key(&one.key).unwrap();
    let load = |chain: &str, anchor: &str| Identity::from_pkcs8_pem("x", &key, chain, anchor);
    assert!(load(&one.chain_pem, &one.anchor_pem).is_ok());
    assert!(matches!(
        load(&other.chain_pem, &other.anchor_pem),
        Err(KeyError::Mismatch)
    ));
    // The other root bears the same name: names do not count.
    assert!(matches!(
        load(&one.chain_pem, &other.anchor_pem),
        Err(KeyError::NotIssued(_))
    ));
    assert!(matches!(
        load("", &one.anchor_pem),
        Err(KeyError::NotAChain { .. })
    ));
    let half = &one.chain_pem[..one.chain_pem.len() / 2];
    assert!(matches!(
        load(half, &one.anchor_pem),
        Err(KeyError::NotAChain { .. })
    ));
    assert!(matches!(
        load(&one.chain_pem, "nothing"),
        Err(KeyError::NotAChain { .. })
    ));
}

#[test]
fn names_and_dates_that_cannot_stand_in_a_certificate_are_refused() {
    let day = |y, m, d| Date::new(y, m, d);
    assert!(day(2024, 2, 29).is_ok());
    for (y, m, d) in [
        (2023, 2, 29),
        (1900, 2, 29),
        (2024, 0, 1),
        (2024, 13, 1),
        (2024, 4, 31),
        (2024, 1, 0),
        (3000, 1, 1),
    ] {
        assert!(day(y, m, d).is_err(), "{y}-{m}-{d}");
    }
    let validity = |from, to| Validity {
        not_before: from,
        not_after: to,
    };
    let (early, late) = (day(2020, 1, 1).unwrap(), day(2021, 1, 1).unwrap());
    let make = |name: &str, validity| Identity::generate([1; 32].into(), name, validity);
    assert!(matches!(
        make("x", validity(late, early)),
        Err(KeyError::Date(_))
    ));
    assert!(matches!(
        make("x", validity(early, early)),
        Err(KeyError::Date(_))
    ));
    for name in ["", "a\nb", &"x".repeat(65)] {
        assert!(matches!(
            make(name, validity(early, late)),
            Err(KeyError::Name(_))
        ));
    }
}

#[test]
fn secrets_do_not_show() {
    let one = identity(1);
    let key = pem::private_key(&one.key).unwrap();
    let body = key.lines().nth(1).unwrap();
    let hex = hex::encode(one.key.as_bytes());
    for text in [format!("{one:?}"), format!("{:?}", one.anchor().unwrap())] {
        assert!(!text.contains(body) && !text.contains(&hex));
    }
    assert!(!one.chain_pem.contains(body));
}
