use std::sync::LazyLock;

use super::*;
use credlink_image_files::Format;
use credlink_sign_core::sketch::Sketch;

/// One proof has some, all others none.
fn points_of(number: u64) -> Points {
    static SOME: LazyLock<Points> = LazyLock::new(|| {
        let noise = |x: u32, y: u32| ((x / 9 * 7919) ^ (y / 9 * 104_729)) * 31 % 251;
        let picture = image::GrayImage::from_fn(450, 300, |x, y| image::Luma([noise(x, y) as u8]));
        Points::of(&picture.into(), image::metadata::Orientation::NoTransforms)
    });
    match number {
        2 => SOME.clone(),
        _ => Points::default(),
    }
}

pub(super) fn proof(number: u64) -> Proof {
    let picture = image::GrayImage::from_fn(90, 60, |x, y| image::Luma([(x * y % 251) as u8]));
    let manifest = format!("manifest {number}").into_bytes();
    let digest = |bytes: &[u8]| <[u8; 32]>::from(Sha256::digest(bytes));
    Proof {
        record: ProofRecord {
            id: ProofId::new(number),
            fingerprint: Fingerprint([number, 2, 3, 4]),
            fingerprint_quality: 77,
            tone: Tone([number as u8; 16]),
            sketch: Sketch::of(&picture.into(), image::metadata::Orientation::NoTransforms),
            sketch_on_black: None,
            history: None,
            points: Some(RegisteredPoints::of(&points_of(number).to_bytes())),
            // Not every picture has one.
            image_code: (number % 2 == 1).then_some(ImageCode([number as u8; 32])),
            media_type: Format::Png,
            width: 90,
            height: 60,
            // Two files of one picture may be the same.
            signed_sha256: digest(&[(number / 2) as u8]),
            manifest_sha256: digest(&manifest),
            signature: [7; 64],
        },
        manifest,
        points: points_of(number),
        urn: format!("urn:c2pa:{number}"),
    }
}

/// What every store promises, whatever keeps it. There is nothing in it before.
fn keeps_its_promises(open: &dyn Fn() -> Box<dyn Keeper>, is_durable: bool) {
    let mut store = open();
    let mark = store.mark().unwrap();
    store.answers().unwrap();
    let answers = store.insert(&[proof(2), proof(3), proof(2)]);
    assert!(answers[0].is_ok() && answers[1].is_ok());
    assert!(matches!(answers[2], Err(StoreError::Duplicate(id)) if id == ProofId::new(2)));
    let other = Proof {
        manifest: b"other".to_vec(),
        ..proof(3)
    };
    assert!(matches!(
        store.insert(&[other])[0],
        Err(StoreError::Duplicate(_))
    ));
    if is_durable {
        drop(store);
        store = open();
    }
    for number in [2, 3] {
        let wanted = proof(number);
        let id = wanted.record.id;
        assert_eq!(store.record(id).unwrap(), Some(wanted.record.clone()));
        let manifest = store.manifest(id).unwrap().unwrap();
        assert!(is_manifest_of(&manifest, &wanted.record));
        assert_eq!(store.by_urn(&wanted.urn).unwrap(), Some(id));
        let kept = store.points(&[id]).unwrap().remove(0).unwrap();
        assert_eq!(points(&wanted.record, &kept).unwrap(), wanted.points);
    }
    let both = store.by_file(&proof(2).record.signed_sha256).unwrap();
    assert_eq!(both, [ProofId::new(2), ProofId::new(3)]);
    assert_eq!(store.record(ProofId::new(4)).unwrap(), None);
    assert_eq!(store.manifest(ProofId::new(4)).unwrap(), None);
    assert_eq!(store.by_urn("urn:c2pa:4").unwrap(), None);
    assert!(store.by_file(&[0; 32]).unwrap().is_empty());
    assert_eq!(store.count().unwrap(), 2);
    let mut residents = Vec::new();
    store.residents(&mut |one| residents.push(one)).unwrap();
    let wanted = [2, 3].map(|number| Resident::of(&proof(number).record));
    assert_eq!(residents, wanted);
    let mut kept = Vec::new();
    store
        .points_of_all(&mut |id, points| kept.push((id, points)))
        .unwrap();
    assert_eq!(
        kept,
        [2, 3].map(|number| (ProofId::new(number), points_of(number)))
    );
    assert!(points_of(2).len() > 100);
    assert_eq!(store.points(&[ProofId::new(4)]).unwrap(), [None]);
    if let Some(mark) = mark {
        is_followed(&*store, mark);
    }
}

/// What others add is told, nothing is left out, and an id is given once whoever asks.
fn is_followed(store: &dyn Keeper, mut mark: u64) {
    let mut seen = std::collections::BTreeSet::new();
    let writers = 4;
    std::thread::scope(|scope| {
        let writing: Vec<_> = (0..writers)
            .map(|writer| {
                scope.spawn(move || {
                    let mut added = 0;
                    for number in 100..120 {
                        // Half of the ids are tried by all writers, half by one.
                        let own = 1000 * (writer + 1) + number;
                        let both = [proof(number), proof(own)];
                        let answers = store.insert(&both);
                        added += answers.iter().filter(|answer| answer.is_ok()).count();
                        assert!(answers[1].is_ok(), "{:?}", answers[1]);
                    }
                    added
                })
            })
            .collect();
        while !writing
            .iter()
            .all(std::thread::ScopedJoinHandle::is_finished)
        {
            let each = &mut |one: Resident| {
                seen.insert(one.id);
            };
            mark = store.added_since(mark, each).unwrap();
        }
        let added: usize = writing.into_iter().map(|one| one.join().unwrap()).sum();
        assert_eq!(added as u64, 20 + 20 * writers);
    });
    mark = store
        .added_since(mark, &mut |one| {
            seen.insert(one.id);
        })
        .unwrap();
    assert_eq!(seen.len() as u64, 2 + 20 + 20 * writers);
    let again = store.added_since(mark, &mut |one| {
        assert!(seen.contains(&one.id));
    });
    again.unwrap();
}

#[test]
fn a_file_keeps_what_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::Redb(folder.path().join("proofs.redb"));
    assert!(matches!(url.open(), Err(StoreError::Missing(_))));
    keeps_its_promises(&|| url.init().unwrap(), true);
    assert_eq!(url.open().unwrap().count().unwrap(), 2);
}

#[test]
fn a_file_gives_back_what_all_of_many_proofs_look_like() {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::Redb(folder.path().join("proofs.redb"));
    let store = url.init().unwrap();
    // Not in order, and not in whole packs.
    let numbers: Vec<u64> = (0..9000).map(|number| number * 7919 % 9001).collect();
    for some in numbers.chunks(1300) {
        let proofs: Vec<Proof> = some.iter().map(|number| proof(*number)).collect();
        assert!(store.insert(&proofs).iter().all(Result::is_ok));
    }
    let again = proof(numbers[0]);
    assert!(store.insert(&[again])[0].is_err());
    drop(store);
    let store = url.open().unwrap();
    let mut residents = Vec::new();
    store.residents(&mut |one| residents.push(one)).unwrap();
    let mut sorted = numbers;
    sorted.sort_unstable();
    let wanted = sorted
        .iter()
        .map(|number| Resident::of(&proof(*number).record));
    assert!(residents.into_iter().eq(wanted));
}

#[test]
fn memory_keeps_what_it_promises() {
    keeps_its_promises(&|| StoreUrl::Memory.init().unwrap(), false);
}

#[test]
fn unknown_urls_are_named() {
    for text in [
        "",
        "redb:",
        "memory:x",
        "http://a:secret@b",
        "proofs",
        "Redb:x",
    ] {
        let error = text.parse::<StoreUrl>().unwrap_err().to_string();
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        assert!(error.contains(&format!("{scheme:?}")), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    assert_eq!(
        "redb:a b".parse::<StoreUrl>().unwrap().to_string(),
        "redb:a b"
    );
}

/// A store that the environment names, or none.
#[cfg(any(feature = "postgres", feature = "aws"))]
fn named(variable: &str) {
    let Ok(url) = std::env::var(variable) else {
        eprintln!("SKIPPED: {variable} names no store; deploy/stores/prove does");
        return;
    };
    let url: StoreUrl = url.parse().unwrap();
    assert!(matches!(url.open(), Err(StoreError::Missing(_))));
    keeps_its_promises(&|| url.init().unwrap(), true);
    assert!(url.open().unwrap().count().unwrap() > 2);
}

#[cfg(feature = "postgres")]
#[test]
fn a_database_keeps_what_it_promises() {
    named("CREDLINK_TEST_POSTGRES");
}

#[cfg(feature = "aws")]
#[test]
fn a_bucket_and_a_table_keep_what_they_promise() {
    named("CREDLINK_TEST_AWS");
}

#[cfg(not(any(feature = "postgres", feature = "aws")))]
#[test]
fn a_store_that_was_left_out_says_how_it_comes_in() {
    for (url, shown, feature) in [
        (
            "postgres://me:secret@host/proofs",
            "postgres://host/proofs",
            "postgres",
        ),
        (
            "s3://proofs+dynamodb://proofs",
            "s3://proofs+dynamodb://proofs",
            "aws",
        ),
    ] {
        let url: StoreUrl = url.parse().unwrap();
        for error in [url.open().unwrap_err(), url.init().unwrap_err()] {
            let error = error.to_string();
            assert!(error.contains(shown), "{error}");
            assert!(error.contains(&format!("feature {feature:?}")), "{error}");
        }
    }
}
