//! What came back, as rows: each returned file is verified by every carrier, and beside it stands what the recipe makes of the same
//! signed file. Controls and negative trials are simulated, so that the verifier is known to say no.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use credlink_corpus::{Entry, ImageSet, SyntheticSet};
use credlink_image_files::{Format, ImageFile};
use credlink_reports::header::PipelineHeader;
use credlink_transforms::calibrate::{Comparison, rank};
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use credlink_trial_record::{Provenance, Row, Trial};

use super::matching::{By, Matched, Matcher};
use super::sheet::Line;
use super::{Kit, POST, Posted, folder_of};
use crate::ledger::Ledger;
use crate::systems::Sealed;
use crate::trial::{self, Entering, Subject, delivery};
use crate::{plan, recipes, signed_file};

/// The family of pipelines that people were.
pub const FAMILY: &str = "observed";
/// Unsigned pictures for each recipe.
const UNSIGNED: usize = 8;

/// One service: what came back from it.
pub struct Service {
    /// The recipe that simulates it.
    pub recipe: Arc<Recipe>,
    /// Which file is which.
    pub matched: Matched,
    /// What the recipe explains of each file, by the name of what was posted.
    pub comparisons: Vec<(String, Comparison)>,
    /// Files that could not be compared, and why.
    pub not_compared: Vec<String>,
}

/// Everything that came back.
pub struct Collected {
    /// A row an op, ascending.
    pub rows: Vec<Row>,
    /// The pipelines, as a header describes them.
    pub pipelines: Vec<PipelineHeader>,
    /// By service.
    pub services: Vec<Service>,
    /// Posted files that did not come back, over all services.
    pub missing: u64,
    /// What there is to say.
    pub notes: Vec<String>,
}

/// What a kit is held against.
pub struct Desk<'a> {
    /// The kit.
    pub kit: &'a Kit,
    /// Its folder.
    pub folder: &'a Path,
    /// The folder of what came back.
    pub returned: &'a Path,
    /// The sheet that was filled in.
    pub lines: &'a [Line],
    /// The recipes of its services, in the order of the kit.
    pub recipes: &'a [Arc<Recipe>],
    /// The control.
    pub identity: Arc<Recipe>,
    /// Who verifies.
    pub system: &'a dyn Sealed,
}

/// The id of what a person did, beside the recipe that simulates it.
#[must_use]
pub fn observed_id(recipe: &str) -> String {
    format!("{FAMILY}/{}", folder_of(recipe))
}

impl Desk<'_> {
    /// Tells every file apart, verifies it, and runs the recipes beside it.
    ///
    /// # Errors
    /// When a file that was posted is not the one that was signed, or nothing came back.
    pub fn collected(&self) -> Result<Collected> {
        let matcher = Matcher::new(self.kit, self.folder)?;
        let mut collected = Collected {
            rows: Vec::new(),
            pipelines: vec![plan::described(&self.identity)],
            services: Vec::new(),
            missing: 0,
            notes: Vec::new(),
        };
        for image in &self.kit.images {
            let entering = self.entering(image)?;
            self.simulated(&mut collected, image, &entering, &self.identity);
        }
        for (recipe, of_kit) in self.recipes.iter().zip(&self.kit.pipelines) {
            if recipe.digest() != of_kit.digest {
                collected.notes.push(format!(
                    "the recipe {} has changed since the kit was made",
                    recipe.id
                ));
            }
            let service = self.service(&matcher, recipe, &mut collected)?;
            collected.services.push(service);
        }
        let back = collected.services.iter();
        let back: usize = back.map(|service| service.matched.back.len()).sum();
        ensure!(
            back > 0,
            "nothing in {} is a file of the kit\n{}",
            self.returned.display(),
            collected.notes.join("\n")
        );
        Ok(collected)
    }

    fn service(
        &self,
        matcher: &Matcher<'_>,
        recipe: &Arc<Recipe>,
        collected: &mut Collected,
    ) -> Result<Service> {
        let id = &recipe.id;
        let lines: Vec<&Line> = self
            .lines
            .iter()
            .filter(|line| line.service == *id)
            .collect();
        let files = self.files(id)?;
        let matched = matcher.matched(&files, &lines, self.returned);
        for why in &matched.left_out {
            collected.notes.push(format!("{id}: left out {why}"));
        }
        let simulated = plan::described(recipe);
        collected.pipelines.push(PipelineHeader {
            id: observed_id(id),
            title: format!("{}, by hand", simulated.title),
            family: FAMILY.to_owned(),
            grade: "O".to_owned(),
            provenance: Provenance::Observed,
            simulated_by: Some(id.clone()),
            contract: None,
            sweep: None,
            ..simulated.clone()
        });
        collected.pipelines.push(simulated);
        let mut service = Service {
            recipe: Arc::clone(recipe),
            matched,
            comparisons: Vec::new(),
            not_compared: Vec::new(),
        };
        for (position, image) in self.kit.images.iter().enumerate() {
            let takes = Format::of_extension(image.file.rsplit('.').next().unwrap_or_default());
            let back = service
                .matched
                .back
                .iter()
                .find(|back| back.image == position);
            let Some(back) = back else {
                collected.missing += 1;
                continue;
            };
            let entering = self.entering(image)?;
            if takes.is_none_or(|format| recipe.takes(format)) {
                self.simulated(collected, image, &entering, recipe);
            } else {
                collected.notes.push(format!(
                    "{id} takes no {}, so {} has nothing beside it",
                    image.file, image.file
                ));
            }
            let bytes = std::fs::read(&back.path)
                .with_context(|| format!("failed to read {}", back.path.display()))?;
            compared(
                &mut service.comparisons,
                &mut service.not_compared,
                recipe,
                image,
                (entering.file(), &bytes),
            );
            self.observed(
                collected,
                image,
                &entering,
                recipe,
                bytes,
                &said(&lines, image, back.by),
            );
        }
        self.unsigned(collected, recipe)?;
        Ok(service)
    }

    /// What came back from one service: its own folder, or everything where there is one service alone.
    fn files(&self, id: &str) -> Result<Vec<PathBuf>> {
        let own = self.returned.join(folder_of(id));
        let folder = match (own.is_dir(), self.kit.pipelines.len()) {
            (true, _) => own,
            (false, 1) => self.returned.to_owned(),
            (false, _) => return Ok(Vec::new()),
        };
        let files = recipes::entries(&folder)?.into_iter();
        // A link would show what lies elsewhere.
        let is_plain =
            |path: &PathBuf| std::fs::symlink_metadata(path).is_ok_and(|about| about.is_file());
        Ok(files.filter(is_plain).collect())
    }

    fn entering(&self, image: &Posted) -> Result<Entering> {
        let path = self.folder.join(POST).join(&image.file);
        let bytes =
            std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        ensure!(
            signed_file::digest(&bytes) == image.sha256,
            "{} is not the file that was signed",
            path.display()
        );
        Ok(Entering::new(Arc::new(ImageFile::new(bytes)?)))
    }

    fn simulated(
        &self,
        collected: &mut Collected,
        image: &Posted,
        entering: &Entering,
        recipe: &Recipe,
    ) {
        let entry = entry(image);
        let op = collected.rows.len() as u64;
        let row = trial::run(
            op,
            &subject(image, &entry, entering),
            entering,
            recipe,
            self.system,
            &Ledger::new(),
            None,
        );
        collected.rows.push(row);
    }

    fn observed(
        &self,
        collected: &mut Collected,
        image: &Posted,
        entering: &Entering,
        recipe: &Recipe,
        received: Vec<u8>,
        said: &str,
    ) {
        let entry = entry(image);
        let op = collected.rows.len() as u64;
        let subject = subject(image, &entry, entering);
        let row = trial::observed(op, &subject, entering, recipe, received, self.system);
        collected.rows.push(Row {
            pipeline: observed_id(&recipe.id),
            family: FAMILY.to_owned(),
            grade: 'O',
            answered: Some(said.to_owned()),
            ..row
        });
    }

    /// Pictures that nobody signed, through the recipe: a verifier that finds a proof there is not to be believed elsewhere.
    fn unsigned(&self, collected: &mut Collected, recipe: &Recipe) -> Result<()> {
        let set = SyntheticSet::new(self.kit.seed);
        let posted: Vec<&str> = self
            .kit
            .images
            .iter()
            .map(|image| image.source.as_str())
            .collect();
        let fits = |entry: &Entry| {
            entry.view.is_none()
                && recipe.takes(entry.format)
                && !posted.contains(&entry.source.as_str())
        };
        let others = (0..).map(|index| set.entry(index)).filter(fits);
        for entry in others.take(UNSIGNED) {
            let file = Arc::new(ImageFile::new(set.load(entry.index)?.bytes)?);
            let size = file.bytes().len() as u64;
            let entering = Entering::new(file);
            // Numbers of their own: those of the kit are others' pictures.
            let entry = Entry {
                index: self.kit.images.len() + entry.index,
                ..entry
            };
            let subject = Subject {
                source_bytes: size,
                signed_bytes: size,
                ..Subject::bare(Trial::Unsigned, &entry)
            };
            let op = collected.rows.len() as u64;
            let row = trial::run(
                op,
                &subject,
                &entering,
                recipe,
                self.system,
                &Ledger::new(),
                None,
            );
            collected.rows.push(row);
        }
        Ok(())
    }
}

fn entry(image: &Posted) -> Entry {
    let format = Format::of_extension(image.file.rsplit('.').next().unwrap_or_default());
    Entry {
        index: image.index,
        name: image.file.clone(),
        class: image.class.clone(),
        format: format.unwrap_or(Format::Jpeg),
        width: image.size.0,
        height: image.size.1,
        source: image.source.clone(),
        view: None,
    }
}

fn subject<'a>(image: &'a Posted, entry: &'a Entry, entering: &Entering) -> Subject<'a> {
    Subject {
        issued: Some(image.proof),
        source_bytes: image.source_bytes,
        signed_bytes: entering.file().bytes().len() as u64,
        embedded: &image.embedded,
        costs: &image.costs,
        ..Subject::bare(Trial::Signed, entry)
    }
}

/// What a person wrote of a file, for its row: what the first line of the service says holds for those below it.
fn said(lines: &[&Line], image: &Posted, by: By) -> String {
    let until = lines.iter().position(|line| line.file == image.file);
    let known = &lines[..until.map_or(0, |line| line + 1)];
    let last = |field: fn(&Line) -> &str| {
        let mut filled = known.iter().rev().map(|line| field(line));
        filled
            .find(|text| !text.is_empty())
            .unwrap_or_default()
            .to_owned()
    };
    let parts = [
        ("", last(|line| &line.date)),
        ("app: ", last(|line| &line.app)),
        ("settings: ", last(|line| &line.settings)),
        ("grade: ", last(|line| &line.grade)),
        ("told apart by ", by.as_str().to_owned()),
    ];
    let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
    let parts: Vec<String> = parts.map(|(name, text)| format!("{name}{text}")).collect();
    parts.join("; ")
}

/// What the recipe explains of one file.
fn compared(
    comparisons: &mut Vec<(String, Comparison)>,
    not_compared: &mut Vec<String>,
    recipe: &Recipe,
    image: &Posted,
    (posted, returned): (&Arc<ImageFile>, &[u8]),
) {
    let clock = || 0;
    let meter = Meter::new(&clock);
    let compared = ImageFile::new(returned.to_vec())
        .map_err(|error| error.to_string())
        .and_then(|returned| {
            rank::tried(
                recipe,
                Some(posted),
                &returned,
                delivery::surroundings(&meter),
            )
            .map_err(|error| error.to_string())
        });
    match compared {
        Ok(comparison) => comparisons.push((image.file.clone(), comparison)),
        Err(why) => not_compared.push(format!("{}: {why}", image.file)),
    }
}
