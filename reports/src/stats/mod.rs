//! Statistics as pure functions, one file each, with formula and source.

mod percentile;
mod wilson;

pub use percentile::{PERCENTILES, Percentile, Quantiles, nearest_rank};
pub use wilson::{Interval, PROVISIONAL_BELOW, Rate, wilson};
