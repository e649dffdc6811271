//! `credlink docs`.

use anyhow::{Context, Result};
use credlink_harness::exit;
use credlink_reports::docs::{Results, SUMMARY, update};
use credlink_reports::head_to_head::{HeadToHead, document};
use credlink_reports::{Report, RunDir, catalogue, durability};

use crate::cli::DocsArgs;

pub(crate) fn run(args: &DocsArgs) -> Result<u8> {
    if let Some(run) = &args.catalogue {
        let results = catalogue::results(&Report::read(&RunDir::open(run)?)?)?;
        results.write(&args.repository.join(catalogue::SUMMARY))?;
    }
    if !args.durability.is_empty() {
        let runs = args.durability.iter();
        let reports = runs.map(|run| anyhow::Ok(Report::read(&RunDir::open(run)?)?));
        let results = durability::results(&reports.collect::<Result<Vec<_>>>()?)?;
        results.write(&args.repository.join(durability::SUMMARY))?;
    }
    if !args.systems.is_empty() {
        let contests = args.systems.iter().map(|dir| HeadToHead::read(dir));
        let contests = contests.collect::<Result<Vec<_>, _>>()?;
        document::results(&contests)?.write(&args.repository.join(document::SUMMARY))?;
    }
    let summary = args.repository.join(SUMMARY);
    let results = match &args.from {
        Some(run) => {
            let results = Results::of(&Report::read(&RunDir::open(run)?)?)?;
            results.write(&summary)?;
            results
        }
        None => Results::read(&summary).with_context(|| {
            format!(
                "{} is the repository? see --repository",
                args.repository.display()
            )
        })?,
    };
    let mut differing = update(&results, &args.repository, args.check)?;
    differing.extend(catalogue::update(&args.repository, args.check)?);
    differing.extend(durability::update(&args.repository, args.check)?);
    differing.extend(document::update(&args.repository, args.check)?);
    if args.json {
        let document = serde_json::json!({
            "run": results.run,
            "checked": args.check,
            "differing": differing,
        });
        super::say(&format!("{document:#}"))?;
        let is_wrong = args.check && !differing.is_empty();
        return Ok(if is_wrong { exit::DIFFERS } else { exit::OK });
    }
    if differing.is_empty() {
        super::say("the documentation is as its summary says")?;
        return Ok(exit::OK);
    }
    for path in &differing {
        let verb = if args.check { "differs" } else { "written" };
        super::say(&format!("{verb}: {}", path.display()))?;
    }
    if args.check {
        super::complain("run `credlink docs` to write them anew");
        return Ok(exit::DIFFERS);
    }
    Ok(exit::OK)
}

#[cfg(test)]
mod tests {
    use credlink_transforms::catalogue::Catalogue;

    #[test]
    fn the_catalogue_has_what_the_page_on_durability_is_about() -> anyhow::Result<()> {
        let catalogue = Catalogue::embedded()?;
        for pipeline in credlink_reports::durability::pipelines() {
            let sweep = catalogue.select(pipeline);
            assert!(sweep.len() > 3, "{pipeline}: {}", sweep.len());
        }
        Ok(())
    }
}
