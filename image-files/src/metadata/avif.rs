//! AVIF: EXIF and XMP as items, the profile as a property of the picture (ISO 23008-12), XMP also as a `uuid` box (XMP
//! specification part 3, 1.2.7.1), the manifest store as another. Items lie at recorded places, so a changed file is laid
//! out anew, the coded pictures byte for byte.

use bytes::Bytes;

use super::{ManifestStore, Metadata, same_container};
use crate::containers::avif;
use crate::containers::bmff::{C2PA_UUID, XMP_UUID};
use crate::containers::heif::{self, Meta};
use crate::format::Format;

const RDF: &[u8] = b"application/rdf+xml";

pub(super) fn read(file: &[u8]) -> Metadata {
    let mut metadata = avif::metadata(file);
    let uuid = |wanted: &[u8; 16]| {
        heif::top_boxes(file)
            .filter(|(kind, _)| *kind == b"uuid")
            .find_map(|(_, body)| body.strip_prefix(wanted.as_slice()))
    };
    if let Some(xmp) = uuid(&XMP_UUID) {
        metadata.xmp = Some(Bytes::copy_from_slice(xmp));
    }
    metadata.c2pa = uuid(&C2PA_UUID).map(|body| ManifestStore {
        format: Format::Avif,
        payloads: vec![Bytes::copy_from_slice(body)],
    });
    metadata
}

/// A box: its length, its type, its contents.
fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Result<Vec<u8>, String> {
    let length = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    let length = u32::try_from(length).map_err(|_| "a box over 4 GiB".to_owned())?;
    let mut out = length.to_be_bytes().to_vec();
    out.extend(kind);
    parts.iter().for_each(|part| out.extend(*part));
    Ok(out)
}

/// An item as it goes into the new file.
struct NewItem {
    id: u16,
    /// The `infe` box's contents.
    entry: Vec<u8>,
    data: Vec<u8>,
}

pub(super) fn written(file: Vec<u8>, metadata: &Metadata) -> Result<Vec<u8>, String> {
    let mut start = None;
    for (kind, body) in heif::top_boxes(&file) {
        match kind {
            b"ftyp" => start = Some(body),
            b"moov" | b"moof" => return Err("an image sequence is not laid out anew".to_owned()),
            _ => {}
        }
    }
    let start = boxed(b"ftyp", &[start.ok_or("no file type")?])?;
    let meta = Meta::of(&file).ok_or("no meta box")?;
    let primary = meta
        .primary()
        .and_then(|id| u16::try_from(id).ok())
        .ok_or("no primary item")?;
    let items = items(&meta, primary, metadata)?;
    let (ipco, ipma) = properties(&meta, primary, metadata.icc.as_deref())?;
    let iprp = boxed(b"iprp", &[&ipco, &ipma])?;
    let iref = references(&meta, &items, primary)?;
    let infe: Vec<Vec<u8>> = items
        .iter()
        .map(|item| boxed(b"infe", &[&item.entry]))
        .collect::<Result<_, _>>()?;
    let count = (items.len() as u16).to_be_bytes();
    let iinf = boxed(b"iinf", &[&[0; 4], &count, &infe.concat()])?;
    let handler = meta.contents(b"hdlr").ok_or("no handler")?;
    let hdlr = boxed(b"hdlr", &[handler])?;
    let pitm = boxed(b"pitm", &[&[0; 4], &primary.to_be_bytes()])?;
    let mut manifest = Vec::new();
    for store in same_container(metadata, Format::Avif) {
        manifest.extend(boxed(b"uuid", &[&C2PA_UUID, store])?);
    }
    let located = |base: usize| -> Result<Vec<u8>, String> {
        let mut places = Vec::new();
        let mut at = base;
        for item in &items {
            places.extend(item.id.to_be_bytes());
            // Data reference 0, one extent.
            places.extend([0, 0, 0, 1]);
            for number in [at, item.data.len()] {
                let number = u32::try_from(number).map_err(|_| "a file over 4 GiB".to_owned())?;
                places.extend(number.to_be_bytes());
            }
            at += item.data.len();
        }
        // Version 0; offsets and lengths of four bytes, no base.
        boxed(b"iloc", &[&[0, 0, 0, 0, 0x44, 0], &count, &places])
    };
    let whole = |base| -> Result<Vec<u8>, String> {
        let iloc = located(base)?;
        let parts: [&[u8]; 7] = [&[0; 4], &hdlr, &pitm, &iloc, &iinf, &iref, &iprp];
        let meta = boxed(b"meta", &parts)?;
        Ok([start.as_slice(), &manifest, &meta].concat())
    };
    // The length of the boxes before the data does not depend on where the data lie.
    let base = whole(0)?.len() + 8;
    let data: Vec<&[u8]> = items.iter().map(|item| item.data.as_slice()).collect();
    let mut out = whole(base)?;
    out.extend(boxed(b"mdat", &data)?);
    Ok(out)
}

/// The pictures as they were, and the metadata anew.
fn items(meta: &Meta<'_>, primary: u16, metadata: &Metadata) -> Result<Vec<NewItem>, String> {
    let mut items = Vec::new();
    let mut data_of = meta.data_of_many();
    for item in meta.items() {
        let id = u16::try_from(item.id).map_err(|_| "more than 65535 items".to_owned())?;
        let goes = item.kind == b"Exif" || (item.kind == b"mime" && item.content_type == RDF);
        if goes {
            continue;
        }
        let data = data_of(item.id)
            .ok_or("an item lies outside the file, or items lie in one place over and over")?;
        let mut entry = vec![2, 0, 0, u8::from(item.hidden)];
        entry.extend(id.to_be_bytes());
        entry.extend([0, 0]);
        entry.extend(item.rest);
        items.push(NewItem { id, entry, data });
    }
    if !items.iter().any(|item| item.id == primary) {
        return Err("the primary item is not listed".to_owned());
    }
    let mut free = items.iter().map(|item| item.id).max().unwrap_or(0);
    let mut add = |kind: &[u8], data: Vec<u8>| -> Result<(), String> {
        free = free.checked_add(1).ok_or("more than 65535 items")?;
        let mut entry = vec![2, 0, 0, 1];
        entry.extend(free.to_be_bytes());
        entry.extend([0, 0]);
        entry.extend(kind);
        items.push(NewItem {
            id: free,
            entry,
            data,
        });
        Ok(())
    };
    if let Some(exif) = &metadata.exif {
        // The offset of the TIFF header behind these four bytes (ISO 23008-12, A.2.1).
        add(b"Exif\0", [&[0; 4], &exif[..]].concat())?;
    }
    if let Some(xmp) = &metadata.xmp {
        add(&[b"mime\0", RDF, &[0]].concat(), xmp.to_vec())?;
    }
    Ok(items)
}

/// The property container and the associations, with `icc` as the primary picture's profile in place of the one it had.
fn properties(
    meta: &Meta<'_>,
    primary: u16,
    icc: Option<&[u8]>,
) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut all = Vec::new();
    for (kind, contents) in meta.all_properties() {
        let profile =
            kind == b"colr" && [b"prof", b"rICC"].iter().any(|p| contents.starts_with(*p));
        // Properties are known by their number, so one that goes leaves an empty box behind.
        let written = match <&[u8; 4]>::try_from(kind) {
            Ok(kind) if !profile => boxed(kind, &[contents])?,
            _ => boxed(b"free", &[])?,
        };
        all.push(written);
    }
    let mut associations = meta.associations();
    if let Some(icc) = icc {
        all.push(boxed(b"colr", &[b"prof", icc])?);
        let number = u16::try_from(all.len()).map_err(|_| "too many properties".to_owned())?;
        match associations
            .iter_mut()
            .find(|(id, _)| *id == u64::from(primary))
        {
            Some((_, numbers)) => numbers.push(number),
            None => associations.push((primary.into(), vec![number])),
        }
    }
    // Version 0, numbers of fifteen bits.
    let mut ipma = vec![0, 0, 0, 1];
    ipma.extend((associations.len() as u32).to_be_bytes());
    for (id, numbers) in associations {
        let id = u16::try_from(id).map_err(|_| "more than 65535 items".to_owned())?;
        ipma.extend(id.to_be_bytes());
        ipma.push(u8::try_from(numbers.len()).map_err(|_| "too many properties".to_owned())?);
        numbers
            .iter()
            .for_each(|number| ipma.extend(number.to_be_bytes()));
    }
    Ok((boxed(b"ipco", &[&all.concat()])?, boxed(b"ipma", &[&ipma])?))
}

/// References between the items that stay, and from the metadata to the picture.
fn references(meta: &Meta<'_>, items: &[NewItem], primary: u16) -> Result<Vec<u8>, String> {
    let stays = |id: u64| items.iter().any(|item| u64::from(item.id) == id);
    let mut found: Vec<(Vec<u8>, u16, Vec<u16>)> = Vec::new();
    for (kind, from, to) in meta.references() {
        let to: Vec<u16> = to.iter().filter_map(|id| u16::try_from(*id).ok()).collect();
        if kind != b"cdsc" && stays(from) && to.iter().all(|id| stays((*id).into())) {
            found.push((kind.to_vec(), from as u16, to));
        }
    }
    for item in items {
        if item.entry.get(8..12) == Some(b"Exif") || item.entry.get(8..12) == Some(b"mime") {
            found.push((b"cdsc".to_vec(), item.id, vec![primary]));
        }
    }
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut body = vec![0; 4];
    for (kind, from, to) in found {
        let kind: [u8; 4] = kind.try_into().map_err(|_| "a damaged reference")?;
        let targets: Vec<u8> = to.iter().flat_map(|id| id.to_be_bytes()).collect();
        let count = (to.len() as u16).to_be_bytes();
        body.extend(boxed(&kind, &[&from.to_be_bytes(), &count, &targets])?);
    }
    boxed(b"iref", &[&body])
}
