//! The index of further pictures behind a JPEG picture (CIPA DC-007, Multi-Picture Format): gain maps, previews, frames of
//! a burst. Its offsets count from its own header, so they break when bytes before those pictures are added or taken away.

use std::ops::Range;

use super::jpeg::{Segment, image_end, segments};
use super::tiff::Order;

/// What an APP2 segment with such an index begins with.
const IDENTIFIER: &[u8] = b"MPF\0";
const APP2: u8 = 0xe2;
/// The tag whose value is a list of entries of 16 bytes: attributes, size, offset, and two numbers of other entries.
const ENTRIES: u16 = 0xb002;
const ENTRY: usize = 16;

/// Whether a segment holds an index.
pub(crate) fn is_index(bytes: &[u8], segment: &Segment) -> bool {
    segment.marker == APP2 && bytes[segment.payload.clone()].starts_with(IDENTIFIER)
}

/// Where the index's header lies, and where its entries lie.
fn index(bytes: &[u8]) -> Option<(usize, Order, Range<usize>)> {
    let segment = segments(bytes).find(|segment| is_index(bytes, segment))?;
    let header = segment.payload.start + IDENTIFIER.len();
    let block = bytes.get(header..segment.payload.end)?;
    let order = Order::of(block)?;
    let list = order.entries(block, order.u32(block, 4)?)?;
    let at = *list
        .iter()
        .find(|at| order.u16(block, **at) == Some(ENTRIES))?;
    let (length, place) = (
        order.u32(block, at + 4)? as usize,
        order.u32(block, at + 8)? as usize,
    );
    block.get(place..place.checked_add(length)?)?;
    let place = header + place;
    Some((header, order, place..place + length / ENTRY * ENTRY))
}

/// The further pictures of a file: where each lies. Those that would lie outside of it are left out.
#[must_use]
pub fn pictures(bytes: &[u8]) -> Vec<Range<usize>> {
    let Some((header, order, entries)) = index(bytes) else {
        return Vec::new();
    };
    entries
        .step_by(ENTRY)
        .filter_map(|entry| {
            let (size, offset) = (order.u32(bytes, entry + 4)?, order.u32(bytes, entry + 8)?);
            // The first picture has no offset.
            let start = header
                .checked_add(offset as usize)
                .filter(|_| offset != 0)?;
            let place = start..start.checked_add(size as usize)?;
            bytes.get(place.clone()).map(|_| place)
        })
        .collect()
}

/// `new` with its index mended; see [`mend`].
pub(crate) fn mended(old: &[u8], mut new: Vec<u8>) -> Vec<u8> {
    if let Some(first) = image_end(&new) {
        mend(old, &mut new, first);
    }
    new
}

/// Mends the index of `new`, which was made from `old` by changes before the end of the first picture: what lies behind it
/// is the same in both, counted from the end. `first` is the size of the first picture in `new`.
pub(crate) fn mend(old: &[u8], new: &mut [u8], first: usize) {
    let (Some((before, _, _)), Some((header, order, entries))) = (index(old), index(new)) else {
        return;
    };
    for entry in entries.step_by(ENTRY) {
        let Some(offset) = order.u32(new, entry + 8) else {
            return;
        };
        let moved = if offset == 0 {
            set(new, order, entry + 4, first);
            continue;
        } else {
            // From the start of the old file, from its end, from the start of the new one.
            let at = before.checked_add(offset as usize);
            let behind = at.and_then(|at| old.len().checked_sub(at));
            let at = behind.and_then(|behind| new.len().checked_sub(behind));
            at.and_then(|at| at.checked_sub(header))
        };
        if let Some(moved) = moved {
            set(new, order, entry + 8, moved);
        }
    }
}

fn set(bytes: &mut [u8], order: Order, at: usize, value: usize) {
    if let Ok(value) = u32::try_from(value) {
        bytes[at..at + 4].copy_from_slice(&order.put32(value));
    }
}
