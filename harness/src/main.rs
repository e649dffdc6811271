//! The `credlink` command: measures whether provenance proofs survive, and handles the proofs themselves.

mod cli;
mod cmd;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// Begins this program anew with few arenas for its allocations, where nobody said how many.
///
/// With as many as glibc takes by itself, eight a core, a run that signed ten thousand small images held 30 to 90 KB of each,
/// which nothing of ours refers to; with four it did not (docs/CAPACITY.md). The number is read when a process begins, so
/// that there is no other way to set it in safe code.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn with_few_arenas() {
    use std::os::unix::process::CommandExt as _;
    const ARENAS: &str = "MALLOC_ARENA_MAX";
    if std::env::var_os(ARENAS).is_some() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let mut typed = std::env::args_os();
        let mut command = std::process::Command::new(program);
        command.arg0(typed.next().unwrap_or_default());
        // Comes back only if it failed, and then everything goes on as it is.
        let _failed = command.args(typed).env(ARENAS, "4").exec();
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn with_few_arenas() {}

fn main() -> ExitCode {
    with_few_arenas();
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Survival(args) => cmd::survival::run(args),
        Command::Register(args) => cmd::survival::register(args),
        Command::Merge(args) => cmd::merge::run(args),
        Command::Report(args) => cmd::report::run(args),
        Command::Compare(args) => cmd::compare::run(args),
        Command::Systems(args) => cmd::systems::run(args),
        Command::HeadToHead(args) => cmd::head_to_head::run(args),
        Command::Gate(args) => cmd::gate::run(args),
        Command::Evidence(args) => cmd::evidence::run(args),
        Command::SignRun(args) => cmd::sign_run::run(args),
        Command::Replay(args) => cmd::replay::run(args),
        Command::Pipelines(args) => cmd::pipelines::run(args),
        Command::Apply(args) => cmd::apply::run(args),
        Command::Trial(args) => cmd::kits::run(args),
        Command::Keys(args) => cmd::keys::run(args),
        Command::Sign(args) => cmd::sign::run(args),
        Command::Verify(args) => cmd::verify::run(args),
        Command::Watermark(args) => cmd::watermark::run(args),
        Command::Docs(args) => cmd::docs::run(args),
        Command::Publish(args) => cmd::publish::run(args),
        Command::Serve(args) => cmd::serve::run(args),
        Command::Store(args) => cmd::store::run(args),
        Command::Measure(args) => cmd::measure::run(args),
        Command::Cost(args) => cmd::measure::cost(args),
        Command::BenchReport(args) => cmd::measure::bench_report(args),
        Command::Completions(args) => cmd::shell::completions(args),
        Command::Man(args) => cmd::shell::man(args),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // A reader that closes the pipe early (`credlink pipelines | head`) is no failure of ours.
            let broken_pipe = error
                .chain()
                .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
                .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe);
            if broken_pipe {
                return ExitCode::from(credlink_harness::exit::OK);
            }
            cmd::complain(&format!("error: {error:#}"));
            ExitCode::from(credlink_harness::exit::FAILURE)
        }
    }
}
