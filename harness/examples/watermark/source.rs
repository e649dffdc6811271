//! The images that are marked.

use anyhow::{Context, Result};
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_image_files::decode;
use image::DynamicImage;
use image::metadata::Orientation;
use sha2::{Digest, Sha256};

use crate::attack::to_long;
use crate::{Arguments, photographs};

pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) pixels: DynamicImage,
    pub(crate) orientation: Orientation,
    /// The file as it is, where files are signed and not pixels marked.
    pub(crate) file: Option<Vec<u8>>,
}

pub(crate) fn sources(arguments: &Arguments) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    if let Some(folder) = &arguments.photos {
        for name in photographs::names(folder)? {
            let aside = Sha256::digest(name.as_bytes())
                .first()
                .is_some_and(|byte| byte % 3 == 2);
            if aside == arguments.set_aside {
                let bytes = photographs::read(folder, &name)?;
                sources.push(source(name, bytes, arguments)?);
            }
        }
    }
    let set = SyntheticSet::new(7);
    for index in 0..arguments.synthetic {
        let image = set.load(index)?;
        sources.push(source(image.entry.name, image.bytes, arguments)?);
    }
    Ok(sources)
}

pub(crate) fn source(name: String, bytes: Vec<u8>, arguments: &Arguments) -> Result<Source> {
    let decoded = decode::decode(&bytes).with_context(|| format!("failed to decode {name}"))?;
    let long = decoded.pixels.width().max(decoded.pixels.height());
    let pixels = if long > arguments.cap && !arguments.as_files {
        to_long(&decoded.pixels, arguments.cap)?
    } else {
        decoded.pixels
    };
    Ok(Source {
        name,
        pixels,
        orientation: decoded.orientation,
        file: arguments.as_files.then_some(bytes),
    })
}
