//! GIF: metadata in application extensions (XMP, ICC, the manifest store).

use bytes::Bytes;

use super::{ManifestStore, Metadata, same_container};
use crate::containers::gif::{
    BlockKind, C2PA_APPLICATION, COMMENT, XMP_APPLICATION, applications, blocks, first_block,
    joined, xmp, xmp_block,
};
use crate::format::Format;

/// The International Color Consortium's own application identifier (ICC.1, B.6).
const ICC: &[u8; 11] = b"ICCRGBG1012";

/// Whether an application extension is metadata that we read and write.
fn is_ours(name: &[u8; 11]) -> bool {
    name == XMP_APPLICATION || name == ICC || name.starts_with(C2PA_APPLICATION)
}

pub(super) fn read(file: &[u8]) -> Metadata {
    let find = |wanted: &[u8]| applications(file).find(|found| found.name.starts_with(wanted));
    Metadata {
        exif: None,
        xmp: xmp(file).map(Bytes::from),
        iptc: None,
        icc: find(ICC).map(|found| joined(&file[found.body]).into()),
        c2pa: find(C2PA_APPLICATION).map(|found| ManifestStore {
            format: Format::Gif,
            payloads: vec![Bytes::copy_from_slice(&file[found.whole])],
        }),
    }
}

pub(super) fn written(file: &[u8], metadata: &Metadata) -> Result<Vec<u8>, String> {
    let start = first_block(file)
        .filter(|start| *start <= file.len())
        .ok_or("no blocks")?;
    let mut out = file[..start].to_vec();
    // A packet stands there as it is, and its first zero byte would end it: one that has any is dropped.
    if let Some(xmp) = metadata.xmp.as_ref().filter(|xmp| !xmp.contains(&0)) {
        out.extend(xmp_block(xmp));
    }
    if let Some(icc) = &metadata.icc {
        out.extend([0x21, 0xFF, 11]);
        out.extend(ICC);
        for block in icc.chunks(255) {
            out.push(block.len() as u8);
            out.extend(block);
        }
        out.push(0);
    }
    for store in same_container(metadata, Format::Gif) {
        out.extend(store);
    }
    let mut from = start;
    for block in blocks(file) {
        // A comment is metadata too.
        let goes = match block.kind {
            BlockKind::Application(name) => is_ours(&name),
            BlockKind::Extension(label) => label == COMMENT,
            BlockKind::Image => false,
        };
        if goes {
            out.extend_from_slice(&file[from..block.whole.start]);
            from = block.whole.end;
        }
    }
    out.extend_from_slice(&file[from..]);
    // Extensions exist since 89a.
    out[..6].copy_from_slice(b"GIF89a");
    Ok(out)
}
