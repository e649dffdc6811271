//! Comparisons: of an image with what became of it, with another image, with itself after its subject was replaced.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use credlink_harness::clock::thread_nanos;
use credlink_image_files::ImageFile;
use credlink_sign_core::fingerprint::{ContentHash, Match, MatchPolicy};
use credlink_sign_core::sketch::{Comparison, Received, Registered, Sketch};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView};
use rayon::prelude::*;

use crate::edit::{EDITS, jpeg, over_white, with_subject};
use crate::source::{Source, displayed};
use crate::{Arguments, What, led, photographs};

/// One comparison.
pub(crate) struct Trial {
    pub(crate) class: String,
    pub(crate) what: String,
    pub(crate) names: String,
    pub(crate) comparison: Comparison,
    pub(crate) fingerprint: bool,
    pub(crate) milliseconds: f64,
    pub(crate) note: String,
}

/// What is registered of an image.
pub(crate) struct Proof {
    pub(crate) registered: Registered,
    pub(crate) hash: ContentHash,
}

impl Proof {
    pub(crate) fn of(image: &DynamicImage) -> Self {
        let sketch = Sketch::of(image, Orientation::NoTransforms);
        Self {
            registered: Registered::new(&sketch, image.dimensions()),
            hash: ContentHash::of(image, Orientation::NoTransforms),
        }
    }

    /// Whether the fingerprint alone would confirm.
    pub(crate) fn fingerprint(&self, received: &ContentHash) -> bool {
        let [own, ..] = self.hash.views();
        let policy = MatchPolicy::default();
        let quality = self.hash.quality().min(received.quality());
        !own.fingerprint.is_featureless()
            && received.views().iter().any(|view| {
                !view.fingerprint.is_featureless()
                    && policy.judge(view.difference(&own), quality, None) == Match::Accepted
            })
    }

    pub(crate) fn trial(
        &self,
        class: &str,
        what: &str,
        names: String,
        image: &DynamicImage,
        orientation: Orientation,
    ) -> Trial {
        let start = thread_nanos();
        let comparison = self.registered.compare(&Received::of(image, orientation));
        let milliseconds = (thread_nanos() - start) as f64 / 1e6;
        Trial {
            class: class.to_owned(),
            what: what.to_owned(),
            names,
            comparison,
            fingerprint: self.fingerprint(&ContentHash::of(image, orientation)),
            milliseconds,
            note: String::new(),
        }
    }
}

pub(crate) fn true_pairs(arguments: &Arguments, sources: &[Source]) -> Result<Vec<Trial>> {
    let catalogue = Catalogue::embedded()?;
    let mut recipes: Vec<Arc<Recipe>> = Vec::new();
    for pattern in arguments.pipelines.split(',').filter(|p| !p.is_empty()) {
        let chosen = catalogue.select(pattern);
        if chosen.is_empty() {
            return Err(anyhow!("no pipeline is called {pattern}"));
        }
        recipes.extend(chosen);
    }
    recipes.sort_by(|a, b| a.id.cmp(&b.id));
    recipes.dedup_by(|a, b| a.id == b.id);
    let trials: Vec<Vec<Trial>> = sources
        .par_iter()
        .map(|source| {
            let image = displayed(source)?;
            let proof = Proof::of(&image);
            let mut trials = Vec::new();
            let shared = Arc::new(ImageFile::new(source.bytes.clone())?);
            for recipe in &recipes {
                let clock = || 0;
                // A pipeline that does not take the format, or fails, says nothing about sketches.
                let Ok(received) = recipe.apply(&shared, &Meter::new(&clock)) else {
                    continue;
                };
                let Ok(frame) = received.frame() else {
                    continue;
                };
                let name = source.name.clone();
                trials.push(proof.trial(
                    &source.class,
                    &recipe.id,
                    name,
                    &frame.pixels,
                    frame.orientation,
                ));
            }
            if !arguments.no_edits {
                // Platforms reduce large pictures; here it saves time.
                let flat = over_white(&image);
                let small = if image.width().max(image.height()) > 1600 {
                    flat.thumbnail(1600, 1600)
                } else {
                    flat
                };
                for (name, edit) in EDITS {
                    let edited = edit(
                        &small,
                        photographs::number(&format!("{name} {}", source.name)),
                    )?;
                    let coded = jpeg(&edited, 75)?;
                    trials.push(proof.trial(
                        &source.class,
                        name,
                        source.name.clone(),
                        &coded,
                        Orientation::NoTransforms,
                    ));
                }
            }
            Ok(trials)
        })
        .collect::<Result<_>>()?;
    Ok(trials.into_iter().flatten().collect())
}

pub(crate) fn different_pairs(arguments: &Arguments, sources: &[Source]) -> Result<Vec<Trial>> {
    let made: Vec<(Proof, Received, (u32, u32))> = sources
        .par_iter()
        .map(|source| {
            let image = displayed(source)?;
            let received = Received::of(&image, Orientation::NoTransforms);
            Ok((Proof::of(&image), received, image.dimensions()))
        })
        .collect::<Result<_>>()?;
    let mut pairs: Vec<(usize, usize)> = (0..sources.len())
        .flat_map(|a| (0..sources.len()).map(move |b| (a, b)))
        .filter(|(a, b)| a != b)
        .collect();
    // Those of one class first, then in an order that favours none.
    pairs.sort_by_key(|&(a, b)| {
        let other = sources[a].class != sources[b].class;
        (other, (a as u64 * 7919 + b as u64 * 104_729) % 65_537, a, b)
    });
    let pairs: Vec<_> = pairs
        .into_iter()
        .skip(arguments.skip)
        .take(arguments.pairs)
        .collect();
    Ok(pairs
        .par_iter()
        .map(|&(a, b)| {
            let names = format!("{} | {}", sources[a].name, sources[b].name);
            let (proof, received) = (&made[a].0, &made[b].1);
            let start = thread_nanos();
            let comparison = if arguments.what == What::Led {
                let places = led::by_chance(made[b].2, &names).placements(made[a].2);
                let found = proof.registered.compare_at(received, &places);
                found.unwrap_or_else(|| proof.registered.compare(received))
            } else {
                proof.registered.compare(received)
            };
            let milliseconds = (thread_nanos() - start) as f64 / 1e6;
            let same = sources[a].class == sources[b].class;
            Trial {
                class: sources[a].class.clone(),
                what: if same { "same class" } else { "other class" }.to_owned(),
                names,
                comparison,
                fingerprint: made[a].0.fingerprint(&made[b].0.hash),
                milliseconds,
                note: String::new(),
            }
        })
        .collect())
}

pub(crate) fn replaced(sources: &[Source]) -> Result<Vec<Trial>> {
    let trials: Vec<Vec<Trial>> = (0..sources.len())
        .into_par_iter()
        .map(|index| {
            let source = &sources[index];
            let image = displayed(source)?;
            let proof = Proof::of(&image);
            let mut trials = Vec::new();
            for (step, share) in [(1, 0.15), (2, 0.2), (3, 0.25), (5, 0.3)] {
                // Of the same class, so that nothing but the content gives it away.
                let others = (1..sources.len()).map(|k| &sources[(index + k) % sources.len()]);
                let alike: Vec<&Source> = others
                    .clone()
                    .filter(|other| other.class == source.class)
                    .collect();
                let Some(other) = alike
                    .get(step % alike.len().max(1))
                    .copied()
                    .or_else(|| others.clone().nth(step))
                else {
                    continue;
                };
                let other = displayed(other)?;
                let altered = jpeg(&with_subject(&over_white(&image), &other, share), 80)?;
                let what = format!("subject of {:.0} %", share * 100.0);
                let mut trial = proof.trial(
                    &source.class,
                    &what,
                    source.name.clone(),
                    &altered,
                    Orientation::NoTransforms,
                );
                trial.note = located(&trial.comparison, share);
                trials.push(trial);
            }
            Ok(trials)
        })
        .collect::<Result<_>>()?;
    Ok(trials.into_iter().flatten().collect())
}

/// Of the cells inside the replaced ellipse and of those outside: the shares that are shown as differing.
pub(crate) fn located(comparison: &Comparison, share: f64) -> String {
    let map = &comparison.map;
    let axis = (share / std::f64::consts::PI).sqrt();
    let (mut inside, mut outside) = ((0, 0), (0, 0));
    for (k, differs) in map.differing().enumerate() {
        let u = ((k % map.columns) as f64 + 0.5) / map.columns as f64 - 0.5;
        let v = ((k / map.columns) as f64 + 0.5) / map.rows as f64 - 0.5;
        let radius = u.hypot(v) / axis;
        if radius < 0.9 {
            inside = (inside.0 + usize::from(differs), inside.1 + 1);
        } else if radius > 1.2 {
            outside = (outside.0 + usize::from(differs), outside.1 + 1);
        }
    }
    let of = |(a, b): (usize, usize)| a as f64 / b.max(1) as f64;
    format!("{:.3}\t{:.3}", of(inside), of(outside))
}
