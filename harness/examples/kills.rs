//! Kills a run at random moments, again and again, goes on with it each time, and compares its rows with those of a run that
//! nobody disturbed.
//!
//! ```text
//! cargo build && cargo run -p credlink-harness --example kills -- --ops 2000 --kills 100
//! ```
//!
//! Moments are drawn from an exponential distribution, so that every part of the work is met: start-up, signing, sealing,
//! verifying, writing. Exit code 1 if a row differs, is lost or is there twice.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;

#[path = "common/rows.rs"]
mod rows;

#[derive(Parser)]
struct Args {
    /// Ops of the run.
    #[arg(long, default_value_t = 2000)]
    ops: u64,
    /// How often it is killed.
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// Mean time until it is killed, milliseconds; none comes sooner than a fifth of that.
    #[arg(long, default_value_t = 3000)]
    mean: u64,
    /// Seed of the moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the two runs go.
    #[arg(long, default_value = "reports/kills")]
    out: PathBuf,
    /// Further options of both runs, separated by spaces.
    #[arg(long, default_value = "")]
    options: String,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let program = program()?;
    std::fs::create_dir_all(&args.out)?;
    let [whole, killed] = ["whole", "killed"].map(|name| args.out.join(name));
    let begin = |out: &Path| {
        let mut command = Command::new(&program);
        command.args(["survival", "--quiet", "--ops", &args.ops.to_string()]);
        command.args(args.options.split_whitespace());
        command.arg("--out").arg(out).stdout(Stdio::null());
        command
    };
    let start = Instant::now();
    let status = begin(&whole).status()?;
    ensure!(
        status.success(),
        "the run that nobody disturbs ended with {status}"
    );
    let undisturbed = start.elapsed();

    let start = Instant::now();
    let (mut kills, mut state) = (0, args.seed);
    let mut command = begin(&killed);
    loop {
        let mut child = command.spawn()?;
        let patience = (kills < args.kills).then(|| moment(&mut state, args.mean));
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if patience.is_some_and(|patience| begun.elapsed() >= patience) {
                child.kill()?;
                child.wait()?;
                break None;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        match status {
            Some(status) => {
                ensure!(
                    status.success(),
                    "the run that was killed ended with {status}"
                );
                break;
            }
            None => kills += 1,
        }
        if killed.join("journal/about.json").exists() {
            command = Command::new(&program);
            command
                .args(["survival", "--quiet", "--resume"])
                .arg(&killed);
            command.stdout(Stdio::null());
        } else if killed.exists() {
            // Before it said what it is; there is nothing to go on with.
            std::fs::remove_dir_all(&killed)?;
        }
    }
    println!(
        "{kills} kills of {} asked for; {:.1} s undisturbed, {:.1} s with them",
        args.kills,
        undisturbed.as_secs_f64(),
        start.elapsed().as_secs_f64()
    );
    let code = rows::compared(&whole, &killed)?;
    Ok(if kills == args.kills {
        code
    } else {
        ExitCode::FAILURE
    })
}

/// The command, beside the folder of examples.
fn program() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let folder = here.parent().and_then(Path::parent);
    let program = folder
        .context("an example lies in a folder")?
        .join("credlink");
    ensure!(
        program.exists(),
        "{} is not there; `cargo build` makes it",
        program.display()
    );
    Ok(program)
}

/// How long the next process lives.
fn moment(state: &mut u64, mean: u64) -> Duration {
    // SplitMix64 (Steele, Lea and Flood 2014).
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^= word >> 31;
    let uniform = ((word >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    let mean = mean as f64;
    Duration::from_secs_f64((mean / 5.0 - mean * 0.8 * uniform.ln()) / 1000.0)
}
