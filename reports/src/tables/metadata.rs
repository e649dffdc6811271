//! What else survives: camera data, profile, caption, credit and whatever people ask for besides the proof.

use credlink_trial_record::{Beside, Trial};

use super::{Column, Evidence, Kind, Table, Value, run_notes};
use crate::stats::Clusters;

/// One kind of thing through one pipeline.
pub(crate) struct Fate<'a> {
    /// The pipeline's id, or that all are meant.
    pub(crate) pipeline: &'a str,
    /// What was there.
    pub(crate) what: Beside,
    /// By source the ops whose file had it, and those in which the received file still says the same.
    pub(crate) clusters: Clusters,
}

/// What the lines over all pipelines are called.
const POOLED: &str = "all (pooled)";

/// Every kind of thing that some signed file held, pipeline by pipeline in the order of the header, then every kind pooled.
pub(crate) fn fates(evidence: &Evidence) -> Vec<Fate<'_>> {
    fn add<'a>(
        found: &mut Vec<Fate<'a>>,
        evidence: &'a Evidence,
        pipeline: &'a str,
        ops: impl Iterator<Item = usize> + Clone,
    ) {
        for what in Beside::ALL {
            let held = ops.clone().filter(|op| evidence.held(*op, what));
            let clusters = evidence.clusters(held, 2, |op, counts| {
                counts[0] += 1;
                counts[1] += u32::from(evidence.still_held(op, what));
            });
            if pipeline == POOLED || clusters.sources() > 0 {
                found.push(Fate {
                    pipeline,
                    what,
                    clusters,
                });
            }
        }
    }
    let mut found = Vec::new();
    for (index, pipeline) in evidence.header().pipelines.iter().enumerate() {
        let ops = evidence.ops(index, Trial::Signed);
        add(&mut found, evidence, &pipeline.id, ops);
    }
    add(&mut found, evidence, POOLED, evidence.pooled_ops());
    found
}

pub(super) fn table(evidence: &Evidence) -> Table {
    let columns = [
        ("pipeline", "pipeline", Kind::Text),
        ("what", "what", Kind::Text),
        ("n", "files that had it", Kind::Count),
        ("sources", "sources", Kind::Count),
        ("still", "still there", Kind::Rate),
    ];
    let line = |fate: &Fate<'_>| {
        vec![
            Value::text(fate.pipeline),
            Value::text(fate.what.as_str()),
            Value::Count(fate.clusters.sums()[0]),
            Value::Count(fate.clusters.sources()),
            Value::rate(fate.clusters.measured(1, 0)),
        ]
    };
    Table {
        id: "metadata".to_owned(),
        title: "What else survives simulated pipelines, beside the proof".to_owned(),
        columns: columns
            .map(|(key, title, kind)| Column::new(key, title, kind))
            .to_vec(),
        rows: fates(evidence).iter().map(line).collect(),
        notes: [
            "Of the signed files that had it, those whose received file still says the same: exif is make, model or date, location the place, xmp any property of the packet (a signed file has one, for its link), iptc the whole record, icc the profile byte for byte, png-text all text of a PNG. Caption, credit and copyright are there if their words stand in IPTC, XMP, EXIF or PNG text; alt-text is read from XMP alone. Ops that ended in an error count for nothing here."
                .to_owned(),
            "The synthetic set writes caption, credit, copyright and alternative text into two files of five."
                .to_owned(),
            super::INTERVALS.to_owned(),
            super::CONTROLS_APART.to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}
