//! Laws of the plan: the right number of ops, spread evenly, the same from the same seed, controls apart.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::sync::Arc;

use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::plan::{self, Negatives, Plan, PlannedImage, Size, UNSIGNED_SHARE};
use credlink_harness::systems::credlink;
use credlink_reports::header::CarrierHeader;
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::Recipe;
use credlink_trial_record::Trial;

fn plan(set: &dyn ImageSet, pipelines: Vec<Arc<Recipe>>, size: Size) -> Plan {
    let deceptions = credlink::about().deceptions;
    let negatives = Negatives {
        unsigned_share: UNSIGNED_SHARE,
        deceptions: &deceptions,
    };
    plan::plan(set, pipelines, size, negatives)
}

fn recipes(pattern: &str) -> Vec<Arc<Recipe>> {
    let recipes = Catalogue::embedded().unwrap().select(pattern);
    assert!(!recipes.is_empty());
    recipes
}

fn all_images(plan: &Plan) -> impl Iterator<Item = &PlannedImage> {
    let negatives = plan.negatives.iter().map(|negative| &negative.image);
    plan.signed.iter().chain(negatives)
}

fn per_pipeline(plan: &Plan) -> Vec<u64> {
    let mut counts = vec![0; plan.pipelines.len()];
    for image in &plan.signed {
        for position in image.pipelines.iter() {
            counts[*position] += 1;
        }
    }
    counts
}

#[test]
fn the_total_is_spread_evenly_over_the_pipelines() {
    for total in [1, 19, 400, 1003] {
        let plan = plan(&SyntheticSet::new(1), recipes("all"), Size::Total(total));
        let counts = per_pipeline(&plan);
        assert_eq!(counts.iter().sum::<u64>(), total);
        assert_eq!(plan.signed_ops, total);
        assert!(
            counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1,
            "{counts:?}"
        );
        // Those that get nothing are named.
        let idle = counts.iter().filter(|count| **count == 0).count();
        let named = plan.shortfalls.iter().flat_map(|line| line.split(", "));
        assert_eq!(
            named.count().saturating_sub(1),
            idle,
            "{:?}",
            plan.shortfalls
        );
        assert_eq!(plan.shortfalls.len(), usize::from(idle > 0));
    }
}

#[test]
fn every_image_has_a_format_that_its_pipelines_take() {
    let plan = plan(&SyntheticSet::new(2), recipes("all"), Size::PerPipeline(20));
    assert_eq!(per_pipeline(&plan), vec![20; plan.pipelines.len()]);
    for image in all_images(&plan) {
        for position in image.pipelines.iter() {
            assert!(plan.pipelines[*position].takes(image.entry.format));
        }
    }
}

#[test]
fn negative_trials_of_the_default_run_rest_on_many_pictures() {
    let plan = plan(&SyntheticSet::new(1), recipes("core"), Size::Total(10_000));
    let mut sources: std::collections::BTreeMap<Trial, BTreeSet<&str>> = Default::default();
    for negative in &plan.negatives {
        let of_kind = sources.entry(negative.trial).or_default();
        of_kind.insert(&negative.image.entry.source);
    }
    assert!(sources[&Trial::Unsigned].len() >= 150);
    for (trial, sources) in &sources {
        assert!(sources.len() >= 30, "{trial:?}: {}", sources.len());
    }
    // Every pipeline has its unsigned ops all the same.
    let mut unsigned = vec![0; plan.pipelines.len()];
    for negative in plan
        .negatives
        .iter()
        .filter(|one| one.trial == Trial::Unsigned)
    {
        negative
            .image
            .pipelines
            .iter()
            .for_each(|position| unsigned[*position] += 1);
    }
    assert!(unsigned.iter().all(|count| *count == 25), "{unsigned:?}");
}

#[test]
fn op_numbers_run_from_zero_without_gaps() {
    let plan = plan(&SyntheticSet::new(3), recipes("core"), Size::Total(500));
    let mut next = 0;
    for image in all_images(&plan) {
        assert_eq!(image.first_op, next);
        next += image.pipelines.len() as u64;
    }
    assert_eq!(next, plan.signed_ops + plan.negative_ops);
}

#[test]
fn no_source_is_both_signed_and_held_out_and_every_kind_of_negative_is_planned() {
    let plan = plan(
        &SyntheticSet::new(4),
        recipes("core"),
        Size::PerPipeline(60),
    );
    let signed: BTreeSet<_> = plan
        .signed
        .iter()
        .map(|image| &image.entry.source)
        .collect();
    let mut kinds = BTreeSet::new();
    for negative in &plan.negatives {
        kinds.insert(negative.trial);
        let is_signed = signed.contains(&negative.image.entry.source);
        // A neighbouring view is one of a signed scene; everything else is of a scene that nobody signed.
        assert_eq!(is_signed, negative.trial == Trial::NearDuplicate);
    }
    assert_eq!(kinds, BTreeSet::from(Trial::NEGATIVES));
}

#[test]
fn every_pipeline_gets_one_unsigned_control_for_every_twenty_ops() {
    let plan = plan(&SyntheticSet::new(4), recipes("all"), Size::PerPipeline(60));
    let mut counts = vec![0; plan.pipelines.len()];
    let unsigned = plan
        .negatives
        .iter()
        .filter(|negative| negative.trial == Trial::Unsigned);
    for position in unsigned.flat_map(|negative| negative.image.pipelines.iter()) {
        counts[*position] += 1;
    }
    assert_eq!(counts, vec![3; plan.pipelines.len()]);
    assert!(plan.shortfalls.is_empty(), "{:?}", plan.shortfalls);
}

#[test]
fn the_same_seed_plans_the_same_and_another_seed_another() {
    let planned = |seed| {
        let plan = plan(&SyntheticSet::new(seed), recipes("core"), Size::Total(300));
        plan.signed
            .iter()
            .map(|image| (image.entry.clone(), image.pipelines.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(planned(5), planned(5));
    assert_ne!(planned(5), planned(6));
}

#[test]
fn carriers_describe_themselves_to_reports_soundly() {
    let about = credlink_harness::systems::credlink::about();
    let facts = about.facts();
    let names: Vec<&String> = facts.iter().map(|carrier| &carrier.name).collect();
    assert_eq!(names, about.names().iter().collect::<Vec<_>>());
    for decision in facts.iter().filter_map(|carrier| carrier.decision.as_ref()) {
        assert!(decision.is_sound(), "{decision:?}");
    }
    // The threshold that reports show is the one that the verifier uses.
    let policy = credlink_sign_core::fingerprint::MatchPolicy::default();
    let shown = |carrier: &CarrierHeader| carrier.decision.as_ref().map(|by| by.in_use);
    assert!(
        facts
            .iter()
            .any(|carrier| shown(carrier) == Some(policy.max_distance))
    );
}

#[test]
fn systems_that_are_deceived_otherwise_meet_the_same_ops() {
    let of = |deceptions: &[Trial]| {
        let negatives = Negatives {
            unsigned_share: 4,
            deceptions,
        };
        plan::plan(
            &SyntheticSet::new(5),
            recipes("core"),
            Size::Total(900),
            negatives,
        )
    };
    let (few, many) = (of(&[]), of(&credlink::about().deceptions));
    assert!(few.negatives.len() < many.negatives.len());
    for (few, many) in few.signed.iter().zip(&many.signed) {
        assert_eq!(few.first_op, many.first_op);
        assert_eq!(few.pipelines, many.pipelines);
    }
    let unsigned = |plan: &Plan| -> Vec<(usize, Vec<usize>)> {
        let of = plan.negatives.iter();
        of.filter(|negative| negative.trial == Trial::Unsigned)
            .map(|negative| {
                (
                    negative.image.entry.index,
                    negative.image.pipelines.to_vec(),
                )
            })
            .collect()
    };
    assert_eq!(unsigned(&few), unsigned(&many));
    let ops: usize = unsigned(&few)
        .iter()
        .map(|(_, pipelines)| pipelines.len())
        .sum();
    assert!(ops >= 900 / 4, "{ops}");
}
