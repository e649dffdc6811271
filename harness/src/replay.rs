//! Runs one op of a finished run again, from the files that the run kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use credlink_corpus::Entry;
use credlink_image_files::Format;
use credlink_image_files::ImageFile;
use credlink_image_files::contents::{Fate, Weight};
use credlink_reports::rows::read_rows;
use credlink_reports::{RunDir, RunHeader};
use credlink_sign_core::keys::{TrustAnchor, WATERMARK_FILE};
use credlink_sign_core::store::ProofStore;
use credlink_sign_core::watermark::Effort;
use credlink_sign_core::{Distortion, ProofId, Verifier};
use credlink_transforms::meter::Meter;
use credlink_trial_record::{Cell, Embedded, Row, Trial};

use crate::ledger::Ledger;
use crate::systems::credlink::{self, SealedCredLink};
use crate::systems::named;
use crate::trial::delivery;
use crate::trial::{self, Entering, Subject};
use crate::{distractors, exhibits, identity, image_set, negatives, recipes};

/// What came of it.
#[derive(Debug)]
pub struct Replay {
    /// The recorded row.
    pub recorded: Row,
    /// The row of this time.
    pub again: Row,
    /// Where they differ, times aside, as `field: recorded, now`.
    pub differences: Vec<String>,
    /// What may explain a difference, such as another version of a library.
    pub warnings: Vec<String>,
    /// The file that entered the pipeline.
    pub input: PathBuf,
    /// The file that came out, if one did.
    pub output: Option<PathBuf>,
}

/// Runs op `op` again and saves what went in and came out in `out`, or under `replay/op-<op>/` of the run directory.
///
/// `images` is the directory of images that the run was made of, needed for unsigned trials of such a run only.
///
/// # Errors
/// When the op is not in the rows, its file is gone, its pipeline is no longer in the catalogue, or a real server or a person did it.
pub fn replay(
    run_dir: &RunDir,
    op: u64,
    images: Option<&Path>,
    out: Option<&Path>,
) -> Result<Replay> {
    let header = credlink_reports::bound_header(run_dir)?;
    let (recorded, related) = recorded(run_dir, op)?;
    let catalogue = recipes::catalogue_of(run_dir)?;
    let recipe = catalogue
        .get(&recorded.pipeline)
        .with_context(|| format!("this credlink has no pipeline {}", recorded.pipeline))?;
    let mut warnings = changed(&header);
    let of_run = header.pipelines.iter().find(|p| p.id == recipe.id);
    if of_run.is_some_and(|of_run| of_run.digest != recipe.digest()) {
        warnings.push(format!(
            "the recipe {} has changed since the run",
            recipe.id
        ));
    }
    let bytes = input(run_dir, &header, &recorded, images)?;
    let file = Arc::new(ImageFile::new(bytes)?);
    let verifier = system(run_dir, &header, &mut warnings)?;
    let entry = entry(&recorded)?;
    // `embedded` is a fact about signing, which is not repeated here.
    let embedded: Vec<Embedded> = recorded
        .carriers
        .iter()
        .filter_map(|cell| cell.embedded)
        .collect();
    let distortion = |psnr: Option<f32>, ssim: Option<f32>| {
        psnr.zip(ssim).map(|(psnr, ssim)| Distortion { psnr, ssim })
    };
    let fate = fate(&recorded);
    let subject = Subject {
        trial: recorded.trial,
        entry: &entry,
        issued: match &recorded.issued {
            Some(id) => Some(id.parse::<ProofId>()?),
            None => None,
        },
        source_bytes: recorded.source_bytes,
        signed_bytes: recorded.signed_bytes,
        embedded: &embedded,
        mark: distortion(recorded.mark_psnr, recorded.mark_ssim),
        distortion: distortion(recorded.sign_psnr, recorded.sign_ssim),
        perceptual: recorded.sign_ssimulacra2,
        fate: fate.as_ref(),
        sign_nanos: recorded.sign_ns,
        costs: &[],
        related: &related,
    };
    let entering = Entering::new(Arc::clone(&file));
    let ledger = Ledger::new();
    let again = trial::run(op, &subject, &entering, recipe, &verifier, &ledger, None);

    let usual = || run_dir.root().join("replay").join(format!("op-{op}"));
    let folder = out.map_or_else(usual, Path::to_path_buf);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("failed to make {}", folder.display()))?;
    let save = |name: &str, file: &ImageFile| -> Result<PathBuf> {
        let path = folder.join(format!("{name}.{}", file.format().extension()));
        std::fs::write(&path, file.bytes())
            .with_context(|| format!("failed to write {}", path.display()))?;
        Ok(path)
    };
    let input = save("in", &file)?;
    let clock = || 0;
    let output = match recipe.apply_in(&file, delivery::surroundings(&Meter::new(&clock))) {
        Ok(received) => Some(save("out", &received)?),
        Err(_) => None,
    };
    Ok(Replay {
        differences: differences(&recorded, &again, &header.carriers),
        recorded,
        again,
        warnings,
        input,
        output,
    })
}

/// The system of the run, which must be CredLink's.
fn system(
    run_dir: &RunDir,
    header: &RunHeader,
    warnings: &mut Vec<String>,
) -> Result<SealedCredLink> {
    let name = &header.system.name;
    ensure!(
        name.starts_with(&credlink::about().name),
        "the run is of {name}; only CredLink's ops can run again"
    );
    let carriers = named::subset(header.carriers.iter().map(String::as_str))?;
    Ok(SealedCredLink::new(
        verifier(run_dir, header, warnings)?,
        carriers,
    ))
}

/// What became of the source's blocks when it was signed, as the row tells it.
fn fate(recorded: &Row) -> Option<Fate> {
    let names = |told: &Option<String>| -> Vec<String> {
        let told = told.iter().flat_map(|told| told.split("; "));
        told.filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    recorded.sign_kept.as_ref().map(|_| Fate {
        kept: names(&recorded.sign_kept),
        changed: names(&recorded.sign_changed),
        dropped: names(&recorded.sign_dropped)
            .into_iter()
            .map(|name| (name, Weight::Technical))
            .collect(),
    })
}

/// The row of an op, and every proof that the run issued for views of its source.
fn recorded(run_dir: &RunDir, op: u64) -> Result<(Row, Vec<ProofId>)> {
    let rows = read_rows(&run_dir.rows())?;
    let ops = rows.big("op")?;
    let place = ops.iter().position(|known| known == Some(op));
    let Some(place) = place else {
        let last = ops.iter().flatten().max().unwrap_or_default();
        bail!(
            "{} has no op {op}; its {} ops go up to {last}",
            run_dir.rows().display(),
            rows.len()
        );
    };
    let row = rows.row(place)?;
    ensure!(
        row.provenance.is_simulated(),
        "op {op} cannot be run again: {}, so that nothing can be said of its row that way",
        row.provenance.about()
    );
    let mut related = BTreeSet::new();
    if row.issued.is_some() {
        let sources = rows.texts("source")?.iter();
        for (source, issued) in sources.zip(rows.texts("issued")?.iter()) {
            if source == Some(&row.source) {
                related.extend(issued);
            }
        }
    }
    let related = related.into_iter().map(str::parse);
    Ok((row, related.collect::<Result<_, _>>()?))
}

/// The verifier of the run: its certificates, its watermark secret and its proofs, as the run left them.
fn verifier(run_dir: &RunDir, header: &RunHeader, warnings: &mut Vec<String>) -> Result<Verifier> {
    let anchor = TrustAnchor::load(run_dir.root()).with_context(|| {
        format!(
            "failed to load certificates from {}",
            run_dir.root().display()
        )
    })?;
    let mut store = ProofStore::open(run_dir.root())?;
    if header.distractors > 0 {
        let count = usize::try_from(header.distractors)?;
        let cache = distractors::cache_file(distractors::CACHE.as_ref());
        store = store.with_distractors(distractors::first(count, &cache, &|_| {})?);
    }
    let verifier = Verifier::new(vec![anchor], Arc::new(store))?;
    if !run_dir.root().join(WATERMARK_FILE).exists() {
        warnings.push(format!(
            "the run directory holds no {WATERMARK_FILE}, so no watermark is read"
        ));
        return Ok(verifier);
    }
    let key = identity::loaded_watermark(run_dir.root())?.key()?;
    let option = |argument: &String| argument == "--search-rotation";
    let effort = if header.command_line.iter().any(option) {
        Effort::SearchRotated
    } else {
        Effort::Search
    };
    Ok(verifier.with_watermark(key, effort))
}

fn input(
    run_dir: &RunDir,
    header: &RunHeader,
    row: &Row,
    images: Option<&Path>,
) -> Result<Vec<u8>> {
    if row.trial == Trial::Signed {
        let (path, _) = exhibits::signed_file(run_dir, row.image)?;
        return read(&path);
    }
    if row.trial != Trial::Unsigned {
        let stem = negatives::stem(row.trial, row.image);
        let (path, _) = exhibits::file_of(&run_dir.negatives(), &stem).with_context(|| {
            format!(
                "op {} is a {} trial, whose file this run did not keep; make the run anew: {}",
                row.op,
                row.trial.as_str(),
                header.command_line.join(" ")
            )
        })?;
        return read(&path);
    }
    if header.image_set.kind != "synthetic" && images.is_none() {
        bail!(
            "op {} is an unsigned trial of the image set {}; give its directory with --images",
            row.op,
            header.image_set.name
        );
    }
    let set = image_set::open(images, header.image_set.seed)?;
    if set.header().digest != header.image_set.digest {
        bail!("the image set is not the one of the run: its digest differs");
    }
    Ok(set.load(usize::try_from(row.image)?)?.bytes)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

fn entry(row: &Row) -> Result<Entry> {
    use Format::{Avif, Bmp, Gif, Jpeg, Png, Tiff, WebP};
    let format = [Jpeg, Png, WebP, Avif, Gif, Tiff, Bmp]
        .into_iter()
        .find(|format| format.as_str() == row.image_format)
        .with_context(|| format!("image format {:?} is unknown", row.image_format))?;
    Ok(Entry {
        index: usize::try_from(row.image)?,
        name: row.name.clone(),
        class: row.class.clone(),
        format,
        width: row.width,
        height: row.height,
        source: row.source.clone(),
        view: None,
    })
}

/// Versions that differ between the run and this program.
fn changed(header: &RunHeader) -> Vec<String> {
    let now = crate::versions::all();
    let other = now.iter().filter_map(|(name, version)| {
        let of_run = header.versions.get(name)?;
        (of_run != version).then(|| format!("{name} was {of_run} in the run and is {version} now"))
    });
    other.collect()
}

/// Everything that should be the same: rows without their times, field by field.
fn differences(recorded: &Row, again: &Row, carriers: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |field: String, a: String, b: String| {
        if a != b {
            found.push(format!("{field}: recorded {a}, now {b}"));
        }
    };
    let pairs = [recorded, again].map(|row| {
        [
            ("outcome", row.outcome.to_string()),
            ("recovered by", format!("{:?}", row.recovered_by)),
            ("error", format!("{:?}", row.error)),
            ("received bytes", row.received_bytes.to_string()),
            ("received format", row.received_format.clone()),
            (
                "received size",
                format!("{}x{}", row.received_width, row.received_height),
            ),
            ("content distance", format!("{:?}", row.content_distance)),
        ]
    });
    for ((field, a), (_, b)) in pairs[0].iter().zip(&pairs[1]) {
        compare((*field).to_owned(), a.clone(), b.clone());
    }
    for (index, carrier) in carriers.iter().enumerate() {
        let cell = |row: &Row| {
            row.carriers.get(index).map(|cell| Cell {
                ns: 0,
                // Signing is not repeated.
                bytes: None,
                sign_ns: 0,
                ..cell.clone()
            })
        };
        compare(
            carrier.clone(),
            format!("{:?}", cell(recorded)),
            format!("{:?}", cell(again)),
        );
    }
    found
}
