//! A table as plain data: what a format renders.

use crate::figures::Unit;
use crate::stats::{Bounded, Interval, Measured, Rate};

/// A table: titled columns, rows of typed values, and the notes that a reader needs to judge them.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Stem of its file names, e.g. `survival`.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// The columns; every row has one value for each.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
    /// What the figures mean and what they do not, one sentence or two each.
    pub notes: Vec<String>,
}

/// A column of a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name for machines: `snake_case`, unique in the table.
    pub key: String,
    /// Title for people.
    pub title: String,
    /// What its values are, so that a format can give a value several machine columns.
    pub kind: Kind,
}

impl Column {
    /// A column from its machine name and its title.
    pub fn new(key: impl Into<String>, title: impl Into<String>, kind: Kind) -> Self {
        Self {
            key: key.into(),
            title: title.into(),
            kind,
        }
    }
}

/// What the values of a column are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Text`].
    Text,
    /// [`Value::Count`].
    Count,
    /// [`Value::Rate`].
    Rate,
    /// [`Value::Bound`].
    Bound,
    /// [`Value::Number`] in a unit, shown with so many decimals.
    Number(Unit),
    /// [`Value::Estimate`] in a unit, shown with so many decimals.
    Estimate(Unit),
    /// [`Value::Nanos`].
    Nanos,
    /// [`Value::Counts`] of these names, in this order.
    Counts(Vec<String>),
}

/// One value of a [`Table`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Words.
    Text(String),
    /// A whole number.
    Count(u64),
    /// Successes in trials with the interval of the rate, which allows for several trials of one source; people see
    /// the rate with its interval, machines also k and n.
    Rate(Rate, Interval),
    /// Failures in trials with the one-sided 95 % upper bound of the rate, which allows for sources as well.
    Bound(Rate, f64),
    /// A number in the column's unit.
    Number(f64),
    /// A number in the column's unit with its interval in the same unit.
    Estimate(f64, Interval),
    /// A duration in nanoseconds.
    Nanos(u64),
    /// How many of each name of the column's [`Kind::Counts`].
    Counts(Vec<u64>),
    /// Nothing was measured; never printed as 0 or 100.
    NotMeasured,
    /// Something was measured, but on fewer values than this figure needs.
    TooFew,
    /// This figure does not apply to this row, so nothing is missing.
    NotApplicable,
}

impl Value {
    /// Words as a value.
    pub fn text(words: impl Into<String>) -> Self {
        Self::Text(words.into())
    }

    /// A number, or [`Value::NotMeasured`] where there is none or it is not finite.
    pub fn number(number: Option<f64>) -> Self {
        number
            .filter(|number| number.is_finite())
            .map_or(Self::NotMeasured, Self::Number)
    }

    /// Failures in trials, or [`Value::NotMeasured`] without trials.
    pub fn bound(found: Bounded) -> Self {
        found
            .upper
            .map_or(Self::NotMeasured, |upper| Self::Bound(found.rate, upper))
    }

    /// A rate, or [`Value::NotMeasured`] without trials.
    pub fn rate(found: Measured) -> Self {
        found.interval.map_or(Self::NotMeasured, |interval| {
            Self::Rate(found.rate, interval)
        })
    }
}
