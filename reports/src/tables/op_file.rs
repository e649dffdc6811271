//! What every op left behind, in numbers: records of a fixed width in a file without a name, so that memory does not grow
//! with the number of ops.
//!
//! Ops of one pipeline and kind of trial lie together, page by page, since that is how tables read them. The position of an
//! op is that of its record in the file, counted in records; full pages are written as they fill, so that pages of many
//! groups lie between each other.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::detail::Entrant;

/// Records on a page: one of each group is held while rows are read, one for each reader afterwards.
const PAGE: usize = 128;

/// Pages that are held for readers: one for each of so many threads, which then do not wait for each other.
const READERS: usize = 16;

/// Where the values of a record lie, in bytes.
mod at {
    pub(super) const IMAGE: usize = 0;
    pub(super) const SOURCE: usize = 4;
    pub(super) const RESULT: usize = 8;
    pub(super) const HELD: usize = 12;
    pub(super) const CLASS: usize = 16;
    pub(super) const FORMAT: usize = 20;
    pub(super) const SIZE: usize = 24;
    pub(super) const DISTORTION: usize = 28;
    pub(super) const ROW: usize = 48;
    pub(super) const PIXELS: usize = 56;
    pub(super) const SOURCE_BYTES: usize = 64;
    pub(super) const SIGNED_BYTES: usize = 72;
    pub(super) const SIGN_NS: usize = 80;
    pub(super) const TRANSFORM_NS: usize = 88;
    pub(super) const VERIFY_NS: usize = 96;
    pub(super) const RETRIEVE_NS: usize = 104;
    pub(super) const EMBEDDED: usize = 112;
    /// From here on for each carrier what follows.
    pub(super) const CARRIERS: usize = 128;
    pub(super) const CARRIER_NS: usize = 0;
    pub(super) const CARRIER_OWN: usize = 8;
    pub(super) const CARRIER_WRONG: usize = 10;
    pub(super) const CARRIER: usize = 12;
}

/// What one op left behind.
#[derive(Clone, Debug)]
pub(super) struct OpRecord {
    /// Position of its row in the row file.
    pub(super) row: u64,
    pub(super) entrant: Entrant,
    /// Index of what became of it.
    pub(super) result: u32,
    /// What the file that entered held, a bit for each of [`Beside`](credlink_trial_record::Beside), and what of that the
    /// received one still says.
    pub(super) held: [u16; 2],
    /// Times in nanoseconds, 0 where not measured.
    pub(super) transform_ns: u64,
    pub(super) verify_ns: u64,
    pub(super) retrieve_ns: u64,
    pub(super) carriers: Vec<CarrierRecord>,
}

/// What it left behind of one carrier.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CarrierRecord {
    pub(super) nanos: u64,
    /// What decides, towards the issued proof and towards a wrong one.
    pub(super) own: Option<u32>,
    pub(super) wrong: Option<u32>,
}

impl OpRecord {
    fn width(carriers: usize) -> usize {
        at::CARRIERS + carriers * at::CARRIER
    }

    fn append_to(&self, page: &mut Vec<u8>) {
        let start = page.len();
        page.resize(start + Self::width(self.carriers.len()), 0);
        let record = &mut page[start..];
        let image = &self.entrant;
        let mut put = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
        for (at, value) in [
            (at::IMAGE, image.image),
            (at::SOURCE, image.source),
            (at::RESULT, self.result),
            (at::CLASS, image.class),
            (at::FORMAT, image.format),
            (at::SIZE, u32::from(image.size)),
        ] {
            put(at, &value.to_le_bytes());
        }
        for (at, value) in [
            (at::ROW, self.row),
            (at::PIXELS, image.pixels),
            (at::SOURCE_BYTES, image.source_bytes),
            (at::SIGNED_BYTES, image.signed_bytes),
            (at::SIGN_NS, image.sign_ns),
            (at::TRANSFORM_NS, self.transform_ns),
            (at::VERIFY_NS, self.verify_ns),
            (at::RETRIEVE_NS, self.retrieve_ns),
        ] {
            put(at, &value.to_le_bytes());
        }
        put(at::HELD, self.held.map(u16::to_le_bytes).as_flattened());
        let distortion = image.distortion.map(u32::to_le_bytes);
        put(at::DISTORTION, distortion.as_flattened());
        put(at::EMBEDDED, &image.embedded.to_le_bytes());
        for (place, carrier) in self.carriers.iter().enumerate() {
            let start = at::CARRIERS + place * at::CARRIER;
            put(start + at::CARRIER_NS, &carrier.nanos.to_le_bytes());
            for (at, figure) in [
                (at::CARRIER_OWN, carrier.own),
                (at::CARRIER_WRONG, carrier.wrong),
            ] {
                put(start + at, &small(figure).to_le_bytes());
            }
        }
    }
}

/// A figure in two bytes: `u16::MAX` is none, and larger ones count as 65,534.
fn small(figure: Option<u32>) -> u16 {
    figure.map_or(u16::MAX, |value| {
        u16::try_from(value).unwrap_or(u16::MAX).min(u16::MAX - 1)
    })
}

/// The record of an op as it lies on its page.
#[derive(Clone, Copy)]
pub(super) struct OpBytes<'a>(&'a [u8]);

impl OpBytes<'_> {
    fn array<const N: usize>(self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.0[at..at + N]);
        bytes
    }

    fn u16(self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    fn u32(self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    fn u64(self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    pub(super) fn row(self) -> u64 {
        self.u64(at::ROW)
    }

    pub(super) fn image(self) -> u32 {
        self.u32(at::IMAGE)
    }

    pub(super) fn source(self) -> u32 {
        self.u32(at::SOURCE)
    }

    pub(super) fn result(self) -> u32 {
        self.u32(at::RESULT)
    }

    pub(super) fn held(self) -> [u16; 2] {
        [0, 2].map(|more| self.u16(at::HELD + more))
    }

    pub(super) fn transform_ns(self) -> u64 {
        self.u64(at::TRANSFORM_NS)
    }

    pub(super) fn verify_ns(self) -> u64 {
        self.u64(at::VERIFY_NS)
    }

    pub(super) fn retrieve_ns(self) -> u64 {
        self.u64(at::RETRIEVE_NS)
    }

    pub(super) fn entrant(self) -> Entrant {
        Entrant {
            image: self.image(),
            source: self.source(),
            class: self.u32(at::CLASS),
            format: self.u32(at::FORMAT),
            size: self.u32(at::SIZE) as u8,
            pixels: self.u64(at::PIXELS),
            source_bytes: self.u64(at::SOURCE_BYTES),
            signed_bytes: self.u64(at::SIGNED_BYTES),
            sign_ns: self.u64(at::SIGN_NS),
            distortion: [0, 4, 8, 12, 16].map(|more| self.u32(at::DISTORTION + more)),
            embedded: u128::from_le_bytes(self.array(at::EMBEDDED)),
        }
    }

    pub(super) fn carrier(self, place: usize) -> CarrierRecord {
        let start = at::CARRIERS + place * at::CARRIER;
        let figure = |at| Some(self.u16(start + at)).filter(|value| *value < u16::MAX);
        CarrierRecord {
            nanos: self.u64(start + at::CARRIER_NS),
            own: figure(at::CARRIER_OWN).map(u32::from),
            wrong: figure(at::CARRIER_WRONG).map(u32::from),
        }
    }
}

/// Ops of one pipeline and kind of trial.
#[derive(Debug, Default)]
struct Group {
    /// Its pages that are written, in order; all but the last one are full.
    pages: Vec<usize>,
    ops: usize,
    /// The page that fills.
    open: Vec<u8>,
}

/// Takes records in.
#[derive(Debug)]
pub(super) struct OpFileWriter {
    file: File,
    width: usize,
    groups: Vec<Group>,
    pages: usize,
}

impl OpFileWriter {
    /// For so many groups and carriers. The file lies in `folder`, or where that cannot be, where temporary files lie.
    pub(super) fn new(folder: &Path, groups: usize, carriers: usize) -> io::Result<Self> {
        let mut all = Vec::new();
        all.resize_with(groups, Group::default);
        Ok(Self {
            file: tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile())?,
            width: OpRecord::width(carriers),
            groups: all,
            pages: 0,
        })
    }

    pub(super) fn push(&mut self, group: usize, record: &OpRecord) -> io::Result<()> {
        let of = &mut self.groups[group];
        record.append_to(&mut of.open);
        of.ops += 1;
        if of.ops.is_multiple_of(PAGE) {
            self.write(group)?;
        }
        Ok(())
    }

    fn write(&mut self, group: usize) -> io::Result<()> {
        let of = &mut self.groups[group];
        // As long as a full one, so that every page lies at its number.
        of.open.resize(PAGE * self.width, 0);
        self.file.write_all(&of.open)?;
        of.open.clear();
        of.pages.push(self.pages);
        self.pages += 1;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<OpFile> {
        for group in 0..self.groups.len() {
            if !self.groups[group].open.is_empty() {
                self.write(group)?;
            }
            self.groups[group].open = Vec::new();
        }
        let mut held = Vec::new();
        held.resize_with(READERS, Mutex::default);
        Ok(OpFile {
            file: Mutex::new(self.file),
            width: self.width,
            groups: self.groups,
            held,
        })
    }
}

/// A page that was read.
#[derive(Debug, Default)]
struct Page {
    /// Counted from 1; 0 is none.
    number: usize,
    bytes: Vec<u8>,
}

/// Gives records back.
#[derive(Debug)]
pub(super) struct OpFile {
    file: Mutex<File>,
    width: usize,
    groups: Vec<Group>,
    held: Vec<Mutex<Page>>,
}

impl OpFile {
    /// Ops of all groups.
    pub(super) fn len(&self) -> usize {
        self.groups.iter().map(|group| group.ops).sum()
    }

    /// Positions of the ops of a group, in the order in which they came.
    pub(super) fn group(&self, group: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        let of = self.groups.get(group);
        let ops = of.map_or(0, |of| of.ops);
        let pages = of.into_iter().flat_map(|of| &of.pages);
        let positions = pages.flat_map(|page| page * PAGE..(page + 1) * PAGE);
        positions.take(ops)
    }

    /// Something of the record at a position.
    ///
    /// # Panics
    /// When the file cannot be read, which was written a moment ago: no figure is computed from what is not there.
    pub(super) fn read<T>(&self, op: usize, what: impl FnOnce(OpBytes<'_>) -> T) -> T {
        let (number, place) = (op / PAGE + 1, op % PAGE);
        let reader = rayon::current_thread_index().unwrap_or_default() % READERS;
        let mut page = locked(&self.held[reader]);
        if page.number != number {
            // Half a page is no page, whatever becomes of the thread that reads it.
            page.number = 0;
            let read = self.load(number - 1, &mut page.bytes);
            assert!(
                read.is_ok(),
                "the temporary file of the rows cannot be read: {read:?}"
            );
            page.number = number;
        }
        what(OpBytes(&page.bytes[place * self.width..][..self.width]))
    }

    fn load(&self, page: usize, into: &mut Vec<u8>) -> io::Result<()> {
        into.resize(PAGE * self.width, 0);
        let mut file = locked(&self.file);
        file.seek(SeekFrom::Start((page * into.len()) as u64))?;
        file.read_exact(into)
    }
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(row: u64) -> OpRecord {
        let number = row as u32;
        OpRecord {
            row,
            entrant: Entrant {
                image: number,
                source: number + 1,
                class: number + 2,
                format: number + 3,
                size: 4,
                pixels: row + 5,
                source_bytes: row + 6,
                signed_bytes: u64::MAX - row,
                sign_ns: row + 8,
                distortion: [0, 1, 2, 3, 4].map(|more| number + more),
                embedded: u128::MAX - u128::from(row),
            },
            result: number + 9,
            held: [number as u16, 10],
            transform_ns: row + 11,
            verify_ns: u64::MAX - 12,
            retrieve_ns: row + 13,
            carriers: [None, Some(0), Some(65_534), Some(70_000)]
                .map(|figure| CarrierRecord {
                    nanos: row + 14,
                    own: figure,
                    wrong: Some(number),
                })
                .to_vec(),
        }
    }

    #[test]
    fn records_come_back_as_they_were_group_by_group_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = OpFileWriter::new(folder.path(), 3, 4).unwrap();
        let rows = 5 * PAGE as u64;
        // Most in the first group, some in the last, so that pages of both alternate; none in the middle.
        let group = |row: u64| 2 * usize::from(row.is_multiple_of(3));
        for row in 0..rows {
            writer.push(group(row), &record(row)).unwrap();
        }
        let file = writer.finish().unwrap();
        assert_eq!(file.len() as u64, rows);
        assert_eq!(file.group(1).count() + file.group(3).count(), 0);
        for of in [0, 2] {
            let expected = (0..rows).filter(|row| group(*row) == of);
            let found = file.group(of).map(|op| file.read(op, |op| op.row()));
            assert!(found.eq(expected));
        }
        for op in file.group(0).chain(file.group(2)) {
            let expected = record(file.read(op, |op| op.row()));
            let figures = [None, Some(0), Some(65_534), Some(65_534)];
            file.read(op, |found| {
                assert_eq!(found.entrant(), expected.entrant);
                assert_eq!(found.result(), expected.result);
                assert_eq!(found.held(), expected.held);
                let times = [found.transform_ns(), found.verify_ns(), found.retrieve_ns()];
                assert_eq!(
                    times,
                    [
                        expected.transform_ns,
                        expected.verify_ns,
                        expected.retrieve_ns
                    ]
                );
                for (place, (carrier, figure)) in expected.carriers.iter().zip(figures).enumerate()
                {
                    let found = found.carrier(place);
                    assert_eq!(
                        (found.nanos, found.own, found.wrong),
                        (carrier.nanos, figure, carrier.wrong)
                    );
                }
            });
        }
    }
}
