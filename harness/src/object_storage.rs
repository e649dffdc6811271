//! Run directories on object storage (S3, Google Cloud Storage, Azure), behind the feature `object-storage`.
//!
//! ```text
//! <url>/objects/<sha256>   the files, under the digests of their bytes
//! <url>/run.json           which files the directory has, by name, size and digest: published last, and once
//! ```
//!
//! A task that is started twice publishes twice: files of the same bytes are the same objects, and the list is put under its name
//! only where there is none. Whoever comes second finds that the work is done. A request that fails, is cut or is throttled is
//! made again.

use std::future::Future;
use std::io::{Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use object_store::path::Path as Key;
use object_store::{
    Error, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, WriteMultipart, parse_url_opts,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::runtime::{Builder, Runtime};

use crate::journal;

/// Files from this size on are sent in parts.
const PART: usize = 8 << 20;
/// How often a request is made before it has failed.
const TRIES: u32 = 8;
/// How long is waited after the first failure; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The most that a list of files may have, bytes.
const LONGEST_LIST: u64 = 1 << 30;

/// A place on object storage for one run directory.
pub struct Remote {
    url: String,
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    runtime: Runtime,
}

/// What publishing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The directory is there now.
    Now,
    /// It was there before, by somebody who did the same work.
    Before,
}

/// The list of files.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    format: u32,
    /// What was run: a digest over everything that decides rows, so that the same work is known again.
    work: Option<String>,
    files: Vec<Listed>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    /// Relative to the directory, with `/` between its parts.
    path: String,
    bytes: u64,
    sha256: String,
}

const FORMAT: u32 = 1;

impl Remote {
    /// The place at an address such as `s3://bucket/prefix`. Keys, region and endpoint come from the environment, under the names
    /// that each provider's own tools know (`AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_KEY` …).
    ///
    /// # Errors
    /// When the address is none, or the environment lacks what is needed.
    pub fn new(url: &str) -> Result<Self> {
        let place = || format!("{url} is no place on object storage that can be used");
        let parsed = url::Url::parse(url).with_context(place)?;
        // Names in the environment are in capitals, those of options are not.
        let options = std::env::vars().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (store, prefix) = parse_url_opts(&parsed, options).with_context(place)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            store: Arc::from(store),
            prefix,
            runtime: runtime.context("failed to start a runtime")?,
        })
    }

    /// The work that was published here; `None` if nothing was.
    ///
    /// # Errors
    /// When the storage cannot be asked.
    pub fn is_published(&self) -> Result<bool> {
        Ok(self.listing()?.is_some())
    }

    /// Publishes a run directory. Locks, keys and what is under way stay here.
    ///
    /// # Errors
    /// When a file cannot be sent, or other work is there already.
    pub fn publish(&self, directory: &Path) -> Result<Published> {
        let listing = listed(directory)?;
        for file in &listing.files {
            let path = directory.join(&file.path);
            let sent = self.send(&path, file);
            sent.with_context(|| format!("failed to send {} to {}", path.display(), self.url))?;
        }
        let text = serde_json::to_vec(&listing)?;
        let key = self.key("run.json");
        let put = || async {
            let payload = PutPayload::from(text.clone());
            let put = self.store.put_opts(&key, payload, PutMode::Create.into());
            match put.await {
                Ok(_) => Ok(Published::Now),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                    Ok(Published::Before)
                }
                Err(error) => Err(error),
            }
        };
        let published = self.tried(put)?;
        if published == Published::Now {
            return Ok(Published::Now);
        }
        // Our own, if an answer was lost on its way; somebody else's of the same work; or of other work.
        let there = self
            .listing()?
            .context("the list of files is there and is not")?;
        if there == listing {
            return Ok(Published::Now);
        }
        ensure!(
            there.work == listing.work,
            "{} holds other work; choose another place",
            self.url
        );
        Ok(Published::Before)
    }

    /// Fetches what was published into a directory, which is made.
    ///
    /// # Errors
    /// When nothing was published, or what comes is not what was sent.
    pub fn fetch(&self, directory: &Path) -> Result<()> {
        let listing = self.listing()?;
        let listing = listing.with_context(|| format!("{} holds no run", self.url))?;
        for file in &listing.files {
            let path = directory.join(inside(&file.path)?);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let fetched = self.receive(&path, file);
            fetched.with_context(|| format!("failed to fetch {} from {}", file.path, self.url))?;
        }
        // Folders that hold nothing are no objects.
        for name in ["signed", "negatives"] {
            std::fs::create_dir_all(directory.join(name))?;
        }
        Ok(())
    }

    fn key(&self, name: &str) -> Key {
        Key::from_iter(self.prefix.parts().chain(Key::from(name).parts()))
    }

    fn object(&self, file: &Listed) -> Key {
        self.key(&format!("objects/{}", file.sha256))
    }

    fn listing(&self) -> Result<Option<Listing>> {
        let key = self.key("run.json");
        let get = || async {
            let found = match self.store.get(&key).await {
                Err(Error::NotFound { .. }) => return Ok(None),
                found => found?,
            };
            if found.meta.size > LONGEST_LIST {
                return Ok(Some(None));
            }
            Ok(Some(Some(found.bytes().await?)))
        };
        match self.tried(get)? {
            None => Ok(None),
            Some(None) => bail!("{}/run.json is longer than any list of files", self.url),
            Some(Some(bytes)) => {
                let listing: Listing = serde_json::from_slice(&bytes)
                    .with_context(|| format!("{}/run.json is no list of files", self.url))?;
                ensure!(
                    listing.format == FORMAT,
                    "{}/run.json is of format {}, and this program reads {FORMAT}",
                    self.url,
                    listing.format
                );
                Ok(Some(listing))
            }
        }
    }

    fn send(&self, path: &Path, file: &Listed) -> Result<()> {
        let key = self.object(file);
        let is_there = || async {
            match self.store.head(&key).await {
                Ok(meta) => Ok(meta.size == file.bytes),
                Err(Error::NotFound { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        };
        if self.tried(is_there)? {
            return Ok(());
        }
        if file.bytes < PART as u64 {
            let bytes = std::fs::read(path)?;
            return self.tried(|| async {
                let payload = PutPayload::from(bytes.clone());
                self.store.put(&key, payload).await.map(|_| ())
            });
        }
        let upload = || async {
            let upload = self.store.put_multipart(&key).await?;
            let mut writer = WriteMultipart::new_with_chunk_size(upload, PART);
            let failed = |source: std::io::Error| Error::Generic {
                store: "a file",
                source: Box::new(source),
            };
            let mut source = std::fs::File::open(path).map_err(failed)?;
            let mut buffer = vec![0; PART];
            loop {
                let read = source.read(&mut buffer).map_err(failed)?;
                if read == 0 {
                    break;
                }
                writer.wait_for_capacity(2).await?;
                writer.write(&buffer[..read]);
            }
            writer.finish().await.map(|_| ())
        };
        self.tried(upload)
    }

    fn receive(&self, path: &Path, file: &Listed) -> Result<()> {
        let key = self.object(file);
        let bytes = self.tried(|| async { self.store.get(&key).await?.bytes().await })?;
        let found = format!("{:x}", Sha256::digest(&bytes));
        ensure!(
            found == file.sha256 && bytes.len() as u64 == file.bytes,
            "what came is not what was sent: {} bytes with digest {found}, where {} bytes with digest {} were",
            bytes.len(),
            file.bytes,
            file.sha256
        );
        let mut to = std::fs::File::create(path)?;
        to.write_all(&bytes)?;
        Ok(to.sync_all()?)
    }

    /// Makes a request, and again where it fails for a reason that may pass.
    fn tried<T, F: Future<Output = Result<T, Error>>>(&self, request: impl Fn() -> F) -> Result<T> {
        let mut wait = FIRST_WAIT;
        for attempt in 1..=TRIES {
            let error = match self.runtime.block_on(request()) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let will_not_pass = matches!(
                error,
                Error::NotFound { .. }
                    | Error::PermissionDenied { .. }
                    | Error::Unauthenticated { .. }
                    | Error::InvalidPath { .. }
                    | Error::NotSupported { .. }
                    | Error::UnknownConfigurationKey { .. }
            );
            if will_not_pass || attempt == TRIES {
                return Err(error.into());
            }
            std::thread::sleep(wait);
            wait *= 2;
        }
        bail!("a request was never made")
    }
}

/// The files of a run directory, in the order of their names, with their digests.
fn listed(directory: &Path) -> Result<Listing> {
    let work = journal::about(directory)?.map(|about| about.work());
    let mut paths = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let place = directory.join(&folder);
        let list = || format!("failed to list {}", place.display());
        for entry in std::fs::read_dir(&place).with_context(list)? {
            let entry = entry.with_context(list)?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if journal::stays_here(&path) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let files = paths.iter().map(|path| {
        let whole = directory.join(path);
        let read = || format!("failed to read {}", whole.display());
        let mut file = std::fs::File::open(&whole).with_context(read)?;
        let mut hash = Sha256::new();
        let bytes = std::io::copy(&mut file, &mut hash).with_context(read)?;
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        Ok(Listed {
            path: parts.join("/"),
            bytes,
            sha256: format!("{:x}", hash.finalize()),
        })
    });
    Ok(Listing {
        format: FORMAT,
        work,
        files: files.collect::<Result<_>>()?,
    })
}

/// A path of a list, which must not lead out of the directory.
fn inside(path: &str) -> Result<PathBuf> {
    let path = PathBuf::from(path);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    ensure!(
        path.components().next().is_some() && path.components().all(is_plain),
        "the list of files names {}, which is not in the directory",
        path.display()
    );
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_list_leads_out_of_the_directory() {
        assert!(inside("journal/rows-000000.parquet").is_ok());
        for path in ["", "/etc/passwd", "../up", "signed/../../up", "."] {
            assert!(inside(path).is_err(), "{path}");
        }
    }
}
