//! Which image goes through which pipeline: decided before anything runs, from the seed alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use credlink_corpus::{Entry, ImageSet};
use credlink_reports::header::{PipelineHeader, SweepHeader};
use credlink_transforms::recipe::Recipe;
use credlink_trial_record::Trial;
use sha2::{Digest, Sha256};

/// How many ops a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many in all, spread evenly over the pipelines (the first ones get one more where it does not divide).
    Total(u64),
    /// So many for each pipeline.
    PerPipeline(u64),
    /// Every image of a set that has only so many, through every pipeline that takes it.
    EveryImage,
}

/// One image and what is to be done with it.
#[derive(Clone, Debug)]
pub struct PlannedImage {
    /// The image.
    pub entry: Entry,
    /// Positions in [`Plan::pipelines`], ascending.
    pub pipelines: Arc<[usize]>,
    /// The number of its first op; the others follow.
    pub first_op: u64,
}

/// One negative trial: what is done to an image so that a verifier might be deceived, and its pipelines.
#[derive(Clone, Debug)]
pub struct Negative {
    /// The kind; never [`Trial::Signed`].
    pub trial: Trial,
    /// The image and its pipelines.
    pub image: PlannedImage,
}

/// A whole run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The pipelines, in the order given.
    pub pipelines: Vec<Arc<Recipe>>,
    /// Images to be signed.
    pub signed: Vec<PlannedImage>,
    /// Trials in which no proof of ours may be found, on images that are never signed.
    pub negatives: Vec<Negative>,
    /// Ops on signed images.
    pub signed_ops: u64,
    /// Ops of negative trials.
    pub negative_ops: u64,
    /// Pipelines that get fewer ops than asked for, and why; controls that could not be planned.
    pub shortfalls: Vec<String>,
}

/// A pipeline as a run's header describes it.
#[must_use]
pub fn described(recipe: &Recipe) -> PipelineHeader {
    PipelineHeader {
        id: recipe.id.clone(),
        title: recipe.title.clone(),
        family: recipe.family.clone(),
        grade: recipe.grade().letter().to_string(),
        severity: recipe.severity.as_str().to_owned(),
        digest: recipe.digest(),
        sweep: recipe.sweep_point().map(|point| SweepHeader {
            recipe: point.recipe,
            parameter: point.parameter,
            value: point.value,
            unit: point.unit,
        }),
        contract: recipe.contract,
        provenance: recipe.provenance(),
        simulated_by: recipe.simulated_by.clone(),
    }
}

impl Plan {
    /// The pipelines as a run's header describes them.
    #[must_use]
    pub fn described(&self) -> Vec<PipelineHeader> {
        self.pipelines
            .iter()
            .map(|recipe| described(recipe))
            .collect()
    }
}

impl Plan {
    /// A digest of every image, pipeline and number of an op, in hex: plans that agree in it give the same rows.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut image = |kind: &str, image: &PlannedImage| {
            let name = &image.entry.name;
            let pipelines = image.pipelines.iter();
            let pipelines: Vec<&str> = pipelines
                .map(|position| self.pipelines[*position].id.as_str())
                .collect();
            let line = format!(
                "{kind} {} {name:?} {:?} {} {}\n",
                image.entry.index,
                image.entry.source,
                image.first_op,
                pipelines.join(",")
            );
            hash.update(line.as_bytes());
        };
        for signed in &self.signed {
            image(Trial::Signed.as_str(), signed);
        }
        for negative in &self.negatives {
            image(negative.trial.as_str(), &negative.image);
        }
        format!("{:x}", hash.finalize())
    }
}

/// The share of ops that unsigned images get unless told otherwise: one for twenty signed ones.
pub const UNSIGNED_SHARE: u64 = 20;

/// How systems are tried to be deceived.
#[derive(Clone, Copy, Debug)]
pub struct Negatives<'a> {
    /// One unsigned op for so many signed ones of each pipeline, at least 1.
    pub unsigned_share: u64,
    /// The other kinds of negative trial on held-out images.
    pub deceptions: &'a [Trial],
}

/// Pipelines that a held-out image goes through, where there are images enough: what one picture shows a second time says
/// little, and a bound on false accepts counts pictures.
const PIPELINES_EACH: u64 = 3;

/// The other negative trials on held-out images: each kind is tried once for every so many unsigned ops.
const DECEPTION_SHARE: usize = 8;

/// Images that a kind of deception is tried on, where there are so many: making one may take a second.
const DECEIVING_IMAGES: usize = 36;

/// A neighbouring view of a signed image is tried once for every so many signed ops.
const NEIGHBOUR_SHARE: usize = 40;

/// Plans a run over an image set.
///
/// Each pipeline takes the first images of the set, in its seeded order, whose format it accepts. The first sources
/// of that order are held out for negative trials, so that neither they nor other views of them are ever signed. Which
/// deceptions are tried on these depends on the system; everything else does not, so that systems meet the same ops.
#[must_use]
pub fn plan(
    set: &dyn ImageSet,
    pipelines: Vec<Arc<Recipe>>,
    size: Size,
    negatives: Negatives<'_>,
) -> Plan {
    let count = pipelines.len() as u64;
    let quota = |position: u64| match size {
        Size::Total(total) if count > 0 => total / count + u64::from(position < total % count),
        Size::Total(_) | Size::EveryImage => 0,
        Size::PerPipeline(each) => each,
    };
    let mut wanted: Vec<u64> = match size {
        Size::EveryImage => pipelines.iter().map(|recipe| takers(set, recipe)).collect(),
        Size::Total(_) | Size::PerPipeline(_) => (0..count).map(quota).collect(),
    };
    let largest = wanted.iter().copied().max().unwrap_or(0);
    let mut plan = Plan {
        pipelines,
        signed: Vec::new(),
        negatives: Vec::new(),
        signed_ops: 0,
        negative_ops: 0,
        shortfalls: Vec::new(),
    };

    let idle = idle(&plan, &wanted, size);
    plan.shortfalls.extend(idle);
    let (held_out, sources) = hold_out(set, &wanted, negatives.unsigned_share, &mut plan);
    if size == Size::EveryImage {
        // What was held out is not signed, and nobody misses it.
        let files = set.header().files.unwrap_or(0);
        for (recipe, count) in plan.pipelines.iter().zip(&mut wanted) {
            let entries = (0..files).map(|index| set.entry(index));
            let kept = entries.filter(|entry| !sources.contains(&entry.source));
            *count = kept.filter(|entry| recipe.takes(entry.format)).count() as u64;
        }
    }

    for index in 0..reach(largest) {
        if wanted.iter().all(|count| *count == 0) {
            break;
        }
        let entry = set.entry(index);
        if sources.contains(&entry.source) {
            continue;
        }
        let format = entry.format;
        let takes =
            |position: &usize| wanted[*position] > 0 && plan.pipelines[*position].takes(format);
        let chosen: Vec<usize> = (0..plan.pipelines.len()).filter(takes).collect();
        if chosen.is_empty() {
            continue;
        }
        for position in &chosen {
            wanted[*position] -= 1;
        }
        let first_op = plan.signed_ops;
        plan.signed_ops += chosen.len() as u64;
        // Most images go through the same pipelines as the one before.
        let last = plan.signed.last().map(|image| &image.pipelines);
        let pipelines = match last {
            Some(last) if **last == *chosen => Arc::clone(last),
            _ => chosen.into(),
        };
        plan.signed.push(PlannedImage {
            entry,
            pipelines,
            first_op,
        });
    }
    let missing = missing(&plan, &wanted);
    plan.shortfalls.extend(missing);
    plan_negatives(&mut plan, &held_out, negatives.deceptions);
    plan
}

/// A sentence about the pipelines that get no op, if there are any.
fn idle(plan: &Plan, wanted: &[u64], size: Size) -> Option<String> {
    let idle = plan.pipelines.iter().zip(wanted);
    let idle = idle.filter(|(_, count)| **count == 0);
    let idle: Vec<&str> = idle.map(|(recipe, _)| recipe.id.as_str()).collect();
    let reason = match size {
        Size::EveryImage => "no image has a format that they take",
        Size::Total(_) | Size::PerPipeline(_) => "there are fewer ops than pipelines",
    };
    (!idle.is_empty()).then(|| {
        format!(
            "{} of {} pipelines get no op, since {reason}: {}",
            idle.len(),
            plan.pipelines.len(),
            idle.join(", ")
        )
    })
}

/// A sentence for each pipeline that gets fewer ops than it should, by so many.
fn missing(plan: &Plan, missing: &[u64]) -> Vec<String> {
    let short = plan.pipelines.iter().zip(missing);
    let short = short.filter(|(_, missing)| **missing > 0);
    let told = short.map(|(recipe, missing)| {
        let formats = recipe.accepts.iter();
        let formats: Vec<&str> = formats.map(|format| format.as_str()).collect();
        format!(
            "{}: {missing} ops not planned, the image set has too few {} files",
            recipe.id,
            formats.join(" or ")
        )
    });
    told.collect()
}

/// How many whole files of a set a pipeline takes.
fn takers(set: &dyn ImageSet, recipe: &Recipe) -> u64 {
    let files = set.header().files.unwrap_or(0);
    let formats = (0..files).map(|index| set.entry(index).format);
    formats.filter(|format| recipe.takes(*format)).count() as u64
}

/// Numbers the negative trials behind the signed ones, kind by kind.
fn plan_negatives(plan: &mut Plan, held_out: &[PlannedImage], deceptions: &[Trial]) {
    let unsigned = held_out.iter().cloned().map(|image| Negative {
        trial: Trial::Unsigned,
        image,
    });
    let mut negatives: Vec<Negative> = unsigned.collect();
    for trial in deceptions {
        negatives.extend(spread(*trial, held_out, DECEPTION_SHARE));
    }
    negatives.extend(spread(Trial::NearDuplicate, &plan.signed, NEIGHBOUR_SHARE));
    for negative in &mut negatives {
        negative.image.first_op = plan.signed_ops + plan.negative_ops;
        plan.negative_ops += negative.image.pipelines.len() as u64;
    }
    plan.negatives = negatives;
}

/// A kind of trial, once for every `share` ops of these images, spread over as many of them as there are up to
/// [`DECEIVING_IMAGES`], each through some of its pipelines in turn.
fn spread(trial: Trial, of: &[PlannedImage], share: usize) -> Vec<Negative> {
    let ops: usize = of.iter().map(|image| image.pipelines.len()).sum();
    let images = of.len().clamp(1, DECEIVING_IMAGES);
    let each = ops.div_ceil(share).div_ceil(images);
    let chosen = of.iter().step_by(of.len().div_ceil(images).max(1));
    let planned = chosen.enumerate().map(|(turn, image)| {
        let count = image.pipelines.len();
        let mut pipelines: Vec<usize> = (0..each.min(count))
            .map(|k| image.pipelines[(turn * each + k) % count])
            .collect();
        pipelines.sort_unstable();
        Negative {
            trial,
            image: PlannedImage {
                pipelines: pipelines.into(),
                ..image.clone()
            },
        }
    });
    planned.collect()
}

/// Chooses the images of negative trials, one for every `share` ops of each pipeline; gives also the sources that
/// must not be signed.
fn hold_out(
    set: &dyn ImageSet,
    wanted: &[u64],
    share: u64,
    plan: &mut Plan,
) -> (Vec<PlannedImage>, BTreeSet<String>) {
    let sources = set.distinct_sources().unwrap_or(usize::MAX);
    // A small set gives up at most a quarter of its sources.
    let most = sources / 4;
    let mut missing: Vec<u64> = wanted.iter().map(|ops| ops.div_ceil(share)).collect();
    let largest = missing.iter().copied().max().unwrap_or(0);
    // Few images go through many pipelines each, many images through a few.
    let each = PIPELINES_EACH.max(missing.iter().sum::<u64>().div_ceil(most.max(1) as u64));
    let mut seen = BTreeSet::new();
    let mut sources_held_out = BTreeSet::new();
    let mut held_out = Vec::new();
    // Whole files come first in every set, so each source is met once within their number.
    let files = set.header().files.unwrap_or(sources);
    let reach = files.min(reach(largest));
    for index in 0..reach {
        if sources_held_out.len() >= most || missing.iter().all(|count| *count == 0) {
            break;
        }
        let entry = set.entry(index);
        if !seen.insert(entry.source.clone()) {
            continue;
        }
        let format = entry.format;
        let takes =
            |position: &usize| missing[*position] > 0 && plan.pipelines[*position].takes(format);
        let mut chosen: Vec<usize> = (0..plan.pipelines.len()).filter(takes).collect();
        if chosen.is_empty() {
            continue;
        }
        // Those that lack most go first, so that all fill alike.
        chosen.sort_by_key(|position| (std::cmp::Reverse(missing[*position]), *position));
        chosen.truncate(usize::try_from(each).unwrap_or(usize::MAX));
        chosen.sort_unstable();
        for position in &chosen {
            missing[*position] -= 1;
        }
        sources_held_out.insert(entry.source.clone());
        held_out.push(PlannedImage {
            entry,
            pipelines: chosen.into(),
            first_op: 0,
        });
    }
    const LEAST_SOURCES: usize = 4;
    if sources < LEAST_SOURCES {
        plan.shortfalls.push(format!(
            "no unsigned control: the image set shows {sources} different pictures, and of {LEAST_SOURCES} at least one \
             would be held out; such a run cannot pass its controls"
        ));
        return (held_out, sources_held_out);
    }
    for (position, recipe) in plan.pipelines.iter().enumerate() {
        let planned = wanted[position].div_ceil(share) - missing[position];
        if planned == 0 && wanted[position] > 0 {
            plan.shortfalls.push(format!(
                "{}: no unsigned control, the image set has too few files that it takes",
                recipe.id
            ));
        }
    }
    (held_out, sources_held_out)
}

/// How many positions of a set are looked at before the plan gives up: far more than any pipeline needs, even where
/// few images have the format it takes.
fn reach(largest: u64) -> usize {
    usize::try_from(largest.saturating_mul(64).saturating_add(4096)).unwrap_or(usize::MAX)
}
