//! The store's files: segments of two each, the records and the manifests, that are written once and never changed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::lock::{Lock, Patience};
use super::{MANIFESTS_FILE, RECORDS_FILE, STORE_DIR, StoreError, failed};
use crate::proof_id::ProofId;
use crate::record::ProofRecord;

/// First line of the records file: what it is, and how many records follow, so that a file that was cut
/// short at a line end is noticed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    version: u32,
    records: usize,
    /// The file of the manifests, where it is not [`MANIFESTS_FILE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manifests: Option<String>,
}

impl Header {
    fn manifests(&self) -> &str {
        self.manifests.as_deref().unwrap_or(MANIFESTS_FILE)
    }
}

/// Whether a file of the store's folder is the records or the manifests of a segment: the plain name, or one with the segment's
/// digest, sixteen lowercase hexadecimal digits. Anything else there is not ours.
fn is_of_segments(name: &str, plain: &str) -> bool {
    let Some((stem, extension)) = plain.split_once('.') else {
        return false;
    };
    let middle = name
        .strip_prefix(stem)
        .and_then(|name| name.strip_suffix(extension)?.strip_suffix('.'));
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    match middle.map(str::as_bytes) {
        Some([]) => true,
        Some([b'-', digits @ ..]) => digits.len() == 16 && digits.iter().copied().all(is_digit),
        _ => false,
    }
}

/// The records files of a store's folder, in a fixed order; none where there is no folder. One that cannot be listed is not
/// taken for an empty one.
fn segments(dir: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", dir)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed("list", dir))?.file_name();
        names.extend(name.into_string().ok());
    }
    names.retain(|name| is_of_segments(name, RECORDS_FILE));
    names.sort();
    Ok(names)
}

/// Removes the unfinished files of writers that were killed. Whoever holds the lock is alone, so that none is in use.
fn remove_unfinished(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries {
        // As `tempfile` names them.
        if entry.file_name().to_string_lossy().starts_with(".tmp") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Segments from which on they are merged into one when the store is next added to: each costs a reader two open files.
const MOST_SEGMENTS: usize = 32;

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
        files: Vec<Opened>,
        places: Vec<Place>,
    },
}

/// A file of manifests.
#[derive(Debug)]
pub(super) struct Opened {
    path: PathBuf,
    file: Mutex<File>,
}

/// Where a manifest stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Which of the files.
    file: usize,
    offset: u64,
    length: u32,
}

pub(super) fn is_manifest_of(manifest: &[u8], record: &ProofRecord) -> bool {
    <[u8; 32]>::from(Sha256::digest(manifest)) == record.manifest_sha256
}

pub(super) fn exists(dir: &Path) -> Result<bool, StoreError> {
    Ok(!segments(&dir.join(STORE_DIR))?.is_empty())
}

impl Manifests {
    pub(super) fn get(&self, position: usize, record: &ProofRecord) -> Result<Vec<u8>, StoreError> {
        let (manifest, place) = match self {
            Self::Memory(manifests) => (manifests[position].clone(), "memory".to_owned()),
            Self::Disk { files, places } => {
                let Place {
                    file,
                    offset,
                    length,
                } = places[position];
                let Opened { path, file } = &files[file];
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
        remove_unfinished(&dir);
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

    /// Writes a segment of these records, which are those that arrived. A failure leaves the store as it was; that segments
    /// cannot be merged is none, and is tried again.
    pub(super) fn seal(self, dir: &Path, records: &[ProofRecord]) -> Result<(), StoreError> {
        let dir = dir.join(STORE_DIR);
        let before = segments(&dir)?;
        // An empty store is one, too.
        if records.is_empty() && !before.is_empty() {
            return Ok(());
        }
        let part = self
            .file
            .into_inner()
            .map_err(|error| failed("write", &self.lock.path)(error.into_error()))?;
        let part = Mutex::new(part);
        let manifest = |record: &ProofRecord| {
            // Every record came with its manifest.
            let (offset, length) = self.places.get(&record.id).copied().unwrap_or_default();
            let mut part = part.lock().map_err(|_| StoreError::Poisoned)?;
            read_at(&mut part, offset, length).map_err(failed("read", &self.lock.path))
        };
        // Manifests without records are a killed writer's, or what is left of a store that lost a file: never written over.
        let is_first = before.is_empty() && !dir.join(MANIFESTS_FILE).exists();
        write_segment(&dir, records.iter(), is_first, manifest)?;
        if before.len() >= MOST_SEGMENTS {
            let _ = merge(&dir);
        }
        Ok(())
    }
}

/// Writes a segment under the plain names, or under names with its digest.
fn write_segment<'r>(
    dir: &Path,
    records: impl ExactSizeIterator<Item = &'r ProofRecord>,
    is_first: bool,
    manifest: impl Fn(&ProofRecord) -> Result<Vec<u8>, StoreError>,
) -> Result<String, StoreError> {
    let temporary = || NamedTempFile::new_in(dir).map_err(failed("create a file in", dir));
    let (lines_file, manifests_file) = (temporary()?, temporary()?);
    let path_of = |file: &NamedTempFile| file.path().to_owned();
    let (lines_path, manifests_path) = (path_of(&lines_file), path_of(&manifests_file));
    let mut manifests = BufWriter::new(manifests_file);
    let mut digest = Sha256::new();
    let mut lines = Vec::with_capacity(records.len());
    let mut end = 0;
    for record in records {
        let bytes = manifest(record)?;
        digest.update(&bytes);
        manifests
            .write_all(&bytes)
            .map_err(failed("write", &manifests_path))?;
        let manifest_length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        lines.push(Line {
            record: record.clone(),
            manifest_offset: end,
            manifest_length,
        });
        end += u64::from(manifest_length);
    }
    let manifests = finished(manifests).map_err(failed("write", &manifests_path))?;
    let named = |plain: &str| match (is_first, plain.split_once('.')) {
        (false, Some((stem, extension))) => {
            let digest = hex::encode(&digest.clone().finalize()[..8]);
            format!("{stem}-{digest}.{extension}")
        }
        _ => plain.to_owned(),
    };
    let (records_name, manifests_name) = (named(RECORDS_FILE), named(MANIFESTS_FILE));
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        records: lines.len(),
        manifests: (!is_first).then(|| manifests_name.clone()),
    };
    let mut out = BufWriter::new(lines_file);
    write_line(&mut out, &header).map_err(failed("write", &lines_path))?;
    for line in &lines {
        write_line(&mut out, line).map_err(failed("write", &lines_path))?;
    }
    let out = finished(out).map_err(failed("write", &lines_path))?;
    // Manifests first: the records' rename is the moment from which the segment is there.
    persist(manifests, &dir.join(manifests_name))?;
    persist(out, &dir.join(&records_name))?;
    Ok(records_name)
}

/// Makes one segment of all. The old ones are removed when the new one is there; until then, and where that fails, both hold
/// the same records, which is no harm.
fn merge(dir: &Path) -> Result<(), StoreError> {
    let before = segments(dir)?;
    let (records, manifests) = read_segments(dir, &before)?;
    let positions: BTreeMap<ProofId, usize> = records
        .iter()
        .enumerate()
        .map(|(position, record)| (record.id, position))
        .collect();
    let manifest = |record: &ProofRecord| manifests.get(positions[&record.id], record);
    let merged = write_segment(dir, records.iter(), false, manifest)?;
    for name in before.iter().filter(|name| **name != merged) {
        // Records first: manifests alone are nothing to a reader.
        let manifests = Lines::open(dir.join(name))?
            .header()?
            .manifests()
            .to_owned();
        let removed = fs::remove_file(dir.join(name));
        if removed.is_ok() {
            let _ = fs::remove_file(dir.join(manifests));
        }
    }
    Ok(())
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

/// Reads and checks the records of a store, in the order of their ids. A writer may merge segments in between; then the new
/// ones are read.
pub(super) fn open(dir: &Path) -> Result<(Vec<ProofRecord>, Manifests), StoreError> {
    const TRIES: usize = 10;
    const PAUSE: Duration = Duration::from_millis(20);
    let dir = dir.join(STORE_DIR);
    let read = || {
        let found = segments(&dir)?;
        match found.is_empty() {
            // Said of the file that every store begins with.
            true => read_segments(&dir, &[RECORDS_FILE.to_owned()]),
            false => read_segments(&dir, &found),
        }
    };
    let mut opened = read();
    for _ in 1..TRIES {
        match &opened {
            Err(StoreError::File { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound && !segments(&dir)?.is_empty() =>
            {
                std::thread::sleep(PAUSE);
                opened = read();
            }
            _ => break,
        }
    }
    opened
}

fn read_segments(
    dir: &Path,
    names: &[String],
) -> Result<(Vec<ProofRecord>, Manifests), StoreError> {
    let (mut found, mut files) = (Vec::new(), Vec::new());
    for (number, name) in names.iter().enumerate() {
        let (lines, file) = read_segment(dir, name)?;
        let placed = lines.into_iter().map(|line| {
            let place = Place {
                file: number,
                offset: line.manifest_offset,
                length: line.manifest_length,
            };
            (line.record, place)
        });
        found.extend(placed);
        files.push(file);
    }
    found.sort_by_key(|(record, _)| record.id);
    // A merge that was cut off leaves records twice; two that differ under one id are no store of ours.
    for pair in found.windows(2) {
        let [(one, at), (other, _)] = pair else {
            continue;
        };
        if one.id == other.id && one != other {
            return Err(StoreError::Damaged {
                path: files[at.file].path.clone(),
                line: 1,
                what: format!("two segments have different records of proof {}", one.id),
            });
        }
    }
    found.dedup_by_key(|(record, _)| record.id);
    let (records, places) = found.into_iter().unzip();
    Ok((records, Manifests::Disk { files, places }))
}

/// A records file, line by line.
struct Lines {
    path: PathBuf,
    lines: std::iter::Enumerate<std::io::Lines<BufReader<File>>>,
}

impl Lines {
    fn open(path: PathBuf) -> Result<Self, StoreError> {
        let file = File::open(&path).map_err(failed("read", &path))?;
        Ok(Self {
            lines: BufReader::new(file).lines().enumerate(),
            path,
        })
    }

    fn damaged(&self, line: usize, what: String) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            line,
            what,
        }
    }

    fn next(&mut self) -> Result<Option<(usize, String)>, StoreError> {
        let Some((k, text)) = self.lines.next() else {
            return Ok(None);
        };
        // Text that is no UTF-8 is damage; a disk error is not.
        match text {
            Ok(text) => Ok(Some((k + 1, text))),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Err(self.damaged(k + 1, "not UTF-8".to_owned()))
            }
            Err(error) => Err(failed("read", &self.path)(error)),
        }
    }

    fn header(&mut self) -> Result<Header, StoreError> {
        let first = self.next()?;
        let (_, text) = first.ok_or_else(|| self.damaged(1, "file is empty".to_owned()))?;
        let header: Header = serde_json::from_str(&text)
            .map_err(|error| self.damaged(1, format!("no header of a proof store: {error}")))?;
        if (header.format.as_str(), header.version) != (FORMAT, VERSION) {
            let what = format!("format {:?} version {}", header.format, header.version);
            return Err(self.damaged(1, what));
        }
        if !is_of_segments(header.manifests(), MANIFESTS_FILE) {
            let what = format!("no name of a manifest file: {:?}", header.manifests());
            return Err(self.damaged(1, what));
        }
        Ok(header)
    }
}

/// A segment's lines, checked, and its manifests.
fn read_segment(dir: &Path, name: &str) -> Result<(Vec<Line>, Opened), StoreError> {
    let mut lines = Lines::open(dir.join(name))?;
    let header = lines.header()?;
    let path = dir.join(header.manifests());
    let file = File::open(&path).map_err(failed("read", &path))?;
    let available = file.metadata().map_err(failed("read", &path))?.len();
    let mut found: Vec<Line> = Vec::new();
    while let Some((number, text)) = lines.next()? {
        let line: Line = serde_json::from_str(&text)
            .map_err(|error| lines.damaged(number, error.to_string()))?;
        if found
            .last()
            .is_some_and(|last| last.record.id >= line.record.id)
        {
            return Err(lines.damaged(number, "ids do not ascend".to_owned()));
        }
        let end = line
            .manifest_offset
            .checked_add(line.manifest_length.into());
        if end.is_none_or(|end| end > available) {
            let what = format!("manifest lies beyond the end of {}", path.display());
            return Err(lines.damaged(number, what));
        }
        found.push(line);
    }
    if found.len() != header.records {
        let what = format!(
            "file ends after {} of {} records",
            found.len(),
            header.records
        );
        return Err(lines.damaged(found.len() + 2, what));
    }
    let file = Mutex::new(file);
    Ok((found, Opened { path, file }))
}
