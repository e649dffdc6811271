//! What is done with bytes from strangers, and what must hold whatever they are: one function each, called by a fuzzer and,
//! on files that were broken at random, by a test.
//!
//! A function that returns has kept its promise; one that panics has found something.

mod adapter;
mod container;
mod file;
pub(crate) mod made;
mod pixels;
mod recipe;
mod run;
mod store;

use std::sync::LazyLock;

use credlink_image_files::Format;

/// A way in, and files to begin with.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) call: fn(&[u8]),
    /// What this program makes to begin with.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Whether a file that somebody has is of use to begin with.
    pub(crate) takes: fn(&[u8]) -> bool,
    /// How often a test calls it with something broken: the less it costs, the oftener.
    pub(crate) cases: u64,
}

fn no_file(_: &[u8]) -> bool {
    false
}

fn any_image(bytes: &[u8]) -> bool {
    Format::sniff(bytes).is_some()
}

/// What this program makes that a target takes.
fn made_for(takes: fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let files = made::WORLD.files.iter().map(|made| made.bytes.clone());
    files.filter(|bytes| takes(bytes)).collect()
}

/// The target of a container.
macro_rules! container {
    ($name:literal, $format:ident) => {
        Target {
            name: $name,
            call: |bytes| container::of(Format::$format, bytes),
            seeds: || made_for(|bytes| Format::sniff(bytes) == Some(Format::$format)),
            takes: |bytes| Format::sniff(bytes) == Some(Format::$format),
            cases: 400,
        }
    };
}

/// Every target; a new one needs a `[[bin]]` in `fuzz/Cargo.toml`, too.
pub(crate) const TARGETS: &[Target] = &[
    container!("jpeg", Jpeg),
    container!("png", Png),
    container!("webp", WebP),
    container!("gif", Gif),
    container!("tiff", Tiff),
    container!("avif", Avif),
    container!("jxl", Jxl),
    Target {
        name: "decode",
        call: file::decoded,
        seeds: || made_for(any_image),
        takes: any_image,
        cases: 300,
    },
    Target {
        name: "verify",
        call: file::verified,
        seeds: || made_for(any_image),
        takes: any_image,
        cases: 200,
    },
    Target {
        name: "sign",
        call: file::signed,
        seeds: || made_for(any_image),
        takes: any_image,
        cases: 100,
    },
    Target {
        name: "watermark",
        call: pixels::detected,
        seeds: pixels::watermark_seeds,
        takes: no_file,
        cases: 150,
    },
    Target {
        name: "sketch",
        call: pixels::compared,
        seeds: pixels::sketch_seeds,
        takes: no_file,
        cases: 300,
    },
    Target {
        name: "recipe",
        call: recipe::loaded,
        seeds: recipe::seeds,
        takes: no_file,
        cases: 400,
    },
    Target {
        name: "run",
        call: run::read,
        seeds: run::seeds,
        takes: no_file,
        cases: 200,
    },
    Target {
        name: "store",
        call: store::opened,
        seeds: store::seeds,
        takes: no_file,
        cases: 200,
    },
    Target {
        name: "adapter",
        call: adapter::heard,
        seeds: adapter::seeds,
        takes: no_file,
        cases: 600,
    },
];

/// Makes what is made once before anything is measured.
pub(crate) fn prepare() {
    LazyLock::force(&made::WORLD);
}
