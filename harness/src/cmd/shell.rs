//! `credlink completions` and `credlink man`.

use anyhow::Result;
use clap::CommandFactory as _;
use credlink_harness::exit;

use crate::cli::{Cli, CompletionsArgs, ManArgs};

pub(crate) fn completions(args: &CompletionsArgs) -> Result<u8> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "credlink", &mut text);
    super::say(String::from_utf8(text)?.trim_end())?;
    Ok(exit::OK)
}

pub(crate) fn man(args: &ManArgs) -> Result<u8> {
    std::fs::create_dir_all(&args.folder)?;
    clap_mangen::generate_to(Cli::command(), &args.folder)?;
    super::say(&format!("written: man pages in {}", args.folder.display()))?;
    Ok(exit::OK)
}
