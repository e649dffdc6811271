//! A service whose store is slow, refuses, is silent, is gone, and comes back, while it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use credlink_corpus::{ImageSet as _, SyntheticSet};

use crate::process::{Service, agent, credlink, credlink_with};
use crate::proxy::{Proxy, Way};

#[derive(Parser)]
pub(crate) struct Args {
    /// The store; `{address}` stands for where its server is reached.
    #[arg(long)]
    store: String,
    /// Where its server is, HOST:PORT.
    #[arg(long)]
    upstream: String,
    /// Of the service's environment, NAME=VALUE; `{address}` as above.
    #[arg(long)]
    env: Vec<String>,
    /// Seconds of each fault.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Clients that sign, and as many that verify.
    #[arg(long, default_value_t = 3)]
    clients: usize,
    /// Seconds after which a store that is back must be used again.
    #[arg(long, default_value_t = 15)]
    recovery: u64,
}

/// Pictures that are signed in turn.
const PICTURES: usize = 8;
/// What is asked.
const SIGN: &str = "sign";
const VERIFY: &str = "verify";

/// What happens, in this order.
const COURSE: [(&str, Way); 7] = [
    ("whole", Way::Open),
    ("slow", Way::Slow),
    ("refusing", Way::Refusing),
    ("back", Way::Open),
    ("silent", Way::Silent),
    ("gone", Way::Refusing),
    ("back again", Way::Open),
];

/// What came back: statuses by question, and verdicts that were not "found".
#[derive(Default)]
struct Seen {
    statuses: BTreeMap<(&'static str, u16), usize>,
    proofs: Vec<String>,
    wrong: BTreeSet<String>,
    /// When a file was signed last.
    signed: Option<Instant>,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
pub(crate) fn run(args: &Args) -> Result<Vec<String>> {
    let temporary = tempfile::tempdir()?;
    let folder: PathBuf = temporary.path().to_owned();
    credlink(&folder, &["keys", "generate"])?;
    let proxy = Proxy::to(&args.upstream)?;
    let at = |address: &str| -> Result<(String, Vec<(String, String)>)> {
        let filled = |text: &str| text.replace("{address}", address);
        let environment = args.env.iter().map(|one| {
            let (name, value) = one.split_once('=').context("--env takes NAME=VALUE")?;
            Ok((name.to_owned(), filled(value)))
        });
        Ok((filled(&args.store), environment.collect::<Result<_>>()?))
    };
    let (direct, plain) = at(&args.upstream)?;
    let (store, environment) = at(&proxy.address)?;
    credlink_with(&folder, &["store", "init", &direct], &plain)?;
    let options = ["--store", &store];
    let mut service = Service::started_with(&folder, &options, &environment)?;
    let set = SyntheticSet::new(5);
    let pictures: Vec<Vec<u8>> = (0..PICTURES)
        .map(|index| Ok(set.load(index)?.bytes))
        .collect::<Result<_>>()?;
    let known = service.post(&agent(), "/sign?watermark=false", &pictures[0])?;
    ensure!(known.status == 200, "status {} at /sign", known.status);
    let (mut faults, mut proofs) = (Vec::new(), Vec::new());
    for (name, way) in COURSE {
        proxy.set(way);
        let begun = Instant::now();
        let seconds = match way {
            // Long enough for it to be found out that the store is back.
            Way::Open => args.seconds.max(args.recovery),
            _ => args.seconds,
        };
        let seen = asked(&service, args.clients, seconds, &pictures, &known.body);
        println!("{name}, {seconds} s: {}", told(&seen, begun));
        faults.extend(seen.wrong.iter().map(|wrong| format!("{name}: {wrong}")));
        if way == Way::Open && seen.signed.is_none() {
            faults.push(format!("{name}: nothing was signed in {seconds} s"));
        }
        proofs.extend(seen.proofs);
    }
    ensure!(service.runs()?, "the service has ended");
    let agent = agent();
    for proof in &proofs {
        let there = service.get(&agent, &format!("/proofs/{proof}"))?;
        if there.status != 200 {
            faults.push(format!("proof {proof} was answered and is not there"));
        }
    }
    service.end()?;
    println!(
        "{} proofs were answered, and looked for afterwards",
        proofs.len()
    );
    println!(
        "{}",
        credlink_with(&folder, &["store", "check", &direct], &plain)?
    );
    Ok(faults)
}

fn told(seen: &Seen, begun: Instant) -> String {
    let counts = seen.statuses.iter();
    let counts: Vec<String> = counts
        .map(|((what, status), count)| format!("{what} {status}: {count}"))
        .collect();
    let first = seen.signed.map(|signed| signed.duration_since(begun));
    let first = first.map_or("none signed".to_owned(), |time| {
        format!("first signed after {:.1} s", time.as_secs_f64())
    });
    format!("{}; {first}", counts.join(", "))
}

/// Signs and verifies for some seconds.
fn asked(
    service: &Service,
    clients: usize,
    seconds: u64,
    pictures: &[Vec<u8>],
    known: &[u8],
) -> Seen {
    let (seen, over) = (Mutex::new(Seen::default()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for client in 0..clients {
            let (seen, over) = (&seen, &over);
            scope.spawn(move || {
                let agent = agent();
                for number in client.. {
                    if over.load(Relaxed) {
                        break;
                    }
                    let picture = &pictures[number % PICTURES];
                    let answer = service.post(&agent, "/sign?watermark=false", picture);
                    noted(
                        seen,
                        SIGN,
                        answer.map(|answer| (answer.status, answer.proof)),
                    );
                }
            });
            scope.spawn(move || {
                let agent = agent();
                while !over.load(Relaxed) {
                    let answer = service.post(&agent, "/verify", known).map(|answer| {
                        let verdict = answer.json()["verdict"].as_str().map(str::to_owned);
                        (answer.status, verdict)
                    });
                    noted(seen, VERIFY, answer);
                }
            });
        }
        std::thread::sleep(Duration::from_secs(seconds));
        over.store(true, Relaxed);
    });
    seen.into_inner().unwrap_or_default()
}

/// Notes an answer: its status, and the proof or the verdict.
fn noted(seen: &Mutex<Seen>, what: &'static str, answer: Result<(u16, Option<String>)>) {
    let Ok(mut seen) = seen.lock() else { return };
    let (status, said) = match answer {
        Ok(answer) => answer,
        Err(error) => {
            seen.wrong.insert(format!("{what}: no answer: {error:#}"));
            return;
        }
    };
    *seen.statuses.entry((what, status)).or_default() += 1;
    match (what, status, said) {
        (SIGN, 200, Some(proof)) => {
            seen.signed.get_or_insert_with(Instant::now);
            seen.proofs.push(proof);
        }
        (VERIFY, 200, Some(verdict)) if verdict == "found" => {}
        (_, 503, _) => {}
        (_, status, said) => {
            let said = said.unwrap_or_default();
            seen.wrong.insert(format!("{what}: {status} {said}"));
        }
    }
    if status == 503 {
        drop(seen);
        // As an honest client does that is told to come again.
        std::thread::sleep(Duration::from_millis(100));
    }
}
