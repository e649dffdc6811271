//! The whole run as one JSON document: header, checks, every table. Its schema is `docs/schema/report.schema.json`.

use serde_json::{Value as Json, json};

use super::{Document, DocumentError};
use crate::formats::table_json;
use crate::report::Report;
use crate::tables::Table;

/// Version of the document. It grows when a field changes its meaning, its type or its name.
pub const DOCUMENT_VERSION: u32 = 1;

pub(super) const DOCUMENT: Document = Document {
    name: "json",
    file: "report.json",
    about: "every table, check and the header for programs; schema in docs/schema/report.schema.json",
    render,
};

fn render(report: &Report) -> Result<String, DocumentError> {
    let checks: Vec<Json> = report
        .checks()
        .into_iter()
        .map(|check| {
            json!({
                "suite": check.suite,
                "name": check.name,
                "passed": check.passed,
                "detail": check.detail,
            })
        })
        .collect();
    let tables: Vec<Json> = report.tables.iter().map(table).collect::<Result<_, _>>()?;
    let document = json!({
        "version": DOCUMENT_VERSION,
        "simulated": true,
        "run": serde_json::to_value(report.evidence.header())?,
        "checks": checks,
        "tables": tables,
        "lost": serde_json::to_value(&report.found)?,
    });
    Ok(format!("{document:#}\n"))
}

/// A table as its own JSON file has it.
fn table(table: &Table) -> Result<Json, DocumentError> {
    Ok(serde_json::from_str(&table_json(table))?)
}
