//! GIF blocks (GIF89a specification; XMP specification part 3, 1.1.2; C2PA, application `C2PA_GIF`).

use std::ops::Range;

use super::{ContainerError, Frame, MediaType, spliced};

const XMP_APPLICATION: &[u8; 11] = b"XMP DataXMP";
const C2PA_APPLICATION: &[u8] = b"C2PA_GIF";
/// What follows the name (C2PA 2.2, "Embedding manifests into GIF").
const C2PA_AUTHENTICATION: [u8; 3] = [1, 0, 0];
/// 0x01, 0xff down to 0x00, and the terminator: makes the raw packet readable as sub-blocks.
const MAGIC_TRAILER: usize = 258;

/// An application extension: its 11-byte name, the whole block, and what follows the name.
struct Application {
    name: [u8; 11],
    whole: Range<usize>,
    body: Range<usize>,
}

/// Skips sub-blocks from `at` to behind their terminator.
fn after_sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            length => at += 1 + usize::from(length),
        }
    }
}

/// Behind the logical screen: where the first block begins.
fn first_block(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(10)?;
    let table = if flags & 0x80 != 0 {
        3 << ((flags & 7) + 1)
    } else {
        0
    };
    Some(13 + table)
}

/// The application extensions; stops at the trailer or where the structure breaks.
fn applications(bytes: &[u8]) -> impl Iterator<Item = Application> {
    let mut at = first_block(bytes).unwrap_or(bytes.len());
    std::iter::from_fn(move || {
        loop {
            let start = at;
            match *bytes.get(at)? {
                0x2c => {
                    let flags = *bytes.get(at + 9)?;
                    let table = if flags & 0x80 != 0 {
                        3 << ((flags & 7) + 1)
                    } else {
                        0
                    };
                    at = after_sub_blocks(bytes, at + 11 + table)?;
                }
                0x21 => {
                    at = after_sub_blocks(bytes, start + 2)?;
                    let named = bytes.get(start + 1..start + 3) == Some(&[0xff, 11]);
                    if let (true, Some(name)) = (named, super::array(bytes, start + 3)) {
                        return Some(Application {
                            name,
                            whole: start..at,
                            body: start + 14..at,
                        });
                    }
                }
                _ => return None,
            }
        }
    })
}

fn xmp_application(bytes: &[u8]) -> Option<Application> {
    applications(bytes).find(|application| application.name == *XMP_APPLICATION)
}

pub(super) fn xmp(bytes: &[u8]) -> Option<Vec<u8>> {
    let body = xmp_application(bytes)?.body;
    let end = body.end.checked_sub(MAGIC_TRAILER)?;
    bytes.get(body.start..end).map(<[u8]>::to_vec)
}

pub(super) fn with_xmp(bytes: &[u8], packet: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let start = first_block(bytes)
        .filter(|start| *start < bytes.len())
        .ok_or(ContainerError::Damaged(MediaType::Gif, "no blocks"))?;
    let place = xmp_application(bytes).map_or(start..start, |application| application.whole);
    let mut trailer = Vec::with_capacity(MAGIC_TRAILER);
    trailer.push(1);
    trailer.extend((0..=255).rev());
    trailer.push(0);
    let mut out = spliced(
        bytes,
        place,
        &[&[0x21, 0xff, 11], XMP_APPLICATION, packet, &trailer],
    );
    // Extensions exist since 89a.
    out[..6].copy_from_slice(b"GIF89a");
    Ok(out)
}

/// The manifest's only application block, whose sub-blocks are full but for the last: another division would be legal,
/// and nobody's.
pub(super) fn manifest_frame(bytes: &[u8]) -> Option<Frame> {
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
    Some(Frame {
        jumbf,
        ranges: vec![block.whole],
    })
}

pub(super) fn has_manifest(bytes: &[u8]) -> bool {
    applications(bytes).any(|application| application.name.starts_with(C2PA_APPLICATION))
}
