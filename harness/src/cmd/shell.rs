//! `credlink completions` and `credlink man`.

use std::collections::BTreeSet;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory as _};
use credlink_harness::exit;
use credlink_transforms::catalogue::Catalogue;

use crate::cli::{Cli, CompletionsArgs, ManArgs};

pub(crate) fn completions(args: &CompletionsArgs) -> Result<u8> {
    let mut text = Vec::new();
    let mut command = with_pipelines(Cli::command(), &pipelines()?);
    clap_complete::generate(args.shell, &mut command, "credlink", &mut text);
    super::say(String::from_utf8(text)?.trim_end())?;
    Ok(exit::OK)
}

/// Every name that a pipeline can be chosen by: ids, families, files of several variants, sets.
fn pipelines() -> Result<Vec<&'static str>> {
    let catalogue = Catalogue::embedded()?;
    let mut names = BTreeSet::from(["all".to_owned(), "core".to_owned()]);
    for recipe in catalogue.iter() {
        names.extend([&recipe.id, &recipe.file, &recipe.family].map(String::clone));
    }
    // The values of an argument live as long as the program.
    let names = names.into_iter().map(|name| &*name.leak());
    Ok(names.collect())
}

/// The commands with the pipelines as values of the arguments that take some. Only scripts are made from it: what is typed
/// may be a list, and a mistyped name gets a better answer than a list of hundreds.
fn with_pipelines(command: Command, names: &[&'static str]) -> Command {
    const TAKERS: [(&[&str], &str); 5] = [
        (&["survival"], "pipelines"),
        (&["apply"], "pipelines"),
        (&["pipelines"], "select"),
        (&["pipelines", "show"], "id"),
        (&["pipelines", "calibrate"], "id"),
    ];
    fn within(
        command: Command,
        path: &[&str],
        argument: &'static str,
        names: &[&'static str],
    ) -> Command {
        match path {
            [] => command.mut_arg(argument, |taker| {
                taker.value_parser(PossibleValuesParser::new(names.to_vec()))
            }),
            [first, rest @ ..] => {
                command.mut_subcommand(*first, |inner| within(inner, rest, argument, names))
            }
        }
    }
    TAKERS
        .into_iter()
        .fold(command, |command, (path, argument)| {
            within(command, path, argument, names)
        })
}

pub(crate) fn man(args: &ManArgs) -> Result<u8> {
    std::fs::create_dir_all(&args.folder)?;
    clap_mangen::generate_to(Cli::command(), &args.folder)?;
    super::say(&format!("written: man pages in {}", args.folder.display()))?;
    Ok(exit::OK)
}
