//! Lists the recipe files, so that a file dropped into `recipes/` is part of the program at the next build.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?)
        .join("recipes");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    walk(&root, &mut files)?;
    files.sort();
    let mut list = String::from(
        "/// (id, text) of every file in `recipes/`.\nstatic EMBEDDED: &[(&str, &str)] = &[\n",
    );
    for file in &files {
        let id = file.strip_prefix(&root).unwrap_or(file).with_extension("");
        let id = id.to_string_lossy().replace('\\', "/");
        // Debug formatting quotes and escapes the path as a Rust string.
        writeln!(
            list,
            "    ({id:?}, include_str!({:?})),",
            file.display().to_string()
        )
        .map_err(std::io::Error::other)?;
    }
    list.push_str("];\n");
    let target =
        PathBuf::from(std::env::var("OUT_DIR").map_err(std::io::Error::other)?).join("recipes.rs");
    std::fs::write(target, list)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    Ok(())
}
