//! Figures as people read them: rates, intervals, durations, counts.

use crate::stats::{Interval, Rate};

/// What stands where there is no evidence.
pub const NOT_MEASURED: &str = "not measured";

/// Follows a rate whose n is too small to rest on.
pub const PROVISIONAL: char = '*';

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
pub fn rate_with_interval(shown: Rate) -> String {
    match shown.interval() {
        None => NOT_MEASURED.to_owned(),
        Some(bounds) => {
            let mark = if shown.is_provisional() {
                PROVISIONAL.to_string()
            } else {
                String::new()
            };
            format!("{} {}{mark}", rate(shown), interval(bounds))
        }
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
        assert_eq!(
            rate_with_interval(Rate { k: 497, n: 500 }),
            "99.4 % [98.3, 99.8]"
        );
        assert_eq!(
            rate_with_interval(Rate { k: 3, n: 7 }),
            "42.9 % [15.8, 75.0]*"
        );
        assert_eq!(rate_with_interval(Rate { k: 0, n: 0 }), "not measured");
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
