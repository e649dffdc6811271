//! The work of a run, or of a part of one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use credlink_harness::journal::{self, Assembly, Journal};
use credlink_harness::ledger::Ledger;
use credlink_harness::plan::Plan;
use credlink_harness::shard::Shard;
use credlink_harness::stages::event::Event;
use credlink_harness::stages::setting::{self, Setting};
use credlink_harness::stages::{self, sign};
use credlink_harness::{exit, recipes};
use credlink_reports::{RunDir, RunHeader};

use super::apart::Apart;
use super::ending::{self, Output, Whole};
use super::place::{self, Found, Place, meter};
use super::systems::Ready;
use super::{Shared, ended_before};
use crate::cmd;

/// What the stages of this part work on.
struct Work<'a> {
    plan: &'a Plan,
    run_dir: &'a RunDir,
    setting: &'a Setting<'a>,
}

impl Shared<'_> {
    /// Does this part, which `about` describes, in `out`; `start` is when it was begun.
    pub(super) fn part_of_run(
        &self,
        ready: Ready,
        plan: &Plan,
        about: &journal::About,
        out: &Path,
        start: u64,
    ) -> Result<u8> {
        let args = self.args;
        let listener = |event: Event| self.progress.show(event);
        let ledger = Arc::new(Ledger::new());
        let share = about.shard.share(plan);
        let signer_name = ready.signer_name();
        if let Some(alone) = &args.alone {
            return self.alone(alone, out, about, plan, ready, &ledger);
        }
        // Made only now, so that a mistyped option leaves no empty directory behind, and before any image is signed.
        let meter = meter(start, &ledger);
        let keep = &|keys: &Path| ready.keep_key(keys);
        let Place {
            run_dir,
            journal,
            header,
        } = match place::place(out, about, args.resume.is_some(), keep, meter)? {
            Found::Place(place) => *place,
            // Of several systems, one that came to its end.
            Found::Whole(run_dir) => return ended_before(&run_dir, self.gate.as_ref()),
        };
        if let Some(own) = &args.recipes {
            recipes::copy(own, &run_dir)?;
        }
        let apart = Apart::new(&run_dir, &args.network);
        let setting = Setting {
            set: &*self.set,
            seed: args.seed,
            signer_name: &signer_name,
            looks_closely: self.looks_closely,
            signed_folder: &run_dir.signed(),
            negative_folder: &run_dir.negatives(),
            stop: &self.stop,
            listener: &listener,
            ledger: &ledger,
            journal: &journal,
            share: &share,
            live: self.live.as_ref(),
            apart: setting::Apart {
                sign: &|position| apart.sign(position),
                verify: &|job, from| apart.verify(job, from),
            },
        };
        let work = Work {
            plan,
            run_dir: &run_dir,
            setting: &setting,
        };
        // Panics inside codecs are caught and become error rows; their backtraces would only tear the progress bar.
        std::panic::set_hook(Box::new(|_| {}));
        let worked = self.pool.install(|| self.worked(ready, &work));
        drop(std::panic::take_hook());
        self.progress.finish();
        let notes = worked.with_context(|| {
            format!(
                "the run in {0} is incomplete; `credlink survival --resume {0}` goes on with it",
                run_dir.root().display()
            )
        })?;
        if self.part != journal::Part::Run {
            return self.part_ended(&run_dir, about.shard, &notes);
        }
        self.run_ended(header, notes, &run_dir, journal)
    }

    /// The end of a whole run, after which it needs no journal.
    fn run_ended(
        &self,
        header: RunHeader,
        notes: Vec<String>,
        run_dir: &RunDir,
        journal: Journal,
    ) -> Result<u8> {
        let args = self.args;
        let mut finished = Assembly::default();
        finished.add(run_dir.root())?;
        let whole = Whole {
            header,
            finished: &finished,
            notes,
            spent: &|| journal.spent(),
        };
        let output = Output {
            gate: args.gate.as_deref().zip(self.gate.as_ref()),
            quiet: args.quiet,
            json: args.json,
        };
        let code = self
            .pool
            .install(|| ending::end(whole, run_dir, &self.stop, &output))?;
        if code != exit::INTERRUPTED {
            journal.remove()?;
        }
        Ok(code)
    }

    /// The work of this part, on the threads of the current pool. Gives what there is to say of it.
    fn worked(&self, ready: Ready, work: &Work<'_>) -> Result<Vec<String>> {
        let Work {
            plan,
            run_dir,
            setting,
        } = work;
        let run = run_dir.root();
        let system = ready.begun(run_dir, self.args.distractors, setting.listener)?;
        let signed = match self.part {
            journal::Part::Run => stages::signed(plan, &*system, run, setting)?,
            journal::Part::Registry => {
                stages::signed(plan, &*system, run, setting)?;
                return Ok(Vec::new());
            }
            journal::Part::Verified => {
                let signed = sign::recall(&*system, &self.args.registry, plan.signed.len())?;
                if let Some(missing) = signed.first_missing() {
                    bail!(
                        "image {missing} ({}) is in none of the registries; the `credlink register` that was to sign it has \
                         not ended: go on with it by --resume",
                        plan.signed[missing].entry.name
                    );
                }
                signed
            }
        };
        stages::verified(plan, &signed, system, run, setting)
    }

    /// What a part says when it has ended.
    fn part_ended(&self, run_dir: &RunDir, shard: Shard, notes: &[String]) -> Result<u8> {
        let run = run_dir.root();
        for note in notes {
            cmd::complain(&format!("note: {note}"));
        }
        if self.stop.load(Ordering::Relaxed) {
            cmd::complain(&format!(
                "interrupted; `credlink survival --resume {}` goes on",
                run.display()
            ));
            return Ok(exit::INTERRUPTED);
        }
        if !self.args.quiet {
            cmd::say(&match self.part {
                journal::Part::Registry => {
                    format!("registered part {shard} of the images: {}", run.display())
                }
                _ => format!(
                    "verified part {shard}: {}; `credlink merge` joins all parts",
                    run.display()
                ),
            })?;
        }
        Ok(exit::OK)
    }
}
