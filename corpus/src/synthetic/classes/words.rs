//! Filler text: short common words in random order, so that pages look like pages and no two are alike.

use crate::draws::Draws;

const WORDS: [&str; 96] = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "by",
    "on",
    "not",
    "from",
    "at",
    "this",
    "are",
    "or",
    "an",
    "have",
    "which",
    "one",
    "were",
    "all",
    "their",
    "has",
    "when",
    "will",
    "image",
    "signal",
    "report",
    "number",
    "market",
    "river",
    "window",
    "letter",
    "paper",
    "winter",
    "garden",
    "station",
    "morning",
    "measure",
    "result",
    "between",
    "method",
    "question",
    "council",
    "harbour",
    "engine",
    "weather",
    "history",
    "journey",
    "account",
    "balance",
    "section",
    "figure",
    "value",
    "under",
    "before",
    "after",
    "public",
    "service",
    "record",
    "total",
    "annual",
    "open",
    "light",
    "colour",
    "north",
    "bridge",
    "village",
    "evening",
    "paragraph",
    "chapter",
    "silver",
    "mountain",
    "season",
    "supply",
    "region",
    "growth",
    "survey",
    "people",
    "system",
    "during",
    "without",
    "around",
    "almost",
    "certain",
    "common",
    "simple",
    "modern",
    "quiet",
];

/// One word.
pub(crate) fn word(draws: &mut Draws) -> &'static str {
    draws.pick(&WORDS)
}

/// `n` words, the first with a capital letter.
pub(crate) fn title(draws: &mut Draws, n: usize) -> String {
    let text = (0..n).map(|_| word(draws)).collect::<Vec<_>>().join(" ");
    let mut letters = text.chars();
    letters
        .next()
        .map(|c| c.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// A number as tables print them.
pub(crate) fn figure(draws: &mut Draws) -> String {
    match draws.below(3) {
        0 => format!("{}", draws.below(1000)),
        1 => format!("{}.{}", draws.below(100), draws.below(10)),
        _ => format!("{},{:03}", draws.below(90) + 1, draws.below(1000)),
    }
}
