//! How long proofs live, where some outlive the observation.
//!
//! At each time `t` at which proofs were lost, `d` of the `r` still under observation, the estimate falls by the
//! factor `1 − d/r`. Greenwood's variance of its logarithm is `V = Σ d / r(r−d)`, and the 95 % band is
//! `S^exp(±z√V / ln S)`: symmetric in `ln(−ln S)`, so that it stays between 0 and 1. The median lifetime is the
//! first time at which the estimate is ½ or less, and its interval where the band is (Brookmeyer and Crowley).
//!
//! Sources: E. L. Kaplan, P. Meier, Journal of the American Statistical Association 53 (1958) 457–481;
//! M. Greenwood (1926); J. D. Kalbfleisch, R. L. Prentice, "The statistical analysis of failure time data" (1980),
//! section 1.3; R. Brookmeyer, J. Crowley, Biometrics 38 (1982) 29–41.

use super::{Interval, normal_quantile};

/// One proof's life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lifetime {
    /// The time at which it was lost, or up to which it was seen to live.
    pub time: f64,
    /// Whether it was lost then; else it outlived the observation.
    pub lost: bool,
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
    /// Its 95 % band; `None` where the estimate is 0, since the band has no width there.
    pub band: Option<Interval>,
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
    let z = normal_quantile(0.975);
    let mut lives: Vec<Lifetime> = lives
        .iter()
        .copied()
        .filter(|life| life.time.is_finite())
        .collect();
    lives.sort_by(|a, b| a.time.total_cmp(&b.time));
    let mut steps: Vec<Step> = Vec::new();
    let (mut survival, mut variance) = (1.0, 0.0);
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
        variance += lost as f64 / (at_risk as f64 * (at_risk - lost) as f64);
        steps.push(Step {
            time,
            at_risk,
            lost,
            survival,
            band: (survival > 0.0).then(|| {
                let width = z * variance.sqrt() / f64::ln(survival);
                Interval {
                    low: survival.powf((-width).exp()),
                    high: survival.powf(width.exp()),
                }
            }),
        });
    }
    let first_time = |value: &dyn Fn(&Step) -> f64| {
        steps
            .iter()
            .find(|step| value(step) <= 0.5)
            .map(|step| step.time)
    };
    let low = first_time(&|step| step.band.map_or(step.survival, |band| band.low));
    let high = first_time(&|step| step.band.map_or(1.0, |band| band.high));
    KaplanMeier {
        median: first_time(&|step| step.survival),
        median_interval: (low, high),
        steps,
    }
}
