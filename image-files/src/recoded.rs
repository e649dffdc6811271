//! A file whose pixels were coded anew: everything that the original holds beside its pixels, around the new coding.
//!
//! Blocks are copied byte for byte and in their order, those included that nothing here understands. Only what describes
//! the old coding goes, and an earlier manifest, which signs pixels that are no more.

use crate::containers::{jpeg, mpf, png, webp};
use crate::error::ContainerError;
use crate::format::Format;

/// `original` with the coded pixels of `recoded`, a bare file of the same format.
///
/// # Errors
/// When either container is damaged, or files of this format are not put together here.
pub fn recoded(format: Format, original: &[u8], recoded: &[u8]) -> Result<Vec<u8>, ContainerError> {
    match format {
        Format::Jpeg => of_jpeg(original, recoded),
        Format::Png => of_png(original, recoded),
        Format::WebP => of_webp(original, recoded),
        Format::Avif | Format::Gif | Format::Tiff | Format::Bmp | Format::Jxl => Err(
            ContainerError::damaged(format, "files of this kind are not written anew"),
        ),
    }
}

/// Whether a segment belongs to the coding: tables, frame and scan headers, and Adobe's, which says how colours are coded.
/// Where it says of the old coding what is true of the new one, YCbCr, it stays like any other.
fn is_jpeg_coding(file: &[u8], segment: &jpeg::Segment) -> bool {
    const ADOBE: u8 = 0xee;
    const COMMENT: u8 = 0xfe;
    // Behind the name: version, two words of flags, the transform (Adobe, "Supporting the DCT Filters", 18).
    const YCBCR: Option<&u8> = Some(&1);
    let payload = &file[segment.payload.clone()];
    match segment.marker {
        ADOBE => payload.starts_with(b"Adobe") && payload.get(11) != YCBCR,
        marker => !(matches!(marker, 0xe0..=0xef) || marker == COMMENT),
    }
}

fn of_jpeg(original: &[u8], recoded: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let damaged = |what: &str| ContainerError::damaged(Format::Jpeg, what);
    let end = jpeg::image_end(original).ok_or_else(|| damaged("no end of the image"))?;
    let new_end = jpeg::image_end(recoded).ok_or_else(|| damaged("no end of the image"))?;
    // In front, where it would have to go, it would be what it is not: a packet or a manifest that readers find.
    let mut between = jpeg::segments_between_scans(original);
    if between.any(|segment| !is_jpeg_coding(original, &segment)) {
        return Err(damaged("metadata between its scans"));
    }
    let mut out = original[..2].to_vec();
    let manifest = jpeg::manifest_segments(original);
    for segment in jpeg::segments(original) {
        if !is_jpeg_coding(original, &segment) && !jpeg::is_among(&segment, &manifest) {
            out.extend_from_slice(&original[segment.whole]);
        }
    }
    for segment in jpeg::segments(recoded) {
        if is_jpeg_coding(recoded, &segment) {
            out.extend_from_slice(&recoded[segment.whole]);
        }
    }
    out.extend_from_slice(&recoded[jpeg::header_end(recoded)..new_end]);
    let first = out.len();
    out.extend_from_slice(&original[end..]);
    mpf::mend(original, &mut out, first);
    Ok(out)
}

fn of_png(original: &[u8], recoded: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let damaged = |what: &str| ContainerError::damaged(Format::Png, what);
    let chunk = |file: &[u8], kind: &[u8; 4]| png::chunks(file).find(|chunk| &chunk.kind == kind);
    let header = |file: &[u8]| chunk(file, b"IHDR").map(|found| file[found.data].to_vec());
    let (old, new) = (header(original), header(recoded));
    let (Some(old), Some(new)) = (old, new) else {
        return Err(damaged("no header chunk"));
    };
    // Depth and colour type: what significant bits, background and histogram are counted in.
    let is_coded_alike = old.get(8..10) == new.get(8..10);
    let mut out = original[..8].to_vec();
    let mut is_written = false;
    for found in png::chunks(original) {
        match &found.kind {
            b"IHDR" => {
                let new = chunk(recoded, b"IHDR").ok_or_else(|| damaged("no header chunk"))?;
                out.extend_from_slice(&recoded[new.whole]);
            }
            // A palette, its histogram and its transparency go with the indices that use them; a transparent colour becomes an alpha channel.
            b"PLTE" | b"tRNS" | b"hIST" | b"caBX" => {}
            b"sBIT" | b"bKGD" if !is_coded_alike => {}
            b"IDAT" => {
                if !is_written {
                    let data = png::chunks(recoded)
                        .filter(|chunk| matches!(&chunk.kind, b"PLTE" | b"tRNS" | b"IDAT"));
                    data.for_each(|chunk| out.extend_from_slice(&recoded[chunk.whole]));
                    is_written = true;
                }
            }
            _ => out.extend_from_slice(&original[found.whole]),
        }
    }
    if !is_written {
        return Err(damaged("no image data"));
    }
    out.extend_from_slice(&original[png::end(original)..]);
    Ok(out)
}

fn of_webp(original: &[u8], recoded: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let is_coding = |kind: &[u8; 4]| matches!(kind, b"ALPH" | b"VP8 " | b"VP8L");
    let mut parts: Vec<([u8; 4], &[u8])> = Vec::new();
    let mut is_written = false;
    for chunk in webp::chunks(original) {
        if is_coding(&chunk.kind) {
            if !is_written {
                let new = webp::chunks(recoded).filter(|chunk| is_coding(&chunk.kind));
                parts.extend(new.map(|chunk| (chunk.kind, &recoded[chunk.data])));
                is_written = true;
            }
        } else if !matches!(&chunk.kind, b"VP8X" | b"C2PA") {
            parts.push((chunk.kind, &original[chunk.data]));
        }
    }
    if !is_written {
        return Err(ContainerError::damaged(Format::WebP, "no image data"));
    }
    // What the header did not speak of, readers did not look for, and they are not to begin.
    let told = webp::flags(original).unwrap_or(0);
    let was_told = |flag: webp::Flag| (flag, told & flag as u8 != 0);
    let flags = [
        was_told(webp::Flag::Icc),
        was_told(webp::Flag::Exif),
        was_told(webp::Flag::Xmp),
        (webp::Flag::Alpha, webp::has_alpha(recoded)),
    ];
    let mut out = webp::assembled(recoded, &parts, &flags)?;
    out.extend_from_slice(&original[webp::end(original)..]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers;

    fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], payload].concat()
    }

    #[test]
    fn what_stands_between_scans_does_not_come_to_the_front() {
        let scan = [segment(0xda, &[1, 1, 0, 0, 63, 0]), vec![1, 2, 3]].concat();
        let with = |front: &[u8], between: &[u8]| {
            let parts = [b"\xff\xd8", front, &scan[..], between, &scan, b"\xff\xd9"];
            parts.concat()
        };
        let new = with(&[], &segment(0xc4, &[0; 17]));
        let packet = segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x/>");
        let kept = recoded(Format::Jpeg, &with(&packet, &[]), &new).unwrap();
        assert_eq!(
            containers::xmp(Format::Jpeg, &kept).as_deref(),
            Some(&b"<x/>"[..])
        );
        for between in [packet, segment(0xfe, b"a bridge")] {
            let refused = recoded(Format::Jpeg, &with(&[], &between), &new).unwrap_err();
            let words = refused.to_string();
            assert!(words.contains("metadata between its scans"), "{words}");
        }
    }
}
