//! Versions of this program and of the libraries that decide results.

use std::collections::BTreeMap;

/// Name and version of each, this program's as `credlink`.
#[must_use]
pub fn all() -> BTreeMap<String, String> {
    let own = ("credlink", env!("CARGO_PKG_VERSION"));
    let all = std::iter::once(own).chain(LIBRARIES.iter().copied());
    all.map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect()
}

include!(concat!(env!("OUT_DIR"), "/libraries.rs"));
