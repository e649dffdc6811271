//! `credlink report`.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::{Context, Result, bail};
use credlink_harness::{exit, recipes};
use credlink_reports::beside::Portrait;
use credlink_reports::documents::DOCUMENTS;
use credlink_reports::formats::FORMATS;
use credlink_reports::gate::Gate;
use credlink_reports::plots::{PICTURES, PictureFormat, scenes};
use credlink_reports::{Report, RunDir};

use crate::cli::ReportArgs;

pub(crate) fn run(args: &ReportArgs) -> Result<u8> {
    let run = RunDir::open(&args.run)?;
    if let Some(gate) = &args.gate {
        keep_gate(gate, &run)?;
    }
    if let Some(other) = &args.beside {
        let other = RunDir::open(other)?;
        Portrait::of(&credlink_reports::load(&other)?)?.write(run.root())?;
    }
    let Some(name) = &args.format else {
        recipes::keep(&run, &run.read_header()?)?;
        let summary = credlink_reports::regenerate(&run)?;
        if !args.quiet {
            super::say(&summary.to_string())?;
            super::say(&format!(
                "report: {}",
                run.root().join("report.html").display()
            ))?;
        }
        return super::verdict(&run.read_header()?, &run);
    };
    let text = match PICTURES.iter().find(|picture| picture.extension == name) {
        Some(picture) => plotted(&run, picture, args.plot.as_deref())?,
        None if args.plot.is_some() => bail!("a plot cannot be written as {name}; say svg or png"),
        None => written(&Report::read(&run)?, name, args.table.as_deref())?.into_bytes(),
    };
    match &args.output {
        Some(path) => std::fs::write(path, text)
            .with_context(|| format!("failed to write {}", path.display()))?,
        None => match std::str::from_utf8(&text) {
            Ok(text) => super::say(text.trim_end_matches('\n'))?,
            // Bytes are for files and pipes: a terminal would take them for commands.
            Err(_) if std::io::stdout().is_terminal() => bail!("say --output FILE for a {name}"),
            Err(_) => std::io::stdout().lock().write_all(&text)?,
        },
    }
    Ok(exit::OK)
}

/// Copies a gate into a run directory, where reports find it.
pub(crate) fn keep_gate(gate: &Path, run: &RunDir) -> Result<()> {
    Gate::read(gate)?;
    let kept = run.root().join(credlink_reports::report::GATE);
    let bytes = super::read(gate)?;
    std::fs::write(&kept, bytes).with_context(|| format!("failed to write {}", kept.display()))
}

/// One picture of a run.
fn plotted(run: &RunDir, picture: &PictureFormat, plot: Option<&str>) -> Result<Vec<u8>> {
    let evidence = credlink_reports::load(run)?;
    let scenes = scenes(&evidence).map_err(|(name, error)| {
        anyhow::Error::from(error).context(format!("failed to lay out {name}"))
    })?;
    let found = scenes.iter().find(|(name, _)| Some(name.as_str()) == plot);
    let Some((_, scene)) = found else {
        let names: Vec<&str> = scenes.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(", ");
        match plot {
            Some(id) => bail!("no plot is called `{id}`; there are {names}"),
            None => bail!("name the plot with --plot: {names}"),
        }
    };
    Ok((picture.paint)(scene)?)
}

fn written(report: &Report, name: &str, table: Option<&str>) -> Result<String> {
    let format = FORMATS.iter().find(|format| format.name == name);
    if let Some(id) = table {
        let Some(format) = format else {
            bail!("a single table cannot be written as {name}; leave --table out");
        };
        let Some(table) = report.table(id) else {
            let ids: Vec<&str> = report
                .tables
                .iter()
                .map(|table| table.id.as_str())
                .collect();
            bail!("no table is called `{id}`; there are {}", ids.join(", "));
        };
        return Ok((format.render)(table));
    }
    if let Some(document) = DOCUMENTS.iter().find(|document| document.name == name) {
        return Ok((document.render)(report)?);
    }
    match format {
        Some(format) if format.name == "csv" => {
            bail!("a CSV file holds one table; name it with --table")
        }
        Some(format) => {
            let tables = report.tables.iter().map(|table| (format.render)(table));
            Ok(tables.collect::<Vec<_>>().join("\n"))
        }
        None => bail!("no format is called `{name}`"),
    }
}
