//! What signing did to files, before any pipeline.

use std::collections::BTreeMap;

use credlink_trial_record::Trial;

use super::detail::Entrant;
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};

/// What signing did, over distinct images: "pipeline zero".
pub(super) fn table(evidence: &Evidence) -> Table {
    let images = evidence.distinct_images();
    let entrant = |op: &usize| evidence.entrant(*op);
    let finite = |value: fn(&Entrant) -> f32| -> Vec<f64> {
        let values = images.iter().map(|op| f64::from(value(&entrant(op))));
        values.filter(|value| value.is_finite()).collect()
    };
    let growth = |op: &usize| entrant(op).signed_bytes as f64 - entrant(op).source_bytes as f64;
    let sized: Vec<usize> = images
        .iter()
        .copied()
        .filter(|op| entrant(op).source_bytes > 0)
        .collect();
    let relative = |op: &usize| growth(op) / entrant(op).source_bytes as f64 * 100.0;
    let millis = images.iter().filter(|op| entrant(op).sign_ns > 0);
    Table {
        id: "signing".to_owned(),
        title: "What signing does to a file, before any simulated pipeline".to_owned(),
        columns: [("figure", "figure", Kind::Text), ("unit", "unit", Kind::Text), ("n", "images", Kind::Count)]
            .into_iter()
            .chain(
                [("p5", "p5"), ("p25", "p25"), ("p50", "p50"), ("p75", "p75"), ("p95", "p95")]
                    .map(|(key, title)| (key, title, Kind::Number(Unit { name: "", decimals: 3 }))),
            )
            .map(|(key, title, kind)| Column::new(key, title, kind))
            .collect(),
        rows: vec![
            row(
                "watermark alone, before coding, PSNR",
                "dB",
                3,
                &finite(Entrant::mark_psnr),
            ),
            row(
                "watermark alone, before coding, SSIM",
                "0–1",
                6,
                &finite(Entrant::mark_ssim),
            ),
            row("pixels of marked images, PSNR", "dB", 3, &finite(Entrant::psnr)),
            row("pixels of marked images, SSIM", "0–1", 6, &finite(Entrant::ssim)),
            row("growth of the file", "bytes", 0, &sized.iter().map(growth).collect::<Vec<_>>()),
            row("growth of the file", "% of the source", 3, &sized.iter().map(relative).collect::<Vec<_>>()),
            row("time", "ms", 6, &millis.map(|op| entrant(op).sign_ns as f64 / 1e6).collect::<Vec<_>>()),
        ],
        notes: [
            format!(
                "Over the {} distinct signed images of the run, each counted once. PSNR and SSIM are of the images whose pixels signing changed; the others are bit-identical.",
                crate::figures::count(images.len() as u64)
            ),
            "Percentiles by nearest rank; p5 and p95 need 200 images.".to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

/// Percentiles of a figure, by nearest rank.
fn row(name: &str, unit: &str, decimals: i32, values: &[f64]) -> Vec<Value> {
    // Percentiles are read from whole numbers; scaling keeps the decimals.
    let scale = 10_f64.powi(decimals);
    let low = values.iter().copied().fold(0.0_f64, f64::min);
    let whole = values
        .iter()
        .map(|value| ((value - low) * scale).round() as u64)
        .collect();
    let mut sorted: Vec<u64> = whole;
    sorted.sort_unstable();
    let back = |whole: Option<u64>| Value::number(whole.map(|whole| whole as f64 / scale + low));
    let at = |permille| back(crate::stats::nearest_rank(&sorted, permille));
    let n = sorted.len() as u64;
    let tail = |permille, least: u64| match n {
        0 => Value::NotMeasured,
        n if n < least => Value::TooFew,
        _ => at(permille),
    };
    vec![
        Value::text(name),
        Value::text(unit),
        Value::Count(n),
        tail(50, 200),
        at(250),
        at(500),
        at(750),
        tail(950, 200),
    ]
}

impl Evidence {
    /// One signed op of every distinct image, by ascending image.
    pub(crate) fn distinct_images(&self) -> Vec<usize> {
        let mut first: BTreeMap<u32, (u64, usize)> = BTreeMap::new();
        for op in self.all_ops(Trial::Signed) {
            let found = (self.row(op), op);
            let held = first.entry(self.image(op)).or_insert(found);
            *held = found.min(*held);
        }
        first.into_values().map(|(_, op)| op).collect()
    }
}
