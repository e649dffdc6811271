//! The systems that a run was asked for, made ready.

use std::path::Path;

use anyhow::{Context, Result, bail};
use credlink_corpus::ImageSet;
use credlink_harness::stages::event::Listener;
use credlink_harness::systems::adapter::Adapter;
use credlink_harness::systems::credlink::{self, CredLink};
use credlink_harness::systems::named::{self, Choice};
use credlink_harness::systems::resolver::Resolver;
use credlink_harness::systems::service::Service;
use credlink_harness::systems::signed_files::SignedFiles;
use credlink_harness::systems::{About, System};
use credlink_harness::{distractors, identity, strength};
use credlink_reports::RunDir;
use credlink_sign_core::Signer;
use credlink_sign_core::keys::{ANCHOR_FILE, CHAIN_FILE, WATERMARK_FILE, WatermarkSecret};
use credlink_sign_core::store::{Distractor, ProofStoreBuilder, STORE_DIR};
use credlink_sign_core::watermark::Effort;

use super::place;
use crate::cli::SurvivalArgs;

/// The name that stands for CredLink and every adapter that can run here.
const ALL: &str = "all";
/// The environment variable that holds the API key of a service: on a command line everybody could read it.
const API_KEY: &str = "CREDLINK_API_KEY";

/// A system that takes part, as it is or made to change pictures so much.
#[derive(Clone, PartialEq)]
pub(super) struct Part {
    pub(super) choice: Choice,
    /// The PSNR, dB, that its strength is set to.
    psnr: Option<f64>,
}

impl Part {
    /// As it is.
    pub(super) fn native(choice: Choice) -> Self {
        Self { choice, psnr: None }
    }

    pub(super) fn is_native(&self) -> bool {
        self.psnr.is_none()
    }

    pub(super) fn name(&self) -> String {
        match self.psnr {
            None => self.choice.name(),
            Some(psnr) => format!("{} at {psnr} dB", self.choice.name()),
        }
    }

    pub(super) fn folder(&self) -> String {
        match self.psnr {
            None => self.choice.folder(),
            Some(psnr) => format!("{}-{psnr}dB", self.choice.folder()),
        }
    }
}

/// What was asked for: systems, and those that cannot run here with the reason, where all were asked for.
pub(super) struct Asked {
    pub(super) parts: Vec<Part>,
    pub(super) skipped: Vec<(String, String)>,
}

/// Looks up the systems that were named, before anything runs.
pub(super) fn asked(args: &SurvivalArgs) -> Result<Asked> {
    let mut choices: Vec<Choice> = Vec::new();
    let mut skipped = Vec::new();
    for name in &args.system {
        if name != ALL {
            let choice = named::find(name, &args.adapters)?;
            if !choices.contains(&choice) {
                choices.push(choice);
            }
            continue;
        }
        for found in named::all(&args.adapters) {
            let choice = found?;
            let cannot = match &choice {
                Choice::CredLink(_) | Choice::Service(_) => None,
                // Those that show how to write one measure nothing that anybody uses.
                Choice::Adapter(description) if description.is_example() => continue,
                Choice::Adapter(description) => {
                    Adapter::start((**description).clone(), args.seed, 1, None).err()
                }
            };
            match cannot {
                Some(failure) => {
                    skipped.push((choice.name(), failure.reason().to_owned()));
                }
                None if choices.contains(&choice) => {}
                None => choices.push(choice),
            }
        }
    }
    if let Some(carriers) = &args.carriers {
        let subset = named::subset(carriers.iter().map(String::as_str))?;
        let mut own = choices.iter_mut();
        match own.find(|choice| **choice == Choice::CredLink(credlink::carriers())) {
            Some(choice) => *choice = Choice::CredLink(subset),
            None => {
                bail!("--carriers chooses among those of credlink, which is not among the systems")
            }
        }
    }
    let mut parts = Vec::new();
    for choice in choices {
        let is_set = args.match_psnr.filter(|_| has_strength(args, &choice));
        parts.push(Part::native(choice.clone()));
        parts.extend(is_set.map(|psnr| Part {
            choice,
            psnr: Some(psnr),
        }));
    }
    Ok(Asked { parts, skipped })
}

/// Whether a system can be made to change pictures more or less. One that cannot be asked will say so when it begins.
fn has_strength(args: &SurvivalArgs, choice: &Choice) -> bool {
    match choice {
        Choice::CredLink(carriers) => {
            !args.mark.no_watermark && carriers.contains(&credlink::marking())
        }
        Choice::Service(_) => false,
        Choice::Adapter(description) => Adapter::start((**description).clone(), args.seed, 1, None)
            .is_ok_and(|adapter| adapter.strengths().is_some()),
    }
}

/// A system that can begin once there is a place for its proofs.
pub(super) enum Ready {
    CredLink(Box<Own>),
    Adapter(Box<Adapter>),
    Service(Box<Service>),
    SignedFiles(Box<SignedFiles>),
}

/// CredLink before it has a store.
pub(super) struct Own {
    signer: Signer,
    effort: Effort,
    carriers: Vec<&'static str>,
    about: About,
    /// The secret of its marks, if it is the run's own: it is then kept with the run.
    secret: Option<WatermarkSecret>,
    /// What tells the secret of its marks apart, if it marks.
    mark: Option<String>,
    /// Whether its key is the run's own.
    is_of_run: bool,
}

impl Ready {
    pub(super) fn about(&self) -> About {
        match self {
            Self::CredLink(own) => own.about.clone(),
            Self::Adapter(adapter) => adapter.about(),
            Self::Service(service) => service.about(),
            Self::SignedFiles(files) => files.about(),
        }
    }

    /// What the signer is called.
    pub(super) fn signer_name(&self) -> String {
        match self {
            Self::CredLink(own) => own.signer.identity().name().to_owned(),
            Self::Adapter(_) | Self::Service(_) | Self::SignedFiles(_) => self.about().name,
        }
    }

    /// The system, with its proofs in the run's directory. What anybody needs to verify the signed files afterwards is kept
    /// beside them: `credlink verify --keys RUN --store RUN`.
    pub(super) fn begun(
        self,
        run_dir: &RunDir,
        distractors: u64,
        listener: Listener<'_>,
    ) -> Result<Box<dyn System>> {
        Ok(match self {
            Self::CredLink(own) => {
                let root = run_dir.root();
                let identity = own.signer.identity();
                for name in [CHAIN_FILE, ANCHOR_FILE] {
                    place::remove(&root.join(name), |path| std::fs::remove_file(path))?;
                }
                identity.save_certificates(root)?;
                if let Some(secret) = &own.secret
                    && !root.join(WATERMARK_FILE).exists()
                {
                    secret.save(root)?;
                }
                let others = first_distractors(distractors, listener)?;
                // What an earlier process left there is made anew from the journal.
                place::remove(&root.join(STORE_DIR), |path| std::fs::remove_dir_all(path))?;
                let store = ProofStoreBuilder::create(root)?;
                Box::new(own.system(store.with_distractors(others)))
            }
            Self::Adapter(adapter) => adapter,
            Self::Service(service) => service,
            Self::SignedFiles(files) => files,
        })
    }

    /// The same with its proofs in memory.
    pub(super) fn tried(self, distractors: u64) -> Result<Box<dyn System>> {
        Ok(match self {
            Self::CredLink(own) => {
                let others = first_distractors(distractors, &|_| {})?;
                let store = ProofStoreBuilder::in_memory().with_distractors(others);
                Box::new(own.system(store))
            }
            Self::Adapter(adapter) => adapter,
            Self::Service(service) => service,
            Self::SignedFiles(files) => files,
        })
    }

    /// Whether it signs with a key that nobody else has.
    pub(super) fn has_fresh_key(&self) -> bool {
        matches!(self, Self::CredLink(own) if own.is_of_run)
    }

    /// Keeps the run's own key, for whoever goes on with the run; never one that was given.
    pub(super) fn keep_key(&self, keys: &Path) -> Result<()> {
        match self {
            Self::CredLink(own) if own.is_of_run => {
                place::remove(keys, |path| std::fs::remove_dir_all(path))?;
                Ok(own.signer.identity().save(keys)?)
            }
            Self::CredLink(_) | Self::Adapter(_) | Self::Service(_) | Self::SignedFiles(_) => {
                Ok(())
            }
        }
    }

    /// What tells its keys apart; `None` where it has none of ours.
    pub(super) fn key(&self) -> Result<Option<String>> {
        match self {
            Self::CredLink(own) => {
                let signer = own.signer.identity().anchor()?.key_fingerprint();
                let mark = own.mark.as_deref().unwrap_or("no mark");
                Ok(Some(format!("{signer}, {mark}")))
            }
            Self::Adapter(_) | Self::Service(_) | Self::SignedFiles(_) => Ok(None),
        }
    }
}

/// So many proofs that belong to no image of the run.
fn first_distractors(count: u64, listener: Listener<'_>) -> Result<Vec<Distractor>> {
    match usize::try_from(count)? {
        0 => Ok(Vec::new()),
        count => {
            let cache = distractors::cache_file(distractors::CACHE.as_ref());
            distractors::first(count, &cache, listener)
        }
    }
}

impl Own {
    fn system(self, store: ProofStoreBuilder) -> CredLink {
        let system = CredLink::new(self.signer, store).with_effort(self.effort);
        system.with_carriers(self.carriers)
    }
}

/// Makes a system ready for so many threads, with these keys or new ones.
pub(super) fn ready(
    args: &SurvivalArgs,
    part: &Part,
    keys: Option<&Path>,
    set: &dyn ImageSet,
    threads: usize,
) -> Result<Ready> {
    match &part.choice {
        Choice::CredLink(carriers) => own(args, part, keys, carriers.clone()).map(Ready::CredLink),
        Choice::Adapter(description) => {
            let strength = match part.psnr {
                None => None,
                Some(target) => strength::matched(description, set, args.seed, target)
                    .with_context(|| {
                        format!("failed to set {} to {target} dB", description.name)
                    })?,
            };
            let started = Adapter::start((**description).clone(), args.seed, threads, strength);
            let adapter = started.map_err(|failure| anyhow::anyhow!("{}", failure.reason()))?;
            Ok(Ready::Adapter(Box::new(adapter)))
        }
        Choice::Service(url) => {
            let key = std::env::var(API_KEY).ok();
            let service = Service::new(url, key).map_err(anyhow::Error::msg)?;
            Ok(Ready::Service(Box::new(service)))
        }
    }
}

/// The files of a directory that are signed already.
pub(super) fn signed_files(trust: Option<&Path>, resolve: Option<&str>) -> Result<Ready> {
    let anchors = trust.map(super::super::read_text).transpose()?;
    let mut files = SignedFiles::new(anchors.as_deref())?;
    if let Some(url) = resolve {
        let server = Resolver::new(url).map_err(anyhow::Error::msg)?;
        files = files.with_resolver(server).map_err(anyhow::Error::msg)?;
    }
    Ok(Ready::SignedFiles(Box::new(files)))
}

fn own(
    args: &SurvivalArgs,
    part: &Part,
    keys: Option<&Path>,
    carriers: Vec<&'static str>,
) -> Result<Box<Own>> {
    let identity = identity::of_run(keys, identity::fresh_seed()?)?;
    let is_marked = !args.mark.no_watermark && carriers.contains(&credlink::marking());
    let secret = is_marked
        .then(|| identity::watermark_of_run(args.keys.as_deref(), args.seed))
        .transpose()?;
    let mut signer = Signer::new(identity)?;
    if let Some(secret) = &secret {
        let key = secret.key()?;
        signer = signer.with_marker(match part.psnr {
            Some(target) => super::super::watermark::marker_at(key, target),
            None => super::super::watermark::marker(key, args.mark.watermark_psnr),
        });
    }
    let effort = super::super::watermark::effort(args.search_rotation);
    let mut about = credlink::about_of(&carriers);
    about.settings = settings(args, part, is_marked);
    let mark = secret.as_ref().map(WatermarkSecret::fingerprint);
    Ok(Box::new(Own {
        signer,
        effort,
        carriers,
        about,
        secret: secret.filter(|_| args.keys.is_none()),
        mark,
        is_of_run: args.keys.is_none(),
    }))
}

/// The settings of CredLink that decide results.
fn settings(args: &SurvivalArgs, part: &Part, is_marked: bool) -> Vec<(String, String)> {
    let watermark = match (is_marked, part.psnr, args.mark.watermark_psnr) {
        (false, ..) => "none".to_owned(),
        (true, Some(target), _) => format!("PSNR of the mark {target} dB"),
        (true, None, Some(floor)) => format!("PSNR of the file at least {floor} dB"),
        (true, None, None) => "default strength".to_owned(),
    };
    let effort = if args.search_rotation {
        "turned, too"
    } else {
        "default"
    };
    let keys = if args.keys.is_some() {
        "given"
    } else {
        "of the run"
    };
    [
        ("watermark", watermark),
        ("watermark search", effort.to_owned()),
        ("keys", keys.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
