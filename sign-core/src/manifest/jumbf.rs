//! Boxes of a manifest store (JUMBF, ISO/IEC 19566-5; C2PA 2.x, "Use of JUMBF").

use std::ops::Range;

const SUPERBOX: [u8; 4] = *b"jumb";
const DESCRIPTION: [u8; 4] = *b"jumd";
/// Type, toggles.
const LABEL_AT: usize = 17;

/// A box inside other bytes.
#[derive(Clone, Debug)]
pub(super) struct JumbfBox {
    pub(super) kind: [u8; 4],
    pub(super) whole: Range<usize>,
    pub(super) body: Range<usize>,
}

/// The boxes in `range`, until one breaks the structure.
pub(super) fn boxes(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = JumbfBox> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let header = bytes.get(at..range.end)?.get(..8)?;
        let length = u32::from_be_bytes(header[..4].try_into().ok()?) as usize;
        let kind = header[4..].try_into().ok()?;
        // C2PA has no boxes of 4 GiB, so the extended length (1) is not read; 0 runs to the end.
        let end = match length {
            0 => range.end,
            8.. => at.checked_add(length).filter(|end| *end <= range.end)?,
            _ => return None,
        };
        let found = JumbfBox {
            kind,
            whole: at..end,
            body: at + 8..end,
        };
        at = end;
        Some(found)
    })
}

/// The label in the description of a superbox.
pub(super) fn label<'b>(bytes: &'b [u8], superbox: &JumbfBox) -> Option<&'b [u8]> {
    let description = boxes(bytes, superbox.body.clone()).next()?;
    let data = bytes.get(description.body)?;
    if superbox.kind != SUPERBOX || description.kind != DESCRIPTION || data.get(16)? & 2 == 0 {
        return None;
    }
    data.get(LABEL_AT..)?.split(|&b| b == 0).next()
}

/// The superbox with this label among the children of another.
pub(super) fn child(bytes: &[u8], parent: &JumbfBox, name: &[u8]) -> Option<JumbfBox> {
    boxes(bytes, parent.body.clone()).find(|found| label(bytes, found) == Some(name))
}

/// The store with its active manifest alone, which is the last (C2PA 2.2, "Active manifest").
pub(super) fn active(bytes: &[u8]) -> Option<Vec<u8>> {
    let whole = store(bytes)?;
    let mut children = boxes(bytes, whole.body.clone());
    let description = bytes.get(children.next()?.whole)?;
    let last = bytes.get(
        children
            .filter(|found| found.kind == SUPERBOX)
            .last()?
            .whole,
    )?;
    let length = u32::try_from(8 + description.len() + last.len()).ok()?;
    Some([&length.to_be_bytes(), &SUPERBOX[..], description, last].concat())
}

/// The outermost box of a manifest store.
pub(super) fn store(bytes: &[u8]) -> Option<JumbfBox> {
    boxes(bytes, 0..bytes.len()).find(|found| found.kind == SUPERBOX)
}

/// A manifest store in which the manifest `active` is the active one, and the one that was is left out.
///
/// The last manifest of a store is active. Validating the result validates `active` by itself: its
/// signature, its certificate, its assertions; only its hard binding fails, being about other bytes.
pub(super) fn promoted(bytes: &[u8], active: &str) -> Option<Vec<u8>> {
    let store = store(bytes)?;
    let children: Vec<JumbfBox> = boxes(bytes, store.body.clone()).collect();
    let last = children.last()?.whole.start;
    let chosen = child(bytes, &store, active.as_bytes())?;
    let mut out = bytes[store.whole.start..store.body.start].to_vec();
    for found in children {
        if found.whole.start != last && found.whole.start != chosen.whole.start {
            out.extend_from_slice(&bytes[found.whole]);
        }
    }
    out.extend_from_slice(&bytes[chosen.whole]);
    let length = u32::try_from(out.len()).ok()?.to_be_bytes();
    out[..4].copy_from_slice(&length);
    Some(out)
}
