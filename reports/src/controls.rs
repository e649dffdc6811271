//! Checks whose answers are known beforehand, judged from rows alone: while a run writes them, and again by whoever reads
//! them, merged and resumed runs included. A run in which one fails says so loudly and must not be used.

use std::collections::{BTreeMap, HashMap, HashSet};

use credlink_trial_record::{CarrierPlace, Contract, Outcome, Row, State, Trial};

use crate::header::{ControlResult, RunHeader};

/// What a control looks at of one op. Borrowed from a row, or from columns.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Number of the op.
    pub op: u64,
    /// Which trial it was.
    pub trial: Trial,
    /// Id of the pipeline.
    pub pipeline: &'a str,
    /// Name of the image.
    pub name: &'a str,
    /// What became of the proof.
    pub outcome: Outcome,
    /// What failed, in words.
    pub error: Option<&'a str>,
    /// The same as a short code.
    pub error_cause: Option<&'a str>,
    /// Whether the received file is the one that entered, byte for byte.
    pub same_bytes: bool,
    /// Whether the decoded pixels are the same, where the pipeline promises it.
    pub same_pixels: Option<bool>,
    /// Bits between the received and the registered fingerprint.
    pub content_distance: Option<u32>,
}

/// One control's count.
#[derive(Clone, Debug, Default)]
struct ControlTally {
    checked: u64,
    failed: u64,
    without_answer: u64,
    first: Option<String>,
}

impl ControlTally {
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

/// Watches ops go by, in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    contracts: HashMap<String, Contract>,
    /// Pipelines that real servers or people were.
    real: HashSet<String>,
    /// Carriers in the metadata, and carriers that are the content itself.
    metadata: Vec<String>,
    content: Vec<String>,
    /// The name of a system that is a guest: its promises are its own business.
    guest: Option<String>,
    tallies: BTreeMap<String, ControlTally>,
}

/// A guest that fails more often than once in so many ops cannot be used.
const GUEST_FAILURES: u64 = 33;

const MISATTRIBUTED: &str = "no proof is attributed to another image";

impl Controls {
    /// Controls for a run of this header. What every run must have is reported even if nothing was checked; the promise of a
    /// pipeline, and a kind of forgery, join with their first op.
    #[must_use]
    pub fn of(header: &RunHeader) -> Self {
        let contracts = header.pipelines.iter().filter_map(|pipeline| {
            let contract = pipeline.contract?;
            Some((pipeline.id.clone(), contract))
        });
        let real = header.pipelines.iter();
        let real = real.filter(|pipeline| !pipeline.provenance.is_simulated());
        let guest = header.system.is_guest.then(|| header.system.name.clone());
        let always = match &guest {
            None => vec![MISATTRIBUTED.to_owned(), rejected(Trial::Unsigned)],
            Some(name) => vec![usable(name)],
        };
        Self {
            guest,
            contracts: contracts.collect(),
            real: real.map(|pipeline| pipeline.id.clone()).collect(),
            metadata: header.carriers_in(CarrierPlace::Metadata),
            content: header.carriers_in(CarrierPlace::Store),
            tallies: always
                .into_iter()
                .map(|name| (name, ControlTally::default()))
                .collect(),
        }
    }

    /// Checks one row; `carriers` names its cells.
    pub fn watch(&mut self, row: &Row, carriers: &[String]) {
        let seen = Seen {
            op: row.op,
            trial: row.trial,
            pipeline: &row.pipeline,
            name: &row.name,
            outcome: row.outcome,
            error: row.error.as_deref(),
            error_cause: row.error_cause.as_deref(),
            same_bytes: row.same_bytes,
            same_pixels: row.same_pixels,
            content_distance: row.content_distance,
        };
        self.check(seen, |name| {
            let position = carriers.iter().position(|carrier| carrier == name)?;
            let cell = row.carriers.get(position)?;
            Some((cell.state, cell.codes.as_str()))
        });
    }

    /// Checks one op; `cell` gives state and codes of a carrier by its name, `None` where it was not examined.
    pub fn check<'c>(&mut self, op: Seen<'_>, cell: impl Fn(&str) -> Option<(State, &'c str)>) {
        let described = || {
            let why = op.error.unwrap_or(op.outcome.as_str());
            format!("op {} ({} through {}): {why}", op.op, op.name, op.pipeline)
        };
        if let Some(name) = self.guest.clone() {
            let is_fault = op.error_cause.is_some_and(is_of_system);
            self.tally(usable(&name)).check(!is_fault, described);
            if op.trial == Trial::Signed {
                self.check_pipeline(&op, described);
            }
            return;
        }
        if op.trial.is_negative() {
            // A server that does not answer says nothing of whoever verifies.
            let is_silent = op.outcome == Outcome::Error && self.real.contains(op.pipeline);
            if must_reject(op.trial) && !is_silent {
                // What could not be looked at was not rejected.
                self.tally(rejected(op.trial))
                    .check(op.outcome == Outcome::Rejected, described);
            }
            return;
        }
        self.tally(MISATTRIBUTED.to_owned())
            .check(op.outcome != Outcome::Misattributed, described);
        if let Some(contract) = self.contracts.get(op.pipeline).copied() {
            let kept = match contract {
                Contract::ByteExact => op.same_bytes && op.outcome == Outcome::Intact,
                Contract::PixelExactStripped => {
                    op.same_pixels == Some(true) && self.is_stripped(&op, cell)
                }
                // A pointer of any kind would be one to something that is not there.
                Contract::NothingLeft => op.outcome == Outcome::Lost,
            };
            let must_answer = contract != Contract::NothingLeft;
            let tally = self.tally(promise(op.pipeline, contract));
            tally.check(kept, described);
            tally.without_answer += u64::from(kept && must_answer && !op.outcome.survived());
        }
    }

    /// What a pipeline promises whoever signed.
    fn check_pipeline(&mut self, op: &Seen<'_>, described: impl Fn() -> String) {
        // What never came back from the system says nothing of the pipeline.
        let is_silent = |cause: &str| is_of_system(cause) || cause == "system";
        if op.outcome == Outcome::Error && op.error_cause.is_some_and(is_silent) {
            return;
        }
        let kept = match self.contracts.get(op.pipeline) {
            Some(Contract::ByteExact) => op.same_bytes,
            Some(Contract::PixelExactStripped) => op.same_pixels == Some(true),
            Some(Contract::NothingLeft) | None => return,
        };
        let name = format!("{}: the pipeline keeps what it promises", op.pipeline);
        self.tally(name).check(kept, described);
    }

    /// What must hold when the pixels stay and all metadata goes: the carriers in the metadata find nothing, and the
    /// content leads to the proof at distance 0. Content that has no fingerprint, or that a second registered image
    /// shares, cannot lead to one proof by definition; then the distance alone must be right.
    fn is_stripped<'c>(
        &self,
        op: &Seen<'_>,
        cell: impl Fn(&str) -> Option<(State, &'c str)>,
    ) -> bool {
        let is_gone = |name: &String| cell(name).is_some_and(|(state, _)| state == State::Absent);
        let content = self.content.iter().map(|name| cell(name));
        let Some(codes) = content.collect::<Option<Vec<_>>>() else {
            return false;
        };
        if codes.is_empty() || self.metadata.is_empty() || !self.metadata.iter().all(is_gone) {
            return false;
        }
        let has_code = |code: &str| {
            let mut all = codes.iter().flat_map(|(_, codes)| codes.split(','));
            all.any(|found| found == code)
        };
        let is_answered = op.outcome.survived() || has_code("credlink.content.ambiguous");
        let exact = op.content_distance == Some(0) && is_answered;
        exact || has_code("credlink.content.featureless")
    }

    fn tally(&mut self, name: String) -> &mut ControlTally {
        self.tallies.entry(name).or_default()
    }

    /// The verdicts. A control that checked nothing has not passed.
    #[must_use]
    pub fn results(&self) -> Vec<ControlResult> {
        let result = |(name, tally): (&String, &ControlTally)| {
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
            // A guest may fail at times, and its errors stay in the denominator.
            let is_guest = self
                .guest
                .as_deref()
                .is_some_and(|guest| usable(guest) == *name);
            let most = if is_guest {
                tally.checked / GUEST_FAILURES
            } else {
                0
            };
            ControlResult {
                name: name.clone(),
                passed: tally.checked > 0 && tally.failed <= most,
                detail,
            }
        };
        self.tallies.iter().map(result).collect()
    }

    /// What a header says of its controls, as far as the rows bear it out: one that the rows deny has failed, one that the
    /// header leaves out is added. A header alone makes nothing pass.
    #[must_use]
    pub fn confirmed(&self, claimed: &[ControlResult]) -> Vec<ControlResult> {
        let mut found = self.results();
        for claim in claimed {
            match found.iter_mut().find(|result| result.name == claim.name) {
                Some(result) if result.passed && !claim.passed => *result = claim.clone(),
                Some(_) => {}
                None => found.push(claim.clone()),
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }
}

/// Whether an acceptance is a failure of the system. A neighbouring view shows what a signed image shows; how often a
/// fingerprint takes the one for the other is measured, and no promise.
fn must_reject(trial: Trial) -> bool {
    trial != Trial::NearDuplicate
}

/// What is asked of every guest: that it answers.
fn usable(name: &str) -> String {
    format!("{name} answers, with at most one failure in {GUEST_FAILURES} ops")
}

/// Whether an error is a failure of the system, and not of the pipeline or the image. A system that says that it cannot read
/// a file has answered.
fn is_of_system(cause: &str) -> bool {
    cause.starts_with("adapter-")
}

fn rejected(trial: Trial) -> String {
    format!("{} are never accepted", trial.about())
}

fn promise(pipeline: &str, contract: Contract) -> String {
    let what = match contract {
        Contract::ByteExact => "every proof is intact",
        Contract::PixelExactStripped => {
            "pixels are identical, manifest and link are gone, fingerprint distance is 0"
        }
        Contract::NothingLeft => "no proof is found where nothing is left",
    };
    format!("{pipeline}: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_answer_fails_no_control_and_a_false_accept_does() {
        let pipeline = |id: &str, provenance| crate::header::PipelineHeader {
            id: id.to_owned(),
            provenance,
            ..crate::header::PipelineHeader::default()
        };
        let header = RunHeader {
            pipelines: vec![
                pipeline("cdn/a", credlink_trial_record::Provenance::Simulated),
                pipeline("live/a", credlink_trial_record::Provenance::Live),
            ],
            ..RunHeader::default()
        };
        let passes = |id: &str, outcome| {
            let mut controls = Controls::of(&header);
            for (op, outcome) in [(0, Outcome::Rejected), (1, outcome)] {
                let row = Row {
                    pipeline: id.to_owned(),
                    ..Row::new(op, Trial::Unsigned, outcome)
                };
                controls.watch(&row, &[]);
            }
            let results = controls.results();
            let name = rejected(Trial::Unsigned);
            results.iter().any(|one| one.name == name && one.passed)
        };
        assert!(passes("live/a", Outcome::Error) && !passes("live/a", Outcome::Accepted));
        assert!(!passes("cdn/a", Outcome::Error));
    }
    use crate::header::PipelineHeader;

    fn controls(contract: Contract) -> Controls {
        Controls::of(&RunHeader {
            pipelines: vec![PipelineHeader {
                id: "a/b".to_owned(),
                contract: Some(contract),
                ..PipelineHeader::default()
            }],
            carriers: ["manifest", "link", "fingerprint"]
                .map(str::to_owned)
                .to_vec(),
            ..RunHeader::default()
        })
    }

    fn op(trial: Trial, outcome: Outcome) -> Seen<'static> {
        Seen {
            op: 7,
            trial,
            pipeline: "a/b",
            name: "image",
            outcome,
            error: None,
            error_cause: None,
            same_bytes: true,
            same_pixels: Some(true),
            content_distance: Some(0),
        }
    }

    fn passed(controls: &Controls, about: &str) -> Option<bool> {
        let results = controls.results();
        let found = results.iter().find(|result| result.name.contains(about));
        found.map(|result| result.passed)
    }

    #[test]
    fn every_promise_is_broken_by_what_breaks_it() {
        let stripped = |name: &str| match name {
            "manifest" | "link" => Some((State::Absent, "")),
            _ => Some((State::Recovered, "")),
        };
        let left = |_: &str| Some((State::Intact, ""));
        type Carriers<'a> = &'a dyn Fn(&str) -> Option<(State, &'static str)>;
        let (intact, recovered) = (
            op(Trial::Signed, Outcome::Intact),
            op(Trial::Signed, Outcome::Recovered),
        );
        let lost = op(Trial::Signed, Outcome::Lost);
        let cases: [(Contract, Seen<'_>, Carriers<'_>, bool); 9] = [
            (Contract::ByteExact, intact, &left, true),
            (Contract::ByteExact, recovered, &left, false),
            (
                Contract::ByteExact,
                Seen {
                    same_bytes: false,
                    ..intact
                },
                &left,
                false,
            ),
            (Contract::PixelExactStripped, recovered, &stripped, true),
            (Contract::PixelExactStripped, recovered, &left, false),
            (
                Contract::PixelExactStripped,
                Seen {
                    same_pixels: None,
                    ..recovered
                },
                &stripped,
                false,
            ),
            (
                Contract::PixelExactStripped,
                Seen {
                    content_distance: Some(2),
                    ..recovered
                },
                &stripped,
                false,
            ),
            (Contract::NothingLeft, lost, &stripped, true),
            (Contract::NothingLeft, recovered, &stripped, false),
        ];
        for (contract, op, cell, expected) in cases {
            let mut controls = controls(contract);
            controls.check(op, cell);
            assert_eq!(
                passed(&controls, "a/b"),
                Some(expected),
                "{contract}: {op:?}"
            );
        }
    }

    #[test]
    fn nothing_checked_has_not_passed_and_an_error_is_no_rejection() {
        let mut controls = controls(Contract::ByteExact);
        let unsigned = "unsigned images are never accepted";
        assert_eq!(passed(&controls, unsigned), Some(false));
        let none = |_: &str| None;
        controls.check(op(Trial::Unsigned, Outcome::Rejected), none);
        assert_eq!(passed(&controls, unsigned), Some(true));
        controls.check(op(Trial::Unsigned, Outcome::Error), none);
        assert_eq!(passed(&controls, unsigned), Some(false));
        // A neighbouring view may be taken for the signed one.
        controls.check(op(Trial::NearDuplicate, Outcome::Accepted), none);
        assert_eq!(passed(&controls, "neighbouring"), None);
        assert_eq!(passed(&controls, "another image"), Some(false));
    }

    #[test]
    fn a_header_makes_nothing_pass_that_the_rows_deny() {
        let mut controls = controls(Contract::ByteExact);
        controls.check(op(Trial::Signed, Outcome::Lost), |_| None);
        let claimed = controls.results().into_iter().map(|result| ControlResult {
            passed: true,
            ..result
        });
        let mut claimed: Vec<_> = claimed.collect();
        assert_eq!(controls.confirmed(&claimed), controls.results());
        assert_eq!(controls.confirmed(&[]), controls.results());
        // What it says against itself, and controls of its own, stay.
        for claim in &mut claimed {
            claim.passed = false;
        }
        claimed.push(ControlResult {
            name: "another".to_owned(),
            ..ControlResult::default()
        });
        let confirmed = controls.confirmed(&claimed);
        assert_eq!(confirmed.len(), claimed.len());
        assert!(confirmed.iter().all(|result| !result.passed));
    }
}
