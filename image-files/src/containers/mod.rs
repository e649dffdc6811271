//! Image containers: one walker each, and on it the places that a proof uses: the XMP packet and the C2PA manifest.
//!
//! Nothing here touches coded image data. The `c2pa` crate embeds manifests in all of these and writes XMP too, but always
//! with its own fixed document id and padding; writing the packet here keeps the rest of an existing packet byte for byte
//! and works the same way in every container.

pub(crate) mod avif;
pub mod bmff;
pub mod gif;
pub(crate) mod heif;
pub mod jpeg;
pub mod mpf;
pub mod png;
pub mod tiff;
pub mod webp;

use std::ops::Range;

use crate::error::ContainerError;
use crate::format::Format;

/// Where a manifest lies in a file: what the hard binding of C2PA leaves out of its hash, and no byte more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestPlace {
    /// The manifest store (JUMBF), put together.
    pub jumbf: Vec<u8>,
    /// Ascending: the container's own framing of it (markers, lengths, check sums) and the manifest itself.
    pub ranges: Vec<Range<usize>>,
}

/// The AV1 data of an AVIF file's picture, alpha aside.
#[must_use]
pub fn av1_stream(file: &[u8]) -> Option<Vec<u8>> {
    heif::primary_item(file).ok().map(|item| item.colour)
}

/// The XMP packet of a file, if it has one, unpacked. The main packet only: JPEG's extended XMP holds overflow and by
/// specification never a provenance link.
#[must_use]
pub fn xmp(format: Format, bytes: &[u8]) -> Option<Vec<u8>> {
    match format {
        Format::Jpeg => jpeg::xmp(bytes),
        Format::Png => png::xmp(bytes),
        Format::WebP => webp::xmp(bytes),
        Format::Gif => gif::xmp(bytes),
        Format::Tiff => tiff::xmp(bytes),
        Format::Avif => avif::xmp(bytes),
        Format::Bmp | Format::Jxl => None,
    }
}

/// The file as other programs read it beside a manifest, where they would lose something otherwise; `None` where it need
/// not change. Where [`hides_from_readers`] says that it was not enough, `farther` counts how often.
#[must_use]
pub fn beside_manifest(format: Format, bytes: &[u8], farther: usize) -> Option<Vec<u8>> {
    match format {
        Format::Png => png::with_exif_apart(bytes, farther),
        Format::Jpeg
        | Format::WebP
        | Format::Gif
        | Format::Tiff
        | Format::Avif
        | Format::Bmp
        | Format::Jxl => None,
    }
}

/// Whether a file with a manifest holds something that other programs pass over because of it.
#[must_use]
pub fn hides_from_readers(format: Format, bytes: &[u8]) -> bool {
    format == Format::Png && png::is_exif_hidden(bytes)
}

/// Whether there is a packet that cannot be unpacked, or not in bounds; [`xmp`] gives none then.
#[must_use]
pub fn has_unreadable_xmp(format: Format, bytes: &[u8]) -> bool {
    let is_there = match format {
        Format::Png => png::chunks(bytes).any(|chunk| png::is_xmp(bytes, &chunk)),
        Format::Gif => gif::applications(bytes).any(|found| found.name == *gif::XMP_APPLICATION),
        Format::Jpeg | Format::WebP | Format::Avif | Format::Tiff | Format::Bmp | Format::Jxl => {
            false
        }
    };
    is_there && xmp(format, bytes).is_none()
}

/// A copy of the file whose XMP packet is `packet`, UTF-8 XML.
///
/// # Errors
/// When the container is damaged or has no place for such a packet.
pub fn with_xmp(format: Format, bytes: &[u8], packet: &[u8]) -> Result<Vec<u8>, ContainerError> {
    match format {
        Format::Jpeg => Ok(mpf::mended(bytes, jpeg::with_xmp(bytes, packet)?)),
        Format::Png => png::with_xmp(bytes, packet),
        Format::WebP => webp::with_xmp(bytes, packet),
        Format::Gif => gif::with_xmp(bytes, packet),
        Format::Tiff => tiff::with_xmp(bytes, packet),
        Format::Avif => avif::with_xmp(bytes, packet),
        Format::Bmp | Format::Jxl => Err(ContainerError::damaged(format, "no place for XMP")),
    }
}

/// The one manifest of a file and what frames it; `None` where there is none, where there are several, or where the frame
/// holds anything besides.
#[must_use]
pub fn manifest_place(format: Format, bytes: &[u8]) -> Option<ManifestPlace> {
    match format {
        Format::Jpeg => jpeg::manifest_place(bytes),
        Format::Png => png::manifest_place(bytes),
        Format::WebP => webp::manifest_place(bytes),
        Format::Gif => gif::manifest_place(bytes),
        Format::Tiff => tiff::manifest_place(bytes),
        Format::Avif => bmff::manifest_place(bytes),
        Format::Bmp | Format::Jxl => None,
    }
}

/// Whether the place where this container keeps a C2PA manifest exists. Cheap; spares the C2PA parser every file that has
/// none.
#[must_use]
pub fn has_manifest(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::Jpeg => jpeg::has_manifest(bytes),
        Format::Png => png::has_manifest(bytes),
        Format::WebP => webp::has_manifest(bytes),
        Format::Gif => gif::has_manifest(bytes),
        Format::Tiff => tiff::has_manifest(bytes),
        Format::Avif => bmff::has_manifest(bytes),
        Format::Bmp | Format::Jxl => false,
    }
}

/// Whether a file is an animation, by its structure: further frames are announced, whatever they show.
#[must_use]
pub fn is_animation(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::Png => png::chunks(bytes).any(|chunk| &chunk.kind == b"acTL"),
        Format::WebP => webp::chunks(bytes).any(|chunk| &chunk.kind == b"ANIM"),
        Format::Gif => gif::has_second_image(bytes),
        Format::Avif => bmff::is_sequence(bytes),
        Format::Jpeg | Format::Tiff | Format::Bmp | Format::Jxl => false,
    }
}

/// Whether a file ends before its image does, by its own structure. What says nothing of its end is taken for whole.
#[must_use]
pub fn is_cut_off(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::Jpeg => jpeg::image_end(bytes).is_none(),
        Format::Png => png::chunks(bytes)
            .last()
            .is_none_or(|last| &last.kind != b"IEND"),
        Format::WebP => webp::is_cut_off(bytes),
        Format::Gif => !gif::has_trailer(bytes),
        Format::Avif => bmff::boxes(bytes)
            .last()
            .is_none_or(|last| last.whole.end < bytes.len()),
        Format::Tiff => !tiff::has_all_strips(bytes),
        Format::Bmp | Format::Jxl => false,
    }
}

/// A copy of the file without its C2PA manifests.
///
/// # Errors
/// When it is of a kind in which the manifest cannot be taken out by itself.
pub fn without_manifest(format: Format, bytes: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let without = |ranges: Vec<Range<usize>>| {
        let mut out = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for range in ranges {
            out.extend_from_slice(&bytes[from..range.start]);
            from = range.end;
        }
        out.extend_from_slice(&bytes[from..]);
        out
    };
    match format {
        Format::Jpeg => Ok(mpf::mended(bytes, without(jpeg::manifest_segments(bytes)))),
        Format::Png => {
            let chunks = png::chunks(bytes).filter(|chunk| &chunk.kind == b"caBX");
            Ok(without(chunks.map(|chunk| chunk.whole).collect()))
        }
        Format::Gif => {
            let blocks = gif::applications(bytes);
            let blocks = blocks.filter(|block| block.name.starts_with(gif::C2PA_APPLICATION));
            Ok(without(blocks.map(|block| block.whole).collect()))
        }
        Format::WebP => webp::without_manifest(bytes),
        Format::Avif | Format::Tiff | Format::Bmp | Format::Jxl => Err(ContainerError::damaged(
            format,
            "places in such a file are recorded all over it, so its manifest cannot be taken out by itself",
        )),
    }
}

/// Makes check sums true again after bytes of a manifest were exchanged in place.
pub fn repair_check_sums(format: Format, bytes: &mut [u8]) {
    // Of these containers only PNG has any.
    if format == Format::Png {
        png::repair_manifest_check_sum(bytes);
    }
}

/// `N` bytes at `at`, if the file reaches that far.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A file assembled from slices of another with an insertion or replacement in the middle.
fn spliced(bytes: &[u8], range: Range<usize>, insertion: &[&[u8]]) -> Vec<u8> {
    let inserted: usize = insertion.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(bytes.len() - range.len() + inserted);
    out.extend_from_slice(&bytes[..range.start]);
    for part in insertion {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&bytes[range.end..]);
    out
}
