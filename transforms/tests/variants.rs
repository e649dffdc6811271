//! Variants, sweeps and chains: what they expand to, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::{Recipe, RecipeError};

const FILE: &str = "cdn/example";

fn text(head: &str, step: &str) -> String {
    format!(
        "title = \"Example {{w}}\"\nseverity = \"mild\"\nanalysis = \"Nothing is known.\"\n{head}\n\
         [[source]]\ncite = \"a page\"\ngrade = \"D\"\nbacks = [\"jpeg\"]\n[[step]]\n{step}\n"
    )
}

const JPEG: &str = "jpeg = { encoder = \"libjpeg-turbo\", quality = \"{w}\", chroma = \"4:2:0\", progressive = false, keep = [] }";

fn refused(head: &str, step: &str, parts: &[&str]) {
    let error = Recipe::parse_file(FILE, &text(head, step)).expect_err("the recipe was accepted");
    let message = error.to_string();
    for part in [FILE].iter().chain(parts) {
        assert!(
            message.contains(part),
            "the message lacks {part:?}: {message}"
        );
    }
}

#[test]
fn each_value_makes_a_pipeline_and_the_plain_one_has_the_bare_id() {
    let head = "core = true\n[variants]\naxis = \"w\"\nvalues = [80, 60]\nplain = 60";
    let recipes = Recipe::parse_file(FILE, &text(head, JPEG)).unwrap();
    let ids: Vec<_> = recipes.iter().map(|recipe| recipe.id.as_str()).collect();
    assert_eq!(ids, ["cdn/example@w=80", "cdn/example"]);
    assert_eq!(recipes[0].title, "Example 80");
    assert_eq!((recipes[0].core, recipes[1].core), (false, true));
    assert_ne!(recipes[0].digest(), recipes[1].digest());
    assert!(recipes[0].text().contains("quality = 80"));
    assert!(recipes.iter().all(|recipe| recipe.sweep_point().is_none()));
}

#[test]
fn a_table_of_values_fills_several_places() {
    let head = "[variants]\naxis = \"w\"\nvalues = [{ name = \"low\", q = 30 }, { name = \"high\", q = 90 }]";
    let recipes = Recipe::parse_file(FILE, &text(head, &JPEG.replace("{w}", "{q}"))).unwrap();
    assert_eq!(recipes[1].id, "cdn/example@w=high");
    assert!(recipes[1].text().contains("quality = 90"));
}

#[test]
fn a_sweep_says_where_each_pipeline_stands() {
    let head = "[sweep]\nparameter = \"w\"\nunit = \"IJG quality\"\nvalues = [90, 50]";
    let recipes = Recipe::parse_file(FILE, &text(head, JPEG)).unwrap();
    let point = recipes[1].sweep_point().unwrap();
    assert_eq!(
        (
            point.recipe.as_str(),
            point.parameter.as_str(),
            point.value,
            point.unit.as_str()
        ),
        (FILE, "w", 50.0, "IJG quality")
    );
}

#[test]
fn variants_that_cannot_be_told_apart_or_have_no_effect_are_refused() {
    let values = |values: &str| format!("[variants]\naxis = \"w\"\nvalues = {values}");
    refused(&values("[80, 80]"), JPEG, &["w=80", "twice"]);
    refused(
        &values("[{ name = \"a\", w = 1 }, { name = \"a\", w = 2 }]"),
        JPEG,
        &["w=a", "twice"],
    );
    refused(&values("[80]"), JPEG, &["at least two"]);
    refused(&values("[{ w = 1 }, { w = 2 }]"), JPEG, &["no `name`"]);
    refused(&values("[\"a b\", \"c\"]"), JPEG, &["no name"]);
    refused(&values("[80, 101]"), JPEG, &["101"]);
    let fixed = JPEG.replace("\"{w}\"", "80");
    let still = text(&values("[80, 60]"), &fixed).replace("Example {w}", "Example");
    let error = Recipe::parse_file(FILE, &still).expect_err("nothing depends on the axis");
    assert!(
        error
            .to_string()
            .contains("nothing in the recipe depends on `w`"),
        "{error}"
    );
    refused(
        &format!("{}\nplain = 70", values("[80, 60]")),
        JPEG,
        &["70", "no variant"],
    );
    refused(
        &format!("core = true\n{}", values("[80, 60]")),
        JPEG,
        &["plain"],
    );
    refused(
        &format!("{}\nwide = 3", values("[80, 60]")),
        JPEG,
        &["wide"],
    );
}

#[test]
fn a_sweep_over_what_is_no_number_is_refused() {
    let sweep =
        |values: &str| format!("[sweep]\nparameter = \"w\"\nunit = \"quality\"\nvalues = {values}");
    refused(
        &sweep("[\"a\", \"b\"]"),
        &JPEG.replace("\"{w}\"", "80"),
        &["a is no number"],
    );
    let both = format!(
        "[variants]\naxis = \"w\"\nvalues = [1, 2]\n{}",
        sweep("[1, 2]")
    );
    refused(&both, JPEG, &["one axis"]);
}

#[test]
fn a_file_name_that_looks_like_a_variant_is_refused() {
    let plain = text("", &JPEG.replace("\"{w}\"", "80"));
    let error = Recipe::parse_file("cdn/example@w=1", &plain).expect_err("accepted");
    assert!(error.to_string().contains('@'), "{error}");
    let twice = [(FILE, plain.clone()), (FILE, plain)];
    let error =
        Catalogue::from_texts(twice.map(|(id, text)| (id.to_owned(), text))).expect_err("accepted");
    assert!(matches!(error, RecipeError::Duplicate { .. }), "{error:?}");
}

fn chain(step: &str) -> Result<Catalogue, RecipeError> {
    let relay = format!(
        "title = \"Chain\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\n[[source]]\ncite = \"c\"\n\
         grade = \"D\"\nbacks = [\"{}\"]\n[[step]]\n{step}\n",
        step.split(' ').next().unwrap()
    );
    let head = "[variants]\naxis = \"w\"\nvalues = [80, 60]\nplain = 60";
    let texts = [("chains/a", relay), (FILE, text(head, JPEG))];
    Catalogue::from_texts(texts.map(|(id, text)| (id.to_owned(), text)))
}

#[test]
fn circles_and_journeys_take_what_is_there_and_refuse_what_is_not() {
    chain("relay = { through = [\"cdn/example@w=80\", \"cdn/example\"], hops = 3 }").unwrap();
    chain("journey = { seed = 1, hops = 3, through = [\"cdn\"] }").unwrap();
    for (step, said) in [
        ("relay = { through = [], hops = 3 }", "names no recipe"),
        ("relay = { through = [\"cdn/none\"], hops = 3 }", "cdn/none"),
        (
            "relay = { through = [\"chains/a\"], hops = 1 }",
            "leads back",
        ),
        (
            "journey = { seed = 1, hops = 3, through = [\"social\"] }",
            "social",
        ),
        (
            "journey = { seed = -1, hops = 3, through = [\"cdn\"] }",
            "-1",
        ),
    ] {
        let message = chain(step).expect_err(step).to_string();
        assert!(
            message.contains(said) && message.contains("chains/a"),
            "{message}"
        );
    }
}

#[test]
fn a_journey_depends_on_its_seed_alone_and_stays_among_the_families() {
    let journey = |seed: u32| {
        chain(&format!(
            "journey = {{ seed = {seed}, hops = 8, through = [\"cdn\"] }}"
        ))
        .unwrap()
        .get("chains/a")
        .unwrap()
        .digest()
    };
    assert_eq!(journey(5), journey(5));
    assert_ne!(journey(5), journey(6));
}

#[test]
fn patterns_select_ids_families_files_and_all_variants() {
    let catalogue = Catalogue::embedded().unwrap();
    let count = |pattern: &str| catalogue.select(pattern).len();
    assert_eq!(count("cdn/nextjs-webp"), 1);
    assert_eq!(count("cdn/nextjs-webp@w=640"), 1);
    assert!(count("cdn/nextjs-webp@all") > 3);
    // No variant of this file is the plain one, so its id names all of them.
    assert_eq!(count("edits/jpeg-quality"), count("edits/jpeg-quality@all"));
    assert_eq!(count("cdn/nextjs"), 0);
    assert_eq!(count("core"), 20);
}

#[test]
fn values_that_double_each_other_are_refused_before_they_fill_the_memory() {
    // Each holds the next one twice: 2^40 words.
    let keys = ('a'..='z').chain('A'..='N').collect::<Vec<char>>();
    let doubled = keys.windows(2).map(|pair| {
        let [key, next] = [pair[0], pair[1]];
        format!(
            "k{}{key} = [\"{{k{}{next}}}\", \"{{k{}{next}}}\"]",
            case(key),
            case(next),
            case(next)
        )
    });
    let table = doubled.collect::<Vec<_>>().join(", ");
    let head = format!(
        "[variants]\naxis = \"w\"\nvalues = [{{ name = \"low\", {table} }}, {{ name = \"high\" }}]"
    );
    refused(&head, "unknown = \"{k0a}\"", &["more text"]);
    // So are more values than a file could be meant to have.
    let many: Vec<String> = (0..20_000).map(|k| k.to_string()).collect();
    let head = format!("[variants]\naxis = \"w\"\nvalues = [{}]", many.join(", "));
    refused(&head, JPEG, &["more text"]);
}

/// So that keys stand in the order in which they are filled in.
fn case(letter: char) -> u8 {
    u8::from(letter.is_ascii_uppercase())
}
