//! The settings of a run that decide its results, and how those of two runs differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::header::RunHeader;

/// Options that decide where a run lies, how it is shown or how large it is, and not what becomes of an op.
const HARMLESS: [&str; 16] = [
    "events",
    "format",
    "gate",
    "images",
    "json",
    "keys",
    "no-report",
    "ops",
    "out",
    "pipelines",
    "quiet",
    "seed",
    "synthetic",
    "threads",
    "verbose",
    "yes",
];

/// What decides results besides images, recipes and carriers. A header that does not say it is asked for the options that
/// were typed.
pub(crate) fn effective(header: &RunHeader) -> BTreeMap<String, String> {
    let mut settings = if header.settings.is_empty() {
        typed(&header.command_line)
    } else {
        header.settings.clone()
    };
    settings.insert("distractors".to_owned(), header.distractors.to_string());
    settings
}

/// Options of a command line, by name without dashes.
fn typed(words: &[String]) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let mut words = words.iter().skip(1).peekable();
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix("--") else {
            continue;
        };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => {
                let value = words.next_if(|next| !next.starts_with('-'));
                (option, value.cloned().unwrap_or_else(|| "yes".to_owned()))
            }
        };
        if !HARMLESS.contains(&name) {
            options.insert(name.to_owned(), value);
        }
    }
    options
}

/// How the settings of two runs differ, one fragment a setting: `watermark: on and off`.
pub(crate) fn differences(before: &RunHeader, after: &RunHeader) -> Vec<String> {
    if before.settings.is_empty() != after.settings.is_empty() {
        let silent = if before.settings.is_empty() {
            before
        } else {
            after
        };
        return vec![format!(
            "settings: the header of {} does not say them",
            silent.id
        )];
    }
    let (here, there) = (effective(before), effective(after));
    let names: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
    let differing = names
        .into_iter()
        .filter(|name| here.get(*name) != there.get(*name));
    let value = |settings: &BTreeMap<String, String>, name: &String| {
        settings
            .get(name)
            .cloned()
            .unwrap_or_else(|| "not set".to_owned())
    };
    differing
        .map(|name| {
            format!(
                "setting {name}: {} and {}",
                value(&here, name),
                value(&there, name)
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_results_is_told_from_what_does_not() {
        let words =
            "credlink survival --ops 100 --out=here --no-watermark --effort thorough --threads 2";
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let expected = [("effort", "thorough"), ("no-watermark", "yes")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(typed(&words), expected.into());
    }
}
