//! WebP chunks (RFC 9649; C2PA, chunk `C2PA`).

use std::ops::Range;

use super::{ContainerError, Frame, MediaType};

const XMP_FLAG: u8 = 0x04;
const ALPHA_FLAG: u8 = 0x10;

struct Chunk {
    kind: [u8; 4],
    data: Range<usize>,
}

/// Complete chunks in file order; stops where the structure ends or breaks.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = Chunk> {
    let mut at = 12;
    std::iter::from_fn(move || {
        let kind = super::array(bytes, at)?;
        let length = u32::from_le_bytes(super::array(bytes, at + 4)?) as usize;
        let data = at + 8..(at + 8).checked_add(length)?;
        if data.end > bytes.len() {
            return None;
        }
        // Files that lack the padding byte of the last chunk are common.
        at = (data.end + length % 2).min(bytes.len());
        Some(Chunk { kind, data })
    })
}

pub(super) fn xmp(bytes: &[u8]) -> Option<Vec<u8>> {
    chunks(bytes)
        .find(|chunk| chunk.kind == *b"XMP ")
        .map(|chunk| bytes[chunk.data].to_vec())
}

pub(super) fn with_xmp(bytes: &[u8], packet: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let first = chunks(bytes)
        .next()
        .ok_or(ContainerError::Damaged(MediaType::WebP, "no chunk"))?;
    let mut out = Vec::with_capacity(bytes.len() + packet.len() + 64);
    out.extend_from_slice(&bytes[..12]);
    if first.kind == *b"VP8X" {
        let extended = bytes
            .get(first.data.clone())
            .filter(|data| data.len() >= 10);
        if extended.is_none() {
            return Err(ContainerError::Damaged(MediaType::WebP, "short VP8X chunk"));
        }
    } else {
        push(&mut out, *b"VP8X", &extended_header(bytes, &first)?)?;
    }
    let mut written = false;
    for chunk in chunks(bytes) {
        match &chunk.kind {
            b"XMP " => {
                if !written {
                    push(&mut out, *b"XMP ", packet)?;
                    written = true;
                }
            }
            b"VP8X" => {
                let flags = out.len() + 8;
                push(&mut out, chunk.kind, &bytes[chunk.data])?;
                out[flags] |= XMP_FLAG;
            }
            kind => {
                // Chunks that the specification does not know come after XMP (RFC 9649, 2.7).
                let known = [
                    b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L", b"EXIF",
                ];
                if !written && !known.contains(&kind) {
                    push(&mut out, *b"XMP ", packet)?;
                    written = true;
                }
                push(&mut out, *kind, &bytes[chunk.data])?;
            }
        }
    }
    if !written {
        push(&mut out, *b"XMP ", packet)?;
    }
    let size = u32::try_from(out.len() - 8).map_err(|_| TOO_LONG)?;
    out[4..8].copy_from_slice(&size.to_le_bytes());
    Ok(out)
}

const TOO_LONG: ContainerError = ContainerError::Damaged(MediaType::WebP, "file over 4 GiB");

fn push(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) -> Result<(), ContainerError> {
    let length = u32::try_from(data.len()).map_err(|_| TOO_LONG)?;
    out.extend_from_slice(&kind);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(data);
    if data.len() % 2 == 1 {
        out.push(0);
    }
    Ok(())
}

/// The VP8X data of a simple file: flags and canvas size (RFC 9649, 2.7.1), taken from its frame header.
fn extended_header(bytes: &[u8], frame: &Chunk) -> Result<[u8; 10], ContainerError> {
    let damaged = || ContainerError::Damaged(MediaType::WebP, "unreadable frame header");
    let data = &bytes[frame.data.clone()];
    let (width, height, alpha) = match &frame.kind {
        // RFC 6386, 9.1: three bytes frame tag, start code, 14 bits width, 14 bits height.
        b"VP8 " if data.get(3..6) == Some(&[0x9d, 0x01, 0x2a]) => {
            let size =
                |at| super::array(data, at).map(|b| u32::from(u16::from_le_bytes(b) & 0x3fff));
            let (width, height) = size(6).zip(size(8)).ok_or_else(damaged)?;
            (width, height, false)
        }
        // RFC 9649, 3.4: signature, 14 bits width minus one, 14 bits height minus one, alpha hint.
        b"VP8L" if data.first() == Some(&0x2f) => {
            let bits = u32::from_le_bytes(super::array(data, 1).ok_or_else(damaged)?);
            (
                (bits & 0x3fff) + 1,
                (bits >> 14 & 0x3fff) + 1,
                bits >> 28 & 1 == 1,
            )
        }
        _ => return Err(damaged()),
    };
    if width == 0 || height == 0 {
        return Err(damaged());
    }
    let mut header = [0; 10];
    header[0] = XMP_FLAG | if alpha { ALPHA_FLAG } else { 0 };
    header[4..7].copy_from_slice(&(width - 1).to_le_bytes()[..3]);
    header[7..10].copy_from_slice(&(height - 1).to_le_bytes()[..3]);
    Ok(header)
}

/// The manifest's only chunk; a padding byte behind it lies under the hash.
pub(super) fn manifest_frame(bytes: &[u8]) -> Option<Frame> {
    let mut found = chunks(bytes).filter(|chunk| chunk.kind == *b"C2PA");
    let chunk = found.next().filter(|_| found.next().is_none())?;
    let whole = chunk.data.start - 8..chunk.data.end;
    Some(Frame {
        ranges: vec![whole],
        jumbf: bytes[chunk.data].to_vec(),
    })
}

pub(super) fn has_manifest(bytes: &[u8]) -> bool {
    chunks(bytes).any(|chunk| chunk.kind == *b"C2PA")
}
