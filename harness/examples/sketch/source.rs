//! The images that are looked at.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_image_files::ImageFile;
use image::DynamicImage;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::{Arguments, photographs};

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Split {
    Calibration,
    Report,
    All,
}

pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) class: String,
    /// An image file; decoded when it is needed, since many decoded pictures would fill the memory.
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn sources(arguments: &Arguments) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    if let Some(folder) = &arguments.photos {
        let manifest = std::fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap_or_default();
        let classes: BTreeMap<&str, &str> = manifest
            .lines()
            .filter_map(|line| {
                let mut fields = line.split('\t');
                Some((fields.next()?, fields.next()?))
            })
            .collect();
        let is_wanted = |name: &String| {
            let even = Sha256::digest(name.as_bytes())[0].is_multiple_of(2);
            match arguments.split {
                Split::Calibration => even,
                Split::Report => !even,
                Split::All => true,
            }
        };
        for name in photographs::names(folder)?.into_iter().filter(is_wanted) {
            let bytes = photographs::read(folder, &name)?;
            if ImageFile::new(bytes.clone()).is_err() {
                continue;
            }
            let class = classes.get(name.as_str()).copied().unwrap_or("photo");
            sources.push(Source {
                class: class.to_owned(),
                name,
                bytes,
            });
        }
    }
    let set = SyntheticSet::new(arguments.seed);
    let is_wanted = |index: &usize| {
        let class = arguments.class.as_ref();
        class.is_none_or(|class| set.entry(*index).class == *class)
    };
    let wanted: Vec<usize> = (0..1_000_000)
        .filter(is_wanted)
        .take(arguments.synthetic)
        .collect();
    let synthetic: Vec<Source> = wanted
        .into_par_iter()
        .map(|index| {
            let image = set.load(index)?;
            Ok(Source {
                name: image.entry.name,
                class: image.entry.class,
                bytes: image.bytes,
            })
        })
        .collect::<Result<_>>()?;
    sources.extend(synthetic);
    Ok(sources)
}

/// A file as it is displayed.
pub(crate) fn displayed(source: &Source) -> Result<DynamicImage> {
    let file = ImageFile::new(source.bytes.clone())?;
    let frame = file.frame().map_err(|error| anyhow!("{error}"))?;
    let mut image = DynamicImage::clone(&frame.pixels);
    image.apply_orientation(frame.orientation);
    Ok(image)
}
