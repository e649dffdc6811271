//! What is known from files that platforms wrote, as a document: recipe by recipe, platform by platform, and where files say what no
//! recipe does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::evidence::{self, Seen};
use crate::recipe::{Recipe, Source};

/// What files of one platform have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    platform: &'static str,
    format: &'static str,
    quality: &'static str,
    sampling: &'static str,
    scans: &'static str,
}

impl Look {
    fn of(seen: &'static Seen) -> Self {
        Self {
            platform: &seen.platform,
            format: &seen.format,
            quality: &seen.quality,
            sampling: &seen.sampling,
            scans: seen.scans.split(':').next().unwrap_or_default(),
        }
    }

    /// In words, without the platform.
    fn words(&self) -> String {
        let scans = match self.scans {
            "prog" => "progressive",
            "base" => "baseline",
            other => other,
        };
        let quality = match self.quality {
            "" => String::new(),
            quality => format!("quality {quality}"),
        };
        let parts = [self.format, &quality, self.sampling, scans];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }
}

/// Files that look alike, and who rests on each of them.
#[derive(Default)]
struct Group {
    files: Vec<&'static Seen>,
    resting: BTreeSet<String>,
    /// Those on which no recipe rests.
    alone: Vec<&'static Seen>,
}

/// The years of some files.
fn years(files: &[&Seen]) -> String {
    let years = || files.iter().map(|seen| seen.year);
    match (years().min(), years().max()) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (first, _) => first.map_or_else(String::new, |year| year.to_string()),
    }
}

fn repositories(files: &[&Seen]) -> usize {
    let names: BTreeSet<&str> = files.iter().map(|seen| seen.repository.as_str()).collect();
    names.len()
}

/// The long sides of some files, pixels.
fn long_sides(files: &[&Seen]) -> String {
    let sides = || files.iter().map(|seen| seen.size.0.max(seen.size.1));
    match (sides().min(), sides().max()) {
        (Some(least), Some(most)) if least != most => format!("{least} to {most}"),
        (side, _) => side.map_or_else(String::new, |side| side.to_string()),
    }
}

/// A recipe that rests on files, and these.
type Resting<'a> = (&'a Arc<Recipe>, Vec<&'static Seen>);

/// The recipes that rest on files, and the files of each.
fn resting(catalogue: &Catalogue) -> Result<Vec<Resting<'_>>, String> {
    let mut found = Vec::new();
    for recipe in catalogue.iter() {
        let mut files = Vec::new();
        for selection in recipe
            .sources
            .iter()
            .filter_map(|source| source.observed.as_ref())
        {
            files.extend(selection.rows()?);
        }
        if !files.is_empty() {
            found.push((recipe, files));
        }
    }
    Ok(found)
}

/// The document.
///
/// # Errors
/// In words, where the file of evidence cannot be read.
pub fn document(catalogue: &Catalogue) -> Result<String, String> {
    let all = evidence::all()?;
    let resting = resting(catalogue)?;
    let mut groups: BTreeMap<Look, Group> = BTreeMap::new();
    for seen in all {
        let group = groups.entry(Look::of(seen)).or_default();
        group.files.push(seen);
        let mut rests = false;
        for (recipe, files) in &resting {
            if files.iter().any(|file| std::ptr::eq(*file, seen)) {
                group.resting.insert(recipe.id.clone());
                rests = true;
            }
        }
        if !rests {
            group.alone.push(seen);
        }
    }
    let files: Vec<&Seen> = all.iter().collect();
    let alone: usize = groups.values().map(|group| group.alone.len()).sum();
    let mut text = format!(
        "# What files of platforms say\n\n\
         Made by `credlink pipelines observed` from `transforms/evidence/observed.tsv` and the recipes; change these, not this page.\n\n\
         {} files that platforms wrote, found in {} public repositories, of the years {}; measured from their headers and tables, and no \
         picture was kept. {} pipelines rest on {} of them, and none on the other {alone}, which are named below. Files of one \
         repository are often one person's. A recipe that one of its own files contradicts does not load.\n",
        files.len(),
        repositories(&files),
        years(&files),
        resting.len(),
        files.len() - alone,
    );
    by_recipe(&mut text, &resting);
    by_platform(&mut text, &groups);
    contradictions(&mut text, &groups, &resting)?;
    Ok(text)
}

/// One line for each source of a recipe that is files.
fn by_recipe(text: &mut String, resting: &[Resting<'_>]) {
    text.push_str(
        "\n## By recipe\n\n| pipeline | holds | files | what they back | also rests on |\n|---|---|---|---|---|\n",
    );
    for (recipe, _) in resting {
        let years = match recipe.years_in_words() {
            years if years.is_empty() => "open".to_owned(),
            years => years,
        };
        let others = recipe
            .sources
            .iter()
            .filter(|source| source.observed.is_none());
        let mut others: Vec<String> = others
            .map(|source| format!("a source of grade {}", source.grade.letter()))
            .collect();
        others.dedup();
        if !recipe.assumed.is_empty() {
            others.push(format!("assumed: {}", recipe.assumed.join(", ")));
        }
        for source in recipe
            .sources
            .iter()
            .filter(|source| source.observed.is_some())
        {
            let _ = writeln!(
                text,
                "| `{}` | {years} | {} | {} | {} |",
                recipe.id,
                platform(source),
                source.backs.join(", "),
                others.join("; ")
            );
        }
    }
}

/// The platform of a source that is files, and how many.
fn platform(source: &Source) -> String {
    let platform = source.observed.as_ref();
    let platform = platform.map_or("", |selection| selection.platform.as_str());
    format!("{platform}: {}", source.extent_in_words())
}

fn by_platform(text: &mut String, groups: &BTreeMap<Look, Group>) {
    text.push_str("\n## By platform\n");
    let mut platform = "";
    for (look, group) in groups {
        if look.platform != platform {
            platform = look.platform;
            let of = groups.iter().filter(|(look, _)| look.platform == platform);
            let files: Vec<&Seen> = of
                .flat_map(|(_, group)| group.files.iter().copied())
                .collect();
            let _ = write!(
                text,
                "\n### {platform}\n\n{} of {}, {}.\n\n| seen | files | repositories | years | long side, px | pipelines that rest on them |\n\
                 |---|--:|--:|---|---|---|\n",
                counted(files.len(), "file", "files"),
                counted(repositories(&files), "repository", "repositories"),
                years(&files)
            );
        }
        let resting: Vec<String> = group.resting.iter().map(|id| format!("`{id}`")).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            look.words(),
            group.files.len(),
            repositories(&group.files),
            years(&group.files),
            long_sides(&group.files),
            if resting.is_empty() {
                "none".to_owned()
            } else {
                resting.join(", ")
            }
        );
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Files on which no recipe rests, beside what the recipes of their platform say instead.
fn contradictions(
    text: &mut String,
    groups: &BTreeMap<Look, Group>,
    resting: &[Resting<'_>],
) -> Result<(), String> {
    text.push_str(
        "\n## Contradictions\n\nFiles on which no recipe rests, and what the recipes that rest on other files of the same platform would \
         have written. A file may have been saved again by whoever had it, or be of a year, app or kind of upload that has no recipe.\n",
    );
    for (look, group) in groups.iter().filter(|(_, group)| !group.alone.is_empty()) {
        let _ = write!(
            text,
            "\n**{}: {}**, {} of {}, {}",
            look.platform,
            look.words(),
            counted(group.alone.len(), "file", "files"),
            counted(repositories(&group.alone), "repository", "repositories"),
            years(&group.alone)
        );
        let notes: BTreeSet<&str> = group
            .alone
            .iter()
            .map(|seen| seen.note.as_str())
            .filter(|note| !note.is_empty())
            .collect();
        if !notes.is_empty() {
            let notes: Vec<&str> = notes.into_iter().take(3).collect();
            let _ = write!(text, " ({})", notes.join("; "));
        }
        text.push_str("\n\n");
        let mut said = 0;
        for (recipe, _) in resting {
            let selections = recipe
                .sources
                .iter()
                .filter_map(|source| source.observed.as_ref());
            if !selections
                .clone()
                .any(|selection| selection.platform == look.platform)
            {
                continue;
            }
            said += 1;
            let _ = writeln!(
                text,
                "- `{}`: {}",
                recipe.id,
                instead(recipe, &group.alone)?
            );
        }
        if said == 0 {
            text.push_str("- no recipe rests on files of this platform\n");
        }
    }
    Ok(())
}

/// What a recipe says where these files say something else.
fn instead(recipe: &Recipe, files: &[&'static Seen]) -> Result<String, String> {
    let (since, until) = recipe.years;
    let holds = |seen: &&&Seen| {
        since.is_none_or(|since| seen.year >= since) && until.is_none_or(|until| seen.year <= until)
    };
    let of_its_years: Vec<&Seen> = files.iter().filter(holds).copied().collect();
    if of_its_years.is_empty() {
        return Ok(format!(
            "holds {}, and these are of other years",
            recipe.years_in_words()
        ));
    }
    let reasons: BTreeSet<String> = recipe
        .differences_from(&of_its_years)?
        .into_iter()
        .flatten()
        .collect();
    let mut reasons: Vec<String> = reasons.into_iter().collect();
    let more = reasons.len().saturating_sub(2);
    reasons.truncate(2);
    if more > 0 {
        reasons.push(format!("{more} more"));
    }
    Ok(if reasons.is_empty() {
        "nothing in its sources says otherwise, and they do not name these".to_owned()
    } else {
        reasons.join("; ")
    })
}
