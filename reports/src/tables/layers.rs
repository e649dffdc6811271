//! Layer arithmetic: what each set of carriers keeps, what would be lost without it, and what looking for it costs.

use credlink_trial_record::CarrierPlace;

use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::Clusters;

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

const NOTES: [&str; 5] = [
    "Survives by these alone: ops that survived and in which one of these carriers accepted. Lost without these: ops that survived and in which no other carrier accepted.",
    super::INTERVALS,
    "Costs are means over the ops that are counted here. Bytes in the file: the manifest store; the link's share of the XMP packet; for the watermark whatever else the file grew by, since marked pixels are coded anew (less than 0 where that made it smaller). Bytes in the store: the signed record with fingerprint, tone and content sketch; the sketch also confirms links and watermarks. The manifest is kept there once more, which is not counted.",
    "PSNR: of marked beside unmarked pixels, before coding; no other carrier touches pixels. Signing: CPU time of what is done for that carrier alone (for the manifest with the hash of the file and the signature), without decoding the image and coding it anew; the whole stands in the table \"signing\". Looking: examining the carriers on every op, found or not; decoding is shared and counts for whichever carrier needs it first.",
    "Per proof: the cost of all ops over the proofs that the set kept, or that only the set saved.",
];

pub(super) fn table(evidence: &Evidence) -> Table {
    let sets = sets(evidence.header().carriers.len());
    // Per source: ops, then for each set what it keeps, then for each set what only it keeps.
    let columns = 1 + 2 * sets.len();
    let clusters = evidence.clusters(evidence.pooled_ops(), columns, |op, counts| {
        counts[0] += 1;
        let (accepted, survived) = (evidence.result(op).accepted, evidence.survived(op));
        for (index, set) in sets.iter().enumerate() {
            counts[1 + index] += u32::from(survived && accepted & set != 0);
            counts[1 + sets.len() + index] +=
                u32::from(survived && accepted & set != 0 && accepted & !set == 0);
        }
    });
    let costs = Costs::of(evidence);
    let rows = sets.iter().enumerate().map(|(index, set)| {
        line(
            evidence,
            &clusters,
            &costs,
            *set,
            (1 + index, 1 + sets.len() + index),
        )
    });
    Table {
        id: "layers".to_owned(),
        title: "What each set of carriers keeps over all simulated pipelines, and its cost"
            .to_owned(),
        columns: columns_of_sets(),
        rows: rows.collect(),
        notes: NOTES
            .map(str::to_owned)
            .into_iter()
            .chain(run_notes(evidence))
            .collect(),
    }
}

fn columns_of_sets() -> Vec<Column> {
    let bytes = |key, title| Column::new(key, title, Kind::Number(BYTES));
    let millis = |key, title| Column::new(key, title, Kind::Number(MILLIS));
    vec![
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
    ]
}

/// The line of a set of carriers; `columns` of the clusters count what it keeps, and what only it keeps.
fn line(
    evidence: &Evidence,
    clusters: &Clusters,
    costs: &Costs,
    set: u64,
    (kept, unique): (usize, usize),
) -> Vec<Value> {
    let carriers = &evidence.header().carriers;
    let sums = clusters.sums();
    let members = || (0..carriers.len()).filter(move |carrier| set >> carrier & 1 == 1);
    let names: Vec<&str> = members()
        .map(|carrier| carriers[carrier].as_str())
        .collect();
    let sum =
        |costs: &[Option<f64>]| -> Option<f64> { members().map(|carrier| costs[carrier]).sum() };
    let (file, store) = (sum(&costs.file_bytes), sum(&costs.store_bytes));
    let (signing, looking) = (sum(&costs.signing), sum(&costs.looking));
    let both = file.zip(store).map(|(file, store)| file + store);
    let rate = |column: usize| Value::rate(clusters.measured(column, 0));
    let measured = |cost: Option<f64>| Value::number(cost.filter(|_| sums[0] > 0));
    let each = |cost: Option<f64>, saved: u64| match cost {
        Some(cost) if saved > 0 => Value::Number(cost * sums[0] as f64 / saved as f64),
        Some(_) if sums[0] > 0 => Value::NotApplicable,
        _ => Value::NotMeasured,
    };
    vec![
        Value::text(names.join(" + ")),
        Value::Count(sums[0]),
        rate(kept),
        rate(unique),
        measured(file),
        measured(store),
        match costs.psnr {
            Some((carrier, psnr)) if set >> carrier & 1 == 1 => measured(Some(psnr)),
            _ => Value::NotApplicable,
        },
        measured(signing),
        measured(looking),
        each(both, sums[kept]),
        each(looking, sums[kept]),
        each(both, sums[unique]),
        each(looking, sums[unique]),
    ]
}

/// What each carrier costs, means over the ops of pooled figures; `None` where it was not measured.
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
        let header = evidence.header();
        let carriers = &header.carriers;
        // Sums and counts.
        let (mut growth, mut decibels) = ((0.0, 0_u64), (0.0, 0_u64));
        let add = |into: &mut (f64, u64), value: f64| *into = (into.0 + value, into.1 + 1);
        for op in evidence.pooled_ops() {
            let entrant = evidence.entrant(op);
            if entrant.source_bytes > 0 {
                let grown = entrant.signed_bytes as f64 - entrant.source_bytes as f64;
                add(&mut growth, grown);
            }
            let psnr = f64::from(entrant.mark_psnr());
            if psnr.is_finite() {
                add(&mut decibels, psnr);
            }
        }
        let mean = |(sum, n): (f64, u64)| (n > 0).then(|| sum / n as f64);
        let bytes = |carrier: usize| evidence.taken[carrier][0].value();
        let places: Vec<CarrierPlace> = carriers
            .iter()
            .map(|name| header.carrier(name).place)
            .collect();
        let in_store = |carrier: usize| places[carrier] == CarrierPlace::Store;
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
            looking: all().map(|carrier| looked(evidence, carrier)).collect(),
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

/// The mean time in milliseconds over the ops of pooled figures, of the values that were measured.
fn looked(evidence: &Evidence, carrier: usize) -> Option<f64> {
    let measured = || {
        evidence
            .pooled_ops()
            .map(|op| evidence.carrier_ns(carrier, op))
            .filter(|nanos| *nanos > 0)
    };
    let n = measured().count();
    (n > 0).then(|| measured().map(|nanos| nanos as f64).sum::<f64>() / n as f64 / 1e6)
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
