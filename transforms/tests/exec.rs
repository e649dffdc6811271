//! Real programs as steps: results come back, a missing program is a skip with its name, a slow one is stopped.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use common::probes::{apply, camera_jpeg};
use credlink_image_files::ImageFile;
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::error::StepError;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;

fn recipe(step: &str) -> Recipe {
    let text = format!(
        "title = \"Example\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\n[[source]]\ncite = \"c\"\n\
         grade = \"D\"\nbacks = [\"exec\"]\n[[step]]\nexec = {step}\n"
    );
    Recipe::parse("conversion/example", &text).unwrap()
}

fn input() -> Arc<ImageFile> {
    Arc::new(ImageFile::new(camera_jpeg(32, 24)).unwrap())
}

fn failure(step: &str) -> StepError {
    recipe(step)
        .apply(&input(), &Meter::new(&|| 0))
        .expect_err("the program succeeded")
}

#[test]
fn a_program_reads_its_input_and_leaves_its_output() {
    let copy = "{ program = \"cp\", arguments = [\"{input}\", \"{output}\"], output = \"jpeg\", seconds = 10 }";
    assert_eq!(apply(&recipe(copy), &input()).bytes(), input().bytes());
    // No shell: what would be a redirection or a command is an argument like any other.
    let odd = "{ program = \"cp\", arguments = [\"{input}\", \"$(date) > {output}\"], output = \"jpeg\", seconds = 10 }";
    assert_eq!(failure(odd).cause(), "program");
}

#[test]
fn a_program_may_change_its_input_in_place_and_hand_it_to_a_second_one() {
    let touch = "{ program = \"touch\", arguments = [\"{input}\"], output = \"same\", seconds = 10, \
                 then = { program = \"cp\", arguments = [\"{input}\", \"{output}\"], output = \"jpeg\", seconds = 10 } }";
    assert_eq!(apply(&recipe(touch), &input()).bytes(), input().bytes());
}

#[test]
fn a_missing_program_is_a_skip_with_its_name() {
    let error =
        failure("{ program = \"no-such-tool\", arguments = [], output = \"same\", seconds = 10 }");
    assert_eq!(error.missing_program(), Some("no-such-tool"));
    assert_eq!(error.cause(), "missing-program");
    assert!(error.to_string().contains("no-such-tool"), "{error}");
    let error = failure("{ program = \"false\", arguments = [], output = \"same\", seconds = 10 }");
    assert_eq!((error.missing_program(), error.cause()), (None, "program"));
}

#[test]
fn a_program_that_takes_too_long_is_stopped_and_says_so() {
    let error =
        failure("{ program = \"sleep\", arguments = [\"60\"], output = \"same\", seconds = 1 }");
    assert!(error.to_string().contains("longer than 1 s"), "{error}");
}

#[test]
fn what_a_program_has_started_ends_with_it() {
    // Numbers of seconds that nobody else sleeps for.
    let running = |seconds: &str| {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let words = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        let wanted = format!("sleep\0{seconds}\0");
        words.filter(|words| words == wanted.as_bytes()).count()
    };
    let late = "{ program = \"sh\", arguments = [\"-c\", \"sleep 61.25 & sleep 61.25\"], output = \"same\", seconds = 1 }";
    assert!(failure(late).to_string().contains("longer than 1 s"));
    let done = "{ program = \"sh\", arguments = [\"-c\", \"sleep 61.75 &\"], output = \"same\", seconds = 10 }";
    assert_eq!(apply(&recipe(done), &input()).bytes(), input().bytes());
    for seconds in ["61.25", "61.75"] {
        // Killed is not yet gone.
        for _ in 0..50 {
            if running(seconds) > 0 {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
        assert_eq!(running(seconds), 0, "{seconds}");
    }
}

#[test]
fn a_result_that_is_no_image_or_is_not_there_is_an_error() {
    let none = failure(
        "{ program = \"true\", arguments = [\"{output}\"], output = \"jpeg\", seconds = 10 }",
    );
    assert!(none.to_string().contains("left no result"), "{none}");
    let text = failure(
        "{ program = \"cp\", arguments = [\"/etc/hostname\", \"{output}\"], output = \"jpeg\", seconds = 10 }",
    );
    assert!(["decode", "program"].contains(&text.cause()), "{text}");
}

#[test]
fn no_core_pipeline_calls_a_program_and_those_that_do_name_it() {
    let catalogue = Catalogue::embedded().unwrap();
    for recipe in catalogue.select("core") {
        assert!(recipe.programs().is_empty(), "{}", recipe.id);
    }
    let jxl = catalogue.get("conversion/jpegxl-round-trip").unwrap();
    assert_eq!(
        jxl.programs().into_iter().collect::<Vec<_>>(),
        ["cjxl", "djxl"]
    );
}
