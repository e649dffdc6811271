//! CSV (RFC 4180 quoting, line feeds) for spreadsheets and scripts: figures unrounded, one figure a column, an
//! empty field where nothing was measured.

use super::Format;
use crate::printable;
use crate::stats::{Interval, Rate};
use crate::table::{Column, Kind, Table, Value};

pub(super) const FORMAT: Format = Format {
    name: "csv",
    extension: "csv",
    about: "unrounded figures for spreadsheets and scripts; notes are left out",
    render,
};

/// Columns that a rate takes, as suffixes of its key.
const RATE: [&str; 6] = ["k", "n", "rate", "low", "high", "provisional"];
/// Columns that a count of failures takes; `upper` is the one-sided 95 % bound.
const BOUND: [&str; 4] = ["k", "n", "rate", "upper"];

fn render(table: &Table) -> String {
    let mut text = String::new();
    record(&mut text, table.columns.iter().flat_map(header));
    for values in &table.rows {
        let cells = table.columns.iter().zip(values);
        record(
            &mut text,
            cells.flat_map(|(column, value)| fields(&column.kind, value)),
        );
    }
    text
}

fn header(column: &Column) -> Vec<String> {
    let with = |suffix: &str| format!("{}_{suffix}", column.key);
    match &column.kind {
        Kind::Text | Kind::Count | Kind::Number(_) => vec![column.key.clone()],
        Kind::Estimate(_) => vec![column.key.clone(), with("low"), with("high")],
        Kind::Bound => BOUND.map(with).to_vec(),
        Kind::Nanos => vec![with("ns")],
        Kind::Rate => RATE.map(with).to_vec(),
        Kind::Counts(names) => names.iter().map(|name| with(name)).collect(),
    }
}

/// Words that may hold the name of a stranger's file: no control characters, and no formula for a spreadsheet, which takes
/// what begins like one for one.
fn harmless(words: &str) -> String {
    let shown = printable(words);
    if shown.starts_with(['=', '+', '-', '@', '\t']) {
        format!("'{shown}")
    } else {
        shown.into_owned()
    }
}

fn fields(kind: &Kind, value: &Value) -> Vec<String> {
    match value {
        Value::Text(words) => vec![harmless(words)],
        Value::Count(number) | Value::Nanos(number) => vec![number.to_string()],
        Value::Counts(numbers) => numbers.iter().map(u64::to_string).collect(),
        Value::Rate(rate, interval) => rate_fields(*rate, Some(*interval)),
        Value::Bound(rate, upper) => bound_fields(*rate, Some(*upper)),
        Value::Number(number) => vec![number.to_string()],
        Value::Estimate(number, interval) => {
            vec![
                number.to_string(),
                interval.low.to_string(),
                interval.high.to_string(),
            ]
        }
        Value::NotMeasured | Value::TooFew | Value::NotApplicable => match kind {
            Kind::Text | Kind::Count | Kind::Nanos | Kind::Number(_) => vec![String::new()],
            Kind::Estimate(_) => vec![String::new(); 3],
            Kind::Rate => rate_fields(Rate::default(), None),
            Kind::Bound => bound_fields(Rate::default(), None),
            Kind::Counts(names) => vec![String::new(); names.len()],
        },
    }
}

fn figure(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn rate_fields(rate: Rate, interval: Option<Interval>) -> Vec<String> {
    vec![
        rate.k.to_string(),
        rate.n.to_string(),
        figure(rate.value()),
        figure(interval.map(|bounds| bounds.low)),
        figure(interval.map(|bounds| bounds.high)),
        rate.is_provisional().to_string(),
    ]
}

fn bound_fields(rate: Rate, upper: Option<f64>) -> Vec<String> {
    vec![
        rate.k.to_string(),
        rate.n.to_string(),
        figure(rate.value()),
        figure(upper),
    ]
}

pub(crate) fn record(text: &mut String, fields: impl Iterator<Item = String>) {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            text.push(',');
        }
        quoted(text, &field);
    }
    text.push('\n');
}

/// Quotes what would break a record (RFC 4180, section 2), and defuses names that a spreadsheet would run as
/// a formula, with the leading apostrophe that spreadsheets take for "this is text". Numbers of ours never
/// begin like a formula.
pub(crate) fn quoted(text: &mut String, field: &str) {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let defused = if is_formula { "'" } else { "" };
    if field.contains([',', '"', '\n', '\r']) {
        text.push('"');
        text.push_str(defused);
        text.push_str(&field.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(defused);
        text.push_str(field);
    }
}
