//! Every pipeline on every probe image: it runs, and format, size and metadata are what its recipe says.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "a skipped pipeline must be seen")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use common::probes::*;
use credlink_image_files::Format;
use credlink_image_files::ImageFile;
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::error::{EncodeError, StepError, StepErrorKind};
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::step::Step;
use credlink_transforms::recipe::{Contract, Recipe};
use credlink_transforms::resign::Surroundings;

/// Set to any value, it adds pictures of 12 and of 40 megapixels: minutes instead of seconds, for nightly runs.
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
    let shown = |file: &ImageFile| match file.frame() {
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
    let adds = ["iptc = [[", "caption = ", "exif_if_absent = true"]
        .iter()
        .any(|words| recipe.text().contains(words));
    let given = kinds(probe);
    let own: Vec<&str> = recipe.adds().iter().map(|kind| kind.as_str()).collect();
    for kind in kinds(&received) {
        if own.contains(&kind) {
            continue;
        }
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

/// What became of many ops.
#[derive(Default)]
struct Judgement {
    failures: Vec<String>,
    ops: usize,
    /// Each pipeline and the seconds that all its probes took together.
    seconds: Vec<(f64, String)>,
}

/// Judges pipelines on the probes with as many threads as there are cores, each twice on its first if that is asked for.
fn judge_all(
    catalogue: &Catalogue,
    recipes: &[&Arc<Recipe>],
    probes: &Probes,
    twice: bool,
) -> Judgement {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Judgement::default();
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
                if !chosen(recipes, index, position) {
                    continue;
                }
                match judged(catalogue, recipe, probe, twice && position == 0) {
                    Ok(changed) => changes |= changed,
                    Err(reason) => {
                        let place = format!("{} on {name}: {reason}", recipe.id);
                        found.failures.push(place);
                    }
                }
                found.ops += 1;
            }
            // A pipeline that hands every file on as it came measures nothing.
            if !changes {
                found
                    .failures
                    .push(format!("{} changes no probe", recipe.id));
            }
            let seconds = start.elapsed().as_secs_f64();
            found.seconds.push((seconds, recipe.id.clone()));
        }
        found
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| worker.join().unwrap());
        joined
            .reduce(|mut sum, mut part| {
                sum.failures.append(&mut part.failures);
                sum.seconds.append(&mut part.seconds);
                sum.ops += part.ops;
                sum
            })
            .unwrap()
    });
    all.seconds.sort_by(|a, b| b.0.total_cmp(&a.0));
    all
}

#[test]
fn every_pipeline_keeps_its_word_on_every_probe() {
    let catalogue = catalogue();
    let mut all = probes();
    all.extend(bare_probes());
    let recipes: Vec<_> = catalogue.iter().collect();
    let found = judge_all(&catalogue, &recipes, &all, true);
    for (seconds, id) in found.seconds.iter().filter(|(seconds, _)| *seconds > SLOW) {
        eprintln!("SLOW {seconds:.1} s for all probes: {id}");
    }
    assert!(
        found.failures.is_empty(),
        "{} failures\n{}",
        found.failures.len(),
        found.failures.join("\n")
    );
    assert!(
        found.ops > 8 * recipes.len(),
        "only {} ops were tried",
        found.ops
    );
}

/// Steps behind which a picture may be smaller than it came in.
const SHRINKS: [&str; 7] = [
    "resize",
    "crop",
    "collage",
    "passthrough",
    "until_bytes",
    "recipe",
    "journey",
];

/// For each kind of step one recipe that has it: where there is one, a recipe in which the step meets the picture at its full
/// size and without a condition; among these the one of the fewest steps.
fn representatives(catalogue: &Catalogue) -> Vec<&Arc<Recipe>> {
    let mut ids = BTreeSet::new();
    // None of our recipes asks a server.
    for (name, _) in Step::ALL.iter().filter(|(name, _)| *name != "http") {
        let cost = |recipe: &&Arc<Recipe>| {
            let names: Vec<&str> = recipe.steps.iter().map(|(_, step)| step.name()).collect();
            let at = names.iter().position(|step| step == name)?;
            let late = names[..at].iter().any(|step| SHRINKS.contains(step));
            let conditional = recipe.steps[at].0.is_some();
            Some((late, conditional, names.len(), recipe.id.clone()))
        };
        let found = catalogue.iter().filter_map(|recipe| cost(&recipe)).min();
        let (.., id) = found.unwrap_or_else(|| panic!("no recipe has a step `{name}`"));
        ids.insert(id);
    }
    catalogue
        .iter()
        .filter(|recipe| ids.contains(&recipe.id))
        .collect()
}

/// The most memory that the test has held so far, in megabytes, where the system tells.
fn peak_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}

/// Each recipe file once on 12 megapixels and each kind of step once on 40, JPEG and PNG; all 540 pipelines on 40 would take
/// hours and meet the same steps again.
#[test]
fn every_recipe_takes_12_megapixels_and_every_kind_of_step_takes_40() {
    if std::env::var_os(LARGE).is_none() {
        eprintln!(
            "SKIPPED: set {LARGE}=1 to run every recipe on 12 megapixels and every kind of step on 40"
        );
        return;
    }
    let catalogue = catalogue();
    let mut files: Vec<&Arc<Recipe>> = catalogue.iter().collect();
    files.dedup_by(|a, b| a.file == b.file);
    let jpeg = |width, height| Arc::new(ImageFile::new(camera_jpeg(width, height)).unwrap());
    let png = |width, height| {
        Arc::new(ImageFile::new(signed_png(&common::picture(width, height).into())).unwrap())
    };
    for (name, recipes, width, height) in [
        ("12 megapixels", files, 4000, 3000),
        ("40 megapixels", representatives(&catalogue), 7304, 5477),
    ] {
        // One file each: JPEG, or PNG for what takes no JPEG.
        let (jpegs, others): (Vec<_>, Vec<_>) = recipes
            .into_iter()
            .partition(|recipe| recipe.takes(Format::Jpeg));
        let (pngs, rest): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|recipe| recipe.takes(Format::Png));
        for recipe in rest {
            eprintln!(
                "SKIPPED at {name}: {} takes neither JPEG nor PNG",
                recipe.id
            );
        }
        for (recipes, file) in [(jpegs, jpeg(width, height)), (pngs, png(width, height))] {
            let found = judge_all(&catalogue, &recipes, &vec![(name, file)], false);
            assert!(found.failures.is_empty(), "{}", found.failures.join("\n"));
            let slowest: Vec<String> = found.seconds[..found.seconds.len().min(5)]
                .iter()
                .map(|(seconds, id)| format!("{id} {seconds:.1} s"))
                .collect();
            eprintln!(
                "{name}: {} ops, slowest {}; peak {} MB",
                found.ops,
                slowest.join(", "),
                peak_megabytes().unwrap_or_default()
            );
        }
    }
}
