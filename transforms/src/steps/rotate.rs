//! Turning by quarters.

use std::sync::Arc;

use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::step::{Apply, Flow, Work};

/// `rotate = { degrees = 90 }`: clockwise by 90, 180 or 270 degrees, without resampling.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    degrees: Quarter,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "u16")]
struct Quarter(u16);

impl TryFrom<u16> for Quarter {
    type Error = String;

    fn try_from(degrees: u16) -> Result<Self, String> {
        match degrees {
            90 | 180 | 270 => Ok(Self(degrees)),
            _ => Err(format!("{degrees} is not 90, 180 or 270 degrees")),
        }
    }
}

impl Apply for Rotate {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        frame.pixels = Arc::new(match self.degrees.0 {
            90 => frame.pixels.rotate90(),
            180 => frame.pixels.rotate180(),
            _ => frame.pixels.rotate270(),
        });
        Ok(Flow::Continue)
    }
}
