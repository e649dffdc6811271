//! Statistics as pure functions, one file each, with formula and source.

mod average;
mod binomial;
mod claim;
mod clopper_pearson;
mod clustered;
mod difference;
mod dose;
mod equivalence;
mod fisher;
mod holm;
mod kaplan_meier;
mod mcnemar;
mod normal;
mod percentile;
mod quantile_shift;
mod random;
mod rate;
mod weighted;
mod wilson;

pub use average::{PerPipeline, average};
pub use claim::{supports, trials_needed};
pub use clopper_pearson::{clopper_pearson, lower_bound, rule_of_three, upper_bound};
pub use clustered::{Clusters, REPLICATES, Replicates};
pub use difference::{Arm, paired_difference, square_and_add};
pub use dose::{Crossing, crossing, isotonic};
pub use equivalence::{Equivalence, tost};
pub use fisher::fisher_exact;
pub use holm::holm;
pub use kaplan_meier::{KaplanMeier, Lifetime, Step, kaplan_meier};
pub use mcnemar::{mcnemar, mcnemar_clustered};
pub use normal::{normal_cdf, normal_quantile};
pub use percentile::{PERCENTILES, Percentile, Quantiles, nearest_rank};
pub use quantile_shift::{Shift, quantile_shift};
pub use random::Random;
pub(crate) use random::mixed;
pub use rate::{Bounded, Interval, Measured, PROVISIONAL_BELOW, Rate};
pub use wilson::{wilson, wilson_at};

#[cfg(test)]
mod reference;
