//! Templates: every name that comes from an image, a recipe or a run is escaped unless it was made safe on purpose.

use std::sync::OnceLock;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

use crate::rows::RowError;

/// A document that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// A template does not fit its data: a mistake of ours.
    #[error("fill the template {name}")]
    Template {
        /// The template.
        name: &'static str,
        /// The template engine's reason.
        #[source]
        source: minijinja::Error,
    },
    /// The rows lack a column.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// A plot could not be drawn.
    #[error("draw: {0}")]
    Plot(String),
    /// A figure that JSON cannot hold.
    #[error("write as JSON")]
    Json(#[from] serde_json::Error),
}

/// Every template by its name; names that end in `.html` or `.xml` are escaped.
const TEMPLATES: &[(&str, &str)] = &[
    ("base.html", include_str!("page/templates/base.html")),
    ("report.html", include_str!("page/templates/report.html")),
    (
        "head-to-head.html",
        include_str!("head_to_head/head-to-head.html"),
    ),
    ("gallery.html", include_str!("page/templates/gallery.html")),
    ("table.html", include_str!("page/templates/table.html")),
    ("site.html", include_str!("site/site.html")),
    ("feed.xml", include_str!("site/feed.xml")),
    ("junit.xml", include_str!("documents/junit.xml")),
    ("badge.xml", include_str!("documents/badge.xml")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_well_formed() {
        assert!(environment().is_ok(), "{:?}", environment().err());
    }
}
