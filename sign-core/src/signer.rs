//! Signing an image file.

use std::time::{Duration, SystemTime};

use c2pa::DigitalSourceType;
use sha2::{Digest, Sha256};

use crate::asset::{Asset, Pixels};
use crate::carriers::{CARRIERS, Carrier as _, Embedded, Registration, SoftBinding, Watermark};
use crate::iscc::{self, ImageCode};
use crate::keys::{Identity, KeyError};
use crate::local::Points;
use crate::manifest::claim_signer::ClaimSigner;
use crate::manifest::write::{ManifestFile, Statement, embedded, instance};
use crate::manifest::{Credential, Engine, TimeStamps};
use crate::marker::{Marked, Marker};
use crate::proof_id::{DEFAULT_BASE_URL, ProofId};
use crate::record::{History, ProofRecord, RegisteredPoints};
use crate::signed::{SignError, SignedImage, SigningTimes};
use crate::sketch::{Sketch, over_black};
use crate::watermark::Marking;
use crate::xmp::{self, XmpError};
use credlink_image_files::contents;
use credlink_image_files::{ContainerError, Format, containers};

/// How often a file is signed anew because its manifest hides something of it: boxes are some tens of bytes apart.
const MOST_MOVES: usize = 8;

/// Makes a small JPEG of a picture, or says why it cannot.
pub type Thumbnail = fn(&Pixels) -> Result<Vec<u8>, String>;

/// Signs files as one identity. Shared freely between threads.
///
/// Guarantees: without a [`Marker`] coded image data is not touched; existing XMP stays, apart from the link; the same file, id
/// and identity give the same bytes, except where the file already had a manifest (the C2PA library then
/// records when it validated that one).
#[derive(Debug)]
pub struct Signer {
    identity: Identity,
    base_url: String,
    generator: (String, String),
    source_type: Option<DigitalSourceType>,
    marker: Option<Marker>,
    credential: Option<Credential>,
    stamps: Option<Box<dyn TimeStamps>>,
    title: Option<String>,
    thumbnail: Option<Thumbnail>,
    replaces_xmp: bool,
    engine: Engine,
}

impl Signer {
    /// A signer with the default base URL and this crate as generator.
    ///
    /// # Errors
    /// [`SignError::Manifest`] if the C2PA library does not take the anchor.
    pub fn new(identity: Identity) -> Result<Self, SignError> {
        Ok(Self {
            engine: engine_of(&identity)?,
            identity,
            base_url: DEFAULT_BASE_URL.to_owned(),
            generator: ("CredLink".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            source_type: None,
            marker: None,
            credential: None,
            stamps: None,
            title: None,
            thumbnail: None,
            replaces_xmp: false,
        })
    }

    /// Links point to `{base_url}/{id}`. A trailing slash is dropped.
    #[must_use]
    pub fn with_base_url(mut self, base_url: &str) -> Self {
        self.base_url = base_url.trim_end_matches('/').to_owned();
        self
    }

    /// The claim generator's name and version.
    #[must_use]
    pub fn with_generator(mut self, name: &str, version: &str) -> Self {
        self.generator = (name.to_owned(), version.to_owned());
        self
    }

    /// States how the images came to be, for a signer that knows (a camera, an image generator): the manifest
    /// then says `c2pa.created` with this source type. Without it, and for files that have a manifest
    /// already, it says `c2pa.opened` with the file as parent ingredient.
    #[must_use]
    pub fn with_source_type(mut self, source_type: DigitalSourceType) -> Self {
        self.source_type = Some(source_type);
        self
    }

    /// Puts a new packet in the place of one that takes no link: one that is no XML, or not in UTF-8. What it held is lost,
    /// and named as changed.
    #[must_use]
    pub fn replacing_xmp(mut self) -> Self {
        self.replaces_xmp = true;
        self
    }

    /// Says the picture's title.
    #[must_use]
    pub fn with_title(mut self, title: &str) -> Self {
        self.title = Some(title.to_owned());
        self
    }

    /// Puts a small JPEG of the signed picture into the manifest, as `thumbnail` makes it.
    #[must_use]
    pub fn with_thumbnail(mut self, thumbnail: Thumbnail) -> Self {
        self.thumbnail = Some(thumbnail);
        self
    }

    /// Signs claims with a key and certificates of the user's own. Records, and salts, stay under the identity's key: the
    /// record is what makes such a manifest one of ours.
    #[must_use]
    pub fn with_credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    /// Has every signature stamped by a time authority. Such files outlive their certificate, and cannot be made again
    /// byte for byte.
    #[must_use]
    pub fn with_time_stamps(mut self, stamps: Box<dyn TimeStamps>) -> Self {
        self.stamps = Some(stamps);
        self
    }

    /// Marks every image that can hide a mark. Files then need an [encoder](Asset::with_encoder).
    #[must_use]
    pub fn with_marker(mut self, marker: Marker) -> Self {
        self.marker = Some(marker);
        self
    }

    /// What marks the images, if anything does.
    pub fn marker(&self) -> Option<&Marker> {
        self.marker.as_ref()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Who signs.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where links point to.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Signs one file as proof `id`: the watermark, the link, and the manifest over the final bytes, in this order.
    ///
    /// # Errors
    /// Every variant of [`SignError`].
    pub fn sign(&self, file: &Asset<'_>, id: ProofId) -> Result<SignedImage, SignError> {
        self.sign_after(file, id, None)
    }

    /// The same, with what is known of the time before: it goes into the record, under its signature.
    ///
    /// # Errors
    /// As [`Signer::sign`].
    pub fn sign_after(
        &self,
        file: &Asset<'_>,
        id: ProofId,
        history: Option<History>,
    ) -> Result<SignedImage, SignError> {
        let signed_at = history.as_ref().and_then(|history| history.signed_at);
        let when = signed_at.and_then(moment);
        let signed = self.marked_and_signed(file, id, when.as_deref())?;
        Ok(match history {
            None => signed,
            Some(history) => SignedImage {
                record: ProofRecord {
                    history: Some(history),
                    ..signed.record
                }
                .signed(&self.identity),
                ..signed
            },
        })
    }

    fn marked_and_signed(
        &self,
        file: &Asset<'_>,
        id: ProofId,
        when: Option<&str>,
    ) -> Result<SignedImage, SignError> {
        let media_type = file.media_type().ok_or(SignError::Unsupported)?;
        if media_type == Format::Tiff && containers::tiff::pages(file.bytes()) > 1 {
            return Err(SignError::Pages);
        }
        let pixels = file
            .pixels()
            .map_err(|what| SignError::Undecodable(what.to_owned()))?;
        let marked = match &self.marker {
            Some(marker) => marker.marked(file, pixels, id)?,
            None => Marked::not(None, None),
        };
        let Some(new) = marked.file else {
            let about = About {
                original: file.bytes(),
                id,
                when,
                watermark: marked.verdict,
                is_changed: false,
            };
            let signed = self.signed(media_type, file, &about);
            return signed.map(|signed| SignedImage {
                unmarked: marked.why,
                ..signed
            });
        };
        let decode = |_: &[u8]| -> Result<Pixels, String> { Ok(new.pixels.clone()) };
        let rewritten = Asset::new(&new.bytes, &decode).with_clock(file.clock());
        let about = About {
            original: file.bytes(),
            id,
            when,
            watermark: marked.verdict,
            is_changed: true,
        };
        let mut signed = self.signed(media_type, &rewritten, &about)?;
        (signed.mark, signed.distortion) = (Some(new.mark), new.distortion);
        signed.times.marking = file.watermark_nanos();
        Ok(signed)
    }

    /// The file with the link in its XMP packet, and the bytes by which that made the packet longer.
    fn linked(
        &self,
        media_type: Format,
        bytes: &[u8],
        about: &About<'_>,
    ) -> Result<(Vec<u8>, usize), SignError> {
        let link = format!("{}/{}", self.base_url, about.id);
        let instance = about.is_changed.then(|| instance(about.id));
        if containers::has_unreadable_xmp(media_type, bytes) && !self.replaces_xmp {
            return Err(XmpError::Unreadable.into());
        }
        let before = containers::xmp(media_type, bytes);
        let packet = match xmp::with_link(before.as_deref(), &link, instance.as_deref()) {
            Err(_) if self.replaces_xmp => xmp::with_link(None, &link, None),
            other => other,
        }?;
        let linked = match containers::with_xmp(media_type, bytes, &packet) {
            // Writers leave room in a packet, which the link may have.
            Err(ContainerError::PacketTooLong(_)) => {
                containers::with_xmp(media_type, bytes, &xmp::without_padding(&packet))
            }
            other => other,
        }?;
        let before = before.map_or(0, |before| before.len());
        Ok((linked, packet.len().saturating_sub(before)))
    }

    /// The linked file with a manifest that says what is registered of it.
    fn with_manifest(
        &self,
        media_type: Format,
        linked: &[u8],
        pixels: &Pixels,
        about: &About<'_>,
        registration: &Registration,
    ) -> Result<ManifestFile, SignError> {
        let thumbnail = self.thumbnail.map(|made| made(pixels)).transpose();
        let mut soft_bindings: Vec<_> = CARRIERS
            .iter()
            .filter_map(|carrier| carrier.soft_binding(registration))
            .collect();
        if let Some(code) = &registration.image_code {
            soft_bindings.push(SoftBinding {
                algorithm: iscc::ALGORITHM,
                describes: "ISCC: Image-Code of the displayed image, Instance-Code of the file",
                value: iscc::sequence(code, linked),
            });
        }
        let statement = Statement {
            id: registration.id,
            media_type,
            base_url: &self.base_url,
            generator: (&self.generator.0, &self.generator.1),
            soft_bindings: &soft_bindings,
            source_type: self.source_type.as_ref(),
            marked: Watermark.embedded(registration) != Embedded::Refused,
            title: self.title.as_deref(),
            when: about.when,
            thumbnail: thumbnail.map_err(SignError::Thumbnail)?,
        };
        let signer = ClaimSigner::new(
            &self.identity,
            self.credential.as_ref(),
            self.stamps.as_deref(),
        );
        let signed = embedded(&self.engine, signer, &statement, linked, about.original)?;
        Ok(signed)
    }

    /// Signs a file whose pixels are final.
    fn signed(
        &self,
        media_type: Format,
        file: &Asset<'_>,
        about: &About<'_>,
    ) -> Result<SignedImage, SignError> {
        let (id, watermark) = (about.id, about.watermark);
        let pixels = file
            .pixels()
            .map_err(|what| SignError::Undecodable(what.to_owned()))?;
        let content = file
            .content()
            .ok_or_else(|| SignError::Undecodable("no pixels".to_owned()))?;
        let [view, ..] = content.views;
        let clock = file.clock();
        let start = clock();
        let points = Points::of(&pixels.image, pixels.orientation);
        let pointing = clock().saturating_sub(start);
        let start = clock();
        let (linked, link_bytes) = self.linked(media_type, file.bytes(), about)?;
        let linking = clock().saturating_sub(start);

        let start = clock();
        let registration = Registration {
            id,
            fingerprint: view.fingerprint,
            quality: content.quality,
            watermark,
            points: points.len(),
            image_code: ImageCode::of(&pixels.image, pixels.orientation),
        };
        let sign = |file: &[u8]| self.with_manifest(media_type, file, pixels, about, &registration);
        let signed = readable(media_type, &linked, &sign)?;
        let manifest = clock().saturating_sub(start);

        let (width, height) = pixels.displayed_size();
        let start = clock();
        let sketch = Sketch::of(&pixels.image, pixels.orientation);
        let sketch_on_black =
            over_black(&pixels.image).map(|dark| Sketch::of(&dark, pixels.orientation));
        let sketching = clock().saturating_sub(start);
        let record = ProofRecord {
            id,
            fingerprint: registration.fingerprint,
            fingerprint_quality: registration.quality,
            tone: view.tone,
            sketch,
            sketch_on_black,
            history: None,
            points: Some(RegisteredPoints::of(&points.to_bytes())),
            image_code: registration.image_code,
            media_type,
            width,
            height,
            signed_sha256: Sha256::digest(&signed.bytes).into(),
            manifest_sha256: Sha256::digest(&signed.manifest).into(),
            signature: [0; 64],
        }
        .signed(&self.identity);
        let (_, hashing) = file.nanos();
        Ok(SignedImage {
            fate: contents::fate(media_type, about.original, &signed.bytes),
            unmarked: None,
            record,
            points,
            is_only_inserted: is_only_inserted(media_type, &linked, &signed.bytes),
            watermark,
            embedded: CARRIERS
                .iter()
                .map(|carrier| carrier.embedded(&registration))
                .collect(),
            mark: None,
            distortion: None,
            link_bytes,
            bytes: signed.bytes,
            manifest: signed.manifest,
            times: SigningTimes {
                hashing,
                sketching,
                pointing,
                marking: file.watermark_nanos(),
                linking,
                manifest,
            },
        })
    }
}

/// Whether the file is, apart from its manifest, byte for byte what it was before that was embedded.
fn is_only_inserted(media_type: Format, before: &[u8], signed: &[u8]) -> bool {
    let bare = |file: &[u8]| containers::without_manifest(media_type, file).ok();
    let before = bare(before);
    before.is_some() && before == bare(signed)
}

/// The file with a manifest as `sign` embeds it, so that other programs still read what it holds besides.
fn readable(
    media_type: Format,
    file: &[u8],
    sign: &dyn Fn(&[u8]) -> Result<ManifestFile, SignError>,
) -> Result<ManifestFile, SignError> {
    let apart = |farther| containers::beside_manifest(media_type, file, farther);
    let mut signed = sign(apart(0).as_deref().unwrap_or(file))?;
    for farther in 1..=MOST_MOVES {
        if !containers::hides_from_readers(media_type, &signed.bytes) {
            break;
        }
        let Some(moved) = apart(farther) else { break };
        signed = sign(&moved)?;
    }
    Ok(signed)
}

/// Unix seconds as RFC 3339 has them; `None` beyond its last year.
fn moment(seconds: u64) -> Option<String> {
    const YEAR_10000: u64 = 253_402_300_800;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(YEAR_10000));
    (seconds < YEAR_10000).then(|| humantime::format_rfc3339_seconds(time).to_string())
}

/// What is known of a file whose pixels are final.
struct About<'a> {
    /// The file that was handed in.
    original: &'a [u8],
    id: ProofId,
    /// When it is signed, RFC 3339.
    when: Option<&'a str>,
    watermark: Option<Marking>,
    /// Whether the pixels are others than those that were handed in.
    is_changed: bool,
}

/// The C2PA library with an identity's own anchor.
pub(crate) fn engine_of(identity: &Identity) -> Result<Engine, SignError> {
    let anchor = identity
        .anchor()
        .map_err(|error: KeyError| SignError::Certificate(error.to_string()))?;
    Ok(Engine::new(&[anchor])?)
}
