//! Two services over one store: no id is given twice, and each finds what the other signed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use credlink_corpus::{ImageSet as _, SyntheticSet};
use image::ImageFormat;

use crate::process::{Service, agent, credlink_with, middle_and_longest};

#[derive(Parser)]
pub(crate) struct Args {
    /// The store of both.
    #[arg(long)]
    store: String,
    /// Of their environment, NAME=VALUE.
    #[arg(long)]
    env: Vec<String>,
    /// Pictures that each of them signs, at the same time.
    #[arg(long, default_value_t = 20)]
    pictures: usize,
    /// Milliseconds in which what one signed must be found by the other.
    #[arg(long, default_value_t = 5000)]
    most: u64,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
pub(crate) fn run(args: &Args) -> Result<Vec<String>> {
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path();
    let environment = args.env.iter().map(|one| {
        let (name, value) = one.split_once('=').context("--env takes NAME=VALUE")?;
        Ok((name.to_owned(), value.to_owned()))
    });
    let environment: Vec<_> = environment.collect::<Result<_>>()?;
    credlink_with(folder, &["keys", "generate"], &environment)?;
    credlink_with(folder, &["store", "init", &args.store], &environment)?;
    let begin = || Service::started_with(folder, &["--store", &args.store], &environment);
    let services = [begin()?, begin()?];
    let signed = signed(&services, args.pictures)?;
    let mut faults = Vec::new();
    let mut times = Vec::new();
    let agent = agent();
    for (number, (files, since)) in signed.iter().enumerate() {
        let other = &services[1 - number];
        for (proof, file) in files {
            let copy = copied(file)?;
            loop {
                let answer = other.post(&agent, "/verify?depth=all", &copy)?;
                ensure!(answer.status == 200, "status {} at /verify", answer.status);
                let answer = answer.json();
                let found = &answer["conclusion"]["accepted"]["proof"];
                if found == proof.as_str() {
                    times.push(since.elapsed());
                    break;
                }
                // Featureless pictures have no fingerprint that counts, wherever they were signed.
                let own = services[number].post(&agent, "/verify?depth=all", &copy)?;
                if own.json()["conclusion"]["accepted"]["proof"] != proof.as_str() {
                    break;
                }
                if since.elapsed() > Duration::from_millis(args.most) {
                    faults.push(format!("the other service does not find proof {proof}"));
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
    let all = signed.iter().flat_map(|(files, _)| files);
    let ids: BTreeSet<&String> = all.map(|(proof, _)| proof).collect();
    if ids.len() != 2 * args.pictures {
        faults.push(format!("{} ids for {} files", ids.len(), 2 * args.pictures));
    }
    let (_, longest) = middle_and_longest(&times);
    println!(
        "{} files, {} ids; {} copies without metadata found by the other service, all within {longest:.1?} of the last signature",
        2 * args.pictures,
        ids.len(),
        times.len()
    );
    if times.len() < args.pictures {
        faults.push("too few copies are found to tell".to_owned());
    }
    for service in services {
        service.end()?;
    }
    println!(
        "{}",
        credlink_with(folder, &["store", "check", &args.store], &environment)?
    );
    Ok(faults)
}

/// A file that was signed, under its proof.
type Signed = (String, Vec<u8>);

/// What each service signed, both at the same time, and when it was done with that.
fn signed(services: &[Service; 2], pictures: usize) -> Result<[(Vec<Signed>, Instant); 2]> {
    let set = SyntheticSet::new(6);
    let [first, second] = std::thread::scope(|scope| {
        let each = [0, 1].map(|number| {
            let (service, set) = (&services[number], &set);
            scope.spawn(move || {
                let agent = agent();
                let mut signed = Vec::new();
                for index in (number..).step_by(2).take(pictures) {
                    let picture = set.load(index)?.bytes;
                    let answer = service.post(&agent, "/sign?watermark=false", &picture)?;
                    let proof = answer.proof.context("no proof is named")?;
                    signed.push((proof, answer.body));
                }
                anyhow::Ok((signed, Instant::now()))
            })
        });
        each.map(|one| one.join())
    });
    let ended = |_| anyhow::anyhow!("a client panicked");
    Ok([first.map_err(ended)??, second.map_err(ended)??])
}

/// A PNG file of the same pixels, and nothing beside them.
fn copied(file: &[u8]) -> Result<Vec<u8>> {
    let picture = image::load_from_memory(file)?.to_rgb8();
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}
