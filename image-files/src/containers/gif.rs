//! GIF blocks (GIF89a specification; XMP specification part 3, 1.1.2; C2PA, application `C2PA_GIF`).

use std::ops::Range;

use super::{ManifestPlace, array, spliced};
use crate::error::ContainerError;
use crate::format::Format;

pub(crate) const XMP_APPLICATION: &[u8; 11] = b"XMP DataXMP";
pub(crate) const C2PA_APPLICATION: &[u8] = b"C2PA_GIF";
/// What follows the name (C2PA 2.2, "Embedding manifests into GIF").
const C2PA_AUTHENTICATION: [u8; 3] = [1, 0, 0];
/// 0x01, 0xff down to 0x00, and the terminator: makes the raw packet readable as sub-blocks.
const MAGIC_TRAILER: usize = 258;

/// A block behind the logical screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// The whole block, its terminator included.
    pub whole: Range<usize>,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// A picture.
    Image,
    /// An application extension of this name; its body begins 14 bytes behind the block's start.
    Application([u8; 11]),
    /// Another extension, by its label.
    Extension(u8),
}

/// The byte that a picture begins with.
pub const IMAGE: u8 = 0x2c;

/// The byte that a file ends with.
const TRAILER: u8 = 0x3b;

/// The label of a comment.
pub(crate) const COMMENT: u8 = 0xfe;

/// Skips sub-blocks from `at` to behind their terminator.
fn after_sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            length => at += 1 + usize::from(length),
        }
    }
}

/// The bytes of a colour table, by the flags of its screen or picture.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Behind the logical screen: where the first block begins.
pub(crate) fn first_block(bytes: &[u8]) -> Option<usize> {
    Some(13 + table(*bytes.get(10)?))
}

/// The blocks in file order; stops at the trailer or where the structure breaks.
pub fn blocks(bytes: &[u8]) -> impl Iterator<Item = Block> {
    let mut at = first_block(bytes).unwrap_or(bytes.len());
    std::iter::from_fn(move || {
        let start = at;
        let kind = match *bytes.get(at)? {
            IMAGE => {
                let table = table(*bytes.get(at + 9)?);
                at = after_sub_blocks(bytes, at + 11 + table)?;
                BlockKind::Image
            }
            0x21 => {
                at = after_sub_blocks(bytes, start + 2)?;
                match *bytes.get(start + 1)? {
                    0xff if bytes.get(start + 2) == Some(&11) => {
                        BlockKind::Application(array(bytes, start + 3)?)
                    }
                    label => BlockKind::Extension(label),
                }
            }
            _ => return None,
        };
        Some(Block {
            kind,
            whole: start..at,
        })
    })
}

/// Behind the last whole block.
fn blocks_end(bytes: &[u8]) -> usize {
    let first = first_block(bytes).unwrap_or(bytes.len());
    blocks(bytes).last().map_or(first, |block| block.whole.end)
}

/// Behind the trailer, or behind the last whole block.
#[must_use]
pub fn end(bytes: &[u8]) -> usize {
    let end = blocks_end(bytes);
    let trailer = usize::from(bytes.get(end) == Some(&TRAILER));
    (end + trailer).min(bytes.len())
}

/// Whether the trailer stands behind the last whole block.
pub(crate) fn has_trailer(bytes: &[u8]) -> bool {
    bytes.get(blocks_end(bytes)) == Some(&TRAILER)
}

/// Whether a file has more than one picture, the last of which may be cut off.
pub(crate) fn has_second_image(bytes: &[u8]) -> bool {
    let images = blocks(bytes)
        .filter(|block| block.kind == BlockKind::Image)
        .take(2)
        .count();
    images + usize::from(bytes.get(end(bytes)) == Some(&IMAGE)) > 1
}

/// An application extension: its 11-byte name, the whole block, and what follows the name.
pub(crate) struct Application {
    pub(crate) name: [u8; 11],
    pub(crate) whole: Range<usize>,
    pub(crate) body: Range<usize>,
}

pub(crate) fn applications(bytes: &[u8]) -> impl Iterator<Item = Application> {
    blocks(bytes).filter_map(|block| match block.kind {
        BlockKind::Application(name) => Some(Application {
            name,
            body: block.whole.start + 14..block.whole.end,
            whole: block.whole,
        }),
        BlockKind::Image | BlockKind::Extension(_) => None,
    })
}

fn xmp_application(bytes: &[u8]) -> Option<Application> {
    applications(bytes).find(|application| application.name == *XMP_APPLICATION)
}

pub(crate) fn xmp(bytes: &[u8]) -> Option<Vec<u8>> {
    let body = xmp_application(bytes)?.body;
    let end = body.end.checked_sub(MAGIC_TRAILER)?;
    bytes.get(body.start..end).map(<[u8]>::to_vec)
}

pub(super) fn with_xmp(bytes: &[u8], packet: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let start = first_block(bytes)
        .filter(|start| *start < bytes.len())
        .ok_or_else(|| ContainerError::damaged(Format::Gif, "no blocks"))?;
    if packet.contains(&0) {
        return Err(ContainerError::damaged(
            Format::Gif,
            "no place for a packet with a zero byte, at which the block would end",
        ));
    }
    let place = xmp_application(bytes).map_or(start..start, |application| application.whole);
    let mut out = spliced(bytes, place, &[&xmp_block(packet)]);
    // Extensions exist since 89a.
    out[..6].copy_from_slice(b"GIF89a");
    Ok(out)
}

/// The packet as an application extension.
pub(crate) fn xmp_block(packet: &[u8]) -> Vec<u8> {
    let mut out = vec![0x21, 0xff, 11];
    out.extend(XMP_APPLICATION);
    out.extend(packet);
    out.push(1);
    out.extend((0..=255).rev());
    out.push(0);
    out
}

/// The bytes that sub-blocks hold, from the first length on; stops where they break.
pub(crate) fn joined(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rest.len());
    while let Some((length, behind)) = rest.split_first().filter(|(length, _)| **length != 0) {
        let length = usize::from(*length).min(behind.len());
        out.extend_from_slice(&behind[..length]);
        rest = &behind[length..];
    }
    out
}

/// The manifest's only application block, whose sub-blocks are full but for the last: another division would be legal,
/// and nobody's.
pub(super) fn manifest_place(bytes: &[u8]) -> Option<ManifestPlace> {
    let mut found =
        applications(bytes).filter(|application| application.name.starts_with(C2PA_APPLICATION));
    let only = found.next().filter(|_| found.next().is_none());
    let block = only.filter(|block| block.name.ends_with(&C2PA_AUTHENTICATION))?;
    let mut jumbf = Vec::with_capacity(block.body.len());
    let mut rest = &bytes[block.body];
    while let [length, data @ ..] = rest {
        if *length == 0 {
            break;
        }
        let (part, behind) = data.split_at_checked(usize::from(*length))?;
        let is_last = behind.first() == Some(&0);
        if *length < 255 && !is_last {
            return None;
        }
        jumbf.extend_from_slice(part);
        rest = behind;
    }
    Some(ManifestPlace {
        jumbf,
        ranges: vec![block.whole],
    })
}

pub(super) fn has_manifest(bytes: &[u8]) -> bool {
    applications(bytes).any(|application| application.name.starts_with(C2PA_APPLICATION))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers;

    /// The screen's last byte is no trailer, whatever it says of the pixels' shape.
    #[test]
    fn an_aspect_ratio_is_not_the_end_of_a_file() {
        let screen = b"GIF89a\x01\0\x01\0\0\0;";
        assert!(containers::is_cut_off(Format::Gif, screen));
        let ended = [&screen[..], b";"].concat();
        assert!(!containers::is_cut_off(Format::Gif, &ended));
        assert_eq!(end(&ended), ended.len());
    }
}
