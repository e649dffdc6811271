//! Choosing between the original and the result by size.

use std::sync::Arc;

use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::Share;

/// `keep_smaller = { min_saving = 0.05 }`: unless the result is smaller than the file that entered the recipe by more
/// than this share of it, that file is taken back, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepSmaller {
    min_saving: Share,
}

impl Apply for KeepSmaller {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let result = work.encoded()?.bytes().len() as f64;
        let original = work.input().bytes().len() as f64;
        if result >= original * (1.0 - self.min_saving.get()) {
            work.set_file(Arc::clone(work.input()));
        }
        Ok(Flow::Continue)
    }
}
