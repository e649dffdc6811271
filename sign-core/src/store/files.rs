//! The store's two files.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{MANIFESTS_FILE, RECORDS_FILE, STORE_DIR, StoreError};
use crate::proof_id::ProofId;
use crate::record::ProofRecord;

/// Whoever writes the store holds a lock of the operating system on this file, which ends with the process; the file stays.
const LOCK_FILE: &str = "lock";

/// First line of the records file: what it is, and how many records follow, so that a file that was cut
/// short at a line end is noticed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    version: u32,
    records: usize,
    /// The file of the manifests, where it is not [`MANIFESTS_FILE`]: a store that was added to has a new one, so that the
    /// records' rename changes both at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manifests: Option<String>,
}

impl Header {
    fn manifests(&self) -> &str {
        self.manifests.as_deref().unwrap_or(MANIFESTS_FILE)
    }
}

/// Whether a file of the store's folder holds manifests: of these all but one are leftovers.
fn holds_manifests(name: &str) -> bool {
    let middle = name
        .strip_prefix("manifests")
        .and_then(|name| name.strip_suffix(".bin"));
    middle.is_some_and(|middle| {
        let digits = middle.strip_prefix('-').unwrap_or(middle);
        digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

const FORMAT: &str = "credlink proof records";
/// 2: records have a content sketch.
const VERSION: u32 = 2;

/// One line: a record and where its manifest stands.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    record: ProofRecord,
    manifest_offset: u64,
    manifest_length: u32,
}

/// The manifests of a sealed store, in the order of its records.
#[derive(Debug)]
pub(super) enum Manifests {
    Memory(Vec<Vec<u8>>),
    Disk {
        path: PathBuf,
        file: Mutex<File>,
        places: Vec<(u64, u32)>,
    },
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File {
        action,
        path,
        source,
    }
}

pub(super) fn is_manifest_of(manifest: &[u8], record: &ProofRecord) -> bool {
    <[u8; 32]>::from(Sha256::digest(manifest)) == record.manifest_sha256
}

pub(super) fn exists(dir: &Path) -> bool {
    dir.join(STORE_DIR).join(RECORDS_FILE).exists()
}

impl Manifests {
    pub(super) fn get(&self, position: usize, record: &ProofRecord) -> Result<Vec<u8>, StoreError> {
        let (manifest, place) = match self {
            Self::Memory(manifests) => (manifests[position].clone(), "memory".to_owned()),
            Self::Disk { path, file, places } => {
                let (offset, length) = places[position];
                let mut file = file.lock().map_err(|_| StoreError::Poisoned)?;
                let bytes = read_at(&mut file, offset, length)
                    .map_err(failed("read manifest from", path))?;
                (bytes, path.display().to_string())
            }
        };
        if is_manifest_of(&manifest, record) {
            Ok(manifest)
        } else {
            Err(StoreError::ManifestDamaged {
                id: record.id,
                place,
            })
        }
    }
}

fn read_at(file: &mut File, offset: u64, length: u32) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length as usize];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// How to take a lock that another process holds.
pub(super) enum Patience<'a> {
    /// Not at all.
    None,
    /// Say so, and wait.
    Wait(&'a dyn Fn()),
}

/// The store's lock, held until this is dropped or the process ends.
#[derive(Debug)]
struct Lock {
    /// For messages.
    path: PathBuf,
    _held: File,
}

impl Lock {
    fn take(dir: &Path, patience: &Patience<'_>) -> Result<Self, StoreError> {
        let path = dir.join(LOCK_FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.map_err(failed("create", &path))?;
        match (file.try_lock(), patience) {
            (Ok(()), _) => {}
            (Err(TryLockError::WouldBlock), Patience::None) => return Err(StoreError::Busy(path)),
            (Err(TryLockError::WouldBlock), Patience::Wait(say)) => {
                say();
                file.lock().map_err(failed("lock", &path))?;
            }
            (Err(TryLockError::Error(error)), _) => return Err(failed("lock", &path)(error)),
        }
        Ok(Self { path, _held: file })
    }
}

/// Manifests that arrived, and where.
#[derive(Debug)]
pub(super) struct Part {
    lock: Lock,
    file: BufWriter<File>,
    end: u64,
    places: BTreeMap<ProofId, (u64, u32)>,
}

impl Part {
    pub(super) fn create(dir: &Path, patience: &Patience<'_>) -> Result<Self, StoreError> {
        let dir = dir.join(STORE_DIR);
        fs::create_dir_all(&dir).map_err(failed("create", &dir))?;
        let lock = Lock::take(&dir, patience)?;
        let file = tempfile::tempfile_in(&dir).map_err(failed("create a file in", &dir))?;
        Ok(Self {
            lock,
            file: BufWriter::new(file),
            end: 0,
            places: BTreeMap::new(),
        })
    }

    pub(super) fn push(&mut self, id: ProofId, manifest: &[u8]) -> Result<(), StoreError> {
        let length = u32::try_from(manifest.len()).map_err(|_| {
            failed("write", &self.lock.path)(std::io::Error::other("manifest over 4 GiB"))
        })?;
        self.file
            .write_all(manifest)
            .map_err(failed("write", &self.lock.path))?;
        self.places.insert(id, (self.end, length));
        self.end += u64::from(length);
        Ok(())
    }

    /// Writes both files in the order of `records` and opens them. A failure leaves older files as they are.
    pub(super) fn seal(self, dir: &Path, records: &[ProofRecord]) -> Result<Manifests, StoreError> {
        let dir = dir.join(STORE_DIR);
        let mut part = self
            .file
            .into_inner()
            .map_err(|error| failed("write", &self.lock.path)(error.into_error()))?;

        let temporary =
            || tempfile::NamedTempFile::new_in(&dir).map_err(failed("create a file in", &dir));
        let (lines_file, manifests_file) = (temporary()?, temporary()?);
        let (lines_path, manifests_path) = (
            lines_file.path().to_owned(),
            manifests_file.path().to_owned(),
        );
        let mut places = Vec::with_capacity(records.len());
        let mut end = 0;
        let mut digest = Sha256::new();
        let mut manifests = BufWriter::new(manifests_file);
        for record in records {
            // Every record came with its manifest.
            let (offset, length) = self.places.get(&record.id).copied().unwrap_or_default();
            let bytes =
                read_at(&mut part, offset, length).map_err(failed("read", &self.lock.path))?;
            digest.update(&bytes);
            manifests
                .write_all(&bytes)
                .map_err(failed("write", &manifests_path))?;
            places.push((end, length));
            end += u64::from(length);
        }
        let manifests = finished(manifests).map_err(failed("write", &manifests_path))?;
        // A new store has the plain name. One that is added to keeps its old manifests until the new records are there.
        let name = match dir.join(RECORDS_FILE).exists() {
            false => None,
            true => Some(format!(
                "manifests-{}.bin",
                hex::encode(&digest.finalize()[..8])
            )),
        };
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            records: records.len(),
            manifests: name,
        };
        let mut lines = BufWriter::new(lines_file);
        write_line(&mut lines, &header).map_err(failed("write", &lines_path))?;
        for (record, (offset, length)) in records.iter().zip(&places) {
            let line = Line {
                record: record.clone(),
                manifest_offset: *offset,
                manifest_length: *length,
            };
            write_line(&mut lines, &line).map_err(failed("write", &lines_path))?;
        }
        let lines = finished(lines).map_err(failed("write", &lines_path))?;
        // Manifests first: the records' rename is the moment from which the store is the new one.
        let path = dir.join(header.manifests());
        persist(manifests, &path)?;
        persist(lines, &dir.join(RECORDS_FILE))?;
        remove_leftovers(&dir, header.manifests());
        let file = File::open(&path).map_err(failed("read", &path))?;
        Ok(Manifests::Disk {
            path,
            file: Mutex::new(file),
            places,
        })
    }
}

fn write_line(out: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn finished(out: BufWriter<NamedTempFile>) -> std::io::Result<NamedTempFile> {
    let file = out
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Gives a finished file its name, with the rights of any new file.
fn persist(file: NamedTempFile, path: &Path) -> Result<(), StoreError> {
    let kept = file
        .persist(path)
        .map_err(|error| failed("replace", path)(error.error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let readable = fs::Permissions::from_mode(0o644);
        kept.set_permissions(readable)
            .map_err(failed("write", path))?;
    }
    drop(kept);
    Ok(())
}

/// Manifests of an older state, or of a writer that was killed. Nothing depends on them; what cannot be removed now is
/// tried again when the store is next added to.
fn remove_leftovers(dir: &Path, current: &str) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let is_leftover = |name: &str| holds_manifests(name) && name != current;
        if name.to_str().is_some_and(is_leftover) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Reads and checks the records of a store. A writer may replace both files in between; then the new ones are read.
pub(super) fn open(dir: &Path) -> Result<(Vec<ProofRecord>, Manifests), StoreError> {
    const TRIES: usize = 3;
    let mut opened = open_once(dir);
    for _ in 1..TRIES {
        match &opened {
            Err(StoreError::File { path, source, .. })
                if source.kind() == std::io::ErrorKind::NotFound
                    && path.file_name() != Some(RECORDS_FILE.as_ref()) =>
            {
                opened = open_once(dir);
            }
            _ => break,
        }
    }
    opened
}

fn open_once(dir: &Path) -> Result<(Vec<ProofRecord>, Manifests), StoreError> {
    let dir = dir.join(STORE_DIR);
    let lines_path = dir.join(RECORDS_FILE);
    let lines = File::open(&lines_path).map_err(failed("read", &lines_path))?;
    let damaged = |line: usize, what: String| StoreError::Damaged {
        path: lines_path.clone(),
        line,
        what,
    };

    let mut lines = BufReader::new(lines).lines().enumerate();
    let mut next = || {
        lines
            .next()
            .map(|(k, text)| {
                // Text that is no UTF-8 is damage; a disk error is not.
                text.map(|text| (k + 1, text))
                    .map_err(|error| match error.kind() {
                        std::io::ErrorKind::InvalidData => damaged(k + 1, "not UTF-8".to_owned()),
                        _ => failed("read", &lines_path)(error),
                    })
            })
            .transpose()
    };
    let (_, text) = next()?.ok_or_else(|| damaged(1, "file is empty".to_owned()))?;
    let header: Header = serde_json::from_str(&text)
        .map_err(|error| damaged(1, format!("no header of a proof store: {error}")))?;
    if (header.format.as_str(), header.version) != (FORMAT, VERSION) {
        return Err(damaged(
            1,
            format!("format {:?} version {}", header.format, header.version),
        ));
    }

    if !holds_manifests(header.manifests()) {
        return Err(damaged(
            1,
            format!("no name of a manifest file: {:?}", header.manifests()),
        ));
    }
    let path = dir.join(header.manifests());
    let file = File::open(&path).map_err(failed("read", &path))?;
    let available = file.metadata().map_err(failed("read", &path))?.len();

    let mut records: Vec<ProofRecord> = Vec::new();
    let mut places = Vec::new();
    while let Some((number, text)) = next()? {
        let line: Line =
            serde_json::from_str(&text).map_err(|error| damaged(number, error.to_string()))?;
        if records.last().is_some_and(|last| last.id >= line.record.id) {
            return Err(damaged(number, "ids do not ascend".to_owned()));
        }
        let end = line
            .manifest_offset
            .checked_add(line.manifest_length.into());
        if end.is_none_or(|end| end > available) {
            return Err(damaged(
                number,
                format!("manifest lies beyond the end of {}", path.display()),
            ));
        }
        places.push((line.manifest_offset, line.manifest_length));
        records.push(line.record);
    }
    if records.len() != header.records {
        return Err(damaged(
            records.len() + 2,
            format!(
                "file ends after {} of {} records",
                records.len(),
                header.records
            ),
        ));
    }
    Ok((
        records,
        Manifests::Disk {
            path,
            file: Mutex::new(file),
            places,
        },
    ))
}
