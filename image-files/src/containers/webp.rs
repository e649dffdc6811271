//! WebP chunks (RFC 9649; C2PA, chunk `C2PA`).

use std::ops::Range;

use super::{ManifestPlace, array};
use crate::error::ContainerError;
use crate::format::Format;

/// What the first byte of the extended header says that the file holds (RFC 9649, 2.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    Icc = 0x20,
    Alpha = 0x10,
    Exif = 0x08,
    Xmp = 0x04,
}

/// One chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its type, four letters.
    pub kind: [u8; 4],
    /// Its data, without a padding byte.
    pub data: Range<usize>,
}

/// Complete chunks in file order; stops where the structure ends or breaks.
pub fn chunks(bytes: &[u8]) -> impl Iterator<Item = Chunk> {
    chunks_to(bytes, end(bytes))
}

/// The chunks that begin before `over`.
pub(crate) fn chunks_to(bytes: &[u8], over: usize) -> impl Iterator<Item = Chunk> {
    let mut at = 12;
    std::iter::from_fn(move || {
        if at >= over {
            return None;
        }
        let kind = match array(bytes, at)? {
            // Some writers end the name with a zero; exiftool reads it.
            [b'X', b'M', b'P', 0] => *b"XMP ",
            kind => kind,
        };
        let length = u32::from_le_bytes(array(bytes, at + 4)?) as usize;
        let data = at + 8..(at + 8).checked_add(length)?;
        if data.end > bytes.len() {
            return None;
        }
        // Files that lack the padding byte of the last chunk are common.
        at = (data.end + length % 2).min(bytes.len());
        Some(Chunk { kind, data })
    })
}

/// Behind the RIFF container, by its own size, padding included; the end of the file where that lies beyond it.
#[must_use]
pub fn end(bytes: &[u8]) -> usize {
    let size = array(bytes, 4).map_or(usize::MAX, |size| u32::from_le_bytes(size) as usize);
    let end = size.saturating_add(8);
    end.saturating_add(end % 2).min(bytes.len())
}

/// Whether header and coding say the same of an alpha channel; simple files have no header to contradict.
#[must_use]
pub fn is_of_one_mind(bytes: &[u8]) -> bool {
    flags(bytes).is_none_or(|flags| (flags & Flag::Alpha as u8 != 0) == has_alpha(bytes))
}

/// The flags of the extended header, if there is one.
pub(crate) fn flags(bytes: &[u8]) -> Option<u8> {
    let first = chunks(bytes)
        .next()
        .filter(|chunk| &chunk.kind == b"VP8X")?;
    bytes[first.data].first().copied()
}

/// The file with a header that promises nothing that is not there: decoders refuse files whose header speaks of a profile,
/// of metadata or of an alpha channel that they lack, which libwebp's tools read. `None` where nothing is wrong.
pub(crate) fn with_true_flags(bytes: &[u8]) -> Option<Vec<u8>> {
    let told = flags(bytes)?;
    // By the names as they stand there: decoders know no others.
    let has =
        |kind: &[u8; 4]| chunks(bytes).any(|chunk| bytes[chunk.data.start - 8..].starts_with(kind));
    if has(b"ANIM") {
        return None;
    }
    let there = [
        (Flag::Icc, has(b"ICCP")),
        (Flag::Exif, has(b"EXIF")),
        (Flag::Xmp, has(b"XMP ")),
        (Flag::Alpha, has_alpha(bytes) || has(b"VP8L")),
    ];
    let missing: u8 = there
        .iter()
        .filter(|(_, is_there)| !is_there)
        .map(|(flag, _)| *flag as u8)
        .sum();
    (told & missing != 0).then(|| {
        let mut out = bytes.to_vec();
        // Behind the container's header, the chunk's name and its length.
        if let Some(flags) = out.get_mut(20) {
            *flags &= !missing;
        }
        out
    })
}

/// Whether the container claims more bytes than the file has; one padding byte at its end is often missing.
pub(crate) fn is_cut_off(bytes: &[u8]) -> bool {
    array(bytes, 4).is_none_or(|size| u32::from_le_bytes(size) as usize + 8 > bytes.len() + 1)
}

/// The type of the chunk that is announced longer than the file.
fn cut_chunk(bytes: &[u8]) -> Option<[u8; 4]> {
    let last = chunks(bytes).last().map_or(12, |chunk| chunk.data.end);
    let at = last + last % 2;
    array::<8>(bytes, at).filter(|_| at + 8 <= end(bytes))?;
    array(bytes, at)
}

/// The file without its manifest.
pub(crate) fn without_manifest(bytes: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let parts: Vec<([u8; 4], &[u8])> = chunks(bytes)
        .filter(|chunk| !matches!(&chunk.kind, b"C2PA" | b"VP8X"))
        .map(|chunk| (chunk.kind, &bytes[chunk.data]))
        .collect();
    let mut out = assembled(bytes, &parts, &[])?;
    out.extend_from_slice(&bytes[end(bytes)..]);
    Ok(out)
}

/// Whether a still file has an alpha channel, by its coding.
#[must_use]
pub fn has_alpha(bytes: &[u8]) -> bool {
    chunks(bytes).any(|chunk| match &chunk.kind {
        b"ALPH" => true,
        // RFC 9649, 3.4: bit 28 behind the signature.
        b"VP8L" => array(bytes, chunk.data.start + 1)
            .is_some_and(|bits| u32::from_le_bytes(bits) >> 28 & 1 == 1),
        _ => false,
    })
}

pub(crate) fn xmp(bytes: &[u8]) -> Option<Vec<u8>> {
    chunks(bytes)
        .find(|chunk| chunk.kind == *b"XMP ")
        .map(|chunk| bytes[chunk.data].to_vec())
}

pub(super) fn with_xmp(bytes: &[u8], packet: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let all: Vec<Chunk> = chunks(bytes)
        .filter(|chunk| &chunk.kind != b"VP8X")
        .collect();
    let mut parts: Vec<([u8; 4], &[u8])> = all
        .iter()
        .map(|chunk| (chunk.kind, &bytes[chunk.data.clone()]))
        .collect();
    match all.iter().position(|chunk| &chunk.kind == b"XMP ") {
        Some(old) => parts[old].1 = packet,
        None => {
            // Chunks that the specification does not know come after XMP (RFC 9649, 2.7), those in front of the picture aside.
            let known = [
                b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L", b"EXIF",
            ];
            let last = all.iter().rposition(|chunk| known.contains(&&chunk.kind));
            parts.insert(last.map_or(0, |last| last + 1), (*b"XMP ", packet));
        }
    }
    let mut out = assembled(bytes, &parts, &[(Flag::Xmp, true)])?;
    out.extend_from_slice(&bytes[end(bytes)..]);
    Ok(out)
}

/// The file with these chunks behind an extended header, the header of `file` or, where it has none and a flag asks for
/// one, a new one; the flags say what is to be told, all others stay.
pub(crate) fn assembled(
    file: &[u8],
    parts: &[([u8; 4], &[u8])],
    flags: &[(Flag, bool)],
) -> Result<Vec<u8>, ContainerError> {
    let first = chunks(file)
        .next()
        .ok_or_else(|| ContainerError::damaged(Format::WebP, "no chunk"))?;
    // What is behind could not be told from its data any more, and it would not be copied.
    if let Some(kind) = cut_chunk(file) {
        let kind = kind.escape_ascii();
        return Err(ContainerError::damaged(
            Format::WebP,
            format!("the file ends inside its chunk `{kind}`"),
        ));
    }
    let old = (first.kind == *b"VP8X").then(|| &file[first.data.clone()]);
    let header = match old {
        Some(header) if header.len() < 10 => {
            return Err(ContainerError::damaged(Format::WebP, "short VP8X chunk"));
        }
        Some(header) => Some(header.to_vec()),
        None if flags.iter().any(|(_, is_set)| *is_set) => {
            Some(extended_header(file, &first)?.to_vec())
        }
        None => None,
    };
    let length = parts.iter().map(|(_, data)| data.len() + 9).sum::<usize>() + 32;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&file[..12]);
    if let Some(mut header) = header {
        for (flag, is_set) in flags {
            header[0] = header[0] & !(*flag as u8) | if *is_set { *flag as u8 } else { 0 };
        }
        // A simple file needs no extended header.
        if header[0] == 0 && parts.len() == 1 {
            return simple(file, parts[0]);
        }
        push(&mut out, *b"VP8X", &header)?;
    }
    for (kind, data) in parts {
        push(&mut out, *kind, data)?;
    }
    let size = u32::try_from(out.len() - 8).map_err(|_| too_long())?;
    out[4..8].copy_from_slice(&size.to_le_bytes());
    Ok(out)
}

/// A file of one chunk.
fn simple(file: &[u8], (kind, data): ([u8; 4], &[u8])) -> Result<Vec<u8>, ContainerError> {
    let mut out = file[..12].to_vec();
    push(&mut out, kind, data)?;
    let size = u32::try_from(out.len() - 8).map_err(|_| too_long())?;
    out[4..8].copy_from_slice(&size.to_le_bytes());
    Ok(out)
}

fn too_long() -> ContainerError {
    ContainerError::damaged(Format::WebP, "file over 4 GiB")
}

fn push(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) -> Result<(), ContainerError> {
    let length = u32::try_from(data.len()).map_err(|_| too_long())?;
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
    let damaged = || ContainerError::damaged(Format::WebP, "unreadable frame header");
    let data = &bytes[frame.data.clone()];
    let (width, height, alpha) = match &frame.kind {
        // RFC 6386, 9.1: three bytes frame tag, start code, 14 bits width, 14 bits height.
        b"VP8 " if data.get(3..6) == Some(&[0x9d, 0x01, 0x2a]) => {
            let size = |at| array(data, at).map(|b| u32::from(u16::from_le_bytes(b) & 0x3fff));
            let (width, height) = size(6).zip(size(8)).ok_or_else(damaged)?;
            (width, height, false)
        }
        // RFC 9649, 3.4: signature, 14 bits width minus one, 14 bits height minus one, alpha hint.
        b"VP8L" if data.first() == Some(&0x2f) => {
            let bits = u32::from_le_bytes(array(data, 1).ok_or_else(damaged)?);
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
    header[0] = if alpha { Flag::Alpha as u8 } else { 0 };
    header[4..7].copy_from_slice(&(width - 1).to_le_bytes()[..3]);
    header[7..10].copy_from_slice(&(height - 1).to_le_bytes()[..3]);
    Ok(header)
}

/// The manifest's only chunk; a padding byte behind it lies under the hash.
pub(super) fn manifest_place(bytes: &[u8]) -> Option<ManifestPlace> {
    let mut found = chunks(bytes).filter(|chunk| chunk.kind == *b"C2PA");
    let chunk = found.next().filter(|_| found.next().is_none())?;
    let whole = chunk.data.start - 8..chunk.data.end;
    Some(ManifestPlace {
        ranges: vec![whole],
        jumbf: bytes[chunk.data].to_vec(),
    })
}

pub(super) fn has_manifest(bytes: &[u8]) -> bool {
    chunks(bytes).any(|chunk| chunk.kind == *b"C2PA")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_longer_than_the_file_is_refused_and_not_left_out() {
        let header = [0x08, 0, 0, 0, 9, 0, 0, 9, 0, 0];
        let mut whole = b"RIFF\0\0\0\0WEBP".to_vec();
        push(&mut whole, *b"VP8X", &header).unwrap();
        push(&mut whole, *b"VP8 ", &[7; 64]).unwrap();
        let size = whole.len() as u32 - 8;
        whole[4..8].copy_from_slice(&size.to_le_bytes());
        let linked = with_xmp(&whole, b"<x/>").unwrap();
        assert!(chunks(&linked).any(|chunk| &chunk.kind == b"VP8 "));
        let (cut, _) = whole.split_at(whole.len() - 10);
        for refused in [with_xmp(cut, b"<x/>"), without_manifest(cut)] {
            let words = refused.unwrap_err().to_string();
            assert!(words.contains("inside its chunk `VP8 `"), "{words}");
        }
    }
}
