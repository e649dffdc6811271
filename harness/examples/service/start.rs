//! How long a service takes until it is ready, over a store of very many proofs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use credlink_corpus::{ImageSet as _, SyntheticSet};
use credlink_reports::figures::bytes;
use rustix::fs::{Advice, fadvise};

use crate::million;
use crate::process::{Service, agent, credlink};

#[derive(Parser)]
pub(crate) struct Args {
    /// Proofs in the store.
    #[arg(long, default_value_t = 1_000_000)]
    proofs: u64,
    /// Bytes of each manifest.
    #[arg(long, default_value_t = 1024)]
    manifest_bytes: usize,
    /// Starts of each kind.
    #[arg(long, default_value_t = 3)]
    starts: usize,
    /// How long a start may take, milliseconds.
    #[arg(long, default_value_t = 2000)]
    most: u64,
    /// Where keys and store go, to be used again; by default a folder that is removed.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// What came before a start.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// The service was asked to end.
    End,
    /// The same, and the system has nothing of the file in memory.
    Cold,
    /// The service was killed after it had signed.
    Kill,
}

impl Before {
    fn told(self) -> &'static str {
        match self {
            Self::End => "after an end",
            Self::Cold => "after an end, nothing of the file in memory",
            Self::Kill => "after kill -9",
        }
    }
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
pub(crate) fn run(args: &Args) -> Result<Vec<String>> {
    let temporary = tempfile::tempdir()?;
    let folder = args.folder.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder)?;
    let keys = folder.join("credlink-keys");
    if !keys.exists() {
        credlink(folder, &["keys", "generate"])?;
    }
    let file = folder.join("proofs.redb");
    let url = format!("redb:{}", file.display());
    let (before, took) = million::filled(&url, &keys, args.proofs, args.manifest_bytes)?;
    println!(
        "{} proofs, {before} of them before, written in {:.1} s: a file of {}",
        args.proofs,
        took.as_secs_f64(),
        bytes(std::fs::metadata(&file)?.len())
    );
    let picture = SyntheticSet::new(2).load(0)?.bytes;
    let mut faults = Vec::new();
    for kind in [Before::End, Before::Cold, Before::Kill] {
        let mut times = Vec::new();
        for _ in 0..args.starts {
            times.push(one(folder, &file, &url, kind, args.proofs, &picture)?);
        }
        let told: Vec<String> = times
            .iter()
            .map(|(time, _)| format!("{:.2} s", time.as_secs_f64()))
            .collect();
        let memory = times.iter().map(|(_, memory)| *memory).max();
        println!(
            "start to ready {}: {}; resident memory {}",
            kind.told(),
            told.join(", "),
            bytes(memory.unwrap_or_default())
        );
        let most = Duration::from_millis(args.most);
        if times.iter().any(|(time, _)| *time > most) {
            let kind = kind.told();
            faults.push(format!("a start {kind} took more than {} ms", args.most));
        }
    }
    Ok(faults)
}

/// Starts it once, as it stands after an earlier one; how long that took, and the memory.
fn one(
    folder: &Path,
    file: &Path,
    url: &str,
    before: Before,
    proofs: u64,
    picture: &[u8],
) -> Result<(Duration, u64)> {
    let options = ["--store", url];
    if before == Before::Kill {
        let service = Service::started(folder, &options)?;
        let signed = service.post(&agent(), "/sign?watermark=false", picture)?;
        anyhow::ensure!(signed.status == 200, "status {} at /sign", signed.status);
        service.kill()?;
    }
    if before == Before::Cold {
        let file = std::fs::File::open(file)?;
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    let service = Service::started(folder, &options)?;
    let (time, memory) = (service.readied, service.memory()?);
    let status = service.get(&agent(), "/status.json")?.json();
    anyhow::ensure!(
        status["proofs"].as_u64() >= Some(proofs),
        "it is ready, and knows {} proofs",
        status["proofs"]
    );
    service.end()?;
    Ok((time, memory))
}
