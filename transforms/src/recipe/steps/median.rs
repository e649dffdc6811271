//! Median filter by a sliding histogram (Huang, Yang and Tang 1979).

use serde::Deserialize;

use super::canvas::Canvas;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::Window;

/// `median = { size = 3 }`: the median of `size` x `size` pixels, channel by channel; edges are continued. An even
/// size reaches one pixel further to the right and down.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Median {
    size: Window,
}

impl Apply for Median {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let source = Canvas::of(&frame.pixels);
        let mut canvas = source.clone();
        let size = usize::from(self.size.get());
        let before = (size - 1) / 2;
        let half = (size * size / 2) as u16;
        let at = |position: usize, offset: usize, count: usize| {
            (position + offset).saturating_sub(before).min(count - 1)
        };
        for c in 0..source.channels {
            for y in 0..source.height {
                let rows: Vec<usize> = (0..size).map(|k| at(y, k, source.height)).collect();
                let sample = |x: usize, row: usize| source.pixel(x, row)[c];
                let mut counts = [0_u16; 256];
                for k in 0..size {
                    let x = at(0, k, source.width);
                    rows.iter()
                        .for_each(|row| counts[usize::from(sample(x, *row))] += 1);
                }
                // `below` counts the samples under `median`, kept up to date as the window slides.
                let (mut median, mut below) = (0_usize, 0_u16);
                for x in 0..source.width {
                    if x > 0 {
                        let (old, new) =
                            (at(x - 1, 0, source.width), at(x, size - 1, source.width));
                        for row in &rows {
                            let (old, new) = (sample(old, *row), sample(new, *row));
                            counts[usize::from(old)] -= 1;
                            below -= u16::from(usize::from(old) < median);
                            counts[usize::from(new)] += 1;
                            below += u16::from(usize::from(new) < median);
                        }
                    }
                    while below > half {
                        median -= 1;
                        below -= counts[median];
                    }
                    while below + counts[median] <= half {
                        below += counts[median];
                        median += 1;
                    }
                    let index = (y * source.width + x) * source.channels + c;
                    canvas.samples[index] = median as u8;
                }
            }
        }
        canvas.into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
