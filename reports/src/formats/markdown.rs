//! Markdown with GitHub's tables, for people.

use super::Format;
use crate::figures::{NOT_MEASURED, bounded, count, duration, measured, number};
use crate::stats::{Bounded, Measured};
use crate::table::{Kind, Table, Value};

pub(super) const FORMAT: Format = Format {
    name: "markdown",
    extension: "md",
    about: "tables for people, as GitHub and most editors show them",
    render,
};

fn render(table: &Table) -> String {
    let mut text = format!("# {}\n\n", line(&table.title));
    row(
        &mut text,
        table.columns.iter().map(|column| escaped(&column.title)),
    );
    row(
        &mut text,
        table.columns.iter().map(|column| match column.kind {
            Kind::Text | Kind::Counts(_) => "---".to_owned(),
            Kind::Count
            | Kind::Rate
            | Kind::Bound
            | Kind::Number(_)
            | Kind::Estimate(_)
            | Kind::Nanos => "---:".to_owned(),
        }),
    );
    for values in &table.rows {
        let cells = table.columns.iter().zip(values);
        row(
            &mut text,
            cells.map(|(column, value)| escaped(&cell(&column.kind, value))),
        );
    }
    for note in &table.notes {
        text.push_str("\n- ");
        text.push_str(&escaped(note));
    }
    if !table.notes.is_empty() {
        text.push('\n');
    }
    text
}

fn row(text: &mut String, cells: impl Iterator<Item = String>) {
    text.push('|');
    for cell in cells {
        text.push(' ');
        text.push_str(&cell);
        text.push_str(" |");
    }
    text.push('\n');
}

pub(crate) fn cell(kind: &Kind, value: &Value) -> String {
    match (value, kind) {
        (Value::Text(words), _) => words.clone(),
        (Value::Count(number), _) => count(*number),
        (Value::Rate(rate, interval), _) => measured(Measured {
            rate: *rate,
            interval: Some(*interval),
        }),
        (Value::Bound(rate, upper), _) => bounded(Bounded {
            rate: *rate,
            upper: Some(*upper),
        }),
        (Value::Number(value), Kind::Number(unit)) => number(*value, *unit),
        (Value::Estimate(value, interval), Kind::Estimate(unit)) => {
            let digits = unit.decimals;
            format!(
                "{} [{:.digits$}, {:.digits$}]",
                number(*value, *unit),
                interval.low,
                interval.high
            )
        }
        (Value::Number(value) | Value::Estimate(value, _), _) => value.to_string(),
        (Value::Nanos(nanos), _) => duration(*nanos),
        (Value::Counts(numbers), Kind::Counts(names)) => {
            let present: Vec<String> = names
                .iter()
                .zip(numbers)
                .filter(|(_, number)| **number > 0)
                .map(|(name, number)| format!("{name} {}", count(*number)))
                .collect();
            if present.is_empty() {
                NOT_MEASURED.to_owned()
            } else {
                present.join(", ")
            }
        }
        (Value::Counts(_) | Value::NotMeasured, _) => NOT_MEASURED.to_owned(),
        (Value::TooFew, _) => "too few".to_owned(),
        (Value::NotApplicable, _) => "–".to_owned(),
    }
}

/// Names come from strangers' file systems and recipes: a pipe would end the cell, a line break the row, and
/// the others would start markup. Text in backticks is ours and stays code.
pub(crate) fn escaped(text: &str) -> String {
    let is_code = text.len() > 2 && text.starts_with('`') && text.ends_with('`');
    let mut safe = String::with_capacity(text.len());
    for c in line(text).chars() {
        match c {
            '`' if is_code => safe.push(c),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // An asterisk after a bracket marks a provisional rate, and a literal one is wanted there too.
            '|' | '\\' | '`' | '*' => safe.extend(['\\', c]),
            _ => safe.push(c),
        }
    }
    safe
}

/// Line breaks and other control characters as spaces.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .collect()
}
