use serde_json::Value as Json;

use super::FORMATS;
use crate::stats::{Interval, Rate};
use crate::table::{Column, Kind, Table, Value};

/// One column of every kind, one row of every value, and names that break careless writers.
fn table() -> Table {
    let counts = Kind::Counts(vec!["kept".to_owned(), "lost".to_owned()]);
    Table {
        id: "test".to_owned(),
        title: "A | title\nwith <b>".to_owned(),
        columns: vec![
            Column::new("name", "name | title", Kind::Text),
            Column::new("n", "n", Kind::Count),
            Column::new("any", "any", Kind::Rate),
            Column::new("p50", "p50", Kind::Nanos),
            Column::new("outcome", "outcomes", counts),
        ],
        rows: vec![
            vec![
                Value::text("pipe | comma, \"quote\"\nline é 漢 \\ ` *bold* <i> & 1"),
                Value::Count(12_345),
                Value::Rate(
                    Rate { k: 497, n: 500 },
                    Interval {
                        low: 0.983,
                        high: 0.998,
                    },
                ),
                Value::Nanos(1_234_567),
                Value::Counts(vec![3, 0]),
            ],
            vec![
                Value::text("=SUM(A1)"),
                Value::NotMeasured,
                Value::NotMeasured,
                Value::TooFew,
                Value::NotMeasured,
            ],
            vec![
                Value::text(""),
                Value::Count(0),
                Value::Rate(
                    Rate { k: 1, n: 2 },
                    Interval {
                        low: 0.095,
                        high: 0.905,
                    },
                ),
                Value::NotApplicable,
                Value::Counts(vec![0, 0]),
            ],
        ],
        notes: vec!["a * note".to_owned()],
    }
}

fn written(format: &str) -> String {
    let format = FORMATS.iter().find(|known| known.name == format).unwrap();
    (format.render)(&table())
}

#[test]
fn markdown_reads_as_people_expect_and_no_name_breaks_a_cell() {
    let expected = "\
# A | title with <b>

| name \\| title | n | any | p50 | outcomes |
| --- | ---: | ---: | ---: | --- |
| pipe \\| comma, \"quote\" line é 漢 \\\\ \\` \\*bold\\* &lt;i&gt; &amp; 1 | 12,345 | 99.4 % [98.3, 99.8] | 1.23 ms | kept 3 |
| =SUM(A1) | not measured | not measured | too few | not measured |
|  | 0 | 50.0 % [9.5, 90.5]\\* | – | not measured |

- a \\* note
";
    assert_eq!(written("markdown"), expected);
}

#[test]
fn csv_has_one_figure_a_column_quotes_names_and_leaves_blanks_blank() {
    let text = written("csv");
    let records = parsed(&text);
    assert_eq!(
        records[0],
        [
            "name",
            "n",
            "any_k",
            "any_n",
            "any_rate",
            "any_low",
            "any_high",
            "any_provisional",
            "p50_ns",
            "outcome_kept",
            "outcome_lost"
        ]
    );
    assert_eq!(records.len(), 4);
    assert!(
        records
            .iter()
            .all(|record| record.len() == records[0].len())
    );
    assert_eq!(
        records[1][0],
        "pipe | comma, \"quote\"\nline é 漢 \\ ` *bold* <i> & 1"
    );
    assert_eq!(records[1][1..5], ["12345", "497", "500", "0.994"]);
    assert_eq!(records[1][7..], ["false", "1234567", "3", "0"]);
    // A spreadsheet must not run a name as a formula.
    assert_eq!(records[2][0], "'=SUM(A1)");
    assert_eq!(
        records[2][1..],
        ["", "0", "0", "", "", "", "false", "", "", ""]
    );
}

/// A reader of RFC 4180, written apart from the writer.
fn parsed(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) = (vec![], vec![], String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            _ => field.push(c),
        }
    }
    assert!(
        !quoted && field.is_empty() && record.is_empty(),
        "the last record is whole"
    );
    records
}

#[test]
fn json_carries_numbers_and_null_where_nothing_was_measured() {
    let json: Json = serde_json::from_str(&written("json")).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["n"], 12_345);
    assert_eq!(rows[0]["any"]["k"], 497);
    assert!((rows[0]["any"]["rate"].as_f64().unwrap() - 0.994).abs() < 1e-12);
    assert!(rows[0]["any"]["low"].as_f64().unwrap() < 0.994);
    assert_eq!(rows[0]["p50"], 1_234_567);
    assert_eq!(rows[0]["outcome"]["kept"], 3);
    for key in ["n", "any", "p50", "outcome"] {
        assert_eq!(rows[1][key], Json::Null, "{key}");
    }
    assert_eq!(rows[2]["any"]["provisional"], true);
    assert_eq!(rows[2]["p50"], Json::Null);
    assert_eq!(json["columns"][2]["kind"], "rate");
}

#[test]
fn formats_have_names_and_extensions_of_their_own() {
    assert!(FORMATS.len() >= 3);
    for (index, format) in FORMATS.iter().enumerate() {
        for other in &FORMATS[..index] {
            assert_ne!(format.name, other.name);
            assert_ne!(format.extension, other.extension);
        }
        assert_eq!(
            format.file_name("survival"),
            format!("survival.{}", format.extension)
        );
    }
}
