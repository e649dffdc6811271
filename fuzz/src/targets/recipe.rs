//! Recipes that somebody wrote.

use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::Recipe;

/// A recipe that a step of another may name.
const OTHER: &str = r#"
title = "Other"
severity = "none"
analysis = "Nothing is done."
source = []
"#;

/// A recipe is refused in words, or whole: it links, says what it is, and reads again as the same.
pub(crate) fn loaded(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let texts = [("fuzz/recipe", text), ("fuzz/other", OTHER)];
    let texts = texts.map(|(id, text)| (id.to_owned(), text.to_owned()));
    let catalogue = match Catalogue::from_texts(texts) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for recipe in catalogue.iter() {
        assert_eq!(recipe.digest().len(), 64);
        let _ = (recipe.programs(), recipe.adds(), recipe.signs());
        let again = Recipe::parse(&recipe.id, recipe.text());
        let again = again.unwrap_or_else(|error| panic!("{error}\n{}", recipe.text()));
        assert_eq!(again.text(), recipe.text());
        assert_eq!(again.steps.len(), recipe.steps.len());
    }
    let _ = catalogue.suggestions("fuzz/recipf");
}

/// Recipes of the catalogue: the shortest of each family, and all that are varied.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let catalogue = Catalogue::embedded().expect("a test reads them all");
    let mut texts: Vec<&str> = catalogue.iter().map(|recipe| recipe.file_text()).collect();
    texts.sort_by_key(|text| (text.len(), *text));
    texts.dedup();
    let short = texts.iter().filter(|text| text.len() < 3000);
    short.map(|text| text.as_bytes().to_vec()).collect()
}
