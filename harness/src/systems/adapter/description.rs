//! `adapter.toml`: how an adapter is started, and what it may cost.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::message::{HIGHEST_SCORE, Hello, PROTOCOL};
use crate::programs;

/// The file that makes a folder an adapter.
pub const FILE: &str = "adapter.toml";
/// The widest payload, in bits.
pub(super) const WIDEST_PAYLOAD: u32 = 256;
/// The narrowest: fewer bits tell too few images apart.
pub(super) const NARROWEST_PAYLOAD: u32 = 16;

/// An adapter, or one of its variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The folder's name, and behind a slash that of the variant.
    pub name: String,
    /// The folder, absolute.
    pub folder: PathBuf,
    variant: Option<String>,
    /// Which files it consists of, by digest.
    pub digest: String,
    file: File,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    about: String,
    licence: String,
    source: String,
    /// A program and its arguments; or else the address of a server.
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    variants: Vec<String>,
    /// What `adapters/install` installs.
    #[serde(default)]
    packages: Vec<String>,
    /// The same, without what these packages ask for.
    #[serde(default)]
    packages_alone: Vec<String>,
    /// What cannot be installed, in words.
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default = "default_seconds")]
    seconds: u64,
    #[serde(default = "default_memory")]
    memory_mb: u64,
}

fn default_seconds() -> u64 {
    30
}

fn default_memory() -> u64 {
    4096
}

/// A digest of the files of an adapter: those in its folder, and those beside the folder, which adapters share. What they say to
/// people does not count, nor does what they are installed with.
fn digest_of(folder: &Path) -> std::io::Result<String> {
    let mut files = Vec::new();
    for place in std::iter::once(folder).chain(folder.parent()) {
        let mut here = Vec::new();
        for entry in std::fs::read_dir(place)? {
            let path = entry?.path();
            let is_prose = path.extension().is_some_and(|extension| extension == "md");
            if path.is_file() && !is_prose {
                here.push(path);
            }
        }
        here.sort();
        files.extend(here);
    }
    programs::digest(&files)
}

/// Why a folder holds no adapter.
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is not as docs/ADAPTERS.md says.
    #[error("{}: {what}", path.display())]
    Unsound {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl Description {
    /// Every system of the adapter in a folder: one for each variant.
    ///
    /// # Errors
    /// [`DescriptionError`], naming the file.
    pub fn of_folder(folder: &Path) -> Result<Vec<Self>, DescriptionError> {
        let path = folder.join(FILE);
        let unreadable = |error| DescriptionError::Unreadable {
            path: path.clone(),
            error,
        };
        let unsound = |what: String| DescriptionError::Unsound {
            path: path.clone(),
            what,
        };
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        let folder = folder.canonicalize().map_err(unreadable)?;
        let digest = digest_of(&folder).map_err(unreadable)?;
        let file: File = toml::from_str(&text).map_err(|error| unsound(error.to_string()))?;
        let has_program = file
            .command
            .first()
            .is_some_and(|program| !program.is_empty());
        if has_program == file.url.is_some() {
            let what = "it needs a command that names a program, or a url, and not both";
            return Err(unsound(what.to_owned()));
        }
        if file.url.is_some() && !file.variants.is_empty() {
            return Err(unsound(
                "a server has no variants; give each a folder".to_owned(),
            ));
        }
        if file.seconds == 0 || file.memory_mb == 0 {
            return Err(unsound("seconds and memory_mb must be above 0".to_owned()));
        }
        let base = folder
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| unsound("the folder's name is not UTF-8".to_owned()))?;
        let words = std::iter::once(base).chain(file.variants.iter().map(String::as_str));
        for word in words {
            if !is_word(word) {
                return Err(unsound(format!(
                    "{word:?} is no name: letters, digits, - and _ only"
                )));
            }
        }
        let one = |variant: Option<&String>| Self {
            name: variant.map_or_else(|| base.to_owned(), |variant| format!("{base}/{variant}")),
            folder: folder.clone(),
            variant: variant.cloned(),
            digest: digest.clone(),
            file: file.clone(),
        };
        Ok(if file.variants.is_empty() {
            vec![one(None)]
        } else {
            file.variants
                .iter()
                .map(|variant| one(Some(variant)))
                .collect()
        })
    }

    /// Every adapter in the folders of a directory, by name; a folder without the file is none.
    ///
    /// # Errors
    /// When the directory cannot be read. What is wrong with one adapter stands in its place.
    pub fn all(directory: &Path) -> std::io::Result<Vec<Result<Self, DescriptionError>>> {
        let mut folders: Vec<PathBuf> = std::fs::read_dir(directory)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.join(FILE).is_file())
            .collect();
        folders.sort();
        let mut all = Vec::new();
        for folder in folders {
            match Self::of_folder(&folder) {
                Ok(systems) => all.extend(systems.into_iter().map(Ok)),
                Err(error) => all.push(Err(error)),
            }
        }
        Ok(all)
    }

    /// The program and its arguments; `None` for a server. A program with a slash in it is looked for in the adapter's folder.
    pub fn command(&self) -> Option<(PathBuf, Vec<&str>)> {
        let (program, arguments) = self.file.command.split_first()?;
        let program = if program.contains('/') {
            self.folder.join(program)
        } else {
            PathBuf::from(program)
        };
        let arguments = arguments.iter().map(String::as_str);
        let arguments = arguments.chain(self.variant.as_deref());
        Some((program, arguments.collect()))
    }

    /// The address of a server, where it is one.
    pub fn url(&self) -> Option<&str> {
        self.file.url.as_deref()
    }

    /// What it is called.
    pub fn title(&self) -> &str {
        &self.file.title
    }

    /// What it is, in one line.
    pub fn about(&self) -> &str {
        &self.file.about
    }

    /// Its licence.
    pub fn licence(&self) -> &str {
        &self.file.licence
    }

    /// Where it comes from.
    pub fn source(&self) -> &str {
        &self.file.source
    }

    /// The packages it is made of.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        let packages = self.file.packages.iter().chain(&self.file.packages_alone);
        packages.map(String::as_str)
    }

    /// What cannot be installed.
    pub fn needs(&self) -> &[String] {
        &self.file.needs
    }

    /// Whether it shows how to write an adapter, and is of no other use.
    pub fn is_example(&self) -> bool {
        self.name.starts_with("example-")
    }

    /// How long one request may take.
    pub fn limit(&self) -> Duration {
        Duration::from_secs(self.file.seconds)
    }

    /// Address space of one worker.
    pub fn memory_bytes(&self) -> u64 {
        self.file.memory_mb << 20
    }

    /// What to do when the program is not there.
    pub fn advice(&self) -> &'static str {
        if self.packages().next().is_some() {
            "; adapters/install installs what adapters need"
        } else {
            ""
        }
    }

    /// Whether what an adapter says of itself makes sense.
    ///
    /// # Errors
    /// What does not, in words.
    pub(super) fn check(hello: &Hello) -> Result<(), String> {
        if hello.protocol != PROTOCOL {
            return Err(format!(
                "protocol {} is not {PROTOCOL}, which is the one that was offered",
                hello.protocol
            ));
        }
        let width = hello.payload_bits;
        if width > 0 && !(NARROWEST_PAYLOAD..=WIDEST_PAYLOAD).contains(&width) {
            return Err(format!(
                "payload_bits is {width}: 0 for none, or {NARROWEST_PAYLOAD} to {WIDEST_PAYLOAD}"
            ));
        }
        if !is_word(&hello.carrier.name) {
            return Err(format!("carrier.name {:?} is no word", hello.carrier.name));
        }
        if let Some(score) = &hello.score
            && score.threshold.is_some_and(|at| at > HIGHEST_SCORE)
        {
            return Err(format!("score.threshold is above {HIGHEST_SCORE}"));
        }
        if let Some(strength) = hello.strength {
            let in_order = [strength.weakest, strength.default, strength.strongest];
            if !in_order.iter().all(|value| value.is_finite()) || !in_order.is_sorted() {
                return Err("strength: weakest, default and strongest do not ascend".to_owned());
            }
        }
        Ok(())
    }
}

/// Whether this can name a system or a carrier: it stands in file names and in columns.
fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !text.is_empty() && text.len() <= 40 && text.chars().all(fits)
}
