//! A service that is killed while it signs: what was answered is there.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use credlink_corpus::{ImageSet as _, SyntheticSet};
use sha2::{Digest as _, Sha256};

use crate::process::{Random, Service, agent, credlink, middle_and_longest};

#[derive(Parser)]
pub(crate) struct Args {
    /// How often it is killed.
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// Mean time from ready until it is killed, milliseconds.
    #[arg(long, default_value_t = 2000)]
    mean: u64,
    /// Clients that sign without pause.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// Seed of the moments and of the pictures.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The store; by default a file of its own.
    #[arg(long, default_value = "redb:proofs.redb")]
    store: String,
    /// Where keys, store and log go; by default a folder that is removed.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Pictures that are signed in turn.
const PICTURES: usize = 12;
/// Of so many signed files, one is marked in its pixels too, which takes longer.
const MARK_EVERY: usize = 8;

/// A file that was answered.
struct Answered {
    proof: String,
    file: Vec<u8>,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
pub(crate) fn run(args: &Args) -> Result<Vec<String>> {
    let temporary = tempfile::tempdir()?;
    let folder = args.folder.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder)?;
    credlink(folder, &["keys", "generate"])?;
    let set = SyntheticSet::new(args.seed);
    let pictures: Vec<Vec<u8>> = (0..PICTURES)
        .map(|index| Ok(set.load(index)?.bytes))
        .collect::<Result<_>>()?;
    let mut random = Random(args.seed);
    let (mut faults, mut starts) = (Vec::new(), Vec::new());
    let mut all: Vec<Vec<Answered>> = Vec::new();
    let mut broken_off = 0;
    for life in 0..=args.kills {
        let service = Service::started(folder, &["--store", &args.store])?;
        starts.push(service.readied);
        if let Some(last) = all.last() {
            checked(&service, last, true, &mut faults)?;
        }
        if life == args.kills {
            for answered in &all {
                checked(&service, answered, false, &mut faults)?;
            }
            service.end()?;
            break;
        }
        let until = random.moment(Duration::from_millis(args.mean));
        let (answered, unanswered) = signing(service, &pictures, args.clients, until)?;
        println!(
            "kill {:2} after {:5} ms: {:4} answered, {unanswered} broken off",
            life + 1,
            until.as_millis(),
            answered.len()
        );
        broken_off += unanswered;
        all.push(answered);
    }
    let answered: usize = all.iter().map(Vec::len).sum();
    let said = credlink(folder, &["store", "check", &args.store])?;
    let (middle, longest) = middle_and_longest(&starts[1..]);
    println!(
        "{} kills, {answered} proofs answered, {broken_off} requests broken off; {} faults",
        args.kills,
        faults.len()
    );
    println!("start to ready after a kill: median {middle:.0?}, longest {longest:.0?}");
    println!("{said}");
    if answered < args.kills {
        faults.push(format!(
            "only {answered} proofs were answered: too few to tell"
        ));
    }
    Ok(faults)
}

/// Signs with some clients until the service is killed; what was answered, and how many requests were not.
fn signing(
    service: Service,
    pictures: &[Vec<u8>],
    clients: usize,
    until: Duration,
) -> Result<(Vec<Answered>, usize)> {
    let all = Mutex::new(Vec::new());
    let begun = Instant::now();
    let address = service.address().to_owned();
    let broken = std::thread::scope(|scope| {
        let (all, address) = (&all, &address);
        let each = (0..clients).map(|client| {
            scope.spawn(move || {
                let agent = agent();
                for number in client.. {
                    let is_marked = number % MARK_EVERY == 0;
                    let path = format!("http://{address}/sign?watermark={is_marked}");
                    let request = agent.post(path).header("content-type", "image/*");
                    let Ok(mut response) = request.send(&pictures[number % PICTURES][..]) else {
                        break;
                    };
                    let proof = response.headers().get("x-credlink-proof").cloned();
                    // An answer counts when the whole of it has come.
                    let Ok(file) = response.body_mut().read_to_vec() else {
                        break;
                    };
                    if let Some(Ok(proof)) = proof.as_ref().map(|proof| proof.to_str())
                        && let Ok(mut all) = all.lock()
                    {
                        let proof = proof.to_owned();
                        all.push(Answered { proof, file });
                    }
                }
            })
        });
        let each: Vec<_> = each.collect();
        std::thread::sleep(until.saturating_sub(begun.elapsed()));
        service.kill()?;
        // Every client stops at the first request that breaks.
        anyhow::Ok(each.len())
    })?;
    let all = all.into_inner().unwrap_or_default();
    Ok((all, broken))
}

/// Whether everything that was answered is there. `wholly`: the file itself is looked at, too.
fn checked(
    service: &Service,
    all: &[Answered],
    wholly: bool,
    faults: &mut Vec<String>,
) -> Result<()> {
    let agent = agent();
    for Answered { proof, file } in all {
        let path = format!("/proofs/{proof}");
        let record = service.get(&agent, &path)?;
        let digest = format!("{:x}", Sha256::digest(file));
        if record.status != 200 || record.json()["record"]["signed_sha256"] != digest {
            faults.push(format!("proof {proof} was answered and is gone"));
            continue;
        }
        if !wholly {
            continue;
        }
        let manifest = service.get_as(&agent, &path, "application/c2pa")?;
        if manifest.status != 200 {
            faults.push(format!("the manifest of proof {proof} is gone"));
        }
        let verdict = service.post(&agent, "/verify", file)?;
        if verdict.json()["conclusion"]["accepted"]["proof"] != **proof {
            faults.push(format!("the file of proof {proof} does not lead to it"));
        }
    }
    Ok(())
}
