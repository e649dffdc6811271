//! What a journal is of.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use credlink_reports::RunHeader;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::units;
use crate::shard::Shard;

pub(super) const FILE: &str = "about.json";
const FORMAT: u32 = 2;

/// Which part of a run a directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// All of it.
    Run,
    /// Images that were signed and registered; nothing is verified there.
    Registry,
    /// Jobs that were verified against registries.
    Verified,
}

/// What is run, by everything that decides rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Version of this file.
    pub format: u32,
    /// Which part of a run this is.
    pub part: Part,
    /// The sources that it takes of all.
    pub shard: Shard,
    /// Digest of the plan: every image, pipeline and number of an op.
    pub plan: String,
    /// Fingerprint of the signer's key and of the watermark's secret; `None` where the system has none of ours.
    pub key: Option<String>,
    /// Ops that this part has.
    pub ops: u64,
    /// The options that took effect, as the command line keeps them for whoever goes on.
    pub options: serde_json::Value,
    /// The run as it was described before it began.
    pub header: RunHeader,
}

impl About {
    /// Of a whole run that begins.
    #[must_use]
    pub fn new(plan: String, header: RunHeader) -> Self {
        Self {
            format: FORMAT,
            part: Part::Run,
            shard: Shard::WHOLE,
            plan,
            key: None,
            ops: header.ops_planned,
            options: serde_json::Value::Null,
            header,
        }
    }

    /// Which part this is, in words.
    #[must_use]
    pub fn which(&self) -> String {
        match self.part {
            Part::Run => "a whole run".to_owned(),
            Part::Registry => format!("registry {}", self.shard),
            Part::Verified => format!("part {}", self.shard),
        }
    }

    /// A digest of everything that decides rows, and of which part this is, in hex.
    #[must_use]
    pub fn work(&self) -> String {
        let header = &self.header;
        let pipelines: Vec<_> = header
            .pipelines
            .iter()
            .map(|p| (&p.id, &p.digest))
            .collect();
        let all = (
            (self.part, self.shard, &self.plan, &self.key, header.seed),
            (
                &header.system.name,
                &header.system.version,
                &header.versions,
            ),
            (&header.settings, &header.carriers, &header.image_set.digest),
            pipelines,
        );
        format!("{:x}", Sha256::digest(format!("{all:?}")))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("failed to write the journal")?;
        units::write(&folder.join(FILE), text.as_bytes())
    }

    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let about: Self = serde_json::from_slice(&units::read(&path)?)
            .with_context(|| format!("{} says not what is run", path.display()))?;
        ensure!(
            about.format == FORMAT,
            "{} is of format {}, and this program reads {FORMAT}",
            path.display(),
            about.format
        );
        Ok(about)
    }

    /// Refuses to join what is not of one run, naming the first difference that would show in rows.
    ///
    /// # Errors
    /// What differs, as it is here and there.
    pub fn same_run(&self, other: &Self) -> Result<()> {
        let (a, b) = (&self.header, &other.header);
        let differs = |what: &str, here: &str, there: &str| -> Result<()> {
            if here == there {
                return Ok(());
            }
            bail!("another {what}: {there:?} there, {here:?} here")
        };
        differs("seed", &a.seed.to_string(), &b.seed.to_string())?;
        differs("system", &a.system.name, &b.system.name)?;
        differs(
            "version of the system",
            &a.system.version,
            &b.system.version,
        )?;
        maps("version of", &a.versions, &b.versions)?;
        differs("image set", &a.image_set.name, &b.image_set.name)?;
        differs("image set", &a.image_set.digest, &b.image_set.digest)?;
        maps("value of", &a.settings, &b.settings)?;
        differs(
            "list of carriers",
            &a.carriers.join(", "),
            &b.carriers.join(", "),
        )?;
        let ids = |header: &RunHeader| -> Vec<String> {
            header
                .pipelines
                .iter()
                .map(|pipeline| pipeline.id.clone())
                .collect()
        };
        let (here, there) = (ids(a), ids(b));
        if let Some(id) = here.iter().find(|id| !there.contains(id)) {
            bail!("another list of pipelines: {id} is not there");
        }
        if let Some(id) = there.iter().find(|id| !here.contains(id)) {
            bail!("another list of pipelines: {id} is not here");
        }
        for (here, there) in a.pipelines.iter().zip(&b.pipelines) {
            differs("order of pipelines", &here.id, &there.id)?;
            differs(
                &format!("recipe of {}", here.id),
                &here.digest,
                &there.digest,
            )?;
        }
        differs(
            "number of ops",
            &a.ops_planned.to_string(),
            &b.ops_planned.to_string(),
        )?;
        differs("plan", &self.plan, &other.plan)?;
        let key = |about: &Self| about.key.clone().unwrap_or_default();
        differs("signing key", &key(self), &key(other))
    }
}

type Map = std::collections::BTreeMap<String, String>;

fn maps(what: &str, here: &Map, there: &Map) -> Result<()> {
    let names = here.keys().chain(there.keys());
    for name in names {
        let value = |map: &Map| {
            map.get(name)
                .cloned()
                .unwrap_or_else(|| "nothing".to_owned())
        };
        let (here, there) = (value(here), value(there));
        ensure!(
            here == there,
            "another {what} {name}: {there:?} there, {here:?} here"
        );
    }
    Ok(())
}
