//! `credlink trial`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use credlink_harness::kit::collect::{Collected, Desk, Service};
use credlink_harness::kit::make::{Order, kit};
use credlink_harness::kit::{FILE, KEYS, Kit, POST, SHEET, folder_of, sheet};
use credlink_harness::systems::credlink::{self, CredLink, SealedCredLink};
use credlink_harness::{clock, exit, identity, machine, recipes, signed_file, versions};
use credlink_reports::controls::Controls;
use credlink_reports::header::ImageSetHeader;
use credlink_reports::{RowWriter, RunDir, RunHeader};
use credlink_sign_core::keys::{Identity, WatermarkSecret};
use credlink_sign_core::store::{ProofStore, ProofStoreBuilder};
use credlink_sign_core::watermark::Effort;
use credlink_sign_core::{Signer, Verifier};
use credlink_transforms::calibrate::{self, patch};
use credlink_transforms::recipe::Recipe;
use serde_json::{Value as Json, json};

use crate::cli::{CollectArgs, MakeArgs, TrialArgs, TrialCommand};

/// The folder of a run in which calibrations lie.
const CALIBRATION: &str = "calibration";

pub(crate) fn run(args: &TrialArgs) -> Result<u8> {
    match &args.command {
        TrialCommand::Make(args) => make(args),
        TrialCommand::Collect(args) => collect(args),
    }
}

fn make(args: &MakeArgs) -> Result<u8> {
    let catalogue = recipes::catalogue(None)?;
    let selected = super::selected(&catalogue, args.pipelines.iter().map(String::as_str))?;
    if let Some(control) = selected.iter().find(|recipe| recipe.family == "controls") {
        anyhow::bail!("{} is no service that anybody could post on", control.id);
    }
    let chosen: Vec<&Recipe> = selected.iter().map(|recipe| &**recipe).collect();
    let dir = &args.dir;
    ensure!(
        !dir.exists(),
        "{} is there already; a kit gets a folder of its own",
        dir.display()
    );
    std::fs::create_dir_all(dir).with_context(|| format!("failed to make {}", dir.display()))?;
    let keys = dir.join(KEYS);
    let secret = WatermarkSecret::new(&identity::fresh_seed()?);
    let identity = Identity::generate(
        identity::fresh_seed()?,
        "CredLink trial",
        identity::validity()?,
    )?;
    identity.save(&keys)?;
    secret.save(&keys)?;
    let signer = Signer::new(identity)?.with_marker(super::watermark::marker(secret.key()?, None));
    let system = CredLink::new(signer, ProofStoreBuilder::create(dir)?);
    let order = Order {
        made: &clock::utc_now(),
        seed: args.seed,
        images: args.images.into(),
        recipes: &chosen,
    };
    let made = kit(dir, order, Box::new(system))?;
    if args.json {
        super::say(&format!("{:#}", serde_json::to_value(&made)?))?;
        return Ok(exit::OK);
    }
    super::say(&format!(
        "{} to post in {}; what to do is in {}",
        credlink_reports::figures::plural(made.images.len() as u64, "signed file"),
        dir.join(POST).display(),
        dir.join("README.md").display()
    ))?;
    Ok(exit::OK)
}

/// Who verifies the proofs of a kit.
fn verifier(dir: &Path) -> Result<SealedCredLink> {
    let keys = dir.join(KEYS);
    let identity = Identity::load(&keys)
        .with_context(|| format!("failed to load the keys in {}", keys.display()))?;
    let store = ProofStore::open(dir)
        .with_context(|| format!("failed to read the proofs in {}", dir.display()))?;
    let verifier = Verifier::new(vec![identity.anchor()?], Arc::new(store))?;
    let key = identity::loaded_watermark(&keys)?.key()?;
    Ok(SealedCredLink::new(
        verifier.with_watermark(key, Effort::Search),
        credlink::carriers(),
    ))
}

fn collect(args: &CollectArgs) -> Result<u8> {
    let kit = Kit::read(&args.dir)?;
    ensure!(
        kit.carriers == credlink::carriers(),
        "the kit was signed with the carriers {}, and this program has {}; collect with the version that made it",
        kit.carriers.join(", "),
        credlink::carriers().join(", ")
    );
    let sheet_path = args.sheet.clone().unwrap_or_else(|| args.dir.join(SHEET));
    let lines = sheet::read(&sheet_path, &kit)?;
    let catalogue = recipes::catalogue(None)?;
    let known: Result<Vec<Arc<Recipe>>> = kit
        .pipelines
        .iter()
        .map(|one| super::recipe(&catalogue, &one.id))
        .collect();
    let recipes = known?;
    let system = verifier(&args.dir)?;
    ensure!(
        args.returned.is_dir(),
        "{} is no folder",
        args.returned.display()
    );
    let desk = Desk {
        kit: &kit,
        folder: &args.dir,
        returned: &args.returned,
        lines: &lines,
        recipes: &recipes,
        identity: super::recipe(&catalogue, "controls/identity")?,
        system: &system,
    };
    let mut collected = desk.collected()?;
    let created = clock::utc_now();
    let out = args.out.clone().unwrap_or_else(|| usual(&created));
    let run_dir = super::survival::place::directory(&out)?;
    written(&run_dir, &kit, &mut collected, created)?;
    let folder = out.join(CALIBRATION);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("failed to make {}", folder.display()))?;
    for service in &collected.services {
        calibrated(&folder, service)?;
    }
    told(args, &run_dir, &collected)?;
    super::verdict(&run_dir.read_header()?, &run_dir)
}

fn usual(created: &str) -> PathBuf {
    let time: String = created
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    PathBuf::from("reports/runs").join(format!("{time}-by-hand"))
}

/// Rows, header and report.
fn written(run_dir: &RunDir, kit: &Kit, collected: &mut Collected, created: String) -> Result<()> {
    let about = credlink::about();
    let planned = collected.rows.len() as u64 + collected.missing;
    let id = run_dir.root().file_name().unwrap_or_default();
    let mut header = RunHeader {
        id: id.to_string_lossy().into_owned(),
        seed: kit.seed,
        created,
        command_line: super::command_line(),
        versions: versions::all(),
        machine: machine::describe(),
        system: about.header(),
        image_set: ImageSetHeader {
            name: format!("kit of {}", kit.made),
            kind: "kit".to_owned(),
            digest: signed_file::digest(serde_json::to_string(kit)?.as_bytes()),
            seed: kit.seed,
            files: kit.images.len() as u64,
            rejected: Vec::new(),
        },
        pipelines: collected.pipelines.clone(),
        carriers: about.names(),
        carrier_facts: about.facts(),
        ops_planned: planned,
        ops_left_out: collected.missing,
        threads: 1,
        skipped: collected.notes.clone(),
        ..RunHeader::default()
    };
    if collected.missing > 0 {
        header.skipped.push(format!(
            "{} of the files to post did not come back, over all services",
            collected.missing
        ));
    }
    let mut controls = Controls::of(&header);
    let mut writer = RowWriter::create(&run_dir.rows(), &header.carriers)?;
    for row in collected.rows.drain(..) {
        controls.watch(&row, &header.carriers);
        writer.push(row)?;
    }
    header.ops_done = writer.finish()?;
    header.controls = controls.results();
    run_dir.write_header(&header)?;
    recipes::keep(run_dir, &header)?;
    credlink_reports::regenerate(run_dir)?;
    Ok(())
}

/// What the recipe explains, and a patch where it can be corrected.
fn calibrated(folder: &Path, service: &Service) -> Result<()> {
    let recipe = &service.recipe;
    let path = folder.join(format!("{}.txt", folder_of(&recipe.id)));
    std::fs::write(&path, explained(service))
        .with_context(|| format!("failed to write {}", path.display()))?;
    let Some(patch) = patch::patch(&recipe.file, recipe.file_text(), &service.comparisons) else {
        return Ok(());
    };
    let path = path.with_extension("patch");
    std::fs::write(&path, patch).with_context(|| format!("failed to write {}", path.display()))
}

fn explained(service: &Service) -> String {
    let mut text = match service.comparisons[..] {
        [] => format!("{}: nothing could be compared\n", service.recipe.id),
        _ => calibrate::report(&service.recipe, &service.comparisons),
    };
    if !service.not_compared.is_empty() {
        let _ = write!(
            text,
            "\nNot compared\n  {}\n",
            service.not_compared.join("\n  ")
        );
    }
    text
}

/// What came of it, for people or for machines.
fn told(args: &CollectArgs, run_dir: &RunDir, collected: &Collected) -> Result<()> {
    let table = |ending: &str| {
        let path = run_dir.tables().join(format!("observed.{ending}"));
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
    };
    if args.json {
        let services = collected.services.iter().map(|service| {
            let back = service.matched.back.iter().map(|back| {
                json!({
                    "file": back.path,
                    "image": back.image,
                    "told_apart_by": back.by.as_str(),
                })
            });
            let compared = service.comparisons.iter().map(|(file, comparison)| {
                json!({
                    "file": file,
                    "explained": comparison.explained().0,
                    "of": comparison.explained().1,
                    "differences": comparison.differences(),
                })
            });
            json!({
                "pipeline": service.recipe.id,
                "back": back.collect::<Vec<Json>>(),
                "compared": compared.collect::<Vec<Json>>(),
                "not_compared": service.not_compared,
            })
        });
        let document = json!({
            "kit": args.dir.join(FILE),
            "run": run_dir.root(),
            "missing": collected.missing,
            "notes": collected.notes,
            "services": services.collect::<Vec<Json>>(),
            "observed": serde_json::from_str::<Json>(&table("json")?)?,
        });
        return super::say(&format!("{document:#}"));
    }
    for note in &collected.notes {
        super::complain(&format!("note: {note}"));
    }
    for service in &collected.services {
        super::say(&explained(service))?;
    }
    super::say(&table("md")?)?;
    super::say(&format!(
        "run: {}; calibration: {}",
        run_dir.root().display(),
        run_dir.root().join(CALIBRATION).display()
    ))
}
