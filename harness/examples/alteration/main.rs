//! Measures how often a local edit of a signed image is noticed after a pipeline, beside false alarms on images that
//! only went through the pipeline.
//!
//! ```text
//! cargo run -p credlink-harness --example alteration -- --synthetic 60 > docs/ALTERATION.md
//! ```
//!
//! Every image is signed with all carriers, edited, saved without any metadata, sent through each pipeline and verified
//! as a stranger would: the pixels alone lead to the proof, and the proof's content sketch tells where they differ.

mod curve;
mod edit;
mod op;
mod report;

#[path = "../common/photographs.rs"]
mod photographs;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use credlink_corpus::{ImageSet, SyntheticSet};

#[derive(Parser)]
struct Arguments {
    /// Images of the synthetic set.
    #[arg(long, default_value_t = 0)]
    synthetic: usize,
    /// Seed of the synthetic set, of keys and of places.
    #[arg(long, default_value_t = 21)]
    seed: u64,
    /// A folder of JPEG, PNG and WebP files, as well.
    #[arg(long)]
    photos: Option<PathBuf>,
}

/// What happens after the edit. The synthetic images are smaller than the first one's 1600 pixels.
const PIPELINES: [(&str, &str); 3] = [
    ("messaging/whatsapp", "JPEG 75"),
    ("social/instagram", "1080 pixels wide, JPEG 75"),
    ("conversion/libvips-webp", "WebP 75"),
];

struct Source {
    name: String,
    class: String,
    bytes: Vec<u8>,
}

fn sources(arguments: &Arguments) -> Result<Vec<Source>> {
    let set = SyntheticSet::new(arguments.seed);
    let mut sources = Vec::new();
    for index in 0..arguments.synthetic {
        let image = set.load(index)?;
        sources.push(Source {
            name: image.entry.name,
            class: image.entry.class,
            bytes: image.bytes,
        });
    }
    if let Some(folder) = &arguments.photos {
        for name in photographs::names(folder)? {
            sources.push(Source {
                bytes: photographs::read(folder, &name)?,
                class: "photo".to_owned(),
                name,
            });
        }
    }
    Ok(sources)
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let sources = sources(&arguments)?;
    let (images, ops) = op::measured(&arguments, &sources)?;
    println!("{}", report::report(&arguments, images, &ops)?);
    Ok(())
}
