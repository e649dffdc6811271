//! What stands on the disk, and what becomes of it when writers are killed and files are damaged.

use super::*;

fn written(dir: &Path, numbers: impl Iterator<Item = u64>) {
    let builder = ProofStoreBuilder::create(dir).unwrap();
    for number in numbers {
        builder
            .insert(
                record(number, Fingerprint([number; 4])),
                &manifest(number),
                &Points::default(),
            )
            .unwrap();
    }
    builder.seal().unwrap();
}

#[test]
fn the_files_are_the_same_whatever_the_order() {
    let (one, two, three) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    written(one.path(), 1..100);
    written(two.path(), (1..100).rev());
    let builder = ProofStoreBuilder::create(three.path()).unwrap();
    std::thread::scope(|scope| {
        for first in 1..5 {
            let builder = &builder;
            scope.spawn(move || {
                for number in (first..100).step_by(4) {
                    builder
                        .insert(
                            record(number, Fingerprint([number; 4])),
                            &manifest(number),
                            &Points::default(),
                        )
                        .unwrap();
                }
            });
        }
    });
    builder.seal().unwrap();
    for name in [RECORDS_FILE, MANIFESTS_FILE] {
        let read =
            |dir: &tempfile::TempDir| fs::read(dir.path().join(STORE_DIR).join(name)).unwrap();
        assert!(
            read(&one) == read(&two) && read(&one) == read(&three),
            "{name}"
        );
    }
}

#[test]
fn a_sealed_store_opens_and_can_be_added_to() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 1..10);
    assert!(matches!(
        ProofStoreBuilder::create(dir.path()),
        Err(StoreError::Exists(_))
    ));
    let free = || panic!("nobody else is writing");
    let builder = ProofStoreBuilder::reopen(dir.path(), &free).unwrap();
    // A second writer hears that it has to wait, and goes on from what the first has left.
    std::thread::scope(|scope| {
        let (waits, heard) = std::sync::mpsc::channel();
        let second = scope.spawn({
            let dir = dir.path();
            move || {
                let say = || waits.send(()).unwrap();
                let builder = ProofStoreBuilder::reopen(dir, &say).unwrap();
                assert_eq!(builder.registered().unwrap(), 10);
                builder.seal().unwrap();
            }
        });
        heard.recv().unwrap();
        builder
            .insert(
                record(50, Fingerprint([9; 4])),
                &manifest(50),
                &Points::default(),
            )
            .unwrap();
        builder.seal().unwrap();
        second.join().unwrap();
    });
    let store = ProofStore::open(dir.path()).unwrap();
    assert_eq!(store.len(), 10);
    for number in (1..10).chain([50]) {
        assert_eq!(
            store.by_id(ProofId::new(number)).unwrap().id.value(),
            number
        );
        assert_eq!(
            store.manifest(ProofId::new(number)).unwrap(),
            manifest(number)
        );
    }
    assert!(store.by_id(ProofId::new(11)).is_none());
    assert!(matches!(
        store.manifest(ProofId::new(11)),
        Err(StoreError::Unknown(_))
    ));
}

#[test]
fn a_writer_that_is_killed_leaves_the_store_as_it_was_and_blocks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 1..10);
    let proofs = dir.path().join(STORE_DIR);
    let before = fs::read(proofs.join(RECORDS_FILE)).unwrap();
    // Whatever the killed one had written but for the last rename: its manifests, its lines, and an old version's part file.
    fs::write(proofs.join("manifests-00112233aabbccdd.bin"), b"half").unwrap();
    fs::write(proofs.join(".tmpAbCdEf"), b"lines").unwrap();
    fs::write(proofs.join("manifests.part"), b"").unwrap();
    assert_eq!(ProofStore::open(dir.path()).unwrap().len(), 9);
    let free = || panic!("nobody is writing");
    let builder = ProofStoreBuilder::reopen(dir.path(), &free).unwrap();
    builder
        .insert(
            record(50, Fingerprint([9; 4])),
            &manifest(50),
            &Points::default(),
        )
        .unwrap();
    // Given up, the store is what it was; sealed, it is the new one, and no half segment is left.
    drop(builder);
    assert_eq!(fs::read(proofs.join(RECORDS_FILE)).unwrap(), before);
    let builder = ProofStoreBuilder::reopen(dir.path(), &free).unwrap();
    builder
        .insert(
            record(50, Fingerprint([9; 4])),
            &manifest(50),
            &Points::default(),
        )
        .unwrap();
    builder.seal().unwrap();
    let store = ProofStore::open(dir.path()).unwrap();
    assert_eq!(store.len(), 10);
    assert_eq!(store.manifest(ProofId::new(50)).unwrap(), manifest(50));
    // The first segment is as it was; of the killed writer's files the unfinished ones are gone, and those that have a name
    // already are let be: they may be what is left of records that were lost.
    assert_eq!(fs::read(proofs.join(RECORDS_FILE)).unwrap(), before);
    // Two of each segment, and the half one.
    assert_eq!(files_of(&proofs, ".bin").len(), 5);
    assert!(!proofs.join(".tmpAbCdEf").exists());
}

/// Adds one proof to a store in which nobody else is writing; one that is there already is refused.
fn add(dir: &Path, number: u64) {
    let builder = ProofStoreBuilder::reopen(dir, &|| panic!("nobody is writing")).unwrap();
    let print = Fingerprint([number; 4]);
    builder
        .insert(record(number, print), &manifest(number), &Points::default())
        .unwrap();
    let again = builder.insert(record(number, print), &manifest(number), &Points::default());
    assert!(matches!(again, Err(StoreError::Duplicate(_))));
    builder.keep().unwrap();
}

fn files_of(folder: &Path, end: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_str().unwrap().ends_with(end))
        .collect()
}

#[test]
fn segments_are_merged_and_a_merge_that_was_cut_off_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 1..10);
    let proofs = dir.path().join(STORE_DIR);
    let names = [RECORDS_FILE, MANIFESTS_FILE, POINTS_FILE];
    let old = names.map(|name| fs::read(proofs.join(name)).unwrap());
    let add = |number: u64| add(dir.path(), number);
    let check = |last: u64| {
        let store = ProofStore::open(dir.path()).unwrap();
        assert_eq!(store.len() as u64, last);
        for number in 1..=last {
            let id = ProofId::new(number);
            assert_eq!(
                store.by_id(id).unwrap().fingerprint,
                Fingerprint([number; 4])
            );
            assert_eq!(store.manifest(id).unwrap(), manifest(number));
        }
    };
    let mut most = 0;
    for number in 10..90 {
        add(number);
        let (records, manifests) = (files_of(&proofs, ".jsonl"), files_of(&proofs, ".bin"));
        assert_eq!(
            2 * records.len(),
            manifests.len(),
            "nothing is left of merged segments"
        );
        most = most.max(records.len());
    }
    assert!((10..=40).contains(&most), "{most} segments");
    check(89);
    // The old segments are still there beside the merged one.
    assert!(!proofs.join(RECORDS_FILE).exists());
    for (name, bytes) in names.into_iter().zip(&old) {
        fs::write(proofs.join(name), bytes).unwrap();
    }
    check(89);
    add(90);
    check(90);
    // What an older segment holds is refused, too.
    let builder = ProofStoreBuilder::reopen(dir.path(), &|| panic!("nobody is writing")).unwrap();
    let again = builder.insert(
        record(3, Fingerprint([3; 4])),
        &manifest(3),
        &Points::default(),
    );
    assert!(matches!(again, Err(StoreError::Duplicate(_))));
    drop(builder);
    // Two that differ under one id are no store of ours.
    let text = String::from_utf8(old[0].clone()).unwrap();
    let text = text.replacen("\"width\":", "\"width\":1", 1);
    fs::write(proofs.join(RECORDS_FILE), text).unwrap();
    let error = ProofStore::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("different records of proof"), "{error}");
}

#[test]
fn what_cannot_be_merged_is_no_reason_not_to_sign_and_what_is_not_ours_is_let_be() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 1..10);
    let proofs = dir.path().join(STORE_DIR);
    let mut bytes = fs::read(proofs.join(MANIFESTS_FILE)).unwrap();
    bytes[5] ^= 1;
    fs::write(proofs.join(MANIFESTS_FILE), bytes).unwrap();
    let others = [
        "records-.jsonl",
        "recordsabc.jsonl",
        "records-ABCDEF0123456789.jsonl",
    ];
    for name in others
        .into_iter()
        .chain(["manifests-feed.bin", "manifests-20240101.bin"])
    {
        fs::write(proofs.join(name), b"not ours").unwrap();
    }
    let add = |number: u64| add(dir.path(), number);
    (10..60).for_each(add);
    assert_eq!(ProofStore::open(dir.path()).unwrap().len(), 59);
    assert!(proofs.join("manifests-feed.bin").exists() && proofs.join("records-.jsonl").exists());
    // Where the records are lost, their manifests stay, for whoever has a copy of the records.
    let kept = fs::read(proofs.join(MANIFESTS_FILE)).unwrap();
    let lost = fs::read(proofs.join(RECORDS_FILE)).unwrap();
    for path in files_of(&proofs, ".jsonl") {
        fs::remove_file(path).unwrap();
    }
    add(70);
    assert_eq!(fs::read(proofs.join(MANIFESTS_FILE)).unwrap(), kept);
    fs::write(proofs.join(RECORDS_FILE), lost).unwrap();
    assert_eq!(ProofStore::open(dir.path()).unwrap().len(), 10);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_store() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 1..10);
    let proofs = dir.path().join(STORE_DIR);
    // A file where the folder should be cannot be listed by anybody, root included.
    let aside = dir.path().join("aside");
    fs::rename(&proofs, &aside).unwrap();
    fs::write(&proofs, b"").unwrap();
    fs::set_permissions(&proofs, fs::Permissions::from_mode(0o311)).unwrap();
    assert!(matches!(
        ProofStore::open(dir.path()),
        Err(StoreError::File { action: "list", .. })
    ));
    assert!(ProofStoreBuilder::reopen(dir.path(), &|| ()).is_err());
}

#[test]
fn a_header_cannot_name_a_file_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 1..3);
    let path = dir.path().join(STORE_DIR).join(RECORDS_FILE);
    let text = fs::read_to_string(&path).unwrap();
    for name in [
        "../../etc/passwd",
        "manifests-/../x.bin",
        "records.jsonl",
        "manifests-zz.bin",
    ] {
        let header = format!("\"records\":2,\"manifests\":\"{name}\"");
        fs::write(&path, text.replacen("\"records\":2", &header, 1)).unwrap();
        let error = ProofStore::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("no name of a manifest file"), "{error}");
    }
}

#[test]
fn damage_is_named_by_file_and_line() {
    let damage = |name: &str, edit: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let dir = tempfile::tempdir().unwrap();
        written(dir.path(), 1..10);
        let path = dir.path().join(STORE_DIR).join(name);
        fs::write(&path, edit(fs::read(&path).unwrap())).unwrap();
        (ProofStore::open(dir.path()), dir)
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    type Edit<'a> = &'a dyn Fn(Vec<u8>) -> Vec<u8>;
    let edits: [(&str, usize, Edit<'_>); 8] = [
        ("empty", 1, &|_| Vec::new()),
        ("no header", 1, &|bytes| {
            text(bytes).split_once('\n').unwrap().1.into()
        }),
        ("other version", 1, &|bytes| {
            text(bytes)
                .replacen("\"version\":3", "\"version\":1", 1)
                .into()
        }),
        ("cut in a line", 10, &|bytes| {
            bytes[..bytes.len() - 40].to_vec()
        }),
        ("a line missing", 10, &|bytes| {
            let text = text(bytes);
            text[..text.trim_end().rfind('\n').unwrap() + 1].into()
        }),
        ("letter in a digest", 4, &|bytes| {
            text(bytes)
                .replacen(
                    "\"id\":\"0000000000000003\"",
                    "\"id\":\"000000000000000x\"",
                    1,
                )
                .into()
        }),
        ("not UTF-8", 1, &|mut bytes| {
            bytes[3] = 0xff;
            bytes
        }),
        ("order", 3, &|bytes| {
            text(bytes)
                .replacen("0000000000000001", "0000000000000009", 1)
                .into()
        }),
    ];
    for (what, expected, edit) in edits {
        let (opened, dir) = damage(RECORDS_FILE, edit);
        match opened {
            Err(StoreError::Damaged { path, line, .. }) => {
                assert_eq!(line, expected, "{what}");
                assert!(path.ends_with("proofs/records.jsonl") && path.starts_with(dir.path()));
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    let (opened, _dir) = damage(MANIFESTS_FILE, &|bytes| bytes[..bytes.len() - 1].to_vec());
    assert!(matches!(opened, Err(StoreError::Damaged { line: 10, .. })));
    let (opened, _dir) = damage(MANIFESTS_FILE, &|mut bytes| {
        bytes[5] ^= 1;
        bytes
    });
    let store = opened.unwrap();
    assert!(matches!(
        store.manifest(ProofId::new(1)),
        Err(StoreError::ManifestDamaged { .. })
    ));
    assert!(store.manifest(ProofId::new(2)).is_ok());
}
