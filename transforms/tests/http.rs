//! The step that sends a file through a real server: what a recipe may say, and what becomes of the answer. Nobody is asked here.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use common::probes::camera_jpeg;
use credlink_image_files::{Format, ImageFile};
use credlink_transforms::ask::{Ask, Fault, Question, Unanswered, Way, Written};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::{Recipe, RecipeError};
use credlink_transforms::resign::Surroundings;
use credlink_trial_record::Provenance;

const SOURCE: &str = "[[source]]\ncite = \"c\"\ngrade = \"D\"\nbacks = [\"http\"]\n";
const HERE: &str =
    "url = \"http://127.0.0.1:8080/fit/{source}\", source = \"base64\", seconds = 30";

fn text(more: &str, http: &str) -> String {
    format!(
        "title = \"Example\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\n{more}\n{SOURCE}[[step]]\nhttp = {{ {http} }}\n"
    )
}

fn parsed(http: &str) -> Result<Recipe, RecipeError> {
    Recipe::parse("live/example", &text("", http))
}

fn catalogue(recipes: &[(&str, String)]) -> Result<Catalogue, RecipeError> {
    let own = |(id, text): &(&str, String)| ((*id).to_owned(), text.clone());
    Catalogue::from_texts(recipes.iter().map(own))
}

#[test]
fn a_recipe_says_whom_it_asks_and_how() {
    let recipe = parsed(HERE).unwrap();
    let [question] = recipe.questions()[..] else {
        panic!("one question")
    };
    assert_eq!(question.host(), "127.0.0.1");
    assert_eq!(question.way, Way::Source(Written::Base64));
    assert_eq!((question.retries, question.interval.as_millis()), (0, 0));
    assert!(recipe.is_live() && recipe.provenance() == Provenance::Live);
    // Nobody knows the format of the answer beforehand.
    assert_eq!(recipe.outputs(Format::Jpeg).len(), Format::ALL.len());
    for (url, host) in [
        ("https://Images.Example:8443?u={source}", "images.example"),
        ("http://[::1]:80/{source}", "::1"),
        ("http://localhost/{source}", "localhost"),
    ] {
        let step = format!("url = \"{url}\", source = \"plain\", seconds = 1");
        assert_eq!(parsed(&step).unwrap().questions()[0].host(), host);
    }
}

#[test]
fn what_cannot_be_asked_is_refused_when_it_is_read() {
    let with = |more: &str| format!("{HERE}, {more}");
    for (step, says) in [
        (HERE.replace("http:", "ftp:"), "must begin with http://"),
        (
            HERE.replace("127.0.0.1", "{source}.example"),
            "host must be plain",
        ),
        (
            HERE.replace("127.0.0.1", "user:word@127.0.0.1"),
            "host must be plain",
        ),
        (
            HERE.replace("127.0.0.1:8080", "127.0.0.1\\\\@elsewhere.example"),
            "host must be plain",
        ),
        (HERE.replace("127.0.0.1:8080", ""), "host must be plain"),
        (HERE.replace("fit", "f it"), "without blanks"),
        (HERE.replace("fit", "{size}"), "the placeholders are"),
        (HERE.replace("fit", "{source}"), "more than once"),
        (HERE.replace("{source}", "x"), "either `source` says"),
        (
            HERE.replace("source = \"base64\", ", ""),
            "either `source` says",
        ),
        (HERE.replace("base64", "rot13"), "unknown variant"),
        (
            HERE.replace("source = \"base64\"", "upload = \"body\""),
            "no {source} in the url",
        ),
        (with("upload = \"body\""), "either `source` says"),
        (
            with("sign = { scheme = \"imgproxy\", key = \"K\", salt = \"S\" }"),
            "one without the other",
        ),
        (HERE.replace("fit", "{signature}"), "one without the other"),
        (
            with("sign = { scheme = \"imgproxy\", key = \"0a1b\", salt = \"S\" }")
                .replace("fit", "{signature}"),
            "no name of a variable",
        ),
        (
            with("headers = { authorization = \"Bearer x\" }"),
            "does not stand in a recipe",
        ),
        (
            with("headers = { host = \"x\" }"),
            "follows from the request",
        ),
        (with("headers = { \"x y\" = \"z\" }"), "no name of a header"),
        (with("headers = { Accept = \"z\" }"), "in lower case"),
        (
            with("headers = { accept = \"a\\r\\nx: b\" }"),
            "plain ASCII",
        ),
        (
            with("headers_from = { authorization = \"a key\" }"),
            "no name of a variable",
        ),
        (with("keep = [\"set-cookie\"]"), "is not kept"),
        (with("retries = 11"), "from 0 to 10"),
        (with("interval_ms = 100000"), "from 0 to 60000"),
        (
            HERE.replace("seconds = 30", "seconds = 0"),
            "from 1 to 3600",
        ),
        (with("method = \"PUT\""), "unknown field"),
    ] {
        let error = parsed(&step).unwrap_err().to_string();
        assert!(error.contains(says), "{step}: {error}");
    }
}

#[test]
fn recipes_of_the_family_live_ask_servers_and_no_others_do() {
    let bmp = "title = \"B\"\nseverity = \"mild\"\nanalysis = \"N.\"\n[[source]]\ncite = \"c\"\ngrade = \"D\"\nbacks = [\"bmp\"]\n\
               [[step]]\nbmp = {}\n";
    let through = |id: &str| {
        text("", "")
            .replace("backs = [\"http\"]", "backs = [\"recipe\"]")
            .replace(
                "http = {  }",
                &format!("recipe = {{ id = \"{id}\", times = 1 }}"),
            )
    };
    let good = [
        ("live/server", text("simulated_by = \"cdn/plain\"", HERE)),
        ("live/chain", through("live/server")),
        ("cdn/plain", bmp.to_owned()),
    ];
    let all = catalogue(&good).unwrap();
    assert!(all.get("live/chain").unwrap().is_live());
    assert_eq!(
        all.select("all").len(),
        1,
        "none of them runs unless it is named"
    );
    assert_eq!(all.select("live").len(), 2);
    for (recipes, says) in [
        (
            vec![("cdn/server", text("", HERE))],
            "are of the family `live`",
        ),
        (
            vec![("live/plain", bmp.to_owned())],
            "are of the family `live`",
        ),
        (
            vec![
                good[0].clone(),
                good[2].clone(),
                ("chains/x", through("live/server")),
            ],
            "are of the family `live`",
        ),
        (
            vec![good[0].clone()],
            "no simulated recipe is called `cdn/plain`",
        ),
        (
            vec![("live/a", text("simulated_by = \"live/a\"", HERE))],
            "no simulated recipe",
        ),
        (
            vec![
                ("cdn/a", format!("simulated_by = \"cdn/plain\"\n{bmp}")),
                good[2].clone(),
            ],
            "is for recipes that ask real servers",
        ),
    ] {
        let error = catalogue(&recipes).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let ours = Catalogue::embedded().unwrap();
    assert!(ours.iter().all(|recipe| !recipe.is_live()));
}

/// Answers with these bytes, or says that nobody does.
struct Answers(Option<Vec<u8>>);

impl Ask for Answers {
    fn asked(&self, question: &Question, _: &Arc<ImageFile>) -> Result<Vec<u8>, Unanswered> {
        self.0.clone().ok_or_else(|| Unanswered {
            fault: Fault::Unreachable,
            host: question.host(),
            reason: "cannot be reached".to_owned(),
        })
    }
}

#[test]
fn the_answer_is_the_file_and_none_is_an_error_with_a_cause() {
    let (recipe, clock) = (parsed(HERE).unwrap(), || 0);
    let meter = Meter::new(&clock);
    let file = |side| Arc::new(ImageFile::new(camera_jpeg(side, 24)).unwrap());
    let asked = |answers: &Answers| {
        recipe.apply_in(&file(32), Surroundings::new(&meter).with_asker(answers))
    };
    let other = camera_jpeg(40, 24);
    assert_eq!(asked(&Answers(Some(other.clone()))).unwrap().bytes(), other);
    let nobody = asked(&Answers(None)).unwrap_err();
    assert_eq!(nobody.cause(), "server-unreachable");
    assert!(
        nobody.to_string().ends_with("127.0.0.1 cannot be reached"),
        "{nobody}"
    );
    let words = asked(&Answers(Some(b"<p>".to_vec()))).unwrap_err();
    assert_eq!(words.cause(), "server-type");
    let alone = recipe.apply(&file(32), &meter).unwrap_err();
    assert_eq!(alone.cause(), "no-network");
}
