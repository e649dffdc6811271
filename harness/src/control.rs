//! Checks whose answers are known beforehand. A run in which one fails says so loudly and must not be used.

use std::collections::{BTreeMap, BTreeSet};

use credlink_reports::Trial;
use credlink_reports::header::ControlResult;
use credlink_sign_core::carriers::CARRIERS;
use credlink_transforms::recipe::{Contract, Recipe};

use crate::plan::Plan;
use crate::trial::Op;

/// One control's count.
#[derive(Clone, Debug, Default)]
struct Tally {
    checked: u64,
    failed: u64,
    without_answer: u64,
    first: Option<String>,
}

impl Tally {
    fn check(&mut self, passed: bool, what: impl FnOnce() -> String) {
        self.checked += 1;
        if !passed {
            self.failed += 1;
            if self.first.is_none() {
                self.first = Some(what());
            }
        }
    }
}

/// Watches ops go by.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    tallies: BTreeMap<String, Tally>,
}

const MISATTRIBUTED: &str = "no proof is attributed to another image";

impl Controls {
    /// Controls for a run of this plan; each is reported even if nothing was checked.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut tallies = BTreeMap::new();
        tallies.insert(MISATTRIBUTED.to_owned(), Tally::default());
        // Other negative trials join when there is one: a forgery may be impossible for want of a donor, and the run
        // then lists it as left out.
        tallies.insert(rejected(Trial::Unsigned), Tally::default());
        let used: BTreeSet<usize> = plan
            .signed
            .iter()
            .flat_map(|image| &image.pipelines)
            .copied()
            .collect();
        for position in used {
            let recipe = &plan.pipelines[position];
            if let Some(contract) = recipe.contract {
                tallies.insert(promise(recipe, contract), Tally::default());
            }
        }
        Self { tallies }
    }

    /// Checks one op.
    pub fn watch(&mut self, recipe: &Recipe, op: &Op) {
        let row = &op.row;
        let described = || {
            let why = row.error.as_deref().unwrap_or(&row.outcome);
            format!(
                "op {} ({} through {}): {why}",
                row.op, row.name, row.pipeline
            )
        };
        if row.trial.is_negative() && !must_reject(row.trial) {
            return;
        }
        if row.trial.is_negative() {
            // What could not be looked at was not rejected.
            self.tally(rejected(row.trial))
                .check(row.outcome == "rejected", described);
            return;
        }
        self.tally(MISATTRIBUTED.to_owned())
            .check(row.outcome != "misattributed", described);
        if let Some(contract) = recipe.contract {
            let kept = match contract {
                Contract::ByteExact => op.same_bytes && row.outcome == "intact",
                Contract::PixelExactStripped => op.same_pixels == Some(true) && stripped(row),
                // A pointer of any kind would be one to something that is not there.
                Contract::NothingLeft => row.outcome == "lost",
                _ => false,
            };
            let tally = self.tally(promise(recipe, contract));
            tally.check(kept, described);
            let must_answer = contract != Contract::NothingLeft;
            tally.without_answer += u64::from(kept && must_answer && !row.survived);
        }
    }

    fn tally(&mut self, name: String) -> &mut Tally {
        self.tallies.entry(name).or_default()
    }

    /// The verdicts. A control that checked nothing has not passed.
    #[must_use]
    pub fn results(&self) -> Vec<ControlResult> {
        let result = |(name, tally): (&String, &Tally)| {
            let detail = match &tally.first {
                _ if tally.checked == 0 => "nothing was checked".to_owned(),
                None if tally.without_answer > 0 => format!(
                    "{} ops checked, {} of them of content that has no fingerprint or shares it with another proof",
                    tally.checked, tally.without_answer
                ),
                None => format!("{} ops checked", tally.checked),
                Some(first) => format!(
                    "{} of {} ops failed, first {first}",
                    tally.failed, tally.checked
                ),
            };
            ControlResult {
                name: name.clone(),
                passed: tally.checked > 0 && tally.failed == 0,
                detail,
            }
        };
        self.tallies.iter().map(result).collect()
    }
}

/// Whether an acceptance is a failure of the system. A neighbouring view shows what a signed image shows; how often a
/// fingerprint takes the one for the other is measured, and no promise.
fn must_reject(trial: Trial) -> bool {
    trial != Trial::NearDuplicate
}

fn rejected(trial: Trial) -> String {
    format!("{} are never accepted", trial.about())
}

fn promise(recipe: &Recipe, contract: Contract) -> String {
    let what = match contract {
        Contract::ByteExact => "every proof is intact",
        Contract::PixelExactStripped => {
            "pixels are identical, manifest and link are gone, fingerprint distance is 0"
        }
        Contract::NothingLeft => "no proof is found where nothing is left",
        _ => "an unknown promise",
    };
    format!("{}: {what}", recipe.id)
}

/// What must hold when the pixels stay and all metadata goes: the carriers in the metadata find nothing, and the
/// content leads to the proof at distance 0. Content that has no fingerprint, or that a second registered image
/// shares, cannot lead to one proof by definition; then the distance alone must be right.
fn stripped(row: &credlink_reports::Row) -> bool {
    let cell = |name: &str| {
        let position = CARRIERS.iter().position(|carrier| carrier.name() == name)?;
        row.carriers.get(position)
    };
    let (Some(manifest), Some(link), Some(content)) =
        (cell("manifest"), cell("link"), cell("fingerprint"))
    else {
        return false;
    };
    let gone = manifest.state == "absent" && link.state == "absent";
    let has_code = |code: &str| content.codes.split(',').any(|found| found == code);
    let exact =
        row.content_distance == Some(0) && (row.survived || has_code("credlink.content.ambiguous"));
    gone && (exact || has_code("credlink.content.featureless"))
}
