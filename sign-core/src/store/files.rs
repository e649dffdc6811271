//! The store's files: segments of three each, records, manifests and points, that are written once and never changed.

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
use super::{MANIFESTS_FILE, POINTS_FILE, RECORDS_FILE, STORE_DIR, StoreError, failed};
use crate::local::Points;
use crate::proof_id::ProofId;
use crate::record::{ProofRecord, RegisteredPoints};

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
    /// The file of the points; none in a store from before there were points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    points: Option<String>,
}

impl Header {
    fn manifests(&self) -> &str {
        self.manifests.as_deref().unwrap_or(MANIFESTS_FILE)
    }
}

/// Whether a file of the store's folder is of a segment: the plain name, or one with the segment's
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

/// Segments from which on they are merged into one when the store is next added to: each costs a reader three open files.
const MOST_SEGMENTS: usize = 32;

const FORMAT: &str = "credlink proof records";
/// 2: records have a content sketch. 3: proofs have points.
const VERSIONS: [u32; 2] = [2, 3];

/// One line: a record, and where its manifest and its points stand.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    record: ProofRecord,
    manifest_offset: u64,
    manifest_length: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    points_offset: Option<u64>,
}

impl Line {
    /// Bytes of the points, which are as many as the record says.
    fn points(&self) -> Span {
        Span {
            offset: self.points_offset.unwrap_or_default(),
            length: points_length(&self.record),
        }
    }

    fn manifest(&self) -> Span {
        Span {
            offset: self.manifest_offset,
            length: self.manifest_length,
        }
    }
}

fn points_length(record: &ProofRecord) -> u32 {
    let count = record.points.map(|points| points.count);
    count.map_or(0, |count| Points::bytes_of(count.into()) as u32)
}

/// What belongs to a proof beside its record.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub(super) manifest: Vec<u8>,
    /// As [`Points::to_bytes`] gives them; empty where the record names none.
    pub(super) points: Vec<u8>,
}

/// What belongs to the proofs of a sealed store, in the order of its records.
#[derive(Debug)]
pub(super) enum Beside {
    Memory(Vec<Held>),
    Disk {
        files: Vec<Opened>,
        places: Vec<Place>,
    },
}

/// The files of a segment, its records aside.
#[derive(Debug)]
pub(super) struct Opened {
    manifests: OpenFile,
    points: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    bytes: u64,
    file: Mutex<File>,
}

/// A part of a file.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    offset: u64,
    length: u32,
}

/// Where something stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// In the files of which segment.
    segment: usize,
    manifest: Span,
    points: Span,
}

impl OpenFile {
    fn open(path: PathBuf) -> Result<Self, StoreError> {
        let file = File::open(&path).map_err(failed("read", &path))?;
        let bytes = file.metadata().map_err(failed("read", &path))?.len();
        Ok(Self {
            path,
            bytes,
            file: Mutex::new(file),
        })
    }

    fn read(&self, span: Span) -> Result<Vec<u8>, StoreError> {
        let mut file = self.file.lock().map_err(|_| StoreError::Poisoned)?;
        read_at(&mut file, span).map_err(failed("read", &self.path))
    }

    fn holds(&self, span: Span) -> bool {
        let end = span.offset.checked_add(span.length.into());
        end.is_some_and(|end| end <= self.bytes)
    }
}

/// Whether bytes are the points that a record names; none where it names none.
pub(super) fn are_points_of(points: &[u8], record: &ProofRecord) -> bool {
    match record.points {
        None => points.is_empty(),
        Some(named) => named == RegisteredPoints::of(points),
    }
}

pub(super) fn is_manifest_of(manifest: &[u8], record: &ProofRecord) -> bool {
    <[u8; 32]>::from(Sha256::digest(manifest)) == record.manifest_sha256
}

pub(super) fn exists(dir: &Path) -> Result<bool, StoreError> {
    Ok(!segments(&dir.join(STORE_DIR))?.is_empty())
}

impl Beside {
    /// The manifest of the record at a position, checked.
    pub(super) fn manifest(
        &self,
        position: usize,
        record: &ProofRecord,
    ) -> Result<Vec<u8>, StoreError> {
        let (manifest, place) = match self {
            Self::Memory(held) => (held[position].manifest.clone(), "memory".to_owned()),
            Self::Disk { files, places } => {
                let place = places[position];
                let file = &files[place.segment].manifests;
                (file.read(place.manifest)?, file.path.display().to_string())
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

    /// The points of the record at a position, checked; empty where it names none.
    pub(super) fn points(
        &self,
        position: usize,
        record: &ProofRecord,
    ) -> Result<Vec<u8>, StoreError> {
        let (points, place) = match self {
            Self::Memory(held) => (held[position].points.clone(), "memory".to_owned()),
            Self::Disk { files, places } => {
                let place = places[position];
                match &files[place.segment].points {
                    None => (Vec::new(), "the store".to_owned()),
                    Some(file) => (file.read(place.points)?, file.path.display().to_string()),
                }
            }
        };
        if are_points_of(&points, record) {
            Ok(points)
        } else {
            Err(StoreError::PointsDamaged {
                id: record.id,
                place,
            })
        }
    }

    fn held(&self, position: usize, record: &ProofRecord) -> Result<Held, StoreError> {
        Ok(Held {
            manifest: self.manifest(position, record)?,
            points: self.points(position, record)?,
        })
    }
}

fn read_at(file: &mut File, span: Span) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; span.length as usize];
    file.seek(SeekFrom::Start(span.offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// What arrived beside records, and where: first the manifest of a proof, then its points.
#[derive(Debug)]
pub(super) struct Part {
    lock: Lock,
    file: BufWriter<File>,
    end: u64,
    places: BTreeMap<ProofId, [Span; 2]>,
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

    pub(super) fn push(&mut self, id: ProofId, held: &Held) -> Result<(), StoreError> {
        let mut written = |bytes: &[u8]| {
            let length = u32::try_from(bytes.len()).map_err(|_| {
                failed("write", &self.lock.path)(std::io::Error::other("manifest over 4 GiB"))
            })?;
            self.file
                .write_all(bytes)
                .map_err(failed("write", &self.lock.path))?;
            let offset = self.end;
            self.end += u64::from(length);
            Ok(Span { offset, length })
        };
        let places = [written(&held.manifest)?, written(&held.points)?];
        self.places.insert(id, places);
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
        let held = |record: &ProofRecord| {
            // Every record came with what belongs to it.
            let places = self.places.get(&record.id).copied().unwrap_or_default();
            let mut part = part.lock().map_err(|_| StoreError::Poisoned)?;
            let mut read = |span| read_at(&mut part, span).map_err(failed("read", &self.lock.path));
            Ok(Held {
                manifest: read(places[0])?,
                points: read(places[1])?,
            })
        };
        // Manifests without records are a killed writer's, or what is left of a store that lost a file: never written over.
        let is_first = before.is_empty() && !dir.join(MANIFESTS_FILE).exists();
        write_segment(&dir, records.iter(), is_first, held)?;
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
    held: impl Fn(&ProofRecord) -> Result<Held, StoreError>,
) -> Result<String, StoreError> {
    let mut manifests = Growing::new_in(dir)?;
    let mut points = Growing::new_in(dir)?;
    let mut digest = Sha256::new();
    let mut lines = Vec::with_capacity(records.len());
    for record in records {
        let held = held(record)?;
        digest.update(&held.manifest);
        let manifest = manifests.push(&held.manifest)?;
        let points = points.push(&held.points)?;
        lines.push(Line {
            record: record.clone(),
            manifest_offset: manifest.offset,
            manifest_length: manifest.length,
            points_offset: record.points.map(|_| points.offset),
        });
    }
    let named = |plain: &str| match (is_first, plain.split_once('.')) {
        (false, Some((stem, extension))) => {
            let digest = hex::encode(&digest.clone().finalize()[..8]);
            format!("{stem}-{digest}.{extension}")
        }
        _ => plain.to_owned(),
    };
    let [records_name, manifests_name, points_name] =
        [RECORDS_FILE, MANIFESTS_FILE, POINTS_FILE].map(named);
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSIONS[1],
        records: lines.len(),
        manifests: (!is_first).then(|| manifests_name.clone()),
        points: Some(points_name.clone()),
    };
    let mut out = Growing::new_in(dir)?;
    out.push_line(&header)?;
    for line in &lines {
        out.push_line(line)?;
    }
    // The records last: their rename is the moment from which the segment is there.
    let (manifests, points, out) = (manifests.finished()?, points.finished()?, out.finished()?);
    persist(manifests, &dir.join(manifests_name))?;
    persist(points, &dir.join(points_name))?;
    persist(out, &dir.join(&records_name))?;
    Ok(records_name)
}

/// A file that is written from its beginning, and gets its name when it is whole.
struct Growing {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
    end: u64,
}

impl Growing {
    fn new_in(dir: &Path) -> Result<Self, StoreError> {
        let file = NamedTempFile::new_in(dir).map_err(failed("create a file in", dir))?;
        Ok(Self {
            path: file.path().to_owned(),
            out: BufWriter::new(file),
            end: 0,
        })
    }

    fn push(&mut self, bytes: &[u8]) -> Result<Span, StoreError> {
        self.out
            .write_all(bytes)
            .map_err(failed("write", &self.path))?;
        let span = Span {
            offset: self.end,
            length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        };
        self.end += bytes.len() as u64;
        Ok(span)
    }

    fn push_line(&mut self, value: &impl Serialize) -> Result<(), StoreError> {
        let line = serde_json::to_writer(&mut self.out, value).map_err(std::io::Error::from);
        line.and_then(|()| self.out.write_all(b"\n"))
            .map_err(failed("write", &self.path))
    }

    /// All of it on the disk.
    fn finished(self) -> Result<NamedTempFile, StoreError> {
        let file = self.out.into_inner();
        let file = file.map_err(std::io::IntoInnerError::into_error);
        let synced = file.and_then(|file| file.as_file().sync_all().map(|()| file));
        synced.map_err(failed("write", &self.path))
    }
}

/// Makes one segment of all. The old ones are removed when the new one is there; until then, and where that fails, both hold
/// the same records, which is no harm.
fn merge(dir: &Path) -> Result<(), StoreError> {
    let before = segments(dir)?;
    let (records, beside) = read_segments(dir, &before)?;
    let positions: BTreeMap<ProofId, usize> = records
        .iter()
        .enumerate()
        .map(|(position, record)| (record.id, position))
        .collect();
    let held = |record: &ProofRecord| beside.held(positions[&record.id], record);
    let merged = write_segment(dir, records.iter(), false, held)?;
    for name in before.iter().filter(|name| **name != merged) {
        // Records first: the others alone are nothing to a reader.
        let header = Lines::open(dir.join(name))?.header()?;
        let removed = fs::remove_file(dir.join(name));
        if removed.is_ok() {
            let _ = fs::remove_file(dir.join(header.manifests()));
            let _ = header
                .points
                .map(|points| fs::remove_file(dir.join(points)));
        }
    }
    Ok(())
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
pub(super) fn open(dir: &Path) -> Result<(Vec<ProofRecord>, Beside), StoreError> {
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

fn read_segments(dir: &Path, names: &[String]) -> Result<(Vec<ProofRecord>, Beside), StoreError> {
    let (mut found, mut files) = (Vec::new(), Vec::new());
    for (number, name) in names.iter().enumerate() {
        let (lines, file) = read_segment(dir, name)?;
        let placed = lines.into_iter().map(|line| {
            let place = Place {
                segment: number,
                manifest: line.manifest(),
                points: line.points(),
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
                path: files[at.segment].manifests.path.clone(),
                line: 1,
                what: format!("two segments have different records of proof {}", one.id),
            });
        }
    }
    found.dedup_by_key(|(record, _)| record.id);
    let (records, places) = found.into_iter().unzip();
    Ok((records, Beside::Disk { files, places }))
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
        if header.format != FORMAT || !VERSIONS.contains(&header.version) {
            let what = format!("format {:?} version {}", header.format, header.version);
            return Err(self.damaged(1, what));
        }
        if !is_of_segments(header.manifests(), MANIFESTS_FILE) {
            let what = format!("no name of a manifest file: {:?}", header.manifests());
            return Err(self.damaged(1, what));
        }
        let points = header.points.as_deref();
        if points.is_some_and(|points| !is_of_segments(points, POINTS_FILE)) {
            let what = format!("no name of a file of points: {points:?}");
            return Err(self.damaged(1, what));
        }
        Ok(header)
    }
}

/// A segment's lines, checked, and its other files.
fn read_segment(dir: &Path, name: &str) -> Result<(Vec<Line>, Opened), StoreError> {
    let mut lines = Lines::open(dir.join(name))?;
    let header = lines.header()?;
    let manifests = OpenFile::open(dir.join(header.manifests()))?;
    let points = header.points.as_ref();
    let points = points.map(|points| OpenFile::open(dir.join(points)));
    let points = points.transpose()?;
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
        if !manifests.holds(line.manifest()) {
            let what = format!(
                "manifest lies beyond the end of {}",
                manifests.path.display()
            );
            return Err(lines.damaged(number, what));
        }
        let holds_points = points.as_ref().map(|points| points.holds(line.points()));
        if !holds_points.unwrap_or(line.record.points.is_none()) {
            let what = "points lie beyond the end of their file".to_owned();
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
    Ok((found, Opened { manifests, points }))
}
