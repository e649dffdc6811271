//! Records the versions of the libraries that decide results, from Cargo.lock, for the header of every run.

use std::fmt::Write as _;
use std::path::PathBuf;

const DECISIVE: [&str; 14] = [
    "c2pa",
    "ed25519-dalek",
    "fast_image_resize",
    "image",
    "image-webp",
    "jpeg-encoder",
    "libwebp-sys",
    "moxcms",
    "mozjpeg-sys",
    "oxipng",
    "rav1e",
    "ravif",
    "re_rav1d",
    "zune-jpeg",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lock = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    let text = std::fs::read_to_string(&lock)?;
    let mut list = String::from(
        "/// Versions of the libraries that decide results.\nstatic LIBRARIES: &[(&str, &str)] = &[\n",
    );
    let field = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_matches(['"', ' ', '=']).to_owned())
    };
    for block in text.split("[[package]]").skip(1) {
        let (Some(name), Some(version)) = (field(block, "name"), field(block, "version")) else {
            continue;
        };
        if DECISIVE.contains(&name.as_str()) {
            writeln!(list, "    ({name:?}, {version:?}),")?;
        }
    }
    list.push_str("];\n");
    std::fs::write(
        PathBuf::from(std::env::var("OUT_DIR")?).join("libraries.rs"),
        list,
    )?;
    Ok(())
}
