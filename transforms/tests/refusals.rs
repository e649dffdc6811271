//! Recipes that must be refused, each with a message that names the recipe and the field.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::{Recipe, RecipeError};

const ID: &str = "social/example";

/// A recipe of one source, which backs `backs`, and of the steps given as TOML.
fn text(backs: &str, steps: &str) -> String {
    format!(
        "title = \"Example\"\nseverity = \"mild\"\nanalysis = \"Nothing is known.\"\n\
         [[source]]\ncite = \"a page\"\ngrade = \"D\"\nbacks = [{backs}]\n{steps}"
    )
}

const JPEG: &str = "[[step]]\njpeg = { encoder = \"libjpeg-turbo\", quality = 80, chroma = \"4:2:0\", \
                    progressive = false, keep = [] }\n";

/// The error of a recipe that must be refused, after a look at its message: it names the recipe and every `part`.
fn refused(recipe: &str, parts: &[&str]) -> RecipeError {
    let error = Recipe::parse(ID, recipe).expect_err("the recipe was accepted");
    let message = error.to_string();
    for part in [ID].iter().chain(parts) {
        assert!(
            message.contains(part),
            "the message lacks {part:?}: {message}"
        );
    }
    error
}

/// The error of a catalogue that must be refused, as above.
fn catalogue_refused(recipes: &[(&str, &str)], parts: &[&str]) -> RecipeError {
    let texts = recipes.iter().map(|(id, target)| {
        let step = format!("[[step]]\nrecipe = {{ id = \"{target}\", times = 1 }}\n");
        ((*id).to_owned(), text("\"recipe\"", &step))
    });
    let error = Catalogue::from_texts(texts).expect_err("the catalogue was accepted");
    let message = error.to_string();
    for part in parts {
        assert!(
            message.contains(part),
            "the message lacks {part:?}: {message}"
        );
    }
    error
}

/// Every refusal below differs from this recipe by its one fault, so the fault is what is refused.
#[test]
fn the_faultless_recipe_is_accepted() {
    let recipe = Recipe::parse(ID, &text("\"jpeg\"", JPEG)).unwrap();
    assert_eq!((recipe.id.as_str(), recipe.family.as_str()), (ID, "social"));
    assert_eq!(recipe.steps.len(), 1);
}

#[test]
fn an_unknown_key_of_a_recipe_is_refused() {
    let error = refused(
        &format!("colour = 1\n{}", text("\"jpeg\"", JPEG)),
        &["line 1", "colour"],
    );
    assert!(matches!(error, RecipeError::Syntax { .. }), "{error:?}");
}

#[test]
fn an_unknown_key_of_a_step_is_refused() {
    let steps = JPEG.replace("keep", "sharpness = 3, keep");
    refused(&text("\"jpeg\"", &steps), &["line 9", "sharpness"]);
}

#[test]
fn an_unknown_key_of_a_source_is_refused() {
    let recipe = text("\"jpeg\"", JPEG).replace("cite", "url = \"x\"\ncite");
    refused(&recipe, &["url"]);
}

#[test]
fn an_unknown_condition_is_refused() {
    let steps = JPEG.replace("[[step]]\n", "[[step]]\nwhen = { weekday = 3 }\n");
    refused(&text("\"jpeg\", \"when\"", &steps), &["weekday"]);
}

#[test]
fn an_unknown_step_is_refused() {
    refused(
        &text(
            "\"jpeg\", \"emboss\"",
            &format!("[[step]]\nemboss = {{}}\n{JPEG}"),
        ),
        &["emboss", "line 9"],
    );
}

#[test]
fn a_missing_key_is_refused() {
    for key in ["title", "severity", "analysis"] {
        let whole = text("\"jpeg\"", JPEG);
        let without: Vec<&str> = whole
            .lines()
            .filter(|line| !line.starts_with(key))
            .collect();
        refused(&without.join("\n"), &[key]);
    }
    refused(
        &text("\"jpeg\"", &JPEG.replace("quality = 80, ", "")),
        &["quality"],
    );
}

#[test]
fn a_recipe_without_any_source_is_refused() {
    let recipe =
        "title = \"Example\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\nassumed = [\"jpeg\"]\n"
            .to_owned();
    refused(&(recipe + JPEG), &["source"]);
}

#[test]
fn a_parameter_that_is_neither_backed_nor_assumed_is_refused() {
    let backs = "\"jpeg.encoder\", \"jpeg.chroma\", \"jpeg.progressive\", \"jpeg.keep\"";
    let error = refused(&text(backs, JPEG), &["jpeg.quality"]);
    assert!(matches!(error, RecipeError::Unsourced { .. }), "{error:?}");
    // Listing it as assumed is the other way out.
    let assumed =
        text(backs, JPEG).replacen("[[source]]", "assumed = [\"jpeg.quality\"]\n[[source]]", 1);
    Recipe::parse(ID, &assumed).unwrap();
}

#[test]
fn a_condition_without_evidence_is_refused() {
    let steps = JPEG.replace("[[step]]\n", "[[step]]\nwhen = { formats = [\"png\"] }\n");
    refused(&text("\"jpeg\"", &steps), &["when.formats"]);
}

#[test]
fn a_step_without_parameters_needs_evidence_too() {
    refused(
        &text("\"jpeg\"", &format!("[[step]]\norient = {{}}\n{JPEG}")),
        &["`orient`"],
    );
}

#[test]
fn evidence_for_a_parameter_that_does_not_exist_is_refused() {
    for name in ["jpeg.effort", "webp", "jpe", "jpeg.quality.x"] {
        let error = refused(&text(&format!("\"jpeg\", \"{name}\""), JPEG), &[name]);
        assert!(
            matches!(error, RecipeError::UnknownParameter { .. }),
            "{name}: {error:?}"
        );
        let assumed = format!("assumed = [\"{name}\"]\n[[source]]");
        refused(
            &text("\"jpeg\"", JPEG).replacen("[[source]]", &assumed, 1),
            &[name],
        );
    }
}

#[test]
fn impossible_numbers_are_refused_where_they_stand() {
    for (from, to, said) in [
        ("quality = 80", "quality = 101", "101"),
        ("quality = 80", "quality = -1", "-1"),
        ("quality = 80", "quality = 80.5", "80.5"),
        ("quality = 80", "quality = nan", "NaN"),
        ("quality = 80", "quality = \"best\"", "best"),
        ("4:2:0", "4:1:0", "4:1:0"),
        ("libjpeg-turbo", "libjpeg", "libjpeg"),
        ("keep = []", "keep = [\"gps\"]", "gps"),
    ] {
        refused(
            &text("\"jpeg\"", &JPEG.replace(from, to)),
            &["line 9", said],
        );
    }
    for (step, said) in [
        (
            "resize = { fit = [0, 100], filter = \"box\", upscale = false }",
            "0 is not",
        ),
        ("resize = { width = 70000, filter = \"box\" }", "70000"),
        ("resize = { scale = 0.0, filter = \"box\" }", "0 is not"),
        ("resize = { scale = inf, filter = \"box\" }", "inf"),
        (
            "resize = { width = 100, scale = 0.5, filter = \"box\" }",
            "exactly one",
        ),
        ("resize = { filter = \"box\" }", "exactly one"),
        ("crop = { edges = [0.5, 0.0, 0.5, 0.0] }", "crop.edges"),
        ("crop = { edges = [1.5, 0.0, 0.0, 0.0] }", "1.5"),
        ("crop = {}", "exactly one"),
        ("rotate = { degrees = 45 }", "45"),
        ("pad = { canvas = [100, 100], colour = [0, 0, 256] }", "256"),
        ("adjust = { gamma = 0.0 }", "0 is not"),
        ("recipe = { id = \"a/b\", times = 0 }", "0 is not"),
    ] {
        refused(
            &text("", &format!("[[step]]\n{step}\n{JPEG}")),
            &["line 9", said],
        );
    }
}

#[test]
fn a_save_whose_fallback_has_no_settings_is_refused() {
    let steps = "[[step]]\nsave = { png = { keep = [] }, other = \"webp\" }\n";
    refused(&text("\"save\"", steps), &["save.other", "webp"]);
}

#[test]
fn two_steps_in_one_entry_are_refused_with_their_position() {
    let steps = format!("{JPEG}[[step]]\norient = {{}}\nflip = {{ axis = \"vertical\" }}\n{JPEG}");
    let error = refused(
        &text("\"jpeg\", \"orient\", \"flip\"", &steps),
        &["step 2", "holds 2"],
    );
    assert!(
        matches!(error, RecipeError::Step { number: 2, .. }),
        "{error:?}"
    );
}

#[test]
fn an_entry_without_a_step_is_refused() {
    let steps = format!("[[step]]\nwhen = {{ alpha = true }}\n{JPEG}");
    refused(&text("\"jpeg\", \"when\"", &steps), &["step 1", "holds 0"]);
}

#[test]
fn changed_pixels_that_nothing_encodes_are_refused() {
    let crop = "[[step]]\ncrop = { edges = [0.1, 0.0, 0.0, 0.0] }\n";
    let error = refused(
        &text("\"jpeg\", \"crop\"", &format!("{JPEG}{crop}")),
        &["step 2", "crop"],
    );
    assert!(
        matches!(
            error,
            RecipeError::NotEncoded {
                number: 2,
                step: "crop",
                ..
            }
        ),
        "{error:?}"
    );
    // A step that works on the coded file in between would lose them as well.
    let strip = "[[step]]\nmetadata = { keep = [] }\n";
    let steps = format!("{crop}{strip}{JPEG}");
    refused(
        &text("\"jpeg\", \"crop\", \"metadata\"", &steps),
        &["step 1", "crop"],
    );
    Recipe::parse(ID, &text("\"jpeg\", \"crop\"", &format!("{crop}{JPEG}"))).unwrap();
}

#[test]
fn broken_toml_is_refused_with_its_line() {
    refused(
        &text("\"jpeg\"", JPEG).replace("severity = ", "severity "),
        &["line 2"],
    );
}

#[test]
fn a_nested_recipe_that_does_not_exist_is_refused() {
    let error = catalogue_refused(&[("chains/a", "social/none")], &["chains/a", "social/none"]);
    assert!(
        matches!(error, RecipeError::UnknownRecipe { .. }),
        "{error:?}"
    );
}

#[test]
fn a_chain_that_leads_back_to_itself_is_refused() {
    catalogue_refused(&[("chains/a", "chains/a")], &["chains/a"]);
    let circle = [
        ("chains/a", "chains/b"),
        ("chains/b", "chains/c"),
        ("chains/c", "chains/a"),
    ];
    let error = catalogue_refused(&circle, &["chains/a", "chains/b", "chains/c"]);
    assert!(matches!(error, RecipeError::Cycle { .. }), "{error:?}");
}

#[test]
fn the_same_recipe_twice_in_a_chain_is_no_cycle() {
    let twice = "[[step]]\nrecipe = { id = \"social/b\", times = 2 }\n".repeat(2);
    let texts = [
        ("chains/a", text("\"recipe\"", &twice)),
        ("social/b", text("\"jpeg\"", JPEG)),
    ];
    let catalogue = Catalogue::from_texts(texts.map(|(id, text)| (id.to_owned(), text))).unwrap();
    assert_eq!(catalogue.iter().count(), 2);
}
