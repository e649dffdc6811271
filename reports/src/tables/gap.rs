//! How far simulation is from what really happens: the same images through a recipe, and through the server that it simulates or
//! by the hands of a person.

use std::collections::{BTreeMap, HashMap};

use credlink_trial_record::{Outcome, Provenance, Trial};

use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::header::PipelineHeader;
use crate::stats::{Interval, paired_difference};

/// Points of percent.
const POINTS: Unit = Unit {
    name: "points",
    decimals: 1,
};

/// Simulated against live.
pub(super) fn live(evidence: &Evidence) -> Table {
    table(evidence, "gap", Provenance::Live)
}

/// Simulated against what people saw.
pub(super) fn observed(evidence: &Evidence) -> Table {
    table(evidence, "observed", Provenance::Observed)
}

/// One pipeline that is not simulated beside the one that simulates it: positions of the ops of the same images.
struct Pairs<'a> {
    real: &'a PipelineHeader,
    simulated: &'a PipelineHeader,
    /// The simulated op, and the real one.
    ops: Vec<(usize, usize)>,
}

impl Pairs<'_> {
    /// The line of one measure: any carrier (`None`), or one of them.
    fn line(&self, evidence: &Evidence, measure: Option<usize>) -> Vec<Value> {
        let side = |of: fn(&(usize, usize)) -> usize| {
            let clusters = evidence.hit_clusters(self.ops.iter().map(of), measure);
            Value::rate(clusters.measured(1, 0))
        };
        // Per source: pairs, and pairs that the real one kept alone minus those that simulation kept alone.
        let mut sources: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
        let (mut only_simulated, mut only_real) = (0, 0);
        for (simulated, real) in &self.ops {
            let kept = (
                evidence.hit(*simulated, measure),
                evidence.hit(*real, measure),
            );
            only_simulated += u64::from(kept == (true, false));
            only_real += u64::from(kept == (false, true));
            let (pairs, balance) = sources.entry(evidence.source(*real)).or_default();
            *pairs += 1;
            *balance += i64::from(kept.1) - i64::from(kept.0);
        }
        let pairs = self.ops.len() as u64;
        let difference =
            (pairs > 0).then(|| (only_real as f64 - only_simulated as f64) / pairs as f64);
        let interval = paired_difference(sources.values().copied(), 0.05);
        let difference = match difference.zip(interval) {
            None => Value::NotMeasured,
            Some((share, Interval { low, high })) => {
                let (low, high) = (100.0 * low, 100.0 * high);
                Value::Estimate(100.0 * share, Interval { low, high })
            }
        };
        let name = measure.map_or("any carrier", |carrier| {
            evidence.header().carriers[carrier].as_str()
        });
        vec![
            Value::text(&*self.real.id),
            Value::text(&*self.simulated.id),
            Value::text(name),
            Value::Count(pairs),
            Value::Count(sources.len() as u64),
            side(|pair| pair.0),
            side(|pair| pair.1),
            difference,
            Value::Count(only_simulated),
            Value::Count(only_real),
        ]
    }
}

/// The pairs of every pipeline of this provenance, and what there is to say of those that have none.
fn pairs(evidence: &Evidence, provenance: Provenance) -> (Vec<Pairs<'_>>, Vec<String>) {
    let pipelines = &evidence.header().pipelines;
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    let real = pipelines.iter().enumerate();
    for (place, real) in real.filter(|(_, one)| one.provenance == provenance) {
        let Some(id) = &real.simulated_by else {
            notes.push(format!("{} names no recipe that simulates it.", real.id));
            continue;
        };
        let partner = pipelines.iter().position(|one| one.id == *id);
        let Some(partner) = partner else {
            notes.push(format!(
                "{} is simulated by {id}, which is not part of this run.",
                real.id
            ));
            continue;
        };
        let simulated: HashMap<u32, usize> = evidence
            .ops(partner, Trial::Signed)
            .map(|op| (evidence.image(op), op))
            .collect();
        let ops: Vec<(usize, usize)> = evidence
            .ops(place, Trial::Signed)
            .filter_map(|op| Some((*simulated.get(&evidence.image(op))?, op)))
            .collect();
        let errors = ops.iter();
        let errors = errors.filter(|(_, op)| evidence.result(*op).outcome == Outcome::Error);
        let errors = errors.count();
        if errors > 0 {
            notes.push(format!(
                "{}: {errors} of {} {provenance} ops are errors, which count as lost.",
                real.id,
                ops.len()
            ));
        }
        found.push(Pairs {
            real,
            simulated: &pipelines[partner],
            ops,
        });
    }
    (found, notes)
}

/// The line of a run in which nothing stands beside simulation.
fn none() -> Vec<Value> {
    let mut line = vec![
        Value::text("none"),
        Value::NotApplicable,
        Value::NotApplicable,
    ];
    line.extend([Value::Count(0), Value::Count(0)]);
    line.extend([const { Value::NotMeasured }; 3]);
    line.extend([Value::Count(0), Value::Count(0)]);
    line
}

/// The table of one provenance.
fn table(evidence: &Evidence, id: &str, provenance: Provenance) -> Table {
    let (pairs, mut notes) = pairs(evidence, provenance);
    let measures = 0..=evidence.header().carriers.len();
    let lines = pairs.iter().flat_map(|pairs| {
        let measures = measures.clone();
        measures.map(|measure| pairs.line(evidence, measure.checked_sub(1)))
    });
    let mut rows: Vec<Vec<Value>> = lines.collect();
    if rows.is_empty() {
        rows.push(none());
    }
    notes.insert(
        0,
        format!(
            "Difference is {provenance} minus simulated, in points of percent, on the images that both took. Its interval is 95 % \
             and takes whole sources as the unit of chance, one that nobody has seen into account. Where it does not hold 0, the \
             recipe is wrong about this carrier; where it does, nothing is shown, least of all with few pairs."
        ),
    );
    notes.extend(run_notes(evidence));
    Table {
        id: id.to_owned(),
        title: format!(
            "Survival through simulated pipelines and through {provenance} ones, on the same images"
        ),
        columns: vec![
            Column::new("pipeline", "pipeline", Kind::Text),
            Column::new("simulated_by", "simulated by", Kind::Text),
            Column::new("measure", "carrier", Kind::Text),
            Column::new("pairs", "pairs", Kind::Count),
            Column::new("sources", "sources", Kind::Count),
            Column::new("simulated", "simulated", Kind::Rate),
            Column::new(provenance.as_str(), provenance.as_str(), Kind::Rate),
            Column::new("difference", "difference", Kind::Estimate(POINTS)),
            Column::new("only_simulated", "kept in simulation alone", Kind::Count),
            Column::new("only_real", format!("kept {provenance} alone"), Kind::Count),
        ],
        rows,
        notes,
    }
}
