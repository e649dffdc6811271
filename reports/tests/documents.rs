//! Documents of a whole run: page, JSON, JUnit, metrics, badge, job summary, row files, gallery, documentation.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use std::path::Path;

use credlink_reports::docs::{self, DocsError, Results};
use credlink_reports::documents::DOCUMENTS;
use credlink_reports::formats::FORMATS;
use credlink_reports::gallery::{self, Exhibit, Gallery, Picture, Shows, Stripped};
use credlink_reports::page::row_files;
use credlink_reports::recipes::{RecipeFacts, Recipes, SourceFacts};
use credlink_reports::{Report, RunDir, RunHeader, regenerate};
use credlink_trial_record::{Embedded, Outcome, Row, State};
use serde_json::Value as Json;
use support::{PIPELINES, invented, run, signed};

/// Everything that a page could take for markup, and what spreadsheets and metrics take amiss.
const EVIL: &str = "\"><script>alert('x')</script>&amp;</script><!--\n\u{1}\\";

fn document(report: &Report, name: &str) -> String {
    let document = DOCUMENTS.iter().find(|known| known.name == name).unwrap();
    (document.render)(report).unwrap()
}

fn opened(base: &Path, header: &RunHeader, rows: Vec<Row>) -> (RunDir, Report) {
    let dir = run(base, header, rows);
    let report = Report::read(&dir).unwrap();
    (dir, report)
}

/// A run in which every name that can come from outside is hostile.
fn hostile(base: &Path) -> (RunDir, Report) {
    let (mut header, mut rows) = invented(&PIPELINES[..3], 30);
    let id = format!("social/{EVIL}");
    header.pipelines[0].id = id.clone();
    header.pipelines[0].title = EVIL.to_owned();
    header.pipelines[0].severity = EVIL.to_owned();
    header.image_set.name = EVIL.to_owned();
    header.image_set.rejected = vec![EVIL.to_owned()];
    header.skipped = vec![EVIL.to_owned()];
    header.machine.cpu = EVIL.to_owned();
    header.command_line.push(EVIL.to_owned());
    header.versions.insert(EVIL.to_owned(), EVIL.to_owned());
    header.controls[0].name = EVIL.to_owned();
    header.controls[0].passed = false;
    header.controls[0].detail = EVIL.to_owned();
    for row in &mut rows {
        if row.pipeline == PIPELINES[0] {
            row.pipeline = id.clone();
        }
        row.name = EVIL.to_owned();
        row.class = EVIL.to_owned();
        if row.outcome == Outcome::Error {
            row.error = Some(EVIL.to_owned());
            row.error_cause = Some(EVIL.to_owned());
        }
    }
    let mut broken = signed(900_000, &id, 900, "error", &[false; 4]);
    broken.error = Some(EVIL.to_owned());
    rows.push(broken);
    let (dir, _) = opened(base, &header, rows);
    let picture = |file: &str| Picture {
        file: file.to_owned(),
        width: 1,
        height: 1,
    };
    std::fs::create_dir(dir.root().join(gallery::FOLDER)).unwrap();
    std::fs::write(dir.root().join("gallery/1-signed.jpg"), b"picture").unwrap();
    let exhibit = Exhibit {
        op: 1,
        pipeline: id,
        shows: Shows::Loss,
        outcome: Outcome::Lost,
        cause: EVIL.to_owned(),
        name: EVIL.to_owned(),
        class: EVIL.to_owned(),
        signed_file: EVIL.to_owned(),
        signed_size: (1, 1, 1),
        received_size: None,
        received_format: EVIL.to_owned(),
        signed: picture("1-signed.jpg"),
        received: Some(picture("../../../../../etc/passwd")),
        difference: Some(picture("missing.jpg")),
        difference_note: EVIL.to_owned(),
        stripped: vec![Stripped {
            number: 1,
            step: EVIL.to_owned(),
            gone: vec![EVIL.to_owned()],
        }],
    };
    let recipe = RecipeFacts {
        years: "since 2024".to_owned(),
        id: header.pipelines[0].id.clone(),
        digest: header.pipelines[0].digest.clone(),
        analysis: EVIL.to_owned(),
        steps: vec![EVIL.to_owned()],
        sources: vec![SourceFacts {
            files: "3 files of 4, 2 repositories, 2024, upload unknown".to_owned(),
            grade: EVIL.to_owned(),
            cite: EVIL.to_owned(),
            backs: vec![EVIL.to_owned()],
        }],
        assumed: vec![EVIL.to_owned()],
    };
    let recipes = Recipes {
        recipes: vec![recipe],
    };
    recipes.write(dir.root()).unwrap();
    let gallery = Gallery {
        exhibits: vec![exhibit],
        left_out: 0,
    };
    gallery.write(dir.root()).unwrap();
    let report = Report::read(&dir).unwrap();
    (dir, report)
}

#[test]
fn no_name_becomes_markup() {
    let base = tempfile::tempdir().unwrap();
    let (_, report) = hostile(base.path());
    let page = document(&report, "html");
    assert!(!page.contains("<script>alert"), "a name became a script");
    assert!(page.contains("&lt;script&gt;alert"), "names are shown");
    assert!(!page.contains("root:x:0"), "a picture outside the gallery");
    assert_eq!(report.pictures.len(), 1, "{:?}", report.pictures.keys());
    // Two scripts of ours: data and code. Their ends are the only ones.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    for name in ["junit", "badge-svg"] {
        well_formed(&document(&report, name));
    }
    for drawing in &report.drawings {
        well_formed(&drawing.svg);
    }
    let _: Json = serde_json::from_str(&document(&report, "json")).unwrap();
    assert!(!document(&report, "job-summary").contains("<script"));
    for line in document(&report, "prometheus").lines() {
        let sample = line.starts_with("credlink_") || line.starts_with("# ");
        assert!(sample, "a name broke a line: {line}");
    }
}

fn well_formed(xml: &str) {
    let mut reader = quick_xml::Reader::from_str(xml);
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                for attribute in tag.attributes() {
                    attribute.unwrap();
                }
            }
            _ => {}
        }
    }
}

#[test]
fn the_page_stands_alone_and_is_accessible() {
    let base = tempfile::tempdir().unwrap();
    let (header, rows) = invented(&PIPELINES[..6], 30);
    let (_, report) = opened(base.path(), &header, rows);
    let page = document(&report, "html");
    for outside in ["http://", "https://", "src=\"//", "@import", "url("] {
        let found = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(outside), "{outside}");
    }
    for needed in [
        "<html lang=\"en\"",
        "name=\"viewport\"",
        "class=\"skip\"",
        "<main id=\"main\">",
        "prefers-color-scheme: dark",
        "@media print",
        "scope=\"row\"",
        "simulated",
    ] {
        assert!(page.contains(needed), "{needed}");
    }
    assert!(page.matches("<h2").count() == page.matches("</h2>").count());
    assert!(page.len() < 5 << 20);
    // Every table of the run is on the page, whatever tables there are.
    for table in &report.tables {
        assert!(
            page.contains(&format!("<caption>{}", table.title)),
            "{}",
            table.id
        );
    }
    assert!(!page.contains("Do not use"), "a whole run is not partial");
}

#[test]
fn every_loss_has_an_example_and_a_sentence() {
    let base = tempfile::tempdir().unwrap();
    let mut rows: Vec<Row> = (0..40)
        .map(|op| signed(op, "social/a", op as u32, "lost", &[false; 4]))
        .collect();
    for row in &mut rows {
        // The commonest kind is not the first one: most images had refused the watermark.
        if row.op >= 10 {
            row.carriers[2].embedded = Some(Embedded::Refused);
        }
        row.carriers[3].state = State::Unconfirmed;
        row.carriers[3].codes = "signer:Somebody,credlink.content.differs".to_owned();
    }
    rows.reverse();
    let (mut header, _) = invented(&PIPELINES[..1], 1);
    header.pipelines[0].id = "social/a".to_owned();
    let (dir, report) = opened(base.path(), &header, rows);
    let [group] = &report.found[..] else {
        panic!("{:?}", report.found);
    };
    assert_eq!((group.n, group.alike, group.op), (40, 30, 10));
    assert_eq!(
        group.why,
        "Manifest and link: gone from the file. Watermark: the image took none when it was signed. Fingerprint: led to a proof, \
         but was not believed: the picture differs too much from the one that was signed."
    );
    let page = document(&report, "html");
    assert!(page.contains(&group.why) && !page.contains("id=\"recipes\""));
    // The recipe is shown if it is the one that ran, and only then.
    let mut recipe = RecipeFacts {
        id: "social/a".to_owned(),
        digest: header.pipelines[0].digest.clone(),
        steps: vec!["crop = 1".to_owned()],
        ..RecipeFacts::default()
    };
    let written = |recipe: &RecipeFacts| {
        let recipes = vec![recipe.clone()];
        Recipes { recipes }.write(dir.root()).unwrap();
        document(&Report::read(&dir).unwrap(), "html")
    };
    assert!(written(&recipe).contains("<code>crop = 1</code>"));
    recipe.digest = "another".to_owned();
    assert!(!written(&recipe).contains("<code>crop = 1</code>"));
}

#[test]
fn a_partial_run_and_a_failed_control_are_told_at_the_top() {
    let base = tempfile::tempdir().unwrap();
    let (mut header, rows) = invented(&PIPELINES[..2], 30);
    header.partial = true;
    header.controls[0].passed = false;
    let (_, report) = opened(base.path(), &header, rows);
    let page = document(&report, "html");
    let top = &page[..page.find("<main").unwrap()];
    assert!(top.contains("the run is partial: ") && top.contains("FAILED, controls"));
    assert!(document(&report, "badge-json").contains("controls failed"));
    let junit = document(&report, "junit");
    assert_eq!(junit.matches("<failure").count(), 2, "{junit}");
    assert!(matches!(Results::of(&report), Err(DocsError::Unfit { .. })));
}

#[test]
fn a_gate_in_the_run_directory_is_judged_on_every_page() {
    let base = tempfile::tempdir().unwrap();
    let (header, rows) = invented(&PIPELINES[..2], 30);
    let (dir, report) = opened(base.path(), &header, rows);
    assert!(report.gate.is_none() && !document(&report, "html").contains(">Gate<"));
    let failures = |text: &str| {
        std::fs::write(dir.root().join("gate.toml"), text).unwrap();
        let report = Report::read(&dir).unwrap();
        let junit = document(&report, "junit");
        assert!(document(&report, "html").contains(">Gate<"));
        junit.matches("<failure").count()
    };
    assert_eq!(failures("[[survival]]\nmin = 0.0001\n"), 0);
    assert_eq!(failures("[[survival]]\nmin = 0.9999\n"), 1);
    std::fs::write(dir.root().join("gate.toml"), "[[survival]]\nleast = 1\n").unwrap();
    assert!(
        Report::read(&dir)
            .unwrap_err()
            .to_string()
            .contains("gate.toml")
    );
}

#[test]
fn strata_add_up_to_the_tables() {
    let base = tempfile::tempdir().unwrap();
    let (header, rows) = invented(&PIPELINES[..6], 40);
    let (_, report) = opened(base.path(), &header, rows);
    for (index, pipeline) in report.evidence.by_pipeline().iter().enumerate() {
        let mut sums = vec![0; 8 + 2 * header.carriers.len()];
        for cell in report.strata.cells.iter().filter(|c| c[0] == index as u64) {
            for (sum, count) in sums.iter_mut().zip(&cell[4..]) {
                *sum += count;
            }
        }
        let tally = &pipeline.tally;
        assert_eq!(sums[..8], tally.outcomes, "{}", pipeline.id);
        let alone: Vec<u64> = tally.carriers.iter().map(|c| c.alone.rate.k).collect();
        let unique: Vec<u64> = tally.carriers.iter().map(|c| c.unique.rate.k).collect();
        assert_eq!(sums[8..], [alone, unique].concat(), "{}", pipeline.id);
    }
}

#[test]
fn every_document_is_written_and_says_what_the_tables_say() {
    let base = tempfile::tempdir().unwrap();
    let (header, rows) = invented(&PIPELINES[..4], 40);
    let (dir, report) = opened(base.path(), &header, rows.clone());
    regenerate(&dir).unwrap();
    for document in DOCUMENTS {
        let written = std::fs::read_to_string(dir.root().join(document.file)).unwrap();
        assert_eq!(
            written,
            (document.render)(&report).unwrap(),
            "{}",
            document.name
        );
    }
    let json: Json = serde_json::from_str(&document(&report, "json")).unwrap();
    let any = report.overall.any.rate;
    let tables = json["tables"].as_array().unwrap();
    let families = tables
        .iter()
        .rfind(|table| table["table"] == "families")
        .unwrap();
    let total = families["rows"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (total["any"]["k"].as_u64(), total["any"]["n"].as_u64()),
        (Some(any.k), Some(any.n))
    );

    let metrics = document(&report, "prometheus");
    let label = format!(
        "credlink_survival_ratio{{pipeline=\"all\",family=\"all\",carrier=\"any\"}} {}",
        any.value().unwrap()
    );
    assert!(metrics.contains(&label), "{label}");
    assert!(metrics.contains("credlink_latency_seconds_count{part=\"service\",name=\"sign\"} 40"));
    assert!(!metrics.contains("# EOF"));
    let open = document(&report, "openmetrics");
    assert!(open.ends_with("# EOF\n") && open.contains("# UNIT credlink_latency_seconds seconds"));

    // The rows of every pipeline, all of them and no others.
    let names = row_files::names(&header);
    let mut lines = 0;
    for (name, pipeline) in names.iter().zip(&header.pipelines) {
        let text = std::fs::read_to_string(dir.root().join("rows").join(name)).unwrap();
        lines += text.lines().count() - 1;
        assert!(text.starts_with("op,trial,image,"), "{}", pipeline.id);
    }
    assert_eq!(lines, rows.len());
}

#[test]
fn row_files_have_names_of_their_own() {
    let (mut header, _) = invented(&PIPELINES[..3], 1);
    header.pipelines[0].id = "a/b c".to_owned();
    header.pipelines[1].id = "a/b_c".to_owned();
    header.pipelines[2].id = "../..".to_owned();
    let names = row_files::names(&header);
    assert_eq!(names, ["a--b_c.csv", "a--b_c~1.csv", "pipeline.csv"]);
    header.pipelines[0].id = "-rf".to_owned();
    header.pipelines[1].id = String::new();
    let names = row_files::names(&header);
    assert_eq!(names, ["rf.csv", "pipeline.csv", "pipeline~2.csv"]);
}

#[test]
fn a_damaged_gallery_is_named_and_a_missing_one_is_no_trouble() {
    let base = tempfile::tempdir().unwrap();
    let (header, rows) = invented(&PIPELINES[..2], 10);
    let (dir, report) = opened(base.path(), &header, rows);
    assert!(report.gallery.exhibits.is_empty());
    std::fs::write(dir.root().join(gallery::FILE), "{\"exhibits\": [").unwrap();
    let words = Report::read(&dir).unwrap_err().to_string();
    assert!(
        words.contains("gallery.json") && words.contains("delete it"),
        "{words}"
    );
}

#[test]
fn a_half_written_run_is_refused_by_name() {
    let base = tempfile::tempdir().unwrap();
    let (header, rows) = invented(&PIPELINES[..2], 10);
    let (dir, _) = opened(base.path(), &header, rows);
    let whole = std::fs::read(dir.rows()).unwrap();
    std::fs::write(dir.rows(), &whole[..whole.len() / 2]).unwrap();
    assert!(
        Report::read(&dir)
            .unwrap_err()
            .to_string()
            .contains("rows.parquet")
    );
    std::fs::remove_file(dir.rows()).unwrap();
    assert!(
        Report::read(&dir)
            .unwrap_err()
            .to_string()
            .contains("rows.parquet")
    );
    std::fs::write(dir.header(), "{\"id\": ").unwrap();
    assert!(
        Report::read(&dir)
            .unwrap_err()
            .to_string()
            .contains("run.json")
    );
}

#[test]
fn the_choice_of_examples_shows_the_worst_first_and_never_repeats_an_op() {
    let base = tempfile::tempdir().unwrap();
    let pipeline = PIPELINES[0];
    let (header, _) = invented(&PIPELINES[..1], 1);
    let mut rows: Vec<Row> = (0..6)
        .map(|i| signed(i, pipeline, i as u32, "lost", &[false; 4]))
        .collect();
    rows[3].outcome = Outcome::Misattributed;
    rows[3].signed_bytes = 999_999;
    rows[5].signed_bytes = 10;
    let (_, report) = opened(base.path(), &header, rows);
    let choices = gallery::choose(report.evidence.header(), &report.rows).unwrap();
    let losses: Vec<u64> = choices
        .iter()
        .filter(|choice| choice.shows == Shows::Loss)
        .map(|choice| choice.op)
        .collect();
    assert_eq!(losses, [3, 5], "worst outcome, then the smallest file");
    assert_eq!(
        choices.iter().filter(|c| c.shows == Shows::Example).count(),
        1
    );
}

#[test]
fn documentation_is_generated_checked_and_never_typed() {
    let base = tempfile::tempdir().unwrap();
    let (header, rows) = invented(&PIPELINES[..3], 30);
    let (_, report) = opened(base.path(), &header, rows);
    let results = Results::of(&report).unwrap();
    let repository = base.path().join("repository");
    std::fs::create_dir_all(repository.join("docs")).unwrap();
    let readme = repository.join(docs::README);
    std::fs::write(&readme, "# No place\n").unwrap();
    assert!(matches!(
        docs::update(&results, &repository, false),
        Err(DocsError::Marks { .. })
    ));

    std::fs::write(
        &readme,
        "# Title\n<!-- result:begin -->\nold\n<!-- result:end -->\nrest\n",
    )
    .unwrap();
    assert_eq!(docs::update(&results, &repository, true).unwrap().len(), 2);
    assert!(
        std::fs::read_to_string(&readme).unwrap().contains("old"),
        "check writes nothing"
    );
    docs::update(&results, &repository, false).unwrap();
    assert!(
        docs::update(&results, &repository, true)
            .unwrap()
            .is_empty()
    );
    let text = std::fs::read_to_string(&readme).unwrap();
    assert!(text.starts_with("# Title\n") && text.ends_with("rest\n") && !text.contains("old"));
    assert!(text.contains("simulated"));

    // One figure changed by hand is found, in the summary as well.
    let summary = repository.join(docs::SUMMARY);
    results.write(&summary).unwrap();
    assert_eq!(Results::read(&summary).unwrap(), results);
    let made = std::fs::read_to_string(&summary).unwrap();
    std::fs::write(&summary, made.replacen(" % [", " % [9", 1)).unwrap();
    assert!(matches!(
        Results::read(&summary),
        Err(DocsError::Edited { .. })
    ));
    let page = repository.join(docs::PAGE);
    let typed = std::fs::read_to_string(&page)
        .unwrap()
        .replacen(" % [", " % [9", 1);
    std::fs::write(&page, typed).unwrap();
    assert_eq!(docs::update(&results, &repository, true).unwrap(), [page]);
}

#[test]
fn the_documentation_of_this_repository_is_as_its_summary_says() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let results = Results::read(&repository.join(docs::SUMMARY)).unwrap();
    let differing = docs::update(&results, &repository, true).unwrap();
    assert!(differing.is_empty(), "run `credlink docs`: {differing:?}");
}

#[test]
fn the_json_document_keeps_to_its_published_schema() {
    let base = tempfile::tempdir().unwrap();
    let (_, report) = hostile(base.path());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema/report.schema.json");
    let schema: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut document: Json = serde_json::from_str(&document(&report, "json")).unwrap();
    assert_eq!(
        faults(&document, &schema, &schema, "report"),
        Vec::<String>::new()
    );
    document["tables"][0]["columns"][0]["kind"] = "wish".into();
    document["version"] = "1".into();
    document.as_object_mut().unwrap().remove("checks");
    assert_eq!(faults(&document, &schema, &schema, "report").len(), 4);
    assert!(FORMATS.iter().any(|format| format.name == "json"));
}

/// Faults of a value by the part of JSON Schema that our schema uses.
fn faults(value: &Json, schema: &Json, root: &Json, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        return faults(value, target, root, at);
    }
    let mut found = Vec::new();
    let types: Vec<&str> = match &schema["type"] {
        Json::String(one) => vec![one],
        Json::Array(many) => many.iter().filter_map(Json::as_str).collect(),
        _ => vec![],
    };
    let is = |name: &&str| match *name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        other => panic!("type {other}"),
    };
    if !types.is_empty() && !types.iter().any(is) {
        found.push(format!("{at}: is no {types:?}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{at}: {value} is not in {words:?}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, field) in fields {
            match known.get(name) {
                Some(schema) => found.extend(faults(field, schema, root, &format!("{at}.{name}"))),
                None if schema["additionalProperties"] == Json::Bool(false) => {
                    found.push(format!("{at}: {name} is unknown"));
                }
                None => {}
            }
        }
    }
    if let (Some(items), true) = (value.as_array(), schema.get("items").is_some()) {
        for (index, item) in items.iter().enumerate() {
            found.extend(faults(
                item,
                &schema["items"],
                root,
                &format!("{at}[{index}]"),
            ));
        }
    }
    found
}
