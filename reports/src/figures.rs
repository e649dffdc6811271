//! Figures as people read them: rates, intervals, durations, counts.

use crate::stats::{Bounded, Interval, Measured, Rate};

/// What stands where there is no evidence.
pub const NOT_MEASURED: &str = "not measured";

/// Follows a rate whose n is too small to rest on.
pub const PROVISIONAL: char = '*';

/// The unit of a column of numbers, and how finely people see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The unit's sign, e.g. `dB`; empty where there is none.
    pub name: &'static str,
    /// Decimals for people; machines get the number unrounded.
    pub decimals: usize,
}

/// A fraction from 0 to 1 in percent with one decimal, without the sign: `99.4`.
///
/// More decimals appear, up to four, rather than that 9,999 of 10,000 be printed as 100.0 or 1 of 10,000 as
/// 0.0: those two stand for "all" and "none" alone, as far as four decimals can tell.
pub fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    let is_end = fraction <= 0.0 || fraction >= 1.0;
    (1..4)
        .map(|decimals| format!("{percent:.decimals$}"))
        .find(|text| is_end || !matches!(text.trim_end_matches('0'), "0." | "100."))
        .unwrap_or_else(|| format!("{percent:.4}"))
}

/// `99.4 %`, or "not measured".
pub fn rate(rate: Rate) -> String {
    match rate.value() {
        Some(value) => format!("{} %", percent(value)),
        None => NOT_MEASURED.to_owned(),
    }
}

/// `[98.7, 99.8]`, in percent.
pub fn interval(interval: Interval) -> String {
    format!("[{}, {}]", percent(interval.low), percent(interval.high))
}

/// `99.4 % [98.7, 99.8]`, with an asterisk if provisional; "not measured" without trials.
pub fn measured(found: Measured) -> String {
    let Some(bounds) = found.interval else {
        return NOT_MEASURED.to_owned();
    };
    let mark = if found.rate.is_provisional() {
        PROVISIONAL.to_string()
    } else {
        String::new()
    };
    format!("{} {}{mark}", rate(found.rate), interval(bounds))
}

/// `0 (≤ 2.4 %)`: failures, and the one-sided 95 % upper bound of their rate to two significant figures, rounded
/// up; "not measured" without trials.
pub fn bounded(failures: Bounded) -> String {
    let Some(upper) = failures.upper else {
        return NOT_MEASURED.to_owned();
    };
    format!("{} (≤ {} %)", count(failures.rate.k), percent_above(upper))
}

/// A fraction in percent to two significant figures, never below it: `0.031`, `2.4`, `100`.
pub fn percent_above(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent <= 0.0 {
        return "0".to_owned();
    }
    let decimals = |percent: f64| (1.0 - percent.log10().floor()).clamp(0.0, 12.0);
    let scale = 10_f64.powi(decimals(percent) as i32);
    // Rounding up alone would turn an exact 2.4 into 2.5 where the product is 24.000000000000004.
    let up = ((percent * scale * (1.0 - 1e-12)).ceil() / scale).min(100.0);
    // Asked again, because 0.0998 has become 0.10.
    format!("{up:.0$}", decimals(up) as usize)
}

/// `42.5 dB`, with the decimals of the unit.
pub fn number(value: f64, unit: Unit) -> String {
    let digits = unit.decimals;
    let shown = format!("{value:.digits$}");
    if unit.name.is_empty() {
        shown
    } else {
        format!("{shown} {}", unit.name)
    }
}

/// A duration in the unit that suits it, with three significant figures: `870 ns`, `12.3 µs`, `1.23 ms`, `4.56 s`.
pub fn duration(nanoseconds: u64) -> String {
    const UNITS: [&str; 4] = ["ns", "µs", "ms", "s"];
    if nanoseconds < 1000 {
        return format!("{nanoseconds} ns");
    }
    let mut value = nanoseconds as f64;
    let mut unit = 0;
    // 999.5 would round to 1000 of its unit, so it already belongs to the next one.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// A whole number with commas at thousands: `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in binary units with at most one decimal: `512 B`, `1.5 KiB`, `840.0 MiB`.
pub fn bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}

/// `n pipelines` or `1 pipeline`.
pub fn plural(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_as_agreed() {
        let shown = |k, n, low, high| {
            measured(Measured {
                rate: Rate { k, n },
                interval: Some(Interval { low, high }),
            })
        };
        assert_eq!(shown(497, 500, 0.983, 0.998), "99.4 % [98.3, 99.8]");
        assert_eq!(shown(3, 7, 0.158, 0.75), "42.9 % [15.8, 75.0]*");
        assert_eq!(measured(Measured::default()), "not measured");
    }

    #[test]
    fn all_and_none_are_never_claimed_by_rounding() {
        assert_eq!(percent(1.0), "100.0");
        assert_eq!(percent(0.0), "0.0");
        assert_eq!(percent(0.9999), "99.99");
        assert_eq!(percent(0.00012), "0.01");
        assert_eq!(percent(0.999_994), "99.999");
        for n in [3_u64, 100, 5000, 100_000] {
            assert_ne!(rate(Rate { k: n - 1, n }), "100.0 %");
            assert_ne!(rate(Rate { k: 1, n }), "0.0 %");
        }
    }

    #[test]
    fn bounds_round_up_to_two_figures_and_never_to_zero() {
        let shown = [1.0, 0.776, 0.024, 0.02401, 0.000_998, 3e-7].map(percent_above);
        assert_eq!(shown, ["100", "78", "2.4", "2.5", "0.10", "0.000030"]);
        let none = Bounded {
            rate: Rate { k: 0, n: 2995 },
            upper: Some(0.000_999_8),
        };
        assert_eq!(bounded(none), "0 (≤ 0.10 %)");
        assert_eq!(bounded(Bounded::default()), "not measured");
    }

    #[test]
    fn durations_keep_three_figures_across_units() {
        let shown = [
            0,
            999,
            1000,
            12_345,
            999_499,
            999_500,
            1_234_567,
            99_950_000,
            61_000_000_000,
        ]
        .map(duration);
        assert_eq!(
            shown,
            [
                "0 ns", "999 ns", "1.00 µs", "12.3 µs", "999 µs", "1.00 ms", "1.23 ms", "100 ms",
                "61.0 s"
            ]
        );
    }

    #[test]
    fn counts_and_bytes_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 12_345, 1_234_567].map(count),
            ["0", "999", "1,000", "12,345", "1,234,567"]
        );
        assert_eq!(
            [0, 1023, 1536, 880_803_840].map(bytes),
            ["0 B", "1023 B", "1.5 KiB", "840.0 MiB"]
        );
        assert_eq!(plural(1, "op"), "1 op");
        assert_eq!(plural(1000, "op"), "1,000 ops");
    }
}
