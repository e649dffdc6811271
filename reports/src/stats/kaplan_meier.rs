//! How long proofs live, where some outlive the observation.
//!
//! At each time `t` at which proofs were lost, `d` of the `r` still under observation, the estimate falls by the
//! factor `1 − d/r`. The median lifetime is the first time at which the estimate is ½ or less, and its interval where the
//! band is (Brookmeyer and Crowley).
//!
//! The 95 % band at `t` is the interval over sources ([`super::clustered`]) of the share that lives beyond `t`, among the
//! proofs of which that is known, widened to hold the estimate where some were not observed so long. Greenwood's band,
//! which takes proofs as independent, has no width at 0 and 100 %.
//!
//! Sources: E. L. Kaplan, P. Meier, Journal of the American Statistical Association 53 (1958) 457–481; R. Brookmeyer,
//! J. Crowley, Biometrics 38 (1982) 29–41.

use std::collections::BTreeMap;

use super::{Clusters, Interval};

/// One proof's life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lifetime {
    /// The time at which it was lost, or up to which it was seen to live.
    pub time: f64,
    /// Whether it was lost then; else it outlived the observation.
    pub lost: bool,
    /// Its source: proofs of one source live alike.
    pub source: u32,
}

/// The estimate from one time on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The time.
    pub time: f64,
    /// Proofs under observation just before it.
    pub at_risk: u64,
    /// Proofs lost at it.
    pub lost: u64,
    /// The share that lives beyond it.
    pub survival: f64,
    /// Its 95 % band over sources.
    pub band: Interval,
}

/// The curve and its median.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KaplanMeier {
    /// One step for each time at which a proof was lost, ascending.
    pub steps: Vec<Step>,
    /// The median lifetime; `None` where more than half outlive the observation.
    pub median: Option<f64>,
    /// Lower and upper end of its 95 % interval; `None` for an end beyond the observation.
    pub median_interval: (Option<f64>, Option<f64>),
}

/// The curve of some lifetimes. Times that are not finite are left out.
pub fn kaplan_meier(lives: &[Lifetime]) -> KaplanMeier {
    let mut lives: Vec<Lifetime> = lives
        .iter()
        .copied()
        .filter(|life| life.time.is_finite())
        .collect();
    lives.sort_by(|a, b| a.time.total_cmp(&b.time));
    let mut steps: Vec<Step> = Vec::new();
    let mut survival = 1.0;
    let mut first = 0;
    while first < lives.len() {
        let time = lives[first].time;
        let together = lives[first..]
            .iter()
            .take_while(|life| life.time <= time)
            .count();
        let lost = lives[first..first + together]
            .iter()
            .filter(|life| life.lost)
            .count() as u64;
        let at_risk = (lives.len() - first) as u64;
        first += together;
        if lost == 0 {
            continue;
        }
        survival *= 1.0 - lost as f64 / at_risk as f64;
        steps.push(Step {
            time,
            at_risk,
            lost,
            survival,
            band: band(&lives, time, survival),
        });
    }
    let first_time = |value: &dyn Fn(&Step) -> f64| {
        steps
            .iter()
            .find(|step| value(step) <= 0.5)
            .map(|step| step.time)
    };
    let low = first_time(&|step| step.band.low);
    let high = first_time(&|step| step.band.high);
    KaplanMeier {
        median: first_time(&|step| step.survival),
        median_interval: (low, high),
        steps,
    }
}

/// The band at a time at which some were lost.
fn band(lives: &[Lifetime], time: f64, survival: f64) -> Interval {
    // By source: proofs of which it is known whether they live beyond the time, and those that do.
    let mut sources: BTreeMap<u32, [u32; 2]> = BTreeMap::new();
    for life in lives {
        let dead = life.lost && life.time <= time;
        if dead || life.time >= time {
            let [known, alive] = sources.entry(life.source).or_default();
            *known += 1;
            *alive += u32::from(!dead);
        }
    }
    let found = Clusters::of(2, sources.into_values()).interval(1, 0, 0.05);
    let found = found.unwrap_or(Interval {
        low: 0.0,
        high: 1.0,
    });
    Interval {
        low: found.low.min(survival),
        high: found.high.max(survival),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_of_twenty_left_has_a_band_and_views_of_one_file_are_one() {
        let lives = |sources: u32| -> Vec<Lifetime> {
            (0..20)
                .map(|image| Lifetime {
                    time: 1.0,
                    lost: true,
                    source: image % sources,
                })
                .collect()
        };
        let high = |sources| kaplan_meier(&lives(sources)).steps[0].band.high;
        assert_eq!(kaplan_meier(&lives(20)).steps[0].band.low, 0.0);
        // Clopper and Pearson have 16.8 % for 0 of 20.
        assert!((0.13..0.18).contains(&high(20)), "{}", high(20));
        assert!(high(4) > 0.4, "{}", high(4));
    }
}
