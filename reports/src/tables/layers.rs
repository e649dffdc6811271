//! Layer arithmetic: what each set of carriers keeps, what would be lost without it, and what looking for it costs.

use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::row::Trial;
use crate::stats::Rate;

/// With more carriers only single ones, all but one, and all are listed: there would be too many sets.
const MOST_FOR_ALL_SETS: usize = 5;

const MILLIS: Unit = Unit {
    name: "ms",
    decimals: 2,
};

pub(super) fn table(evidence: &Evidence) -> Table {
    let carriers = &evidence.header().carriers;
    let sets = sets(carriers.len());
    // Per source: ops, then for each set what it keeps, then for each set what only it keeps.
    let columns = 1 + 2 * sets.len();
    let clusters = evidence.clusters(evidence.all_ops(Trial::Signed), columns, |op, counts| {
        counts[0] += 1;
        let (accepted, survived) = (evidence.accepted[op], evidence.survived(op));
        for (index, set) in sets.iter().enumerate() {
            counts[1 + index] += u32::from(survived && accepted & set != 0);
            counts[1 + sets.len() + index] +=
                u32::from(survived && accepted & set != 0 && accepted & !set == 0);
        }
    });
    let sums = clusters.sums();
    let millis: Vec<Option<f64>> = evidence
        .carrier_ns
        .iter()
        .map(|times| mean(evidence, times))
        .collect();
    let rows = sets.iter().enumerate().map(|(index, set)| {
        let members = || (0..carriers.len()).filter(move |carrier| set >> carrier & 1 == 1);
        let names: Vec<&str> = members()
            .map(|carrier| carriers[carrier].as_str())
            .collect();
        let cost = members()
            .map(|carrier| millis[carrier])
            .sum::<Option<f64>>();
        let unique = sums[1 + sets.len() + index];
        let rate = |column: usize| {
            let rate = Rate {
                k: sums[column],
                n: sums[0],
            };
            Value::pooled(rate, clusters.exact(column, 0, 0.05))
        };
        vec![
            Value::text(names.join(" + ")),
            Value::Count(sums[0]),
            rate(1 + index),
            rate(1 + sets.len() + index),
            Value::number(cost.filter(|_| sums[0] > 0)),
            match cost {
                Some(cost) if unique > 0 => Value::Number(cost * sums[0] as f64 / unique as f64),
                Some(_) if sums[0] > 0 => Value::NotApplicable,
                _ => Value::NotMeasured,
            },
        ]
    });
    Table {
        id: "layers".to_owned(),
        title: "What each set of carriers keeps over all simulated pipelines, and its cost".to_owned(),
        columns: vec![
            Column::new("carriers", "carriers", Kind::Text),
            Column::new("n", "n", Kind::Count),
            Column::new("kept", "survives by these alone", Kind::Rate),
            Column::new("unique", "lost without these", Kind::Rate),
            Column::new("millis", "looking for them, mean", Kind::Number(MILLIS)),
            Column::new("millis_per_save", "the same per proof that only they saved", Kind::Number(MILLIS)),
        ],
        rows: rows.collect(),
        notes: [
            "Survives by these alone: ops that survived and in which one of these carriers accepted. Lost without these: ops that survived and in which no other carrier accepted."
                .to_owned(),
            "Intervals take whole sources as the unit of chance (exact, with the effective number of trials). The time is that of examining the carriers on every op, found or not; decoding is shared and counts for whichever carrier needs it first. What signing costs in bytes, decibels and milliseconds stands in the table \"signing\"."
                .to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

/// Sets of carriers as bits, small ones first.
fn sets(carriers: usize) -> Vec<u64> {
    let all = (1_u64 << carriers.min(63)) - 1;
    let mut sets: Vec<u64> = if carriers <= MOST_FOR_ALL_SETS {
        (1..=all).collect()
    } else {
        let single = (0..carriers.min(63)).map(|carrier| 1 << carrier);
        single
            .clone()
            .chain(single.map(|carrier| all & !carrier))
            .chain([all])
            .collect()
    };
    sets.sort_by_key(|set| (set.count_ones(), *set));
    sets.dedup();
    sets
}

/// The mean time in milliseconds over signed ops, of the values that were measured.
fn mean(evidence: &Evidence, times: &[u64]) -> Option<f64> {
    let measured = || {
        evidence
            .all_ops(Trial::Signed)
            .map(|op| times[op])
            .filter(|nanos| *nanos > 0)
    };
    let n = measured().count();
    (n > 0).then(|| measured().map(|nanos| nanos as f64).sum::<f64>() / n as f64 / 1e6)
}

/// What signing did, over distinct images: "pipeline zero".
pub(super) fn signing(evidence: &Evidence) -> Table {
    let images = evidence.distinct_images();
    let detail = &evidence.detail;
    let row = |name: &str, unit: &str, decimals: i32, values: Vec<f64>| {
        // Percentiles are read from whole numbers; scaling keeps the decimals.
        let scale = 10_f64.powi(decimals);
        let low = values.iter().copied().fold(0.0_f64, f64::min);
        let whole = values
            .iter()
            .map(|value| ((value - low) * scale).round() as u64)
            .collect();
        let mut sorted: Vec<u64> = whole;
        sorted.sort_unstable();
        let back =
            |whole: Option<u64>| Value::number(whole.map(|whole| whole as f64 / scale + low));
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
    };
    let finite = |values: &[f32]| -> Vec<f64> {
        let values = images.iter().map(|op| f64::from(values[*op]));
        values.filter(|value| value.is_finite()).collect()
    };
    let growth = |op: &usize| detail.signed_bytes[*op] as f64 - detail.source_bytes[*op] as f64;
    let sized: Vec<usize> = images
        .iter()
        .copied()
        .filter(|op| detail.source_bytes[*op] > 0)
        .collect();
    let relative = |op: &usize| growth(op) / detail.source_bytes[*op] as f64 * 100.0;
    let millis = images.iter().filter(|op| evidence.sign_ns[**op] > 0);
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
                finite(&detail.mark_psnr),
            ),
            row(
                "watermark alone, before coding, SSIM",
                "0–1",
                6,
                finite(&detail.mark_ssim),
            ),
            row("pixels of marked images, PSNR", "dB", 3, finite(&detail.psnr)),
            row("pixels of marked images, SSIM", "0–1", 6, finite(&detail.ssim)),
            row("growth of the file", "bytes", 0, sized.iter().map(growth).collect()),
            row("growth of the file", "% of the source", 3, sized.iter().map(relative).collect()),
            row("time", "ms", 6, millis.map(|op| evidence.sign_ns[*op] as f64 / 1e6).collect()),
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

impl Evidence {
    /// One signed op of every distinct image, by ascending image.
    pub(crate) fn distinct_images(&self) -> Vec<usize> {
        let mut first: Vec<(u32, usize)> = self
            .all_ops(Trial::Signed)
            .map(|op| (self.image[op], op))
            .collect();
        first.sort_unstable();
        first.dedup_by_key(|(image, _)| *image);
        first.into_iter().map(|(_, op)| op).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::sets;

    #[test]
    fn few_carriers_give_all_sets_and_many_give_the_telling_ones() {
        assert_eq!(sets(0), Vec::<u64>::new());
        assert_eq!(sets(3), [1, 2, 4, 3, 5, 6, 7]);
        assert_eq!(sets(6).len(), 6 + 6 + 1);
    }
}
