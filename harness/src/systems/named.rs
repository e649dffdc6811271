//! Systems by the names that people type.
//!
//! `credlink` is this program's own, `credlink/watermark` one of its carriers alone, `credlink/manifest+link` some of them;
//! an address is that of a service, every other name that of an adapter's folder, behind a slash that of a variant.

use std::path::Path;

use super::adapter::{Description, DescriptionError};
use super::credlink::carriers;

/// The name of our own.
pub const CREDLINK: &str = "credlink";
/// What stands between the carriers of a subset.
const AND: char = '+';

/// A system that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// CredLink with these carriers, in ladder order; all of them unless some were named.
    CredLink(Vec<&'static str>),
    /// A program outside.
    Adapter(Box<Description>),
    /// A service of CredLink at this address.
    Service(String),
}

impl Choice {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::CredLink(named) if *named == carriers() => CREDLINK.to_owned(),
            Self::CredLink(named) => format!("{CREDLINK}/{}", named.join("+")),
            Self::Adapter(description) => description.name.clone(),
            Self::Service(url) => url.clone(),
        }
    }

    /// The same as the name of a folder.
    #[must_use]
    pub fn folder(&self) -> String {
        self.name().replace(['/', AND, ':', '?'], "-")
    }
}

/// Why a name stands for no system.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// Nothing of this name.
    #[error("no system is called `{name}`; there are {}", known.join(", "))]
    Unknown {
        /// What was typed.
        name: String,
        /// Every name there is.
        known: Vec<String>,
    },
    /// CredLink has no such carrier.
    #[error("credlink has no carrier `{name}`; it has {}", known.join(", "))]
    Carrier {
        /// What was typed.
        name: String,
        /// Every name there is.
        known: Vec<&'static str>,
    },
    /// The adapter of this name is not as it should be.
    #[error(transparent)]
    Adapter(#[from] DescriptionError),
}

/// Every system there is, ours first; an adapter that is not as it should be stands in its place as an error. Without the
/// directory there are no adapters.
#[must_use]
pub fn all(adapters: &Path) -> Vec<Result<Choice, DescriptionError>> {
    let adapters = Description::all(adapters).unwrap_or_default();
    let adapters = adapters.into_iter();
    let adapters = adapters.map(|found| found.map(|found| Choice::Adapter(Box::new(found))));
    std::iter::once(Ok(Choice::CredLink(carriers())))
        .chain(adapters)
        .collect()
}

/// The system of a name.
///
/// # Errors
/// [`NameError`], with the names that there are.
pub fn find(name: &str, adapters: &Path) -> Result<Choice, NameError> {
    if name.starts_with("http://") || name.starts_with("https://") {
        return Ok(Choice::Service(name.trim_end_matches('/').to_owned()));
    }
    if name == CREDLINK {
        return Ok(Choice::CredLink(carriers()));
    }
    let own = name.strip_prefix(CREDLINK);
    if let Some(some) = own.and_then(|rest| rest.strip_prefix('/')) {
        return subset(some.split(AND)).map(Choice::CredLink);
    }
    let folder = adapters.join(name.split('/').next().unwrap_or(name));
    // A broken adapter is told as such, and not as missing.
    if name.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && folder.join(super::adapter::FILE).is_file()
    {
        let systems = Description::of_folder(&folder)?;
        let mut systems = systems.into_iter();
        if let Some(found) = systems.find(|system| system.name == name) {
            return Ok(Choice::Adapter(Box::new(found)));
        }
    }
    let known = all(adapters).into_iter().flatten();
    Err(NameError::Unknown {
        name: name.to_owned(),
        known: known.map(|choice| choice.name()).collect(),
    })
}

/// Some of CredLink's carriers, in ladder order, each once.
///
/// # Errors
/// [`NameError::Carrier`] for a name that is none.
pub fn subset<'n>(
    names: impl IntoIterator<Item = &'n str>,
) -> Result<Vec<&'static str>, NameError> {
    let names: Vec<&str> = names.into_iter().collect();
    let known = carriers();
    if let Some(name) = names.iter().find(|name| !known.contains(*name)) {
        return Err(NameError::Carrier {
            name: (*name).to_owned(),
            known,
        });
    }
    let chosen = known.into_iter().filter(|carrier| names.contains(carrier));
    Ok(chosen.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_they_came_from() {
        let nowhere = Path::new("no such folder");
        for name in [
            "credlink",
            "credlink/watermark",
            "credlink/manifest+link",
            "http://127.0.0.1:8088",
        ] {
            let choice = find(name, nowhere).unwrap();
            assert_eq!(choice.name(), name);
            assert_eq!(find(&choice.name(), nowhere).unwrap(), choice);
        }
        // Whatever the order, the ladder is the ladder.
        let turned = find("credlink/link+manifest", nowhere).unwrap();
        assert_eq!(turned.name(), "credlink/manifest+link");
        for wrong in [
            "",
            "Credlink",
            "credlink/",
            "credlink/pdq",
            "../x",
            "pdqhash",
            ".",
        ] {
            assert!(find(wrong, nowhere).is_err(), "{wrong}");
        }
    }
}
