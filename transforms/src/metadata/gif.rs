//! GIF89a: metadata in application extensions (XMP specification part 3, 1.1.2; ICC profiles as `ICCRGBG1012`; the
//! manifest store as `C2PA_GIF`).

use std::ops::Range;

use img_parts::Bytes;

use super::{ManifestStore, Metadata, same_container};
use crate::format::Format;

const XMP: &[u8] = b"XMP DataXMP";
const ICC: &[u8] = b"ICCRGBG1012";
const C2PA: &[u8] = b"C2PA_GIF";
/// Behind the raw packet: 1, 255 down to 0, and the end of the sub-blocks, so that readers of sub-blocks find it.
const MAGIC_TRAILER: usize = 258;

/// An extension that is no picture: its label, and the whole block.
struct Extension {
    label: u8,
    whole: Range<usize>,
}

/// Behind the sub-blocks that begin at `at`.
fn after_sub_blocks(file: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *file.get(at)? {
            0 => return Some(at + 1),
            length => at += 1 + usize::from(length),
        }
    }
}

/// The size of a colour table, by its flags.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

fn first_block(file: &[u8]) -> Option<usize> {
    Some(13 + table(*file.get(10)?)).filter(|at| *at < file.len())
}

fn extensions(file: &[u8]) -> Vec<Extension> {
    let mut found = Vec::new();
    let mut at = first_block(file).unwrap_or(file.len());
    loop {
        let start = at;
        let end = match file.get(at) {
            Some(0x2C) => file
                .get(at + 9)
                .and_then(|flags| after_sub_blocks(file, at + 11 + table(*flags))),
            Some(0x21) => after_sub_blocks(file, at + 2),
            _ => None,
        };
        let Some(end) = end else { return found };
        if file[start] == 0x21 {
            found.push(Extension {
                label: file[start + 1],
                whole: start..end,
            });
        }
        at = end;
    }
}

impl Extension {
    fn is(&self, file: &[u8], name: &[u8]) -> bool {
        let block = &file[self.whole.clone()];
        self.label == 0xFF && block.get(3..).is_some_and(|rest| rest.starts_with(name))
    }
}

pub(super) fn read(file: &[u8]) -> Metadata {
    let extensions = extensions(file);
    let find = |name: &[u8]| {
        let extension = extensions.iter().find(|found| found.is(file, name))?;
        Some(&file[extension.whole.clone()])
    };
    let icc = find(ICC).map(|block| {
        let (mut profile, mut rest) = (Vec::new(), &block[14..]);
        while let Some((length, behind)) = rest.split_first() {
            let length = usize::from(*length).min(behind.len());
            profile.extend_from_slice(&behind[..length]);
            rest = &behind[length..];
        }
        Bytes::from(profile)
    });
    Metadata {
        exif: None,
        xmp: find(XMP).and_then(|block| {
            let end = block.len().checked_sub(MAGIC_TRAILER)?;
            block.get(14..end).map(Bytes::copy_from_slice)
        }),
        iptc: None,
        icc,
        c2pa: find(C2PA).map(|block| ManifestStore {
            format: Format::Gif,
            payloads: vec![Bytes::copy_from_slice(block)],
        }),
    }
}

pub(super) fn written(file: Vec<u8>, metadata: &Metadata) -> Result<Vec<u8>, String> {
    let start = first_block(&file).ok_or("no blocks")?;
    let mut out = file[..start].to_vec();
    if let Some(xmp) = &metadata.xmp {
        out.extend([0x21, 0xFF, 11]);
        out.extend(XMP);
        out.extend(xmp);
        out.push(1);
        out.extend((0..=255).rev());
        out.push(0);
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
    for extension in extensions(&file) {
        // A comment is metadata too.
        let goes = extension.label == 0xFE
            || [XMP, ICC, C2PA]
                .iter()
                .any(|name| extension.is(&file, name));
        if goes {
            out.extend_from_slice(&file[from..extension.whole.start]);
            from = extension.whole.end;
        }
    }
    out.extend_from_slice(&file[from..]);
    // Extensions exist since 89a.
    out[..6].copy_from_slice(b"GIF89a");
    Ok(out)
}
