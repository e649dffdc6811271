//! Evidence of robustness for others to read: one JSON document per carrier of a run.
//!
//! It has the fields that were proposed for `robustnessEvidence` in entries of the C2PA soft-binding algorithm list
//! (c2pa-org/softbinding-algorithm-list, issue 61: methodology, corpus, harness, date, results), with n and an
//! interval beside every rate, false accepts beside every survival, and what is needed to repeat it. Its schema is
//! `docs/schema/robustness-evidence.schema.json`.

use credlink_trial_record::{Embedded, Trial};
use serde_json::{Map, Value as Json, json};

use crate::stats::{Bounded, Clusters, Rate};
use crate::tables::{Evidence, NegativeTally};

/// Version of the document; it grows when a field changes its meaning.
pub const VERSION: u32 = 1;

/// What the document calls its schema.
const SCHEMA: &str = "https://github.com/nicoladebbia/CredLink/blob/main/docs/schema/robustness-evidence.schema.json";
const METHODOLOGY: &str = "https://github.com/nicoladebbia/CredLink/blob/main/METHODOLOGY.md";
const HARNESS: &str = "https://github.com/nicoladebbia/CredLink";

/// A run whose figures are no evidence.
#[derive(Debug, thiserror::Error)]
#[error("run {run} {reason}; nobody should rely on its figures, so no evidence is written")]
pub struct NoEvidence {
    run: String,
    reason: String,
}

/// One document per carrier, with the carrier's name.
///
/// # Errors
/// [`NoEvidence`] for a run that is empty, partial or failed a control.
pub fn documents(evidence: &Evidence) -> Result<Vec<(String, Json)>, NoEvidence> {
    let header = evidence.header();
    if let Some(reason) = crate::usable::unusable(evidence) {
        return Err(NoEvidence {
            run: header.id.clone(),
            reason: reason.to_string(),
        });
    }
    let each = header.carriers.iter().enumerate();
    Ok(each
        .map(|(index, carrier)| (carrier.clone(), document(evidence, index, carrier)))
        .collect())
}

fn document(evidence: &Evidence, carrier: usize, name: &str) -> Json {
    let header = evidence.header();
    let mut results = Map::new();
    for (index, pipeline) in header.pipelines.iter().enumerate() {
        let found = found(evidence, carrier, evidence.ops(index, Trial::Signed));
        let mut result = rate(&found);
        result["family"] = json!(pipeline.family);
        result["grade"] = json!(pipeline.grade);
        result["recipe"] = json!(pipeline.digest);
        results.insert(pipeline.id.clone(), result);
    }
    let pooled = found(evidence, carrier, evidence.pooled_ops());
    let carried = evidence
        .pooled_ops()
        .filter(|op| evidence.entrant(*op).embedded(carrier) == 0);
    let carried = found(evidence, carrier, carried);
    let mut embedding = Map::new();
    let images = evidence.distinct_images();
    for (position, word) in Embedded::ALL.iter().enumerate() {
        let count = images
            .iter()
            .filter(|op| evidence.entrant(**op).embedded(carrier) == position)
            .count();
        embedding.insert(word.to_string(), json!(count));
    }
    let controls = evidence.negatives();
    let mut false_accepts = Map::new();
    for control in [&controls.all].into_iter().chain(&controls.kinds) {
        let kind = control.trial.map_or("all", Trial::as_str);
        false_accepts.insert(kind.to_owned(), accepts(control, carrier));
    }
    json!({
        "$schema": SCHEMA,
        "version": VERSION,
        "carrier": name,
        "robustnessEvidence": {
            "methodology": METHODOLOGY,
            "corpus": {
                "name": header.image_set.name,
                "kind": header.image_set.kind,
                "digest": header.image_set.digest,
                "images": images.len(),
                "files": header.image_set.files,
            },
            "harness": {
                "url": HARNESS,
                "versions": header.versions,
                "command": header.command_line,
                "seed": header.seed,
            },
            "date": header.created,
            "simulated": true,
            "results": results,
            "overall": {
                "allImages": rate(&pooled),
                "imagesThatCarryIt": rate(&carried),
            },
            "embedding": embedding,
            "falseAccepts": false_accepts,
        },
    })
}

/// Per source: ops, and how many of them the carrier recovered.
fn found(evidence: &Evidence, carrier: usize, ops: impl Iterator<Item = usize>) -> Clusters {
    evidence.clusters(ops, 2, |op, counts| {
        counts[0] += 1;
        counts[1] += (evidence.result(op).accepted >> carrier & 1) as u32;
    })
}

fn rate(clusters: &Clusters) -> Json {
    let sums = clusters.sums();
    let rate = Rate {
        k: sums[1],
        n: sums[0],
    };
    let interval = clusters.interval(1, 0, 0.05);
    json!({
        "n": rate.n,
        "sources": clusters.sources(),
        "recovered": rate.k,
        "rate": rate.value(),
        "low": interval.map(|bounds| bounds.low),
        "high": interval.map(|bounds| bounds.high),
        "provisional": rate.is_provisional(),
    })
}

fn accepts(control: &NegativeTally, carrier: usize) -> Json {
    let Bounded { rate, upper } = control.carriers.get(carrier).copied().unwrap_or_default();
    json!({
        "n": rate.n,
        "accepted": rate.k,
        "errors": control.errors,
        "rate": rate.value(),
        "sources": control.sources,
        "upper": upper,
    })
}
