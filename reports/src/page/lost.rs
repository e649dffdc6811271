//! What was lost, with an example and a sentence for each kind, and what the pipelines do.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::gallery::Stripped;
use crate::losses::LossGroup;
use crate::recipes::SourceFacts;
use crate::report::Report;

/// Kinds of lost ops that the page lists; the rest is in `report.json`.
const MOST_GROUPS: usize = 60;

/// Text of recipes that a page takes: those of the default run and three times as many. The rest is one command away.
const MOST_RECIPE_BYTES: usize = 256 << 10;

/// One kind of loss.
#[derive(Serialize)]
pub(super) struct Loss {
    group: LossGroup,
    /// Which step took what, where all examples of the pipeline agree; empty otherwise.
    taken: String,
    /// Whether the carriers said the same in all ops of the group.
    all_alike: bool,
    /// The op of the gallery that shows such a loss; empty if none does.
    exhibit: String,
}

/// The kinds that are listed, worst first, and how many more there are.
pub(super) fn losses(report: &Report) -> (Vec<Loss>, usize) {
    let takers = takers(report);
    let shown = report.found.iter().take(MOST_GROUPS).map(|group| {
        let exhibits = report.gallery.exhibits.iter();
        let mut alike = exhibits.filter(|exhibit| {
            exhibit.pipeline == group.pipeline && exhibit.outcome == group.outcome
        });
        Loss {
            taken: takers
                .get(group.pipeline.as_str())
                .cloned()
                .unwrap_or_default(),
            all_alike: group.alike == group.n,
            exhibit: alike
                .next()
                .filter(|_| group.trial == credlink_trial_record::Trial::Signed)
                .map_or_else(String::new, |exhibit| exhibit.op.to_string()),
            group: group.clone(),
        }
    });
    (
        shown.collect(),
        report.found.len().saturating_sub(MOST_GROUPS),
    )
}

/// By pipeline which step takes what from a file, where every example that lost something says the same.
fn takers(report: &Report) -> BTreeMap<&str, String> {
    let mut said: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for exhibit in &report.gallery.exhibits {
        let words = taken(&exhibit.stripped);
        if words.is_empty() {
            continue;
        }
        let known = said
            .entry(&exhibit.pipeline)
            .or_insert_with(|| Some(words.clone()));
        if known.as_ref() != Some(&words) {
            *known = None;
        }
    }
    let agreed = said.into_iter();
    agreed
        .filter_map(|(pipeline, words)| Some((pipeline, words?)))
        .collect()
}

/// Which steps took what: `Step 4, save, took the C2PA manifest and XMP.`
pub(super) fn taken(stripped: &[Stripped]) -> String {
    let sentences = stripped.iter().map(|stop| {
        let gone = match stop.gone.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, before)) => format!("{} and {last}", before.join(", ")),
            None => "nothing".to_owned(),
        };
        format!("Step {}, {}, takes {gone}.", stop.number, stop.step)
    });
    sentences.collect::<Vec<_>>().join(" ")
}

/// What one pipeline does.
#[derive(Serialize)]
pub(super) struct RecipeWords {
    /// Its place among the run's pipelines, which links lead to.
    index: usize,
    id: String,
    title: String,
    grade: String,
    analysis: String,
    years: String,
    steps: Vec<String>,
    sources: Vec<SourceFacts>,
    assumed: String,
}

impl RecipeWords {
    pub(super) fn index(&self) -> usize {
        self.index
    }
}

/// The recipes of the run, in the header's order, and how many are not shown.
pub(super) fn recipes(report: &Report) -> (Vec<RecipeWords>, usize) {
    let mut room = MOST_RECIPE_BYTES;
    let pipelines = &report.evidence.header().pipelines;
    let mut shown = Vec::new();
    for (index, pipeline) in pipelines.iter().enumerate() {
        let Some(recipe) = report.recipes.of(&pipeline.id, &pipeline.digest) else {
            continue;
        };
        let texts = recipe.steps.iter().chain([&recipe.analysis]);
        let sources = recipe.sources.iter().map(|source| source.cite.len());
        let size = texts.map(String::len).chain(sources).sum();
        let Some(left) = room.checked_sub(size) else {
            continue;
        };
        room = left;
        shown.push(RecipeWords {
            index,
            id: pipeline.id.clone(),
            title: pipeline.title.clone(),
            grade: pipeline.grade.clone(),
            analysis: recipe.analysis.clone(),
            years: recipe.years.clone(),
            steps: recipe.steps.clone(),
            sources: recipe.sources.clone(),
            assumed: recipe.assumed.join(", "),
        });
    }
    let left_out = pipelines.len() - shown.len();
    (shown, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_took_is_a_sentence() {
        let stop = |number, step: &str, gone: &[&str]| Stripped {
            number,
            step: step.to_owned(),
            gone: gone.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(taken(&[]), "");
        assert_eq!(
            taken(&[
                stop(2, "jpeg", &["EXIF", "XMP", "C2PA manifest"]),
                stop(4, "webp", &["colour profile"])
            ]),
            "Step 2, jpeg, takes EXIF, XMP and C2PA manifest. Step 4, webp, takes colour profile."
        );
    }
}
