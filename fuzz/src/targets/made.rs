//! Files that this program makes: bare, dressed with metadata, and signed, in every format; small, so that changes at random
//! meet structure.

use std::sync::{Arc, LazyLock};

use credlink_harness::{identity, received};
use credlink_image_files::Format;
use credlink_image_files::metadata::{self, ManifestStore, Metadata, fields, tiff};
use credlink_sign_core::local::Points;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::watermark::Effort;
use credlink_sign_core::{Asset, ProofId, ProofRecord, SIGNABLE, Signer, Verifier};
use credlink_transforms::codecs::jpeg::{self, Chroma, Encoder, Settings};
use credlink_transforms::codecs::{avif, bmp, jxl};
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, ImageFormat, RgbImage};

/// A file that this program made.
pub(crate) struct Made {
    pub(crate) format: Format,
    pub(crate) bytes: Vec<u8>,
    /// The proof, if it is signed.
    pub(crate) id: Option<ProofId>,
}

/// A picture of so many pixels that no two places of it look alike.
pub(crate) fn picture(width: u32, height: u32) -> DynamicImage {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let wave = |a: u32, b: u32| {
            let phase = f64::from(x * a + y * b) / 97.0 + f64::from(x * y) / 911.0;
            (127.0 + 100.0 * phase.sin()) as u8
        };
        image::Rgb([wave(9, 31), wave(23, 7), wave(13, 17)])
    });
    DynamicImage::ImageRgb8(picture)
}

fn coded(format: Format, picture: &DynamicImage) -> Vec<u8> {
    let by_image = |format: ImageFormat| {
        let mut out = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut out, format).expect("a sound picture");
        out.into_inner()
    };
    match format {
        Format::Jpeg => by_image(ImageFormat::Jpeg),
        Format::Png => by_image(ImageFormat::Png),
        Format::WebP => by_image(ImageFormat::WebP),
        Format::Gif => by_image(ImageFormat::Gif),
        Format::Tiff => by_image(ImageFormat::Tiff),
        Format::Bmp => bmp::encode(picture).expect("a sound picture"),
        Format::Avif => avif::encode(picture, 60, 10).expect("a sound picture"),
        Format::Jxl => jxl::encode(picture).expect("a sound picture"),
    }
}

static BARE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let picture = picture(40, 24);
    let formats = Format::ALL.iter();
    formats.map(|format| coded(*format, &picture)).collect()
});

/// A file of this format without metadata.
pub(crate) fn bare(format: Format) -> &'static [u8] {
    let place = Format::ALL.iter().position(|other| *other == format);
    &BARE[place.expect("of all formats")]
}

/// Metadata of every kind, as files of this format hold it.
pub(crate) fn metadata(format: Format) -> Metadata {
    let words = [(120, "A bridge".to_owned()), (116, "all mine".to_owned())];
    // A store of no manifest, in the frame that each container wants.
    let description = b"\0\0\0\x1ejumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0";
    let store = [b"\0\0\0\x26jumb", &description[..]].concat();
    let payload = match format {
        Format::Jpeg => [b"JP\0\x01\0\0\0\x01", &store[..]].concat(),
        Format::Gif => [b"\x21\xff\x0bC2PA_GIF\x01\0\0\x26", &store[..], &[0]].concat(),
        Format::Jxl => description.to_vec(),
        _ => store,
    };
    Metadata {
        exif: Some(tiff::bare_exif(40, 24)),
        xmp: Some(fields::xmp_with_caption(None, "A bridge & a <river>")),
        iptc: Some(fields::iptc(&words)),
        icc: Some(profile().into()),
        c2pa: Some(ManifestStore::new(format, vec![payload.into()])),
    }
}

/// A profile that is the same on every day.
fn profile() -> Vec<u8> {
    let profile = moxcms::ColorProfile::new_display_p3().encode();
    let mut profile = profile.expect("a profile of the library's own");
    fields::set_profile_time(&mut profile, [0; 6]);
    profile
}

/// What nobody else made: files, who signed some of them, and whoever looks at them.
pub(crate) struct World {
    pub(crate) files: Vec<Made>,
    /// Of those that are signed.
    pub(crate) proofs: Vec<Proof>,
    pub(crate) signer: Signer,
    pub(crate) verifier: Verifier,
}

/// A record, its manifest and its points.
pub(crate) type Proof = (ProofRecord, Vec<u8>, Points);

pub(crate) static WORLD: LazyLock<World> = LazyLock::new(World::made);

impl World {
    fn made() -> Self {
        let secret = identity::watermark_of_run(None, 3).and_then(|secret| Ok(secret.key()?));
        let key = secret.expect("a key from a number");
        let ours = identity::of_run(None, [3; 32].into()).expect("an identity from a number");
        let signer = Signer::new(ours).expect("an identity of its own");
        let store = ProofStoreBuilder::in_memory();
        let mut world = (Vec::new(), Vec::new());
        for file in unsigned() {
            let number = world.0.len() as u64 + 1;
            let is_bare = file.bytes == bare(file.format);
            let signed = (SIGNABLE.contains(&file.format) && !is_bare)
                .then(|| signed(&signer, &file, ProofId::new(number)));
            world.0.push(file);
            if let Some((file, (record, manifest, points))) = signed {
                let kept = store.insert(record.clone(), &manifest, &points);
                kept.expect("ids of their own");
                world.0.push(file);
                world.1.push((record, manifest, points));
            }
        }
        let anchor = signer.identity().anchor().expect("an identity of its own");
        let sealed = store.seal().expect("a store in memory");
        let verifier = Verifier::new(vec![anchor], Arc::new(sealed)).expect("one anchor");
        Self {
            files: world.0,
            proofs: world.1,
            verifier: verifier.with_watermark(key, Effort::Direct),
            signer,
        }
    }
}

fn signed(signer: &Signer, file: &Made, id: ProofId) -> (Made, Proof) {
    let asset = Asset::new(&file.bytes, &received::decode_bytes);
    let signed = signer.sign(&asset, id).expect("a sound file");
    let made = Made {
        format: file.format,
        bytes: signed.bytes,
        id: Some(id),
    };
    (made, (signed.record, signed.manifest, signed.points))
}

/// Bare and dressed files of every format, several scans, and several frames.
fn unsigned() -> Vec<Made> {
    let mut files = Vec::new();
    let mut add = |format, bytes| {
        files.push(Made {
            format,
            bytes,
            id: None,
        });
    };
    let picture = picture(160, 112);
    for format in Format::ALL {
        add(*format, bare(*format).to_vec());
        let file = coded(*format, &picture);
        let dressed = metadata::written(*format, file, &metadata(*format).filtered(KINDS));
        add(*format, dressed.expect("a sound file"));
    }
    let scans = Settings {
        encoder: Encoder::JpegEncoder,
        quality: 70,
        chroma: Chroma::Quarter,
        progressive: true,
    };
    add(
        Format::Jpeg,
        jpeg::encode(&picture, scans).expect("a sound picture"),
    );
    let mut frames = Vec::new();
    let frame = image::Frame::new(picture.thumbnail(48, 48).to_rgba8());
    let written = GifEncoder::new(&mut frames).encode_frames([frame.clone(), frame]);
    written.expect("a sound picture");
    add(Format::Gif, frames);
    files
}

/// What a file has before it is signed.
const KINDS: &[metadata::Kind] = &[
    metadata::Kind::Exif,
    metadata::Kind::Xmp,
    metadata::Kind::Iptc,
    metadata::Kind::Icc,
];
