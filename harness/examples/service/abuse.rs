//! A service under requests that no honest client sends.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use credlink_corpus::{ImageSet as _, SyntheticSet};
use credlink_reports::figures::bytes;

use crate::faulty::{self, Faulty, Manner};
use crate::process::{Random, Service, agent, credlink};

#[derive(Parser)]
pub(crate) struct Args {
    /// Requests, without those that are sent by drops.
    #[arg(long, default_value_t = 10_000)]
    requests: usize,
    /// A folder of hostile files.
    #[arg(long)]
    files: PathBuf,
    /// Senders at once.
    #[arg(long, default_value_t = 8)]
    senders: usize,
    /// Connections on which a body comes by drops.
    #[arg(long, default_value_t = 8)]
    slow: usize,
    /// MiB by which the memory may be higher in the last two fifths than it was in the others: what the store's cache takes.
    #[arg(long, default_value_t = 64)]
    growth: u64,
    /// Seed of the requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How long an answer is waited for, which is longer than a body may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Seconds in which a body must have arrived, and after which an idle connection is closed.
const SECONDS: &str = "3";
/// Parts of the requests, between which the memory is looked at.
const PARTS: usize = 5;

/// What came back, by what was sent: a status, or nothing.
type Tally = BTreeMap<(Manner, Option<u16>), usize>;

#[expect(clippy::print_stdout, reason = "an example reports to people")]
pub(crate) fn run(args: &Args) -> Result<Vec<String>> {
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path();
    credlink(folder, &["keys", "generate"])?;
    let files = files(&args.files)?;
    let options = [
        "--body-seconds",
        SECONDS,
        "--idle-seconds",
        SECONDS,
        "--store",
        "redb:proofs.redb",
    ];
    let mut service = Service::started(folder, &options)?;
    let mut tally = Tally::new();
    let mut memory = vec![service.memory()?];
    let begun = Instant::now();
    for part in 0..PARTS {
        let requests = args.requests / PARTS;
        let seed = args.seed + (part * args.senders) as u64;
        for (kind, count) in sent(&service, args, requests, seed, &files)? {
            *tally.entry(kind).or_default() += count;
        }
        ensure!(service.runs()?, "the service has ended");
        memory.push(service.memory()?);
    }
    let seconds = begun.elapsed().as_secs_f64();
    for ((manner, status), count) in &tally {
        let status = status.map_or("no answer".to_owned(), |status| status.to_string());
        println!("{manner:?} {status}: {count}");
    }
    let told: Vec<String> = memory.iter().map(|memory| bytes(*memory)).collect();
    println!(
        "resident memory before, and after each fifth: {}",
        told.join(", ")
    );
    println!(
        "{} requests in {seconds:.0} s",
        tally.values().sum::<usize>()
    );
    let mut faults = judged(&tally);
    let highest = |some: &[u64]| some.iter().max().copied().unwrap_or_default();
    let (settled, last) = (highest(&memory[..=3]), highest(&memory[4..]));
    if last > settled + (args.growth << 20) {
        faults.push(format!("memory grew by {}", bytes(last - settled)));
    }
    if service.get(&agent(), "/ready")?.status != 200 {
        faults.push("it is not ready afterwards".to_owned());
    }
    let log = service.log()?;
    if let Some(line) = log.lines().find(|line| line.contains("panic")) {
        faults.push(format!("a panic: {line}"));
    }
    let code = service.end()?;
    if code != Some(0) {
        faults.push(format!("it ended with {code:?}"));
    }
    Ok(faults)
}

/// Hostile files, and two honest ones to be spoilt.
fn files(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("failed to read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();
    ensure!(!paths.is_empty(), "{} holds no file", folder.display());
    let mut files: Vec<Vec<u8>> = paths.iter().map(std::fs::read).collect::<Result<_, _>>()?;
    let set = SyntheticSet::new(3);
    for index in 0..2 {
        files.push(set.load(index)?.bytes);
    }
    Ok(files)
}

/// Sends so many requests at once with some senders, while bodies come by drops on other connections.
fn sent(
    service: &Service,
    args: &Args,
    requests: usize,
    seed: u64,
    files: &[Vec<u8>],
) -> Result<Tally> {
    let (left, over) = (AtomicUsize::new(requests), AtomicBool::new(false));
    let address = service.address();
    let tallies = std::thread::scope(|scope| {
        let (left, over) = (&left, &over);
        let dripping: Vec<_> = (0..args.slow)
            .map(|number| {
                let mut random = Random(seed ^ (number as u64) << 32);
                scope.spawn(move || {
                    let mut tally = Tally::new();
                    while !over.load(Relaxed) {
                        let status = dripped(address, &faulty::slow(&mut random))?;
                        *tally.entry((Manner::Slow, status)).or_default() += 1;
                    }
                    anyhow::Ok(tally)
                })
            })
            .collect();
        let sending: Vec<_> = (0..args.senders)
            .map(|number| {
                let mut random = Random(seed + number as u64);
                scope.spawn(move || {
                    let mut tally = Tally::new();
                    let takes = |left: usize| left.checked_sub(1);
                    while left.fetch_update(Relaxed, Relaxed, takes).is_ok() {
                        let faulty = faulty::drawn(&mut random, files);
                        let status = answered(address, &faulty)?;
                        *tally.entry((faulty.manner, status)).or_default() += 1;
                    }
                    anyhow::Ok(tally)
                })
            })
            .collect();
        let mut all: Vec<_> = sending.into_iter().map(|sender| sender.join()).collect();
        over.store(true, Relaxed);
        all.extend(dripping.into_iter().map(|sender| sender.join()));
        all
    });
    let mut sum = Tally::new();
    for tally in tallies {
        let tally = tally.map_err(|_| anyhow::anyhow!("a sender panicked"))??;
        for (kind, count) in tally {
            *sum.entry(kind).or_default() += count;
        }
    }
    Ok(sum)
}

fn connected(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).context("the service takes no connection")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The status of the answer, if one came.
fn answered(address: &str, faulty: &Faulty) -> Result<Option<u16>> {
    let mut stream = connected(address)?;
    // Whoever is refused before all is sent may find the connection closed; the answer can be read all the same.
    let _ = stream.write_all(&faulty.bytes);
    match faulty.manner {
        Manner::HalfClosed => {
            let _ = stream.shutdown(Shutdown::Write);
        }
        Manner::Broken => {
            // Half of them are just dropped, as a client is that loses its network.
            if faulty.bytes.len().is_multiple_of(2) {
                return Ok(None);
            }
        }
        Manner::Whole | Manner::Slow => {}
    }
    Ok(status(&mut stream))
}

/// Sends a byte of the body five times a second until there is an answer.
fn dripped(address: &str, faulty: &Faulty) -> Result<Option<u16>> {
    let mut stream = connected(address)?;
    let begun = Instant::now();
    stream.write_all(&faulty.bytes)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut first = [0; 1];
    while begun.elapsed() < PATIENCE {
        match stream.peek(&mut first) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(status(&mut stream)),
            Err(_) if stream.write_all(b"x").is_err() => return Ok(None),
            Err(_) => {}
        }
    }
    Ok(None)
}

fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut answer = Vec::new();
    // A connection that is reset has been answered as far as it goes.
    let _ = stream.take(64 << 20).read_to_end(&mut answer);
    let head = answer.strip_prefix(b"HTTP/1.1 ")?;
    std::str::from_utf8(head.get(..3)?).ok()?.parse().ok()
}

/// What should not have come back.
fn judged(tally: &Tally) -> Vec<String> {
    let wrong = tally.iter().filter_map(|((manner, status), count)| {
        let is_wrong = match (manner, status) {
            (_, Some(503)) => false,
            (_, Some(status)) => *status >= 500,
            (Manner::Whole | Manner::Slow, None) => true,
            (Manner::Broken | Manner::HalfClosed, None) => false,
        };
        let status = status.map_or("no answer".to_owned(), |status| status.to_string());
        is_wrong.then(|| format!("{manner:?}: {status}, {count} times"))
    });
    wrong.collect()
}
