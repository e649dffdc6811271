//! Layer arithmetic: what each set of carriers keeps, what would be lost without it, and what looking for it costs.

use std::collections::BTreeMap;

use credlink_trial_record::Trial;

use super::detail::{Nanos, Subject};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::Rate;

/// With more carriers only single ones, all but one, and all are listed: there would be too many sets.
const MOST_FOR_ALL_SETS: usize = 5;

const BYTES: Unit = Unit {
    name: "bytes",
    decimals: 0,
};
const DECIBELS: Unit = Unit {
    name: "dB",
    decimals: 2,
};
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
        let (accepted, survived) = (evidence.verdict(op).accepted, evidence.survived(op));
        for (index, set) in sets.iter().enumerate() {
            counts[1 + index] += u32::from(survived && accepted & set != 0);
            counts[1 + sets.len() + index] +=
                u32::from(survived && accepted & set != 0 && accepted & !set == 0);
        }
    });
    let sums = clusters.sums();
    let costs = Costs::of(evidence);
    let rows =
        sets.iter().enumerate().map(|(index, set)| {
            let members = || (0..carriers.len()).filter(move |carrier| set >> carrier & 1 == 1);
            let names: Vec<&str> = members()
                .map(|carrier| carriers[carrier].as_str())
                .collect();
            let sum = |costs: &[Option<f64>]| members().map(|carrier| costs[carrier]).sum();
            let (file, store, signing, looking): (
                Option<f64>,
                Option<f64>,
                Option<f64>,
                Option<f64>,
            ) = (
                sum(&costs.file_bytes),
                sum(&costs.store_bytes),
                sum(&costs.signing),
                sum(&costs.looking),
            );
            let (kept, unique) = (sums[1 + index], sums[1 + sets.len() + index]);
            let rate = |column: usize| {
                let rate = Rate {
                    k: sums[column],
                    n: sums[0],
                };
                Value::pooled(rate, clusters.exact(column, 0, 0.05))
            };
            let measured = |cost: Option<f64>| Value::number(cost.filter(|_| sums[0] > 0));
            let each = |cost: Option<f64>, saved: u64| match cost {
                Some(cost) if saved > 0 => Value::Number(cost * sums[0] as f64 / saved as f64),
                Some(_) if sums[0] > 0 => Value::NotApplicable,
                _ => Value::NotMeasured,
            };
            vec![
                Value::text(names.join(" + ")),
                Value::Count(sums[0]),
                rate(1 + index),
                rate(1 + sets.len() + index),
                measured(file),
                measured(store),
                match costs.psnr {
                    Some((carrier, psnr)) if set >> carrier & 1 == 1 => measured(Some(psnr)),
                    _ => Value::NotApplicable,
                },
                measured(signing),
                measured(looking),
                each(file.zip(store).map(|(file, store)| file + store), kept),
                each(looking, kept),
                each(file.zip(store).map(|(file, store)| file + store), unique),
                each(looking, unique),
            ]
        });
    let bytes = |key, title| Column::new(key, title, Kind::Number(BYTES));
    let millis = |key, title| Column::new(key, title, Kind::Number(MILLIS));
    Table {
        id: "layers".to_owned(),
        title: "What each set of carriers keeps over all simulated pipelines, and its cost".to_owned(),
        columns: vec![
            Column::new("carriers", "carriers", Kind::Text),
            Column::new("n", "n", Kind::Count),
            Column::new("kept", "survives by these alone", Kind::Rate),
            Column::new("unique", "lost without these", Kind::Rate),
            bytes("file_bytes", "bytes in the file"),
            bytes("store_bytes", "bytes in the store"),
            Column::new("psnr", "picture, PSNR", Kind::Number(DECIBELS)),
            millis("sign_millis", "signing"),
            millis("millis", "looking"),
            bytes("bytes_per_kept", "bytes per proof kept"),
            millis("millis_per_kept", "looking per proof kept"),
            bytes("bytes_per_save", "bytes per proof only they saved"),
            millis("millis_per_save", "looking per proof only they saved"),
        ],
        rows: rows.collect(),
        notes: [
            "Survives by these alone: ops that survived and in which one of these carriers accepted. Lost without these: ops that survived and in which no other carrier accepted."
                .to_owned(),
            "Intervals take whole sources as the unit of chance (exact, with the effective number of trials)."
                .to_owned(),
            "Costs are means over signed ops. Bytes in the file: the manifest store; the link's share of the XMP packet; for the watermark whatever else the file grew by, since marked pixels are coded anew (less than 0 where that made it smaller). Bytes in the store: the signed record with fingerprint, tone and content sketch; the sketch also confirms links and watermarks. The manifest is kept there once more, which is not counted."
                .to_owned(),
            "PSNR: of marked beside unmarked pixels, before coding; no other carrier touches pixels. Signing: CPU time of what is done for that carrier alone (for the manifest with the hash of the file and the signature), without decoding the image and coding it anew; the whole stands in the table \"signing\". Looking: examining the carriers on every op, found or not; decoding is shared and counts for whichever carrier needs it first."
                .to_owned(),
            "Per proof: the cost of all ops over the proofs that the set kept, or that only the set saved."
                .to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

/// The carrier whose bytes lie in the proof store.
const IN_STORE: &str = "fingerprint";

/// What each carrier costs, means over signed ops; `None` where it was not measured.
struct Costs {
    file_bytes: Vec<Option<f64>>,
    store_bytes: Vec<Option<f64>>,
    /// Milliseconds of signing.
    signing: Vec<Option<f64>>,
    /// Milliseconds of examining.
    looking: Vec<Option<f64>>,
    /// The carrier that changes pixels, and the mean PSNR in dB of what it did.
    psnr: Option<(usize, f64)>,
}

impl Costs {
    fn of(evidence: &Evidence) -> Self {
        let carriers = &evidence.header().carriers;
        // Sums and counts.
        let (mut growth, mut decibels) = ((0.0, 0_u64), (0.0, 0_u64));
        let add = |into: &mut (f64, u64), value: f64| *into = (into.0 + value, into.1 + 1);
        for op in evidence.all_ops(Trial::Signed) {
            let subject = evidence.subject(op);
            if subject.source_bytes > 0 {
                let grown = subject.signed_bytes as f64 - subject.source_bytes as f64;
                add(&mut growth, grown);
            }
            let psnr = f64::from(subject.mark_psnr());
            if psnr.is_finite() {
                add(&mut decibels, psnr);
            }
        }
        let mean = |(sum, n): (f64, u64)| (n > 0).then(|| sum / n as f64);
        let bytes = |carrier: usize| evidence.taken[carrier][0].value();
        let in_store = |carrier: usize| carriers[carrier] == IN_STORE;
        let all = || 0..carriers.len();
        let known: f64 = all()
            .filter(|carrier| !in_store(*carrier))
            .filter_map(bytes)
            .sum();
        // One carrier at most has no bytes of its own: the one for whose sake pixels are coded anew.
        let unknown: Vec<usize> = all().filter(|carrier| bytes(*carrier).is_none()).collect();
        let marked = mean(decibels).filter(|_| unknown.len() == 1);
        let file = |carrier: usize| match bytes(carrier) {
            Some(_) if in_store(carrier) => Some(0.0),
            None if marked.is_some() => mean(growth).map(|growth| growth - known),
            bytes => bytes,
        };
        let store = |carrier: usize| {
            let bytes = bytes(carrier);
            if in_store(carrier) {
                bytes
            } else {
                file(carrier).map(|_| 0.0)
            }
        };
        let spent = |carrier: usize| Some(evidence.taken[carrier][1].value()? / 1e6);
        let any_spent = all().any(|carrier| spent(carrier).is_some());
        Self {
            file_bytes: all().map(file).collect(),
            store_bytes: all().map(store).collect(),
            signing: all()
                .map(|carrier| spent(carrier).or(any_spent.then_some(0.0)))
                .collect(),
            looking: all()
                .map(|carrier| looked(evidence, &evidence.carrier_ns[carrier]))
                .collect(),
            psnr: marked.and_then(|psnr| Some((*unknown.first()?, psnr))),
        }
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
fn looked(evidence: &Evidence, times: &Nanos) -> Option<f64> {
    let measured = || {
        evidence
            .all_ops(Trial::Signed)
            .map(|op| times.at(op))
            .filter(|nanos| *nanos > 0)
    };
    let n = measured().count();
    (n > 0).then(|| measured().map(|nanos| nanos as f64).sum::<f64>() / n as f64 / 1e6)
}

/// What signing did, over distinct images: "pipeline zero".
pub(super) fn signing(evidence: &Evidence) -> Table {
    let images = evidence.distinct_images();
    let subject = |op: &usize| evidence.subject(*op);
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
    let finite = |value: fn(&Subject) -> f32| -> Vec<f64> {
        let values = images.iter().map(|op| f64::from(value(subject(op))));
        values.filter(|value| value.is_finite()).collect()
    };
    let growth = |op: &usize| subject(op).signed_bytes as f64 - subject(op).source_bytes as f64;
    let sized: Vec<usize> = images
        .iter()
        .copied()
        .filter(|op| subject(op).source_bytes > 0)
        .collect();
    let relative = |op: &usize| growth(op) / subject(op).source_bytes as f64 * 100.0;
    let millis = images.iter().filter(|op| subject(op).sign_ns > 0);
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
                finite(Subject::mark_psnr),
            ),
            row(
                "watermark alone, before coding, SSIM",
                "0–1",
                6,
                finite(Subject::mark_ssim),
            ),
            row("pixels of marked images, PSNR", "dB", 3, finite(Subject::psnr)),
            row("pixels of marked images, SSIM", "0–1", 6, finite(Subject::ssim)),
            row("growth of the file", "bytes", 0, sized.iter().map(growth).collect()),
            row("growth of the file", "% of the source", 3, sized.iter().map(relative).collect()),
            row("time", "ms", 6, millis.map(|op| subject(op).sign_ns as f64 / 1e6).collect()),
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
        let mut first: BTreeMap<u32, usize> = BTreeMap::new();
        for op in self.all_ops(Trial::Signed) {
            let held = first.entry(self.subject(op).image).or_insert(op);
            *held = op.min(*held);
        }
        first.into_values().collect()
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
