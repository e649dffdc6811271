//! What calibration found, as changes to the recipe's own text.

use super::{Comparison, Parameter, chroma, constant};

/// Values of one encoder's settings that downloads agree on, as its TOML names them.
fn settings(comparisons: &[(String, Comparison)]) -> Vec<(&'static str, String)> {
    let seen = |parameter: Parameter| -> Option<String> {
        let values: Vec<_> = comparisons
            .iter()
            .filter_map(|(_, comparison)| comparison.values.get(&parameter))
            .collect();
        constant(&values).map(str::to_owned)
    };
    let mut found = Vec::new();
    if let Some(quality) = seen(Parameter::Quality).filter(|quality| quality != "-") {
        found.push(("quality", quality));
    }
    let chroma = seen(Parameter::Sampling).and_then(|factors| chroma(&factors));
    if let Some(chroma) = chroma {
        found.push(("chroma", format!("{chroma:?}")));
    }
    match seen(Parameter::Scans).as_deref() {
        Some("progressive") => found.push(("progressive", "true".to_owned())),
        Some("baseline") => found.push(("progressive", "false".to_owned())),
        _ => {}
    }
    found
}

/// A unified diff of the recipe's file in which its JPEG encoders have the settings that all downloads share; `None` where
/// there is nothing to change, or the file has no such setting.
#[must_use]
pub fn patch(file: &str, text: &str, comparisons: &[(String, Comparison)]) -> Option<String> {
    let settings = settings(comparisons);
    let lines: Vec<&str> = text.lines().collect();
    let mut hunks = String::new();
    for (index, line) in lines.iter().enumerate() {
        if !(line.starts_with("jpeg = {") || line.starts_with("save.jpeg = {")) {
            continue;
        }
        let mut changed = (*line).to_owned();
        for (key, value) in &settings {
            changed = with_value(&changed, key, value).unwrap_or(changed);
        }
        if changed != *line {
            let number = index + 1;
            hunks.push_str(&format!("@@ -{number} +{number} @@\n-{line}\n+{changed}\n"));
        }
    }
    let path = format!("transforms/recipes/{file}.toml");
    (!hunks.is_empty()).then(|| format!("--- a/{path}\n+++ b/{path}\n{hunks}"))
}

/// The line with another value for a key of its table; `None` where it has no such key, or a placeholder for it.
fn with_value(line: &str, key: &str, value: &str) -> Option<String> {
    let place = format!(" {key} = ");
    let start = line.find(&place)? + place.len();
    let rest = &line[start..];
    // A placeholder's value stands among the variants, and another one may be right for them.
    if rest.starts_with("\"{") {
        return None;
    }
    let end = match rest.strip_prefix('"') {
        Some(inner) => inner.find('"')? + 2,
        None => rest.find([',', ' '])?,
    };
    Some(format!("{}{value}{}", &line[..start], &rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_changes_and_nothing_else() {
        let line = "jpeg = { encoder = \"mozjpeg\", quality = 75, chroma = \"4:2:0\", keep = [] }";
        let changed = with_value(line, "quality", "80").unwrap();
        assert_eq!(changed, line.replace("75", "80"));
        let changed = with_value(line, "chroma", "\"4:4:4\"").unwrap();
        assert_eq!(changed, line.replace("4:2:0", "4:4:4"));
        assert_eq!(with_value(line, "progressive", "true"), None);
        let variants = line.replace("75", "\"{quality}\"");
        assert_eq!(with_value(&variants, "quality", "80"), None);
    }
}
