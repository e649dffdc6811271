//! A run directory that somebody edited: header, rows, and the journal of one that has not ended.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use credlink_harness::journal::{
    self, About, Assembly, Begun, JobRows, Journal, Kept, Spent, Stage, assemble, read_signed,
};
use credlink_harness::signed_file::{SignedFile, SigningFailure};
use credlink_image_files::contents::Fate;
use credlink_reports::recipes::Recipes;
use credlink_reports::rows::{read_columns, read_rows, run_of};
use credlink_reports::{RowWriter, RunDir, RunHeader, bound_header};
use credlink_sign_core::ProofId;
use credlink_trial_record::{Cell, Embedded, Outcome, Row, State, Trial};

/// The files of a folder with all below it, by their path in there.
pub(crate) type Files = Vec<(PathBuf, Vec<u8>)>;

/// Reads them.
pub(crate) fn files(folder: &Path) -> Files {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder of its own");
            left.extend(entries.map(|entry| entry.expect("a folder of its own").path()));
        } else {
            let content = std::fs::read(&path).expect("a file of its own");
            let below = path.strip_prefix(folder).expect("it lies below");
            found.push((below.to_owned(), content));
        }
    }
    found.sort();
    found
}

/// Writes them into a folder, with other content in the one of that number.
pub(crate) fn put(folder: &Path, files: &Files, which: usize, content: &[u8]) {
    for (number, (path, own)) in files.iter().enumerate() {
        let path = folder.join(path);
        let parent = path.parent().expect("it lies below");
        std::fs::create_dir_all(parent).expect("a folder of its own");
        let is_exchanged = number == which % files.len();
        std::fs::write(path, if is_exchanged { content } else { own }).expect("a file of its own");
    }
}

fn row(op: u64) -> Row {
    let text = |word: &str| word.to_owned();
    Row {
        pipeline: text("social/x"),
        family: text("social"),
        grade: 'B',
        name: format!("image-{op}"),
        source: text("file"),
        class: text("photo"),
        image_format: text("png"),
        width: 640,
        height: 480,
        issued: Some(format!("{op:016x}")),
        mark_psnr: Some(43.5),
        carriers: vec![Cell {
            embedded: Some(Embedded::Carried),
            ..Cell::new(State::Absent)
        }],
        ..Row::new(op, Trial::Signed, Outcome::Lost)
    }
}

fn meter() -> journal::Meter {
    Box::new(|| Spent {
        elapsed_s: 1.5,
        processes: 1,
        ..Spent::default()
    })
}

fn about() -> About {
    let header = RunHeader {
        id: "run".to_owned(),
        carriers: vec!["link".to_owned()],
        ops_planned: 4,
        ops_done: 4,
        ..RunHeader::default()
    };
    About::new("plan".to_owned(), header)
}

/// A run directory, file by file.
static RUN: LazyLock<Files> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = RunDir::create(folder.path(), "run").expect("a folder of its own");
    let about = about();
    let written = || -> anyhow::Result<()> {
        let mut rows = RowWriter::create(&dir.rows(), &about.header.carriers)?;
        (0..4).try_for_each(|op| rows.push(row(op)))?;
        rows.finish()?;
        dir.write_header(&about.header)?;
        Recipes::default().write(dir.root())?;
        let journal = Journal::create(dir.root(), &about, meter())?;
        journal.begin(Stage::Sign, 0, Begun::Among)?;
        journal.signed(&Kept {
            position: 0,
            result: Ok(signed_file(dir.signed())),
            registered: Some(b"record".to_vec()),
        })?;
        journal.signed(&Kept {
            position: 1,
            result: Err(SigningFailure {
                cause: "sign".into(),
                reason: "it has no pixels".to_owned(),
            }),
            registered: None,
        })?;
        journal.end(Stage::Sign, 0)?;
        for job in 0..2 {
            journal.begin(Stage::Verify, job, Begun::Alone)?;
            journal.finished(JobRows {
                job,
                rows: vec![row(2 * job as u64), row(2 * job as u64 + 1)],
                left_out: None,
            })?;
        }
        journal.flush()
    };
    written().expect("a folder of its own");
    files(dir.root())
});

fn signed_file(folder: PathBuf) -> SignedFile {
    SignedFile {
        id: ProofId::new(1),
        path: folder.join("1.png"),
        sha256: "00".repeat(32),
        source_bytes: 100,
        signed_bytes: 200,
        embedded: vec![Embedded::Carried],
        mark: None,
        distortion: None,
        perceptual: Some(90.0),
        costs: Vec::new(),
        refused: None,
        fate: Fate::default(),
        nanos: 1000,
    }
}

/// A run directory with one of its files exchanged is refused in words or read, and leads out of itself nowhere.
pub(crate) fn read(bytes: &[u8]) {
    let Some((which, content)) = bytes.split_first() else {
        return;
    };
    let which = usize::from(*which) % RUN.len();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    put(at, &RUN, which, content);
    let name = RUN[which].0.to_string_lossy();
    match &*name {
        "run.json" => header(at),
        name if name.ends_with(".parquet") => rows(&at.join(name)),
        "recipes.json" => drop(Recipes::read(at)),
        _ => journal_of(at),
    }
}

fn header(at: &Path) {
    let dir = RunDir::open(at).expect("there is a file");
    let _ = bound_header(&dir);
    let Ok(header) = dir.read_header() else {
        return;
    };
    // Its rows are others by now; all else stays.
    dir.write_header(&header)
        .expect("what was read can be written");
    let again = dir
        .read_header()
        .expect("what was written can be read again");
    let unbound = |header: RunHeader| RunHeader {
        rows_digest: None,
        ..header
    };
    assert_eq!(unbound(again), unbound(header));
}

fn rows(path: &Path) {
    let _ = (
        run_of(path).is_ok(),
        read_columns(path, &["pipeline"], &["accepted"]).is_ok(),
    );
    let Ok(rows) = read_rows(path) else {
        return;
    };
    let mut last = None;
    for index in 0..rows.len() {
        if let Ok(row) = rows.row(index) {
            assert!(last < Some(row.op), "ops ascend");
            last = Some(row.op);
        }
    }
    let _ = (rows.trials().is_ok(), rows.outcomes().is_ok());
}

fn journal_of(at: &Path) {
    let signed = at.join("signed");
    let _ = read_signed(at, |kept| {
        if let Ok(file) = kept.result {
            assert_eq!(file.path.parent(), Some(&*signed), "no name leads out");
        }
        Ok(())
    });
    let mut assembly = Assembly::default();
    if assembly.add(at).is_ok() {
        let mut count = 0;
        let assembled = assemble(&assembly, |job| {
            assert!(assembly.holds(job.job));
            count += job.rows.len() as u64;
            Ok(())
        });
        assert!(assembled.is_err() || count <= assembly.ops());
    }
    let _ = (Spent::of_run(at).is_ok(), journal::noted(at));
    let Ok(Some(about)) = journal::about(at) else {
        return;
    };
    assert!(about.same_run(&about).is_ok());
    if let Ok(journal) = Journal::reopen(at, &about, meter()) {
        let _ = (
            journal.suspects(Stage::Sign),
            journal.suspects(Stage::Verify),
        );
        let spent = journal.spent();
        assert!(spent.processes >= 1);
        journal.flush().expect("a folder of its own");
    }
}

/// Each file of a run directory as it is.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let files = RUN.iter().enumerate();
    let seeds = files.filter(|(_, (path, _))| !path.ends_with("lock"));
    seeds
        .map(|(which, (_, content))| [&[which as u8][..], content].concat())
        .collect()
}
