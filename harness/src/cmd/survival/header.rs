//! What a run says of itself.

use std::collections::BTreeMap;

use credlink_harness::plan::Plan;
use credlink_harness::systems::About;
use credlink_harness::{machine, programs, versions};
use credlink_reports::RunHeader;
use credlink_reports::header::{ImageSetHeader, PipelineHeader};

use super::Shared;

/// The header of a run before it begins.
pub(super) fn described(shared: &Shared<'_>, plan: &Plan, system: &About) -> RunHeader {
    let args = shared.args;
    let header = shared.set.header();
    let mut versions = versions::all();
    versions.extend(programs::called(
        plan.pipelines.iter().map(|recipe| &**recipe),
    ));
    RunHeader {
        seed: args.seed,
        distractors: args.distractors,
        command_line: crate::cmd::command_line(),
        versions,
        machine: machine::describe(),
        system: system.header(),
        image_set: ImageSetHeader {
            name: header.name.clone(),
            kind: header.kind.to_owned(),
            digest: header.digest.clone(),
            seed: header.seed,
            files: header
                .files
                .unwrap_or(plan.signed.len() + plan.negatives.len()) as u64,
            rejected: header
                .rejected
                .iter()
                .map(|file| format!("{}: {}", file.path, file.why))
                .collect(),
        },
        settings: settings(shared, system),
        pipelines: plan
            .described()
            .into_iter()
            .map(owned(&shared.own_recipes))
            .collect(),
        carriers: system.names(),
        carrier_facts: system.facts(),
        ops_planned: plan.signed_ops + plan.negative_ops,
        partial: true,
        skipped: plan.shortfalls.clone(),
        ..RunHeader::default()
    }
}

/// Says of the user's own recipes, by the ids of their files, that they are.
fn owned(own: &[String]) -> impl Fn(PipelineHeader) -> PipelineHeader {
    |pipeline| {
        let is_own = |file: &String| {
            let rest = pipeline.id.strip_prefix(file.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
        };
        if own.iter().any(is_own) {
            PipelineHeader {
                title: format!("{} (your recipe)", pipeline.title),
                ..pipeline
            }
        } else {
            pipeline
        }
    }
}

/// Every setting that decides results, with the value that takes effect.
fn settings(shared: &Shared<'_>, system: &About) -> BTreeMap<String, String> {
    let mut settings = vec![("system".to_owned(), system.name.clone())];
    settings.extend(system.settings.iter().cloned());
    let distractors = shared.args.distractors.to_string();
    settings.push(("distractors".to_owned(), distractors));
    if shared.looks_closely {
        settings.push(("ssimulacra2".to_owned(), "of every signed file".to_owned()));
    }
    settings.into_iter().collect()
}
