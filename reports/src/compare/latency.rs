//! Latencies before and after: how far their percentiles moved.

use super::Change;
use crate::stats::{PERCENTILES, Percentile, Shift, quantile_shift};
use crate::tables::{Evidence, Timed, timings};

/// A shift counts only if its whole interval lies beyond this: runs of the same program on the same machine differ by
/// several percent for reasons that no resampling of one run can show.
pub(super) const MARGIN: f64 = 0.1;

/// The percentiles that are compared, in thousandths.
const COMPARED: [u64; 2] = [500, 950];

/// One percentile of one latency, before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyLine {
    /// What was timed.
    pub name: String,
    /// Which percentile.
    pub percentile: Percentile,
    /// Its values and by how much it moved.
    pub shift: Shift,
    /// What follows.
    pub change: Change,
}

pub(super) fn lines(before: &Evidence, after: &Evidence) -> Vec<LatencyLine> {
    let theirs = timings(after);
    let mut lines = Vec::new();
    for timing in timings(before) {
        if timing.timed == Timed::Transform {
            continue;
        }
        let Some(same) = theirs
            .iter()
            .find(|same| (&same.name, same.timed) == (&timing.name, timing.timed))
        else {
            continue;
        };
        let (mut old, mut new) = (timing.nanos(before), same.nanos(after));
        old.sort_unstable();
        new.sort_unstable();
        for percentile in PERCENTILES
            .into_iter()
            .filter(|p| COMPARED.contains(&p.permille))
        {
            let fewest = old.len().min(new.len()) as u64;
            if fewest < percentile.least_n() {
                continue;
            }
            let seed = before.header().seed ^ percentile.permille;
            let Some(shift) = quantile_shift(&old, &new, percentile.permille, seed) else {
                continue;
            };
            lines.push(LatencyLine {
                name: timing.name.clone(),
                percentile,
                shift,
                change: if shift.interval.low > MARGIN {
                    Change::Worse
                } else if shift.interval.high < -MARGIN {
                    Change::Better
                } else {
                    Change::Same
                },
            });
        }
    }
    lines
}
