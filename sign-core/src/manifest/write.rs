//! Making a manifest: the claim, its assertions, its signature.

use crate::formats::signable;
use credlink_image_files::containers;
use std::io::Cursor;

use c2pa::{Builder, DigitalSourceType, Ingredient};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::claim_signer::ClaimSigner;
pub(crate) use super::salts::ManifestFile;
use super::salts::{self, Repeatable};
use super::{Engine, EngineError, PROOF_LABEL, ProofAssertion, SOFT_BINDING, guarded};
use crate::carriers::SoftBinding;
use crate::keys::Identity;
use crate::proof_id::ProofId;
use credlink_image_files::Format;

/// What a manifest says.
pub(crate) struct Statement<'a> {
    pub(crate) id: ProofId,
    pub(crate) media_type: Format,
    /// Where records are looked up.
    pub(crate) base_url: &'a str,
    /// Name and version of the program that signs.
    pub(crate) generator: (&'a str, &'a str),
    pub(crate) soft_bindings: &'a [SoftBinding],
    /// How the image came to be, if the signer knows.
    pub(crate) source_type: Option<&'a DigitalSourceType>,
    /// Whether a watermark was put into the pixels.
    pub(crate) marked: bool,
    /// The picture's title, if the signer says one.
    pub(crate) title: Option<&'a str>,
    /// When this was done, RFC 3339, if the signer says so.
    pub(crate) when: Option<&'a str>,
    /// A small JPEG of the signed picture.
    pub(crate) thumbnail: Option<Vec<u8>>,
}

/// The id of the instance that a proof is about (the XMP spelling; C2PA's library writes `xmp:iid:`).
pub(crate) fn instance(id: ProofId) -> String {
    format!("xmp.iid:{}", uuid("instance", &id.value().to_be_bytes()))
}

/// The label of the manifest that a proof is made with.
pub(super) fn label(id: ProofId) -> String {
    format!("urn:c2pa:{}", uuid("manifest", &id.value().to_be_bytes()))
}

/// What a service states that delivers somebody else's image.
pub(crate) struct Delivery<'a> {
    /// A digest of everything that goes in; ids and salts follow from it.
    pub(crate) context: [u8; 32],
    pub(crate) media_type: Format,
    /// The service's name.
    pub(crate) service: &'a str,
    /// C2PA's names for what was done.
    pub(crate) actions: &'a [&'a str],
}

/// A version 4 UUID (C2PA allows no other in a manifest label) that follows from the context: a proof id, or a digest.
fn uuid(purpose: &str, context: &[u8]) -> String {
    let mut digest = Sha256::new_with_prefix(b"credlink uuid v1\0");
    digest.update(purpose);
    digest.update(context);
    let mut bytes: [u8; 32] = digest.finalize().into();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(&bytes[..16]);
    let parts = [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ];
    parts.join("-")
}

/// Embeds a signed manifest. `source` is the file with everything else in place; `original` is the file
/// that was handed in, whose manifest, if there is one, becomes the parent ingredient.
pub(crate) fn embedded(
    engine: &Engine,
    signer: ClaimSigner<'_>,
    statement: &Statement<'_>,
    source: &[u8],
    original: &[u8],
) -> Result<ManifestFile, EngineError> {
    signed(
        signer,
        &Repeatable {
            media_type: statement.media_type,
            context: &statement.id.value().to_be_bytes(),
            timeless: false,
        },
        source,
        || builder(engine, statement, original),
    )
}

/// Embeds a signed manifest of a service. `source` is the file to be delivered; the manifest of `original`, if there
/// is one, becomes the parent ingredient.
pub(crate) fn delivered(
    engine: &Engine,
    identity: &Identity,
    delivery: &Delivery<'_>,
    source: &[u8],
    original: &[u8],
) -> Result<ManifestFile, EngineError> {
    signed(
        ClaimSigner::new(identity, None, None),
        &Repeatable {
            media_type: delivery.media_type,
            context: &delivery.context,
            timeless: true,
        },
        source,
        || {
            let definition = json!({
                "claim_version": 2,
                "claim_generator_info": [{ "name": delivery.service }],
                "format": delivery.media_type.mime(),
                "instance_id": format!("xmp:iid:{}", uuid("instance", &delivery.context)),
                "label": format!("urn:c2pa:{}", uuid("manifest", &delivery.context)),
                "assertions": [{
                    "label": "c2pa.actions",
                    "created": true,
                    "data": { "actions": std::iter::once(opened())
                        .chain(delivery.actions.iter().map(|action| taken(action)))
                        .collect::<Vec<_>>() },
                }],
            });
            let mut builder =
                Builder::from_shared_context(&engine.0).with_definition(definition)?;
            let media_type = signable(original).unwrap_or(delivery.media_type);
            add_parent(&mut builder, media_type, original, &delivery.context)?;
            Ok(builder)
        },
    )
}

/// Signs `source` with the manifest that `builder` makes. Everything random in it follows from identity and context.
fn signed(
    signer: ClaimSigner<'_>,
    by: &Repeatable<'_>,
    source: &[u8],
    builder: impl FnOnce() -> Result<Builder, c2pa::Error>,
) -> Result<ManifestFile, EngineError> {
    let made = guarded(|| {
        let mut builder = builder()?;
        let mut out = Cursor::new(Vec::with_capacity(source.len() + (16 << 10)));
        let mut source = Cursor::new(source);
        let manifest = builder.sign(&signer, by.media_type.mime(), &mut source, &mut out)?;
        Ok(ManifestFile {
            bytes: out.into_inner(),
            manifest,
        })
    })
    .map_err(EngineError::new)?;
    // A stamp is of one signature and of one moment: what has one cannot be made again.
    if signer.stamps.is_some() {
        return Ok(made);
    }
    salts::repeatable(made, signer, by)
}

/// An action of a service. What was transcoded is the parent (C2PA 2.2, "Actions": such an action names its ingredient).
fn taken(action: &str) -> Value {
    match action {
        "c2pa.transcoded" => {
            json!({ "action": action, "parameters": { "ingredientIds": ["parent"] } })
        }
        _ => json!({ "action": action }),
    }
}

/// The action with which every manifest begins that has a parent.
fn opened() -> Value {
    json!({ "action": "c2pa.opened", "parameters": { "ingredientIds": ["parent"] } })
}

/// Makes `original` the parent ingredient, with its manifest if it has one.
fn add_parent(
    builder: &mut Builder,
    media_type: Format,
    original: &[u8],
    context: &[u8],
) -> Result<(), c2pa::Error> {
    let mime = media_type.mime();
    let ingredient = json!({
        "title": "original",
        "format": mime,
        "instance_id": format!("xmp:iid:{}", uuid("original", context)),
        "relationship": "parentOf",
        "label": "parent",
    })
    .to_string();
    if containers::has_manifest(media_type, original) {
        builder.add_ingredient_from_stream(ingredient, mime, &mut Cursor::new(original))?;
    } else {
        builder.add_ingredient(Ingredient::from_json(&ingredient)?);
    }
    Ok(())
}

fn builder(
    engine: &Engine,
    statement: &Statement<'_>,
    original: &[u8],
) -> Result<Builder, c2pa::Error> {
    let id = statement.id;
    let context = id.value().to_be_bytes();
    let mime = statement.media_type.mime();
    let parent = containers::has_manifest(statement.media_type, original);
    // Without knowledge of how an image came to be, saying "created" would be a guess, and C2PA demands a
    // source type with it. "Opened" says what happened: an existing file was signed.
    let action = match statement.source_type {
        Some(source_type) if !parent => json!({
            "action": "c2pa.created",
            "digitalSourceType": serde_json::to_value(source_type).map_err(c2pa::Error::JsonError)?,
        }),
        _ => opened(),
    };
    let is_opened = action["action"] == "c2pa.opened";
    let mut actions = vec![action];
    if statement.marked {
        // C2PA 2.2, "Actions": a watermark put in for the purpose of a soft binding.
        actions.push(json!({ "action": "c2pa.watermarked" }));
    }
    if let Some(when) = statement.when {
        for action in &mut actions {
            action["when"] = json!(when);
        }
    }
    let proof = ProofAssertion {
        id,
        store: statement.base_url.to_owned(),
    };
    let mut definition = json!({
        "claim_version": 2,
        "claim_generator_info": [
            { "name": statement.generator.0, "version": statement.generator.1 }
        ],
        "format": mime,
        "instance_id": format!("xmp:iid:{}", uuid("instance", &context)),
        "label": label(id),
        "assertions": [
            { "label": "c2pa.actions", "created": true, "data": { "actions": actions } },
            { "label": PROOF_LABEL, "created": true, "data": proof },
        ],
    });
    if let Some(title) = statement.title {
        definition["title"] = json!(title);
    }
    let mut builder = Builder::from_shared_context(&engine.0).with_definition(definition)?;
    if let Some(thumbnail) = &statement.thumbnail {
        builder.set_thumbnail(Format::Jpeg.mime(), &mut Cursor::new(thumbnail))?;
    }
    for binding in statement.soft_bindings {
        builder.add_assertion(SOFT_BINDING, &WrittenBinding::of(binding))?;
    }
    if is_opened {
        add_parent(&mut builder, statement.media_type, original, &context)?;
    }
    Ok(builder)
}

/// A soft binding as C2PA writes it (C2PA 2.2, 18.10.2: the value is a byte string). The library's own type writes text.
#[derive(Serialize)]
struct WrittenBinding<'a> {
    alg: &'a str,
    name: &'a str,
    blocks: [Block<'a>; 1],
    pad: ByteString<'a>,
}

#[derive(Serialize)]
struct Block<'a> {
    /// Empty: the whole of the content.
    scope: Scope,
    value: ByteString<'a>,
}

#[derive(Serialize)]
struct Scope {}

struct ByteString<'a>(&'a [u8]);

impl Serialize for ByteString<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

impl<'a> WrittenBinding<'a> {
    fn of(binding: &'a SoftBinding) -> Self {
        Self {
            alg: binding.algorithm,
            name: binding.describes,
            blocks: [Block {
                scope: Scope {},
                value: ByteString(&binding.value),
            }],
            pad: ByteString(&[]),
        }
    }
}
