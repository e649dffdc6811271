//! Latencies before and after: how far their percentiles moved.

use super::Change;
use crate::stats::{PERCENTILES, Percentile, Shift, quantile_shift};
use crate::tables::{Evidence, Timed, samples};

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
    let mut theirs = samples(after);
    let mut lines = Vec::new();
    for mut old in samples(before) {
        if old.timed == Timed::Transform {
            continue;
        }
        let Some(new) = theirs
            .iter_mut()
            .find(|new| (&new.name, new.timed) == (&old.name, old.timed))
        else {
            continue;
        };
        old.nanos.sort_unstable();
        new.nanos.sort_unstable();
        for percentile in PERCENTILES
            .into_iter()
            .filter(|p| COMPARED.contains(&p.permille))
        {
            let fewest = old.nanos.len().min(new.nanos.len()) as u64;
            if fewest < percentile.least_n() {
                continue;
            }
            let seed = before.header().seed ^ percentile.permille;
            let Some(shift) = quantile_shift(&old.nanos, &new.nanos, percentile.permille, seed)
            else {
                continue;
            };
            lines.push(LatencyLine {
                name: old.name.clone(),
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
