//! CSV (RFC 4180 quoting, line feeds) for spreadsheets and scripts: figures unrounded, one figure a column, an
//! empty field where nothing was measured.

use super::Format;
use crate::stats::Rate;
use crate::tables::{Column, Kind, Table, Value};

pub(super) const FORMAT: Format = Format {
    name: "csv",
    extension: "csv",
    about: "unrounded figures for spreadsheets and scripts; notes are left out",
    render,
};

/// Columns that a rate takes, as suffixes of its key.
const RATE: [&str; 6] = ["k", "n", "rate", "low", "high", "provisional"];

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
        Kind::Text | Kind::Count => vec![column.key.clone()],
        Kind::Nanos => vec![with("ns")],
        Kind::Rate => RATE.map(with).to_vec(),
        Kind::Counts(names) => names.iter().map(|name| with(name)).collect(),
    }
}

fn fields(kind: &Kind, value: &Value) -> Vec<String> {
    match value {
        Value::Text(words) => vec![words.clone()],
        Value::Count(number) | Value::Nanos(number) => vec![number.to_string()],
        Value::Counts(numbers) => numbers.iter().map(u64::to_string).collect(),
        Value::Rate(rate) => rate_fields(*rate),
        Value::NotMeasured | Value::TooFew | Value::NotApplicable => match kind {
            Kind::Text | Kind::Count | Kind::Nanos => vec![String::new()],
            Kind::Rate => rate_fields(Rate::default()),
            Kind::Counts(names) => vec![String::new(); names.len()],
        },
    }
}

fn rate_fields(rate: Rate) -> Vec<String> {
    let figure = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let interval = rate.interval();
    vec![
        rate.k.to_string(),
        rate.n.to_string(),
        figure(rate.value()),
        figure(interval.map(|bounds| bounds.low)),
        figure(interval.map(|bounds| bounds.high)),
        rate.is_provisional().to_string(),
    ]
}

pub(crate) fn record(text: &mut String, fields: impl Iterator<Item = String>) {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&quoted(field));
    }
    text.push('\n');
}

/// Quotes what would break a record (RFC 4180, section 2), and defuses names that a spreadsheet would run as
/// a formula, with the leading apostrophe that spreadsheets take for "this is text". Numbers of ours never
/// begin like a formula.
fn quoted(field: String) -> String {
    let field = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{field}")
    } else {
        field
    };
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}
