//! The survival matrix: its figures as words, and the counts that the page's script filters.

use credlink_trial_record::Outcome;
use minijinja::Value;
use serde::Serialize;
use serde_json::json;

use super::row_files;
use crate::figures::{count, measured};
use crate::filter_counts::BANDS;
use crate::report::Report;
use crate::tables::PipelineTally;
use crate::templates::{DocumentError, safe};

#[derive(Serialize)]
struct MatrixRow {
    index: usize,
    id: String,
    /// The id in parts that a line may break between.
    parts: Vec<String>,
    title: String,
    family: String,
    grade: String,
    severity: String,
    n: String,
    rates: Vec<MatrixRate>,
    not_survived: String,
    file: String,
}

/// A rate as the matrix shows it.
#[derive(Serialize)]
struct MatrixRate {
    /// The rate in whole percent for the colour; empty where nothing was measured.
    tint: String,
    text: String,
    bounds: String,
}

#[derive(Serialize)]
pub(super) struct Matrix {
    carriers: Vec<String>,
    families: Vec<String>,
    rows: Vec<MatrixRow>,
    total: MatrixRow,
    /// Counts for the script.
    data: Value,
    classes: Vec<String>,
    formats: Vec<String>,
    bands: Vec<String>,
}

pub(super) fn matrix(report: &Report, tallies: &[PipelineTally]) -> Result<Matrix, DocumentError> {
    let header = report.evidence.header();
    let names = row_files::names(header);
    let described = header.pipelines.iter().zip(tallies).zip(&names);
    let mut rows: Vec<MatrixRow> = described
        .enumerate()
        .map(|(index, ((pipeline, tally), name))| MatrixRow {
            title: pipeline.title.clone(),
            severity: pipeline.severity.clone(),
            file: format!("{}/{name}", row_files::FOLDER),
            ..matrix_row(index, tally)
        })
        .collect();
    // Variants of a recipe in the order of their parameter, where the first of them stands: 2 hops come before 12.
    let place = |row: &MatrixRow| -> (usize, f64) {
        let sweep = |index: usize| header.pipelines.get(index)?.sweep.as_ref();
        sweep(row.index).map_or((row.index, 0.0), |own| {
            let same = |index: &usize| {
                sweep(*index).is_some_and(|other| {
                    other.recipe == own.recipe && other.parameter == own.parameter
                })
            };
            let first = (0..row.index).find(same);
            (first.unwrap_or(row.index), own.value)
        })
    };
    rows.sort_by(|a, b| {
        let ((first, value), (other_first, other_value)) = (place(a), place(b));
        first
            .cmp(&other_first)
            .then(value.total_cmp(&other_value))
            .then(a.index.cmp(&b.index))
    });
    let overall = PipelineTally {
        id: "all shown, controls apart".to_owned(),
        family: String::new(),
        grade: String::new(),
        is_pooled: true,
        tally: report.overall.clone(),
    };
    let mut families: Vec<String> = Vec::new();
    for pipeline in tallies {
        if !families.contains(&pipeline.family) {
            families.push(pipeline.family.clone());
        }
    }
    families.sort();
    let data = json!({
        "outcomes": Outcome::SIGNED,
        "surviving": Outcome::SIGNED.iter().filter(|outcome| outcome.survived()).count(),
        "carriers": header.carriers,
        "families": header.pipelines.iter().map(|p| &p.family).collect::<Vec<_>>(),
        // Sums leave out the rows of controls, and what is not simulated.
        "pooled": header.pipelines.iter().map(|p| p.is_pooled()).collect::<Vec<_>>(),
        "cells": report.strata.cells,
    });
    // In a script element only "</script" and "<!--" could end the data early.
    let data = serde_json::to_string(&data)?.replace('<', "\\u003c");
    Ok(Matrix {
        carriers: header.carriers.clone(),
        families,
        rows,
        total: matrix_row(tallies.len(), &overall),
        data: safe(data),
        classes: report.strata.classes.clone(),
        formats: report.strata.formats.clone(),
        bands: BANDS.map(str::to_owned).to_vec(),
    })
}

fn matrix_row(index: usize, pipeline: &PipelineTally) -> MatrixRow {
    let tally = &pipeline.tally;
    let alone = tally.carriers.iter().map(|carrier| carrier.alone);
    let rates = std::iter::once(tally.any).chain(alone).map(|found| {
        let words = measured(found);
        let (text, bounds) = words.split_once(" [").map_or_else(
            || (words.clone(), String::new()),
            |(text, bounds)| (text.to_owned(), format!("[{bounds}")),
        );
        MatrixRate {
            tint: found
                .rate
                .value()
                .map(|value| format!("{:.0}", value * 100.0))
                .unwrap_or_default(),
            text,
            bounds,
        }
    });
    let lost: Vec<String> = Outcome::SIGNED
        .iter()
        .zip(&tally.outcomes)
        .filter(|(outcome, number)| !outcome.survived() && **number > 0)
        .map(|(word, number)| format!("{word} {}", count(*number)))
        .collect();
    MatrixRow {
        index,
        id: pipeline.id.clone(),
        parts: parts(&pipeline.id),
        title: String::new(),
        family: pipeline.family.clone(),
        grade: pipeline.grade.clone(),
        severity: String::new(),
        n: count(tally.n),
        rates: rates.collect(),
        not_survived: lost.join(", "),
        file: String::new(),
    }
}

/// The parts of a pipeline's id that a line may break between: family and name, and the words of the name.
pub(super) fn parts(id: &str) -> Vec<String> {
    id.split_inclusive(['/', '-', '@'])
        .map(str::to_owned)
        .collect()
}
