//! `run.json`: what was run, by what, on what, and how it ended. With `rows.parquet` it is all a report needs.
//!
//! Unknown fields are ignored and missing ones take their default, so that a header of an earlier version
//! still opens; a header of a later [`HEADER_VERSION`] is refused, since its fields may mean something else.

use std::collections::BTreeMap;

use credlink_trial_record::{CarrierPlace, Contract, Provenance};
use serde::{Deserialize, Serialize};

pub use crate::carrier::CarrierHeader;
use crate::carrier::undescribed;

/// Version of `run.json`. It grows when a field changes its meaning.
pub const HEADER_VERSION: u32 = 1;

/// Everything about a run that is not a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunHeader {
    /// [`HEADER_VERSION`] of the program that wrote it.
    pub schema: u32,
    /// Name of the run and of its directory.
    pub id: String,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// When the run began, as RFC 3339; passed in by the caller.
    pub created: String,
    /// The command as it was typed, program name first.
    pub command_line: Vec<String>,
    /// Every setting that decides results, by name, with the value that took effect, typed or not: e.g. `watermark`, `effort`
    /// or the adapters of tools outside. Runs are compared only where these agree.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Version of each program and library that decides results, by name.
    pub versions: BTreeMap<String, String>,
    /// The machine, which decides times.
    pub machine: Machine,
    /// Whoever signed and verified. Runs from before this field are of CredLink.
    pub system: SystemHeader,
    /// The images.
    pub image_set: ImageSetHeader,
    /// The pipelines in the order of the plan.
    pub pipelines: Vec<PipelineHeader>,
    /// The carriers in ladder order.
    pub carriers: Vec<String>,
    /// What each of them is, in any order; [`RunHeader::carrier`] reads it. Runs from before this field have none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub carrier_facts: Vec<CarrierHeader>,
    /// Proofs in the store that belong to no image of the run.
    pub distractors: u64,
    /// Ops in the plan, trials of every kind.
    pub ops_planned: u64,
    /// Ops with a row.
    pub ops_done: u64,
    /// Ops of the plan that were left out on purpose, each named in [`Self::skipped`]. A run that has neither row nor
    /// name for a planned op is not whole.
    #[serde(skip_serializing_if = "is_zero")]
    pub ops_left_out: u64,
    /// SHA-256 of `rows.parquet` in hex, so that rows of another run, or rows that were changed, are not taken for those
    /// of this one. It stops mix-ups, not forgers: who can change the rows can change this, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_digest: Option<String>,
    /// Whether the run ended before its plan did.
    pub partial: bool,
    /// Worker threads.
    pub threads: u32,
    /// The parts that it was joined from; none where one machine did all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartHeader>,
    /// Wall-clock time of the run in seconds; of parts at the same time that of the longest.
    pub elapsed_s: f64,
    /// Peak resident memory in bytes; 0 if the platform does not say.
    pub peak_memory_bytes: u64,
    /// Where the CPU time went.
    pub cpu: CpuShares,
    /// Checks whose answer is known beforehand.
    pub controls: Vec<ControlResult>,
    /// What the run left out, and why, one sentence each.
    pub skipped: Vec<String>,
}

/// Whoever signed and verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemHeader {
    /// Its name.
    pub name: String,
    /// Its version; empty if unknown.
    pub version: String,
    /// Its licence; empty if unknown.
    pub licence: String,
    /// Where it comes from; empty if unknown.
    pub source: String,
    /// Whether it was measured and not vouched for: what it accepted wrongly is a finding about it, and no failure of the
    /// run.
    pub is_guest: bool,
}

impl SystemHeader {
    /// Whose store a proof is found through.
    pub(crate) fn store(&self) -> &'static str {
        if self.is_guest {
            "its store"
        } else {
            "our store"
        }
    }
}

impl Default for SystemHeader {
    fn default() -> Self {
        Self {
            name: "CredLink".to_owned(),
            version: String::new(),
            licence: String::new(),
            source: String::new(),
            is_guest: false,
        }
    }
}

/// The machine that a run took place on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Operating system.
    pub os: String,
    /// Instruction set, e.g. `x86_64`.
    pub arch: String,
    /// Name of the processor; empty if unknown.
    pub cpu: String,
    /// Cores that the run could use.
    pub cores: u32,
    /// Installed memory in bytes; 0 if unknown.
    pub memory_bytes: u64,
}

/// The images of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageSetHeader {
    /// Name of the set, e.g. `synthetic` or the directory's name.
    pub name: String,
    /// Kind of set, e.g. `synthetic` or `directory`.
    pub kind: String,
    /// SHA-256 over the images, in hex: equal digests mean equal images.
    pub digest: String,
    /// Seed that the set was made or drawn with.
    pub seed: u64,
    /// Distinct files behind the images.
    pub files: u64,
    /// Files that were left out, each with its reason.
    pub rejected: Vec<String>,
}

/// A pipeline as the run used it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PipelineHeader {
    /// Its id, e.g. `social/bluesky`.
    pub id: String,
    /// Its title for people.
    pub title: String,
    /// Its family, e.g. `social`.
    pub family: String,
    /// Evidence grade of the recipe, `A` to `D`.
    pub grade: String,
    /// Severity in the recipe's words.
    pub severity: String,
    /// SHA-256 of the recipe in hex: equal digests mean equal pipelines.
    pub digest: String,
    /// Where the pipeline stands on a curve, if its recipe sweeps over one parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepHeader>,
    /// What it promises of every image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Contract>,
    /// Who takes images through it. What a real server or a person did cannot be done again, and is part of no pooled figure.
    #[serde(skip_serializing_if = "Provenance::is_simulated")]
    pub provenance: Provenance,
    /// Of a live or observed pipeline: the simulated one that claims to do the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulated_by: Option<String>,
}

/// One point of a recipe that sweeps over a parameter, e.g. a JPEG quality or a number of re-shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepHeader {
    /// Id of the recipe that all points share.
    pub recipe: String,
    /// The parameter, e.g. `quality`; `hops` for generations of re-sharing.
    pub parameter: String,
    /// Its value at this point.
    pub value: f64,
    /// Its unit; empty if it has none.
    pub unit: String,
}

/// A part of a run that was done apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartHeader {
    /// Which of how many, e.g. `1/2`.
    pub name: String,
    /// Where it was done.
    pub machine: Machine,
    /// Worker threads.
    pub threads: u32,
    /// Wall-clock time in seconds.
    pub elapsed_s: f64,
}

/// CPU time of a run by what it was spent on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CpuShares {
    /// CPU time of the whole process in seconds, all threads.
    pub total_s: f64,
    /// Seconds by category, e.g. `codecs`, `hashing`, `resizing`.
    pub by_category: BTreeMap<String, f64>,
    /// The share of `total_s`, 0 to 1, that is neither codecs nor hashing nor resizing nor watermarks.
    pub overhead_share: f64,
}

/// A check whose answer is known beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ControlResult {
    /// What was checked, e.g. `identity is intact`.
    pub name: String,
    /// Whether the run gave the known answer.
    pub passed: bool,
    /// What was found, for a reader of a failure.
    pub detail: String,
}

/// The family of pipelines that check the harness and are no platform. They are part of no pooled figure.
pub const CONTROLS: &str = "controls";

impl PipelineHeader {
    /// Whether it checks the harness, and says nothing of survival.
    pub fn is_control(&self) -> bool {
        self.family == CONTROLS
    }

    /// Whether it counts in figures over several pipelines: it is simulated, and no control.
    pub fn is_pooled(&self) -> bool {
        !self.is_control() && self.provenance.is_simulated()
    }
}

impl RunHeader {
    /// What is known of a carrier of the run.
    pub fn carrier(&self, name: &str) -> CarrierHeader {
        let described = self.carrier_facts.iter().find(|facts| facts.name == name);
        described.cloned().unwrap_or_else(|| undescribed(name))
    }

    /// The carriers that lie at this place.
    pub(crate) fn carriers_in(&self, place: CarrierPlace) -> Vec<String> {
        let carriers = self.carriers.iter();
        let lies = carriers.filter(|name| self.carrier(name).place == place);
        lies.cloned().collect()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Default for RunHeader {
    fn default() -> Self {
        Self {
            schema: HEADER_VERSION,
            id: String::new(),
            seed: 0,
            created: String::new(),
            command_line: Vec::new(),
            settings: BTreeMap::new(),
            versions: BTreeMap::new(),
            machine: Machine::default(),
            system: SystemHeader::default(),
            image_set: ImageSetHeader::default(),
            pipelines: Vec::new(),
            carriers: Vec::new(),
            carrier_facts: Vec::new(),
            distractors: 0,
            ops_planned: 0,
            ops_done: 0,
            ops_left_out: 0,
            rows_digest: None,
            partial: false,
            threads: 0,
            parts: Vec::new(),
            elapsed_s: 0.0,
            peak_memory_bytes: 0,
            cpu: CpuShares::default(),
            controls: Vec::new(),
            skipped: Vec::new(),
        }
    }
}
