//! Values of tables, as tests compare them.

use credlink_reports::stats::Rate;
use credlink_reports::tables::{Evidence, TABLES, Value};

/// The values of the table's line whose first cells are these words.
pub fn line(evidence: &Evidence, table: &str, first: &[&str]) -> Vec<Value> {
    let table = (TABLES.iter().find(|kind| kind.id == table).unwrap().make)(evidence);
    let begins = |row: &&Vec<Value>| {
        first
            .iter()
            .zip(row.iter())
            .all(|(word, value)| *value == Value::text(*word))
    };
    table
        .rows
        .iter()
        .find(begins)
        .unwrap_or_else(|| panic!("{first:?} in {:?}", table.rows))
        .clone()
}

pub fn pooled(value: &Value) -> Rate {
    match value {
        Value::Rate(rate, interval) => {
            let value = rate.value().unwrap();
            assert!(
                interval.low <= value && value <= interval.high,
                "{rate:?} {interval:?}"
            );
            *rate
        }
        other => panic!("{other:?} is no pooled rate"),
    }
}

pub fn failures(value: &Value) -> Rate {
    match value {
        Value::Bound(rate, upper) => {
            assert!(rate.value().unwrap() <= *upper && *upper <= 1.0);
            *rate
        }
        other => panic!("{other:?} is no bound"),
    }
}

pub fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) | Value::Estimate(number, _) => *number,
        other => panic!("{other:?} is no number"),
    }
}
