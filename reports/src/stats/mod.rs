//! Statistics as pure functions, one file each, with formula and source.

mod binomial;
mod clopper_pearson;
mod percentile;
mod wilson;

pub use clopper_pearson::{clopper_pearson, lower_bound, upper_bound};
pub use percentile::{PERCENTILES, Percentile, Quantiles, nearest_rank};
pub use wilson::{Interval, PROVISIONAL_BELOW, Rate, wilson};
