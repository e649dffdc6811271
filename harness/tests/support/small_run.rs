//! A whole run in this process, without the command line.

use std::sync::atomic::AtomicBool;

use anyhow::bail;
use credlink_corpus::ImageSet;
use credlink_harness::journal::{About, Assembly, Journal, Spent};
use credlink_harness::ledger::Ledger;
use credlink_harness::plan::Plan;
use credlink_harness::shard::Shard;
use credlink_harness::stages::event::Listener;
use credlink_harness::stages::setting::{Apart, Setting};
use credlink_harness::stages::{self, Ending};
use credlink_harness::systems::System;
use credlink_reports::{RowWriter, RunHeader, read_rows};
use credlink_trial_record::Row;

/// Runs a plan with a system, and reads the rows back.
pub(crate) fn ran(
    set: &dyn ImageSet,
    plan: &Plan,
    system: Box<dyn System>,
    signer_name: &str,
    threads: usize,
    listener: Listener<'_>,
) -> (Ending, Vec<Row>) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path();
    let [signed_folder, negative_folder] = ["signed", "negatives"].map(|name| run.join(name));
    for folder in [&signed_folder, &negative_folder] {
        std::fs::create_dir(folder).unwrap();
    }
    let about = system.about();
    let header = RunHeader {
        system: about.header(),
        pipelines: plan.described(),
        carriers: about.names(),
        carrier_facts: about.facts(),
        ops_planned: plan.signed_ops + plan.negative_ops,
        ..RunHeader::default()
    };
    let about = About::new(plan.digest(), header);
    let journal = Journal::create(run, &about, Box::new(Spent::default)).unwrap();
    let setting = Setting {
        set,
        seed: 1,
        signer_name,
        looks_closely: false,
        signed_folder: &signed_folder,
        negative_folder: &negative_folder,
        stop: &AtomicBool::new(false),
        listener,
        ledger: &Ledger::new(),
        journal: &journal,
        share: &Shard::WHOLE.share(plan),
        live: None,
        apart: Apart {
            sign: &|_| bail!("nothing was suspected"),
            verify: &|_, _| bail!("nothing was suspected"),
        },
    };
    let rows = run.join("rows.parquet");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let ending = pool.build().unwrap().install(|| {
        let signed = stages::signed(plan, &*system, run, &setting).unwrap();
        let notes = stages::verified(plan, &signed, system, run, &setting).unwrap();
        let mut finished = Assembly::default();
        finished.add(run).unwrap();
        let writer = RowWriter::create(&rows, &about.header.carriers).unwrap();
        stages::written(&finished, writer, &about.header, notes).unwrap()
    });
    let rows = read_rows(&rows).unwrap();
    let rows = (0..rows.len()).map(|index| rows.row(index).unwrap());
    (ending, rows.collect())
}
