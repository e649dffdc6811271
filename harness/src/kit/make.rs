//! Makes a kit: pictures are drawn, signed with every carrier, and written with the sheet and the instructions.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use credlink_corpus::SyntheticSet;
use credlink_image_files::{Format, ImageFile};
use credlink_sign_core::Asset;
use credlink_transforms::recipe::Recipe;
use rayon::prelude::*;

use super::pictures::{self, Wanted};
use super::{FILE, FORMAT, INSTRUCTIONS, Kit, POST, Posted, SHEET, Simulated, limits, sheet};
use crate::reencode::Rewriter;
use crate::systems::System;
use crate::{identity, received, signed_file};

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// When, as RFC 3339.
    pub made: &'a str,
    /// Seed of pictures and ids.
    pub seed: u64,
    /// How many pictures.
    pub images: usize,
    /// The recipes that simulate the services to post on.
    pub recipes: &'a [&'a Recipe],
}

/// Makes a kit in a folder that holds nothing but its keys and its store, which `system` fills and keeps when it is sealed.
///
/// # Errors
/// When a picture cannot be made or signed, or a file not be written.
pub fn kit(folder: &Path, order: Order<'_>, system: Box<dyn System>) -> Result<Kit> {
    let post = folder.join(POST);
    ensure!(
        !folder.join(FILE).exists(),
        "{} holds a kit already",
        folder.display()
    );
    std::fs::create_dir_all(&post).with_context(|| format!("failed to make {}", post.display()))?;
    let wanted = pictures::chosen(&limits::of(order.recipes), order.images);
    let images: Result<Vec<Posted>> = wanted
        .par_iter()
        .enumerate()
        .map(|(index, wanted)| posted(&post, index, wanted, order, &*system))
        .collect();
    let kit = Kit {
        format: FORMAT,
        made: order.made.to_owned(),
        seed: order.seed,
        pipelines: order
            .recipes
            .iter()
            .map(|recipe| Simulated {
                id: recipe.id.clone(),
                digest: recipe.digest(),
            })
            .collect(),
        carriers: system.about().names(),
        images: images?,
    };
    drop(system.seal().context("failed to keep the proofs")?);
    for (name, text) in [
        (SHEET, sheet::empty(&kit)),
        (INSTRUCTIONS, sheet::instructions(&kit)),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    // Last: what says that there is a kit.
    kit.write(folder)?;
    Ok(kit)
}

fn posted(
    post: &Path,
    index: usize,
    wanted: &Wanted,
    order: Order<'_>,
    system: &dyn System,
) -> Result<Posted> {
    let set = SyntheticSet::new(order.seed);
    let made = pictures::made(&set, index, wanted)?;
    let id = identity::proof_id(order.seed, index, &made.bytes);
    let rewriter = Rewriter::of(&made.bytes);
    let asset = Asset::new(&made.bytes, &received::decode_bytes).with_encoder(&rewriter);
    let signed = system
        .sign(&asset, id)
        .with_context(|| format!("failed to sign {}", wanted.purpose))?;
    let file = ImageFile::new(signed.bytes)?;
    let name = name_of(index, file.format());
    let path = post.join(&name);
    std::fs::write(&path, file.bytes())
        .with_context(|| format!("failed to write {}", path.display()))?;
    if let Some(registered) = &signed.registered {
        system.register(id, registered)?;
    }
    let (embedded, costs) = signed.carriers.into_iter().unzip();
    Ok(Posted {
        file: name,
        index,
        purpose: wanted.purpose.clone(),
        class: made.class,
        source: made.source,
        size: wanted.size,
        proof: id,
        sha256: signed_file::digest(file.bytes()),
        source_bytes: made.bytes.len() as u64,
        embedded,
        costs,
    })
}

/// Names that sort in the order of posting, and are found again in what services make of them.
fn name_of(index: usize, format: Format) -> String {
    format!("credlink-{:03}.{}", index + 1, format.extension())
}
