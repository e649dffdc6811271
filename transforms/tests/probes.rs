//! Every pipeline on every probe image: it runs, and format, size and metadata are what its recipe says.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "a skipped pipeline must be seen")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use common::probes::*;
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::error::{EncodeError, StepError, StepErrorKind};
use credlink_transforms::file::ImageFile;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::{Contract, Recipe};
use credlink_transforms::resign::Surroundings;

/// Set to any value, it adds a picture of 40 megapixels to the probes: minutes instead of seconds, for nightly runs.
const LARGE: &str = "CREDLINK_LARGE_PROBE";

/// Pipelines that spend more seconds than this on all probes together are named in the output.
const SLOW: f64 = 2.0;

type Probes = Vec<(&'static str, Arc<ImageFile>)>;

/// The laws of one op; what went wrong, or whether it changed the file (a skipped one counts as if it had).
fn judged(
    catalogue: &Catalogue,
    recipe: &Recipe,
    probe: &Arc<ImageFile>,
    twice: bool,
) -> Result<bool, String> {
    let meter = Meter::new(&|| 0);
    let surroundings = Surroundings::new(&meter).with_resigner(&Clerk);
    let received = match recipe.apply_in(probe, surroundings) {
        Err(error) if error.missing_program().is_some() => {
            eprintln!("SKIPPED {error}");
            return Ok(true);
        }
        Err(error) if error.cause() == "program" => {
            eprintln!("REFUSED {error}");
            return Ok(true);
        }
        // One encoder takes no picture of a single row or column, and says so; see `codecs/jxl.rs`.
        Err(StepError {
            kind: StepErrorKind::Encode(EncodeError::TooSmall { width, height, .. }),
            ..
        }) if width == 1 || height == 1 => return Ok(true),
        received => received.map_err(|error| error.to_string())?,
    };
    let shown = |file: &ImageFile| match file.frame(&meter) {
        Ok(frame) => Ok(Arc::clone(&frame.pixels)),
        Err(error) => Err(error.to_string()),
    };
    let before = shown(probe)?;
    let after = match shown(&received) {
        // An installed program may write what no decoder reads: avifenc 0.11.1 does at 40 megapixels, and dav1d itself
        // refuses the file. That is a finding about the program.
        Err(reason) if !recipe.programs().is_empty() => {
            eprintln!("UNREADABLE result of {:?}: {reason}", recipe.programs());
            return Ok(true);
        }
        after => after?,
    };
    let outputs = recipe.outputs(probe.format());
    if !outputs.contains(&received.format()) {
        return Err(format!(
            "gave {}, not one of {outputs:?}",
            received.format()
        ));
    }
    let grows = ["upscale = true", "pad = ", "scale = 1.5", "canvas = "]
        .iter()
        .any(|words| recipe.text().contains(words));
    let chained = recipe.family == "chains";
    let long = |width: u32, height: u32| width.max(height);
    let (was, is) = (
        long(before.width(), before.height()),
        long(after.width(), after.height()),
    );
    if is > was && !grows && !chained {
        return Err(format!("enlarged {was} to {is} pixels"));
    }
    let allowed = may_keep(catalogue, recipe);
    // Services may add fields of their own where there were none.
    let adds = recipe.text().contains("iptc = [[") || recipe.text().contains("caption = ");
    let given = kinds(probe);
    for kind in kinds(&received) {
        // Programs write profiles of their own, as djxl 0.7 does for grey pictures.
        if kind == "icc" && !recipe.programs().is_empty() {
            continue;
        }
        if !allowed.contains(kind) || (!given.contains(kind) && !adds) {
            return Err(format!("leaves {kind}, given {given:?}"));
        }
    }
    for (kind, trace) in [
        ("c2pa", b"jumdc2pa".as_slice()),
        ("xmp", b"dcterms:provenance"),
    ] {
        if !allowed.contains(kind) && holds(&received, trace) {
            return Err(format!("leaves the bytes of {kind}"));
        }
    }
    if twice && apply(recipe, probe).bytes() != received.bytes() {
        return Err("gives other bytes the second time".to_owned());
    }
    Ok(received.bytes() != probe.bytes())
}

/// Whether a pipeline is judged on one probe: the first and the last of each recipe file on all of them, those between,
/// which differ in one value, on every fourth.
fn chosen(recipes: &[&Arc<Recipe>], recipe: usize, probe: usize) -> bool {
    let same_file = |other: Option<&&Arc<Recipe>>| {
        other.is_some_and(|other| other.file == recipes[recipe].file)
    };
    let between =
        recipe > 0 && same_file(recipes.get(recipe - 1)) && same_file(recipes.get(recipe + 1));
    !between || probe.is_multiple_of(4)
}

/// Judges all pipelines on the probes with as many threads as there are cores; the failures, and the number of ops.
fn judge_all(catalogue: &Catalogue, probes: &Probes) -> (Vec<String>, usize) {
    let recipes: Vec<_> = catalogue.iter().collect();
    let (next, ops) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut failures = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(recipe) = recipes.get(index) else {
                break;
            };
            let taken = probes
                .iter()
                .filter(|(_, probe)| recipe.takes(probe.format()));
            let start = Instant::now();
            // Some hand on what is small enough, as most probes are, or promise to.
            let mut changes = recipe.steps.is_empty()
                || recipe.contract == Some(Contract::ByteExact)
                || recipe.text().contains("passthrough")
                || recipe.text().contains("when");
            for (position, (name, probe)) in taken.enumerate() {
                if !chosen(&recipes, index, position) {
                    continue;
                }
                match judged(catalogue, recipe, probe, position == 0) {
                    Ok(changed) => changes |= changed,
                    Err(reason) => failures.push(format!("{} on {name}: {reason}", recipe.id)),
                }
                ops.fetch_add(1, Ordering::Relaxed);
            }
            // A pipeline that hands every file on as it came measures nothing.
            if !changes {
                failures.push(format!("{} changes no probe", recipe.id));
            }
            let seconds = start.elapsed().as_secs_f64();
            if seconds > SLOW {
                eprintln!("SLOW {seconds:.1} s for all probes: {}", recipe.id);
            }
        }
        failures
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failures = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap());
        joined.collect()
    });
    (failures, ops.into_inner())
}

#[test]
fn every_pipeline_keeps_its_word_on_every_probe() {
    let catalogue = catalogue();
    let mut all = probes();
    all.extend(bare_probes());
    let (failures, ops) = judge_all(&catalogue, &all);
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(
        ops > 8 * catalogue.iter().count(),
        "only {ops} ops were tried"
    );
}

#[test]
fn every_pipeline_takes_a_picture_of_40_megapixels() {
    if std::env::var_os(LARGE).is_none() {
        eprintln!("SKIPPED: set {LARGE}=1 to run every pipeline on 40 megapixels");
        return;
    }
    let large = Arc::new(ImageFile::new(camera_jpeg(7304, 5477)).unwrap());
    let (failures, _) = judge_all(&catalogue(), &vec![("40 megapixels", large)]);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
