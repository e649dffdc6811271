//! The store's two files.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{MANIFESTS_FILE, RECORDS_FILE, STORE_DIR, StoreError};
use crate::proof_id::ProofId;
use crate::record::ProofRecord;

/// Manifests in order of arrival while a store is being filled. Its existence is the lock.
const PART_FILE: &str = "manifests.part";

/// First line of the records file: what it is, and how many records follow, so that a file that was cut
/// short at a line end is noticed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    version: u32,
    records: usize,
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

/// The name of the file that manifests arrive in, and the lock of the store: whoever drops it, sealed or given up,
/// removes the file.
#[derive(Debug)]
struct Lock(PathBuf);

impl Drop for Lock {
    fn drop(&mut self) {
        // Nothing depends on the file; if it cannot be removed the next writer says so.
        let _ = fs::remove_file(&self.0);
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
    pub(super) fn create(dir: &Path) -> Result<Self, StoreError> {
        let dir = dir.join(STORE_DIR);
        fs::create_dir_all(&dir).map_err(failed("create", &dir))?;
        let path = dir.join(PART_FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => StoreError::Busy(path.clone()),
                _ => failed("create", &path)(error),
            })?;
        Ok(Self {
            lock: Lock(path),
            file: BufWriter::new(file),
            end: 0,
            places: BTreeMap::new(),
        })
    }

    pub(super) fn push(&mut self, id: ProofId, manifest: &[u8]) -> Result<(), StoreError> {
        let length = u32::try_from(manifest.len()).map_err(|_| {
            failed("write", &self.lock.0)(std::io::Error::other("manifest over 4 GiB"))
        })?;
        self.file
            .write_all(manifest)
            .map_err(failed("write", &self.lock.0))?;
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
            .map_err(|error| failed("write", &self.lock.0)(error.into_error()))?;

        let new = |name: &str| dir.join(format!("{name}.new"));
        let (lines_path, manifests_path) = (new(RECORDS_FILE), new(MANIFESTS_FILE));
        let create = |path: &Path| {
            File::create(path)
                .map(BufWriter::new)
                .map_err(failed("create", path))
        };
        let mut lines = create(&lines_path)?;
        let mut manifests = create(&manifests_path)?;
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            records: records.len(),
        };
        write_line(&mut lines, &header).map_err(failed("write", &lines_path))?;
        let mut places = Vec::with_capacity(records.len());
        let mut end = 0;
        for record in records {
            // Every record came with its manifest.
            let (offset, length) = self.places.get(&record.id).copied().unwrap_or_default();
            let bytes = read_at(&mut part, offset, length).map_err(failed("read", &self.lock.0))?;
            manifests
                .write_all(&bytes)
                .map_err(failed("write", &manifests_path))?;
            let line = Line {
                record: record.clone(),
                manifest_offset: end,
                manifest_length: length,
            };
            write_line(&mut lines, &line).map_err(failed("write", &lines_path))?;
            places.push((end, length));
            end += u64::from(length);
        }
        finish(lines).map_err(failed("write", &lines_path))?;
        finish(manifests).map_err(failed("write", &manifests_path))?;
        // Manifests first: records that point into an old manifest file would be damage.
        let path = dir.join(MANIFESTS_FILE);
        fs::rename(&manifests_path, &path).map_err(failed("replace", &path))?;
        let lines_target = dir.join(RECORDS_FILE);
        fs::rename(&lines_path, &lines_target).map_err(failed("replace", &lines_target))?;
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

fn finish(out: BufWriter<File>) -> std::io::Result<()> {
    out.into_inner()
        .map_err(std::io::IntoInnerError::into_error)?
        .sync_all()
}

/// Reads and checks the records of a store.
pub(super) fn open(dir: &Path) -> Result<(Vec<ProofRecord>, Manifests), StoreError> {
    let dir = dir.join(STORE_DIR);
    let (lines_path, path) = (dir.join(RECORDS_FILE), dir.join(MANIFESTS_FILE));
    let lines = File::open(&lines_path).map_err(failed("read", &lines_path))?;
    let file = File::open(&path).map_err(failed("read", &path))?;
    let available = file.metadata().map_err(failed("read", &path))?.len();
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
