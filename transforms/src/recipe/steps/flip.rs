//! Mirroring.

use std::sync::Arc;

use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};

/// `flip = { axis = "horizontal" }` swaps left and right, `"vertical"` top and bottom.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flip {
    axis: Axis,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Axis {
    Horizontal,
    Vertical,
}

impl Apply for Flip {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        frame.pixels = Arc::new(match self.axis {
            Axis::Horizontal => frame.pixels.fliph(),
            Axis::Vertical => frame.pixels.flipv(),
        });
        Ok(Flow::Continue)
    }
}
