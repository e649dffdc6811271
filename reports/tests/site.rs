//! Publishing: history, trends, changes, interruptions.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use std::path::Path;

use credlink_reports::RunDir;
use credlink_reports::site::{Night, Settings, SiteError, Source, Status, changes, publish};
use credlink_reports::stats::Random;
use credlink_trial_record::Row;
use support::{header, run, signed, unsigned};

const PIPELINES: [&str; 4] = ["social/a", "social/b", "cdn/c", "controls/identity"];
/// The night from which on `social/b` keeps fewer proofs.
const PLANTED: u64 = 19;

fn id(night: u64) -> String {
    format!("night-{night:02}")
}

/// One night over fresh images; from [`PLANTED`] on one pipeline is worse by twelve points.
fn night(base: &Path, number: u64) -> RunDir {
    let mut dice = Random::new(number);
    let mut rows: Vec<Row> = Vec::new();
    for (pipeline, chance) in PIPELINES.iter().zip([0.97, 0.95, 0.9, 1.0]) {
        let is_worse = number >= PLANTED && *pipeline == "social/b";
        let chance = if is_worse { chance - 0.12 } else { chance };
        for image in 0..250 {
            let kept = dice.share() < chance;
            let outcome = if kept { "recovered" } else { "lost" };
            let mut row = signed(rows.len() as u64, pipeline, image, outcome, &[kept]);
            row.recovered_by = kept.then(|| "fingerprint".to_owned());
            rows.push(row);
        }
        rows.push(unsigned(
            rows.len() as u64,
            pipeline,
            900,
            "rejected",
            &[false],
        ));
    }
    let mut of_night = header(&["fingerprint"], &PIPELINES);
    of_night.id = id(number);
    of_night.seed = number;
    of_night.created = format!("2026-01-{number:02}T02:17:00Z");
    of_night.ops_done = rows.len() as u64;
    of_night.ops_planned = of_night.ops_done;
    if number >= 10 {
        of_night
            .versions
            .insert("credlink".to_owned(), "0.2.0".to_owned());
    }
    run(base, &of_night, rows)
}

fn published(site: &Path, base: &Path, number: u64) {
    let run = night(base, number);
    publish(site, &Source::Run(&run), &Settings::default()).unwrap();
}

fn history(site: &Path) -> Vec<Night> {
    let text = std::fs::read_to_string(site.join("history.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text(site: &Path, name: &str) -> String {
    std::fs::read_to_string(site.join(name)).unwrap()
}

#[test]
fn thirty_nights_with_one_planted_regression_show_exactly_that_one() {
    let base = tempfile::tempdir().unwrap();
    let site = base.path().join("site");
    for number in 1..=30 {
        if number == 12 {
            // That night the machine died.
            let source = Source::Failed {
                id: &id(number),
                created: "2026-01-12T02:17:00Z",
                reason: "<script>no run</script>",
            };
            publish(&site, &source, &Settings::default()).unwrap();
        } else {
            published(&site, base.path(), number);
        }
    }
    let nights = history(&site);
    assert_eq!(nights.len(), 30);
    let found = changes(&nights);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        (found[0].night.as_str(), found[0].pipeline.as_str()),
        ("night-19", "social/b")
    );

    let page = text(&site, "index.html");
    assert!(page.contains("night-19") && page.contains("beyond the noise"));
    assert!(
        page.contains("credlink 0.1.0 to 0.2.0"),
        "versions of each point"
    );
    assert!(page.contains("failed: &lt;script&gt;no run") && !page.contains("<script>no run"));
    let failed = nights.iter().find(|night| night.id == id(12)).unwrap();
    assert_eq!(
        (failed.status, failed.survived),
        (Status::Failed, (0, 0)),
        "no figure is made up"
    );
    // A failed night has no figure in its row.
    assert!(page.contains("not measured"));
    for number in [1, 30] {
        let report = text(&site, &format!("runs/{}/report.html", id(number)));
        assert!(report.contains(&id(number)));
    }
    let feed = text(&site, "feed.xml");
    assert_eq!(feed.matches("<entry>").count(), 30);
    let mut reader = quick_xml::Reader::from_str(&feed);
    while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
    assert!(feed.contains("night-19: ok") && feed.contains("1 changed"));
}

#[test]
fn publishing_twice_changes_nothing_and_mends_what_was_interrupted() {
    let base = tempfile::tempdir().unwrap();
    let site = base.path().join("site");
    let runs: Vec<RunDir> = (1..=3).map(|number| night(base.path(), number)).collect();
    for run in &runs {
        publish(&site, &Source::Run(run), &Settings::default()).unwrap();
    }
    let (history, page) = (text(&site, "history.jsonl"), text(&site, "index.html"));
    // Cut off after the history was written: pages are missing.
    std::fs::remove_file(site.join("index.html")).unwrap();
    std::fs::remove_dir_all(site.join("runs/night-03")).unwrap();
    let again = publish(&site, &Source::Run(&runs[2]), &Settings::default()).unwrap();
    assert!(!again.is_new);
    assert_eq!(text(&site, "history.jsonl"), history);
    assert_eq!(text(&site, "index.html"), page);

    // Another run of the same name is refused, and nothing is written.
    let other = tempfile::tempdir().unwrap();
    let mut changed = header(&["fingerprint"], &PIPELINES);
    changed.id = id(3);
    let changed = run(
        other.path(),
        &changed,
        vec![signed(0, PIPELINES[0], 1, "lost", &[false])],
    );
    let refused = publish(&site, &Source::Run(&changed), &Settings::default());
    assert!(
        matches!(refused, Err(SiteError::Other { .. })),
        "{refused:?}"
    );
    assert_eq!(text(&site, "history.jsonl"), history);
}

#[test]
fn a_torn_last_line_is_set_aside_and_a_damaged_line_stops_the_publish() {
    let base = tempfile::tempdir().unwrap();
    let site = base.path().join("site");
    for number in 1..=2 {
        published(&site, base.path(), number);
    }
    let whole = text(&site, "history.jsonl");
    let path = site.join("history.jsonl");
    std::fs::write(&path, format!("{whole}{{\"version\":1,\"id\":\"nig")).unwrap();
    let run = night(base.path(), 3);
    let done = publish(&site, &Source::Run(&run), &Settings::default()).unwrap();
    let aside = done.set_aside.unwrap();
    assert!(std::fs::read_to_string(aside).unwrap().ends_with("\"nig"));
    assert!(text(&site, "history.jsonl").starts_with(&whole));
    assert_eq!(history(&site).len(), 3);

    let damaged = text(&site, "history.jsonl").replacen("\"version\":1", "\"version\":", 1);
    std::fs::write(&path, &damaged).unwrap();
    let run = night(base.path(), 4);
    let words = publish(&site, &Source::Run(&run), &Settings::default())
        .unwrap_err()
        .to_string();
    assert!(words.contains("line 1"), "{words}");
    assert_eq!(text(&site, "history.jsonl"), damaged, "history intact");
}

#[test]
fn two_publishers_at_once_both_get_their_night_in() {
    let base = tempfile::tempdir().unwrap();
    let site = base.path().join("site");
    let runs: Vec<RunDir> = (1..=6).map(|number| night(base.path(), number)).collect();
    std::thread::scope(|scope| {
        for run in &runs {
            scope.spawn(|| publish(&site, &Source::Run(run), &Settings::default()).unwrap());
        }
    });
    let mut ids: Vec<String> = history(&site).into_iter().map(|night| night.id).collect();
    ids.sort();
    assert_eq!(ids, (1..=6).map(id).collect::<Vec<_>>());
}

#[test]
fn old_nights_lose_their_pages_but_not_their_line() {
    let base = tempfile::tempdir().unwrap();
    let site = base.path().join("site");
    let settings = Settings {
        keep: 2,
        ..Settings::default()
    };
    for number in 1..=4 {
        let run = night(base.path(), number);
        publish(&site, &Source::Run(&run), &settings).unwrap();
    }
    assert!(!site.join("runs/night-02").exists() && site.join("runs/night-03").exists());
    assert_eq!(history(&site).len(), 4);
}

#[test]
fn the_same_images_leave_no_room_for_noise_and_a_new_recipe_begins_anew() {
    let base = tempfile::tempdir().unwrap();
    let first = Night::of(&credlink_reports::Report::read(&night(base.path(), 1)).unwrap());
    let mut second = Night {
        id: id(2),
        ..first.clone()
    };
    assert!(changes(&[first.clone(), second.clone()]).is_empty());
    second.pipelines.get_mut("cdn/c").unwrap().survived.0 -= 1;
    let found = changes(&[first.clone(), second.clone()]);
    assert_eq!(found.len(), 1);
    assert!(found[0].why.contains("same images"));
    // With other images one op is noise.
    second.seed = 99;
    assert!(changes(&[first.clone(), second.clone()]).is_empty());
    // A night that failed a control is not compared.
    second.seed = first.seed;
    second.status = Status::ControlFailed;
    assert!(changes(&[first, second]).is_empty());
}

#[test]
fn a_name_that_is_no_folder_is_refused() {
    let base = tempfile::tempdir().unwrap();
    for id in ["", "../up", "a b", "<script>", ".hidden"] {
        let source = Source::Failed {
            id,
            created: "",
            reason: "",
        };
        let refused = publish(base.path(), &source, &Settings::default());
        assert!(matches!(refused, Err(SiteError::Id { .. })), "{id}");
    }
    assert!(!base.path().join("history.jsonl").exists());
}

#[test]
fn other_rows_or_figures_under_the_name_of_a_night_are_refused_and_replace_nothing() {
    let base = tempfile::tempdir().unwrap();
    let site = base.path().join("site");
    let first = night(&base.path().join("first"), 1);
    publish(&site, &Source::Run(&first), &Settings::default()).unwrap();
    let kept = std::fs::read(site.join("runs/night-01/rows.parquet")).unwrap();
    // Every count is the same; one row says another time.
    let read = credlink_reports::read_rows(&first.rows()).unwrap();
    let mut rows: Vec<Row> = (0..read.len()).map(|row| read.row(row).unwrap()).collect();
    rows[0].received_bytes += 1;
    let other = run(
        &base.path().join("other"),
        &first.read_header().unwrap(),
        rows,
    );
    let refused = publish(&site, &Source::Run(&other), &Settings::default()).unwrap_err();
    assert!(
        refused.to_string().contains("another run called night-01"),
        "{refused}"
    );
    assert_eq!(
        std::fs::read(site.join("runs/night-01/rows.parquet")).unwrap(),
        kept
    );
    assert_eq!(history(&site).len(), 1);
}

#[test]
fn a_change_of_settings_is_never_sold_as_a_change_of_the_program() {
    let base = tempfile::tempdir().unwrap();
    let site = base.path().join("site");
    for number in [1, 2] {
        let dir = night(&base.path().join("runs"), number);
        let read = credlink_reports::read_rows(&dir.rows()).unwrap();
        let mut rows: Vec<Row> = (0..read.len()).map(|row| read.row(row).unwrap()).collect();
        let mut header = dir.read_header().unwrap();
        header.seed = 1;
        header.settings.insert(
            "watermark".to_owned(),
            ["on", "off"][number as usize - 1].to_owned(),
        );
        for row in rows
            .iter_mut()
            .filter(|row| number == 2 && row.pipeline == "social/a")
        {
            row.outcome = credlink_trial_record::Outcome::Lost;
            row.survived = false;
            (row.recovered_by, row.carriers[0].accepted) = (None, false);
        }
        rows.retain(|row| !row.trial.is_negative() || number == 1 || row.pipeline != "social/a");
        let n = rows.len() as u64;
        (header.ops_planned, header.ops_done) = (n, n);
        let dir = run(&base.path().join(format!("again-{number}")), &header, rows);
        publish(&site, &Source::Run(&dir), &Settings::default()).unwrap();
    }
    let found = changes(&history(&site));
    let change = found
        .iter()
        .find(|change| change.pipeline == "social/a")
        .unwrap();
    assert_eq!(change.why, "the recipe or the settings changed, too");
}
