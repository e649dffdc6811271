//! JSON for programs: numbers as numbers, `null` where nothing was measured, columns by their key.

use serde_json::{Map, Value as Json, json};

use super::Format;
use crate::stats::{Interval, Rate};
use crate::table::{Kind, Table, Value};

pub(super) const FORMAT: Format = Format {
    name: "json",
    extension: "json",
    about: "numbers for programs: rates with k, n and interval, times in nanoseconds, null where nothing was measured",
    render,
};

pub(crate) fn render(table: &Table) -> String {
    let columns: Vec<Json> = table
        .columns
        .iter()
        .map(|column| json!({ "key": column.key, "title": column.title, "kind": kind(&column.kind) }))
        .collect();
    let rows: Vec<Json> = table
        .rows
        .iter()
        .map(|values| {
            let fields = table.columns.iter().zip(values);
            Json::Object(
                fields
                    .map(|(column, value)| (column.key.clone(), figure(&column.kind, value)))
                    .collect(),
            )
        })
        .collect();
    let document = json!({
        "table": table.id,
        "title": table.title,
        "columns": columns,
        "rows": rows,
        "notes": table.notes,
    });
    format!("{document:#}\n")
}

fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Count => "count",
        Kind::Rate => "rate",
        Kind::Bound => "bound",
        Kind::Number(_) => "number",
        Kind::Estimate(_) => "estimate",
        Kind::Nanos => "nanoseconds",
        Kind::Counts(_) => "counts",
    }
}

fn figure(kind: &Kind, value: &Value) -> Json {
    match (value, kind) {
        (Value::Text(words), _) => json!(words),
        (Value::Count(number) | Value::Nanos(number), _) => json!(number),
        (Value::Rate(value, interval), _) => rate(*value, *interval),
        (Value::Bound(value, upper), _) => json!({
            "k": value.k,
            "n": value.n,
            "rate": value.value(),
            "upper": upper,
        }),
        (Value::Number(number), _) => json!(number),
        (Value::Estimate(number, interval), _) => json!({
            "value": number,
            "low": interval.low,
            "high": interval.high,
        }),
        (Value::Counts(numbers), Kind::Counts(names)) => Json::Object(
            names
                .iter()
                .zip(numbers)
                .map(|(name, number)| (name.clone(), json!(number)))
                .collect::<Map<_, _>>(),
        ),
        (Value::Counts(_) | Value::NotMeasured | Value::TooFew | Value::NotApplicable, _) => {
            Json::Null
        }
    }
}

fn rate(rate: Rate, interval: Interval) -> Json {
    json!({
        "k": rate.k,
        "n": rate.n,
        "rate": rate.value(),
        "low": interval.low,
        "high": interval.high,
        "provisional": rate.is_provisional(),
    })
}
