//! The tables of systems side by side.

use std::collections::HashSet;

use credlink_trial_record::{Outcome, Trial};

use super::{HeadToHead, Only, Side, pairs};
use crate::compare::Change;
use crate::stats::{Bounded, Measured, nearest_rank};
use crate::table::{Column, Kind, Table, Value};
use crate::tables::{Entrant, Evidence, Unit};

const NUMBER: Kind = Kind::Number(Unit {
    name: "",
    decimals: 0,
});
const DECIBELS: Kind = Kind::Number(Unit {
    name: "dB",
    decimals: 1,
});
const RATIO: Kind = Kind::Number(Unit {
    name: "",
    decimals: 3,
});

/// The system is named like this where its figures must not be used.
const UNUSABLE: &str = " (unusable)";

/// Every table, in the order in which a reader wants them.
pub(super) fn all(contest: &HeadToHead) -> Vec<Table> {
    let pairs = pairs(contest);
    vec![
        systems(contest),
        operating(contest),
        matrix(contest),
        paired_in_sum(&pairs, contest),
        paired(&pairs, contest),
        cost(contest),
        payload(contest),
    ]
}

fn named(side: &Side) -> Value {
    let mark = if side.unusable.is_some() {
        UNUSABLE
    } else {
        ""
    };
    Value::text(format!("{}{mark}", side.name))
}

/// What a system does by its own decision.
fn systems(contest: &HeadToHead) -> Table {
    let rows = contest.sides.iter().map(|side| {
        let evidence = &side.evidence;
        let system = &evidence.header().system;
        let refused = refused_images(evidence);
        let was_refused = |op: &usize| refused.contains(&evidence.image(*op));
        let taken = evidence.pooled_ops().filter(|op| !was_refused(op));
        let taken = evidence.hit_clusters(taken, None).measured(1, 0);
        let refused = evidence.clusters(evidence.pooled_ops(), 2, |op, counts| {
            counts[0] += 1;
            counts[1] += u32::from(was_refused(&op));
        });
        let mut line = vec![
            named(side),
            Value::text(&system.version),
            Value::Count(evidence.pooled_ops().count() as u64),
            Value::rate(survival(evidence)),
            Value::rate(taken),
            Value::rate(refused.measured(1, 0)),
            Value::bound(misattributed(evidence)),
        ];
        line.extend(
            [Trial::Unsigned, Trial::NearDuplicate]
                .map(|trial| Value::bound(accepted(evidence, trial))),
        );
        line.push(Value::Count(errors(evidence)));
        line
    });
    Table {
        id: "systems".to_owned(),
        title: "Systems by their own decision, over the same simulated pipelines".to_owned(),
        columns: vec![
            Column::new("system", "system", Kind::Text),
            Column::new("version", "version", Kind::Text),
            Column::new("n", "n", Kind::Count),
            Column::new("found", "found", Kind::Rate),
            Column::new("found_taken", "found, of images it took", Kind::Rate),
            Column::new("refused", "refused", Kind::Rate),
            Column::new("misattributed", "wrong proof", Kind::Bound),
            Column::new("unsigned", "unsigned accepted", Kind::Bound),
            Column::new("near_duplicate", "neighbouring views accepted", Kind::Bound),
            Column::new("errors", "errors", Kind::Count),
        ],
        rows: rows.collect(),
        notes: notes(
            contest,
            &[
                "Found: the issued proof, by what the system itself decides. A system that reads bits and decides nothing counts as finding where exactly the issued word was read. Images that it refused went out unsigned and are lost; errors stay in n. CredLink may name several proofs of pictures that its content check cannot tell apart; a guest names one.",
                "A wrong proof, and an unsigned image that is accepted, are false accepts. Neighbouring views are unsigned pictures of a scene of which another view is signed: a fingerprint alone cannot tell them apart.",
            ],
        ),
    }
}

/// What systems with a number find at chosen rates of false accepts.
fn operating(contest: &HeadToHead) -> Table {
    let mut rows = Vec::new();
    for side in &contest.sides {
        for point in side.evidence.operating_points() {
            let target = point.target.map_or_else(
                || "its own threshold".to_owned(),
                |target| format!("at most {} %", target * 100.0),
            );
            let threshold = point.threshold;
            rows.push(vec![
                named(side),
                Value::text(&point.carrier),
                Value::text(target),
                threshold.map_or(Value::NotApplicable, |at| Value::Number(f64::from(at))),
                Value::text(&point.unit),
                Value::Count(point.chosen_on),
                Value::bound(point.accepted),
                Value::rate(point.found),
                Value::bound(point.wrong),
            ]);
        }
    }
    if rows.is_empty() {
        let mut line = ["no system decided by a number", "", ""]
            .map(Value::text)
            .to_vec();
        line.extend(vec![Value::NotMeasured; 6]);
        rows.push(line);
    }
    Table {
        id: "operating-points".to_owned(),
        title: "What systems find at chosen rates of false accepts".to_owned(),
        columns: vec![
            Column::new("system", "system", Kind::Text),
            Column::new("carrier", "carrier", Kind::Text),
            Column::new("target", "false accepts wanted", Kind::Text),
            Column::new("threshold", "threshold", NUMBER),
            Column::new("unit", "unit", Kind::Text),
            Column::new("chosen_on", "chosen on n", Kind::Count),
            Column::new("accepted", "unsigned accepted", Kind::Bound),
            Column::new("found", "found", Kind::Rate),
            Column::new("wrong", "wrong proof nearer", Kind::Bound),
        ],
        rows,
        notes: notes(
            contest,
            &[
                "Thresholds are chosen on the unsigned images of one half of the sources, and everything else is of the other half: these rates rest on half the images, and the nearest proof is named whatever rules a system has beside its number. Where n is too small for the rate that was wanted, the threshold is the first that lets none of them through, and the bound says how little that proves.",
            ],
        ),
    }
}

/// Every pipeline with every system.
fn matrix(contest: &HeadToHead) -> Table {
    let mut columns = vec![
        Column::new("pipeline", "pipeline", Kind::Text),
        Column::new("n", "n", Kind::Count),
    ];
    columns.extend(
        contest
            .sides
            .iter()
            .map(|side| Column::new(side.folder.replace('-', "_"), &side.name, Kind::Rate)),
    );
    let rows = contest.sides.first().map(|first| {
        let pipelines = first.evidence.header().pipelines.iter().enumerate();
        pipelines.map(|(index, pipeline)| {
            let mut line = vec![
                Value::text(&pipeline.id),
                Value::Count(first.evidence.ops(index, Trial::Signed).count() as u64),
            ];
            line.extend(contest.sides.iter().map(|side| {
                let ops = side.evidence.ops(index, Trial::Signed);
                Value::rate(side.evidence.hit_clusters(ops, None).measured(1, 0))
            }));
            line
        })
    });
    Table {
        id: "matrix".to_owned(),
        title: "Systems by simulated pipeline".to_owned(),
        columns,
        rows: rows.into_iter().flatten().collect(),
        notes: notes(
            contest,
            &["The issued proof is found, by the system's own decision."],
        ),
    }
}

/// Every system against the first, all pipelines together.
fn paired_in_sum(all: &[Only], contest: &HeadToHead) -> Table {
    let first = contest.sides.first().map_or("", |side| side.name.as_str());
    let rows = all.iter().map(|only| {
        let changed = |which: fn((u64, u64)) -> u64| -> u64 {
            let lines = only.lines.iter();
            lines
                .map(|line| which(line.changed.unwrap_or_default()))
                .sum()
        };
        let verdicts = |change: Change| {
            let lines = only.lines.iter();
            Value::Count(lines.filter(|line| line.change == change).count() as u64)
        };
        vec![
            Value::text(&only.name),
            Value::Count(only.lines.iter().map(|line| line.before.n).sum()),
            Value::Count(changed(|(lost, _)| lost)),
            Value::Count(changed(|(_, won)| won)),
            verdicts(Change::Better),
            verdicts(Change::Worse),
            verdicts(Change::Same),
        ]
    });
    Table {
        id: "paired-in-sum".to_owned(),
        title: format!("Systems against {first}, all simulated pipelines together"),
        columns: vec![
            Column::new("system", "system", Kind::Text),
            Column::new("n", "pairs", Kind::Count),
            Column::new("only_first", format!("found by {first} alone"), Kind::Count),
            Column::new("only_other", "found by the system alone", Kind::Count),
            Column::new("better", "pipelines where it finds more", Kind::Count),
            Column::new("worse", "where it finds less", Kind::Count),
            Column::new("same", "where neither is shown", Kind::Count),
        ],
        rows: rows.collect(),
        notes: notes(
            contest,
            &[
                "More and less by the test of the table that has every pipeline: exact McNemar over pairs or sources, adjusted by Holm over all its lines.",
            ],
        ),
    }
}

/// Every system against the first, on the same ops.
fn paired(all: &[Only], contest: &HeadToHead) -> Table {
    let mut rows = Vec::new();
    for only in all {
        for (place, line) in only.lines.iter().enumerate() {
            let (lost, won) = line.changed.unwrap_or_default();
            let image = |image: Option<u32>| {
                image.map_or(Value::NotApplicable, |image| {
                    Value::Number(f64::from(image))
                })
            };
            rows.push(vec![
                Value::text(&only.name),
                Value::text(&line.pipeline),
                Value::Count(line.before.n),
                Value::Count(lost),
                Value::Count(won),
                Value::Estimate(
                    line.difference * 100.0,
                    crate::stats::Interval {
                        low: line.interval.low * 100.0,
                        high: line.interval.high * 100.0,
                    },
                ),
                Value::number(Some(line.p_adjusted)),
                Value::text(line.change.as_str()),
                image(only.lost[place]),
                image(only.won[place]),
            ]);
        }
    }
    let first = contest.sides.first().map_or("", |side| side.name.as_str());
    Table {
        id: "paired".to_owned(),
        title: format!(
            "Systems against {first}, on the same images through the same simulated pipelines"
        ),
        columns: vec![
            Column::new("system", "system", Kind::Text),
            Column::new("pipeline", "pipeline", Kind::Text),
            Column::new("n", "pairs", Kind::Count),
            Column::new("only_first", format!("found by {first} alone"), Kind::Count),
            Column::new("only_other", "found by the system alone", Kind::Count),
            Column::new(
                "difference",
                "difference",
                Kind::Estimate(Unit {
                    name: "points",
                    decimals: 1,
                }),
            ),
            Column::new("p", "p, adjusted", RATIO),
            Column::new("verdict", "verdict", Kind::Text),
            Column::new("image_first", "an image that it lost", NUMBER),
            Column::new("image_other", "an image that it saved", NUMBER),
        ],
        rows,
        notes: notes(
            contest,
            &[
                "Exact McNemar test over pairs; where one source gives several pairs, over sources. P-values are adjusted by Holm over all lines of the table, so that any false alarm in it has a chance of 5 %.",
                "Images are numbered as in the rows; signed/ of each run holds them.",
            ],
        ),
    }
}

/// What signing costs.
fn cost(contest: &HeadToHead) -> Table {
    let rows = contest.sides.iter().map(|side| {
        let evidence = &side.evidence;
        let mut images = evidence.distinct_images();
        // What was refused went out as it came, and cost nothing.
        let refused = refused_images(evidence);
        images.retain(|op| !refused.contains(&evidence.image(*op)));
        let of = |value: &dyn Fn(&Entrant) -> f64| -> Vec<f64> {
            let values = images.iter().map(|op| value(&evidence.entrant(*op)));
            values.filter(|value| value.is_finite()).collect()
        };
        let growth = of(&|entrant| match entrant.source_bytes {
            0 => f64::NAN,
            bytes => entrant.signed_bytes as f64 / bytes as f64,
        });
        let verify = evidence.pooled_ops().map(|op| evidence.verify_ns(op));
        let sign = of(&|entrant| entrant.sign_ns as f64);
        let settings = &evidence.header().settings;
        let strength = settings
            .get("strength")
            .or_else(|| settings.get("watermark"));
        vec![
            named(side),
            Value::Count(images.len() as u64),
            Value::text(strength.cloned().unwrap_or_default()),
            Value::number(median(of(&|entrant| f64::from(entrant.psnr())), 3)),
            Value::number(
                of(&|entrant| f64::from(entrant.psnr()))
                    .into_iter()
                    .reduce(f64::min),
            ),
            Value::number(median(of(&|entrant| f64::from(entrant.ssim())), 6)),
            Value::number(median(of(&|entrant| f64::from(entrant.ssimulacra2())), 3)),
            Value::number(median(growth, 4)),
            nanos(sign.into_iter().map(|nanos| nanos as u64).collect()),
            nanos(verify.collect()),
        ]
    });
    Table {
        id: "cost".to_owned(),
        title: "What systems cost: pictures, files, time".to_owned(),
        columns: cost_columns(),
        rows: rows.collect(),
        notes: notes(
            contest,
            &[
                "Medians, but for the worst PSNR of any image. PSNR, SSIM and SSIMULACRA 2 (90 and more: invisible side by side) are between the source and the signed file as decoded, over the images whose pixels signing changed; a system that changes none has none. Times are wall-clock, on as many threads as the run had: of a guest around the request, the way to another process included; of CredLink up to the first carrier that is accepted. Ops that ended in an error have none.",
            ],
        ),
    }
}

fn cost_columns() -> Vec<Column> {
    vec![
        Column::new("system", "system", Kind::Text),
        Column::new("images", "images taken", Kind::Count),
        Column::new("strength", "strength", Kind::Text),
        Column::new("psnr", "PSNR", DECIBELS),
        Column::new("psnr_least", "the worst", DECIBELS),
        Column::new(
            "ssim",
            "SSIM",
            Kind::Number(Unit {
                name: "",
                decimals: 4,
            }),
        ),
        Column::new(
            "ssimulacra2",
            "SSIMULACRA 2",
            Kind::Number(Unit {
                name: "",
                decimals: 1,
            }),
        ),
        Column::new(
            "growth",
            "size of the file",
            Kind::Number(Unit {
                name: "×",
                decimals: 2,
            }),
        ),
        Column::new("sign", "sign", Kind::Nanos),
        Column::new("verify", "verify", Kind::Nanos),
    ]
}

/// What a picture carries.
fn payload(contest: &HeadToHead) -> Table {
    let rows = contest.sides.iter().flat_map(|side| {
        let evidence = &side.evidence;
        let header = evidence.header();
        let carriers = header.carriers.iter().enumerate();
        let carriers = carriers.map(|(place, name)| (place, header.carrier(name)));
        let carriers = carriers.filter(|(_, carrier)| carrier.payload_bits > 0);
        carriers
            .map(|(place, carrier)| {
                let bits = carrier.payload_bits;
                let found = evidence
                    .hit_clusters(evidence.pooled_ops(), Some(place))
                    .measured(1, 0);
                let megapixels = megapixels(evidence);
                let recovered = found.rate.value().zip(megapixels);
                let recovered = recovered.map(|(rate, size)| rate * f64::from(bits) / size);
                vec![
                    named(side),
                    Value::text(&carrier.name),
                    Value::Count(u64::from(bits)),
                    Value::rate(found),
                    Value::number(recovered),
                    Value::number(evidence.right_bits(place).map(|share| share * 100.0)),
                ]
            })
            .collect::<Vec<_>>()
    });
    let mut rows: Vec<Vec<Value>> = rows.collect();
    if rows.is_empty() {
        let mut line = ["no system carries a word", ""].map(Value::text).to_vec();
        line.extend(vec![Value::NotMeasured; 4]);
        rows.push(line);
    }
    Table {
        id: "payload".to_owned(),
        title: "What systems carry, each at its own payload".to_owned(),
        columns: vec![
            Column::new("system", "system", Kind::Text),
            Column::new("carrier", "carrier", Kind::Text),
            Column::new("bits", "bits", Kind::Count),
            Column::new("exact", "read exactly", Kind::Rate),
            Column::new(
                "per_megapixel",
                "bits recovered a megapixel",
                Kind::Number(Unit {
                    name: "",
                    decimals: 1,
                }),
            ),
            Column::new(
                "right",
                "bits right",
                Kind::Number(Unit {
                    name: "%",
                    decimals: 1,
                }),
            ),
        ],
        rows,
        notes: notes(
            contest,
            &[
                "Read exactly: every bit, and accepted. Recovered: the bits of words that were read exactly, over all ops, for each megapixel of the images; a short word is easier to carry than a long one. Bits right: of the words that were read at all, whether or not they were accepted; half of them are right by chance, and systems that tell only the words they accept have none here.",
            ],
        ),
    }
}

fn notes(contest: &HeadToHead, own: &[&str]) -> Vec<String> {
    let mut notes: Vec<String> = own.iter().map(|note| (*note).to_owned()).collect();
    notes.push(format!(
        "Rates are in percent of n; * marks a provisional rate (n below {}). Intervals are 95 % and take whole sources as the unit of chance; bounds are one-sided 95 %. Simulated pipelines; control pipelines are left out except in the matrix.",
        crate::stats::PROVISIONAL_BELOW
    ));
    if let Some(first) = contest.sides.first() {
        let header = first.evidence.header();
        notes.push(format!(
            "Image set {} ({}), seed {}, {}.",
            header.image_set.name,
            header.image_set.kind,
            header.seed,
            header.created.get(..10).unwrap_or(&header.created)
        ));
    }
    for side in &contest.sides {
        if let Some(why) = &side.unusable {
            notes.push(format!("UNUSABLE: {}: the run {why}", side.name));
        }
    }
    for skipped in &contest.skipped {
        notes.push(format!("Left out: {}: {}", skipped.name, skipped.why));
    }
    notes
}

/// The images that every carrier refused. An op that ended in an error does not say; another one of its image does.
fn refused_images(evidence: &Evidence) -> HashSet<u32> {
    let carriers = 0..evidence.header().carriers.len();
    let ops = evidence.simulated_ops(Trial::Signed);
    let all = |op: &usize| {
        let entrant = evidence.entrant(*op);
        let mut carriers = carriers.clone();
        carriers.all(|carrier| entrant.embedded(carrier) == crate::tables::REFUSED)
    };
    ops.filter(all).map(|op| evidence.image(op)).collect()
}

/// How often the proof survived over all signed ops.
pub(super) fn survival(evidence: &Evidence) -> Measured {
    evidence
        .hit_clusters(evidence.pooled_ops(), None)
        .measured(1, 0)
}

pub(super) fn misattributed(evidence: &Evidence) -> Bounded {
    let clusters = evidence.clusters(evidence.pooled_ops(), 2, |op, counts| {
        counts[0] += 1;
        counts[1] += u32::from(evidence.is_misattributed(op));
    });
    clusters.bounded(1, 0)
}

/// How often a file of one kind of negative trial was accepted.
pub(super) fn accepted(evidence: &Evidence, trial: Trial) -> Bounded {
    // What could not be looked at was not rejected: counting it would make the rate look better.
    let looked_at = evidence
        .pooled_of(trial)
        .filter(|op| evidence.result(*op).outcome != Outcome::Error);
    let clusters = evidence.clusters(looked_at, 2, |op, counts| {
        counts[0] += 1;
        counts[1] += u32::from(evidence.result(op).accepted != 0);
    });
    clusters.bounded(1, 0)
}

fn errors(evidence: &Evidence) -> u64 {
    let ops = evidence.pooled_ops();
    ops.filter(|op| evidence.result(*op).outcome == Outcome::Error)
        .count() as u64
}

/// Megapixels of an image, on average over the signed ops.
fn megapixels(evidence: &Evidence) -> Option<f64> {
    let sizes: Vec<f64> = evidence
        .pooled_ops()
        .map(|op| evidence.entrant(op).pixels as f64 / 1e6)
        .collect();
    (!sizes.is_empty()).then(|| sizes.iter().sum::<f64>() / sizes.len() as f64)
}

/// The median of values that are kept to so many decimals.
pub(super) fn median(values: Vec<f64>, decimals: i32) -> Option<f64> {
    let scale = 10_f64.powi(decimals);
    let mut whole: Vec<u64> = values
        .iter()
        .map(|value| (value.max(0.0) * scale).round() as u64)
        .collect();
    whole.sort_unstable();
    nearest_rank(&whole, 500).map(|value| value as f64 / scale)
}

fn nanos(mut values: Vec<u64>) -> Value {
    values.retain(|nanos| *nanos > 0);
    values.sort_unstable();
    nearest_rank(&values, 500).map_or(Value::NotMeasured, Value::Nanos)
}
