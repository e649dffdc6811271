//! One recipe file, several pipelines: variants (widths, levels) and sweeps over one parameter.
//!
//! A value takes the place of `"{axis}"`, quotes included, in the file's text, and of `{axis}` within words. The result
//! is a recipe text like any other, so everything that is checked of a recipe is checked of every variant.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Value;

use crate::recipe::RecipeError;

/// `[variants]` with `axis = "w"` and `values = [640, 1080]`: each value makes a pipeline `id@w=640`. A value may be
/// a table with a `name`; its other keys are placeholders of their own. The value (or name) `plain` gets the bare id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variants {
    axis: String,
    values: Vec<Value>,
    plain: Option<Value>,
}

/// `[sweep]` with `parameter = "quality"`, `unit = "IJG quality"` and `values = [90, 70, 50]`: like variants, but the
/// values are numbers on one axis, for curves of survival over strength.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sweep {
    parameter: String,
    unit: String,
    values: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct Head {
    #[serde(default)]
    core: bool,
    variants: Option<Variants>,
    sweep: Option<Sweep>,
}

/// Where a pipeline stands in its recipe's sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPoint {
    /// The recipe's id, without the variant.
    pub recipe: String,
    /// The parameter that is swept.
    pub parameter: String,
    /// Its value here.
    pub value: f64,
    /// Its unit, for axes of plots.
    pub unit: String,
}

/// One pipeline's share of a recipe file.
pub(crate) struct Pipeline {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) variant: Option<String>,
    pub(crate) sweep: Option<SweepPoint>,
    /// Membership of the default set belongs to the bare id.
    pub(crate) may_be_core: bool,
}

/// Bytes that one pipeline's text may have, and those of all pipelines of a file together: values may hold placeholders, so
/// that a short file could ask for any number.
const LONGEST: usize = 1 << 20;
const LONGEST_OF_ALL: usize = 16 << 20;

/// Whether a variant is one more, and another recipe.
fn checked(axis: &str, name: &str, is_new: bool, is_changed: bool) -> Result<(), String> {
    match (is_new, is_changed) {
        (false, _) => Err(format!("the variant `{axis}={name}` stands twice")),
        (true, false) => Err(format!(
            "nothing in the recipe depends on `{axis}`: write \"{{{axis}}}\" in its place"
        )),
        (true, true) => Ok(()),
    }
}

/// The pipelines that a recipe file describes, at least one, in the file's order.
pub(crate) fn expand(file: &str, text: &str) -> Result<Vec<Pipeline>, RecipeError> {
    let refused = |message: String| RecipeError::Variants {
        recipe: file.to_owned(),
        message,
    };
    if file.contains('@') {
        return Err(refused("a file name must not contain `@`".to_owned()));
    }
    let head: Head = toml::from_str(text).map_err(|error| RecipeError::Syntax {
        recipe: file.to_owned(),
        message: error.to_string(),
    })?;
    let (axis, values, plain, unit) = match (head.variants, head.sweep) {
        (None, None) => {
            return Ok(vec![Pipeline {
                id: file.to_owned(),
                text: text.to_owned(),
                variant: None,
                sweep: None,
                may_be_core: true,
            }]);
        }
        (Some(variants), None) => (variants.axis, variants.values, variants.plain, None),
        (None, Some(sweep)) => (sweep.parameter, sweep.values, None, Some(sweep.unit)),
        (Some(_), Some(_)) => {
            return Err(refused(
                "holds both [variants] and [sweep]: one recipe has one axis".to_owned(),
            ));
        }
    };
    if values.len() < 2 {
        return Err(refused(format!("`{axis}` needs at least two values")));
    }
    if head.core && plain.is_none() {
        return Err(refused(
            "a core recipe with variants names the `plain` one".to_owned(),
        ));
    }
    let plain = plain.map(|value| words(&value)).transpose();
    let plain = plain.map_err(refused)?;
    let mut names = BTreeSet::new();
    let mut pipelines = Vec::new();
    let mut left = LONGEST_OF_ALL;
    for value in &values {
        let mut expanded = text.to_owned();
        let name = fill(&mut expanded, &axis, value).map_err(refused)?;
        left = left
            .checked_sub(expanded.len())
            .ok_or_else(|| refused(too_long()))?;
        let is_new = names.insert(name.clone());
        checked(&axis, &name, is_new, expanded != text).map_err(refused)?;
        let point = |unit: &String| {
            let value =
                number(value).ok_or_else(|| format!("sweep.values: {name} is no number"))?;
            Ok(SweepPoint {
                recipe: file.to_owned(),
                parameter: axis.clone(),
                value,
                unit: unit.clone(),
            })
        };
        let sweep = unit.as_ref().map(point).transpose().map_err(refused)?;
        let bare = plain.as_ref() == Some(&name);
        pipelines.push(Pipeline {
            id: if bare {
                file.to_owned()
            } else {
                format!("{file}@{axis}={name}")
            },
            text: expanded,
            variant: Some(format!("{axis}={name}")),
            sweep,
            may_be_core: bare,
        });
    }
    if let Some(plain) = plain
        && !names.contains(&plain)
    {
        return Err(refused(format!("`plain` is {plain}, which is no variant")));
    }
    Ok(pipelines)
}

fn too_long() -> String {
    "its variants are more text than a recipe may have".to_owned()
}

/// Puts words in the place of others, unless there would be too many.
fn put_for(text: &mut String, place: &str, words: &str) -> Result<(), String> {
    let added = text.matches(place).count().saturating_mul(words.len());
    if text.len().saturating_add(added) > LONGEST {
        return Err(too_long());
    }
    *text = text.replace(place, words);
    Ok(())
}

/// Puts one value into the text and gives its name.
fn fill(text: &mut String, axis: &str, value: &Value) -> Result<String, String> {
    let mut put = |key: &str, value: &Value| -> Result<(), String> {
        put_for(text, &format!("\"{{{key}}}\""), &literal(value)?)?;
        match words(value) {
            Ok(words) => put_for(text, &format!("{{{key}}}"), &words),
            Err(_) => Ok(()),
        }
    };
    let Value::Table(table) = value else {
        put(axis, value)?;
        return words(value);
    };
    let name = table
        .get("name")
        .ok_or_else(|| format!("a table among the values of `{axis}` has no `name`"))?;
    for (key, value) in table {
        if key != "name" {
            put(key, value)?;
        }
    }
    put(axis, name)?;
    words(name)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Float(value) if value.is_finite() => Some(*value),
        _ => None,
    }
}

/// A value as it stands in an id or a title.
fn words(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => {
            let fit = |c: char| c.is_ascii_alphanumeric() || "-._:x".contains(c);
            if text.is_empty() || !text.chars().all(fit) {
                return Err(format!("{text:?} is no name: letters, digits, - . _ :"));
            }
            Ok(text.clone())
        }
        Value::Integer(value) => Ok(value.to_string()),
        Value::Float(value) => Ok(value.to_string()),
        other => Err(format!("a {} cannot name a variant", other.type_str())),
    }
}

/// A value as TOML writes it within a line.
fn literal(value: &Value) -> Result<String, String> {
    Ok(match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Boolean(value) => value.to_string(),
        Value::Array(values) => {
            let values: Result<Vec<String>, String> = values.iter().map(literal).collect();
            format!("[{}]", values?.join(", "))
        }
        other => return Err(format!("a {} cannot be a value", other.type_str())),
    })
}
