//! What the journal costs: a unit of so many rows, encoded, synced to disk and named, and the rows read back.
//!
//! A run writes one every five seconds, so that the share of a run is the time here over five seconds.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion_group! writes undocumented items; a benchmark stops at the first error"
)]

use credlink_harness::journal::{About, Assembly, JobRows, Journal, Spent, assemble};
use credlink_reports::RunHeader;
use credlink_trial_record::{Cell, Outcome, Row, State, Trial};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const CARRIERS: [&str; 4] = ["manifest", "link", "fingerprint", "watermark"];

fn row(op: u64) -> Row {
    Row {
        pipeline: "social/example".to_owned(),
        family: "social".to_owned(),
        name: format!("photograph-{op:06}.jpg"),
        source: format!("source-{op:06}"),
        class: "photograph".to_owned(),
        image_format: "jpeg".to_owned(),
        received_format: "jpeg".to_owned(),
        width: 1600,
        height: 1200,
        signed_bytes: 300_000 + op,
        received_bytes: 200_000 + op,
        transform_ns: 10_000_000 + op,
        verify_ns: 5_000_000 + op,
        carriers: CARRIERS.map(|_| Cell::new(State::Absent)).into(),
        ..Row::new(op, Trial::Unsigned, Outcome::Rejected)
    }
}

fn units(c: &mut Criterion) {
    let mut group = c.benchmark_group("journal");
    group.sample_size(20);
    for count in [150, 2000] {
        let header = RunHeader {
            carriers: CARRIERS.map(str::to_owned).into(),
            ..RunHeader::default()
        };
        let about = About::new(String::new(), header);
        let job = || JobRows {
            rows: (0..count).map(row).collect(),
            ..JobRows::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let begun = |name: &str| {
            let run = folder.path().join(name);
            std::fs::create_dir_all(run.join("signed")).unwrap();
            Journal::create(&run, &about, Box::new(Spent::default)).unwrap()
        };
        group.throughput(Throughput::Elements(count));
        let journal = begun("written");
        group.bench_with_input(BenchmarkId::new("unit", count), &count, |b, _| {
            b.iter_batched(
                job,
                |job| {
                    journal.finished(job).unwrap();
                    journal.flush().unwrap();
                },
                BatchSize::PerIteration,
            );
        });
        let journal = begun("read");
        journal.finished(job()).unwrap();
        journal.flush().unwrap();
        let mut finished = Assembly::default();
        finished.add(&folder.path().join("read")).unwrap();
        group.bench_with_input(BenchmarkId::new("read-back", count), &count, |b, _| {
            b.iter(|| {
                assemble(&finished, |job| {
                    assert_eq!(job.rows.len() as u64, count);
                    Ok(())
                })
                .unwrap();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, units);
criterion_main!(benches);
