//! Templates: every name that comes from an image, a recipe or a run is escaped unless it was made safe on purpose.

use std::sync::OnceLock;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

use super::DocumentError;

/// Every template by its name; names that end in `.html` or `.xml` are escaped.
const TEMPLATES: &[(&str, &str)] = &[
    ("base.html", include_str!("../page/templates/base.html")),
    ("report.html", include_str!("../page/templates/report.html")),
    (
        "gallery.html",
        include_str!("../page/templates/gallery.html"),
    ),
    ("table.html", include_str!("../page/templates/table.html")),
    ("site.html", include_str!("../site/site.html")),
    ("feed.xml", include_str!("../site/feed.xml")),
    ("junit.xml", include_str!("junit.xml")),
    ("badge.xml", include_str!("badge.xml")),
];

/// The template engine with every template.
///
/// # Errors
/// [`DocumentError::Template`] if a template of ours is not well-formed.
fn environment() -> Result<&'static Environment<'static>, DocumentError> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    if let Some(ready) = ENVIRONMENT.get() {
        return Ok(ready);
    }
    let mut environment = Environment::new();
    // A mistyped name must fail in a test, not leave a gap in a page.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, text) in TEMPLATES {
        environment
            .add_template(name, text)
            .map_err(|source| DocumentError::Template { name, source })?;
    }
    Ok(ENVIRONMENT.get_or_init(|| environment))
}

/// Fills a template.
///
/// # Errors
/// [`DocumentError::Template`] if the template asks for what `context` does not hold.
pub(crate) fn render(name: &'static str, context: impl Serialize) -> Result<String, DocumentError> {
    let failed = |source| DocumentError::Template { name, source };
    let template = environment()?.get_template(name).map_err(failed)?;
    template.render(Value::from(Serde(context))).map_err(failed)
}

/// Markup of ours that is not to be escaped.
pub(crate) fn safe(markup: String) -> Value {
    Value::from_safe_string(markup)
}

/// Seconds since 1970-01-01 of a UTC time such as `2026-01-31T12:00:00Z`, or `None` for anything else.
///
/// Days from the civil calendar after H. Hinnant, "chrono-compatible low-level date algorithms",
/// <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
pub(crate) fn seconds_since_1970(time: &str) -> Option<i64> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, separator| -> Option<Vec<i64>> {
        text.split(separator)
            .map(|part| part.parse().ok())
            .collect()
    };
    let (date, clock) = (numbers(date, '-')?, numbers(clock, ':')?);
    let ([year, month, day], [hour, minute, second]) = (date.as_slice(), clock.as_slice()) else {
        return None;
    };
    if !(1..=12).contains(month) || !(1..=31).contains(day) {
        return None;
    }
    let year = if *month <= 2 { year - 1 } else { *year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_well_formed() {
        assert!(environment().is_ok(), "{:?}", environment().err());
    }

    #[test]
    fn times_are_those_of_the_date_command() {
        for (time, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-22T08:59:41Z", 1_795_337_981),
        ] {
            assert_eq!(seconds_since_1970(time), Some(seconds), "{time}");
        }
        for time in ["", "2026-11-22", "2026-13-22T00:00:00Z", "yesterday"] {
            assert_eq!(seconds_since_1970(time), None, "{time}");
        }
    }
}
