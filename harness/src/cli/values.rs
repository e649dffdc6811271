//! What single arguments may be, and the options that commands share.

use std::net::SocketAddr;

use clap::Args;
use credlink_harness::live::{Permission, host};
use credlink_harness::shard::Shard;
use credlink_reports::documents::DOCUMENTS;
use credlink_reports::formats::FORMATS;
use credlink_reports::plots::PICTURES;
use serde::{Deserialize, Serialize};

/// How images are marked.
#[derive(Clone, Debug, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkArgs {
    /// Leave the pixels as they are: no watermark.
    #[arg(long, conflicts_with = "watermark_psnr")]
    pub(crate) no_watermark: bool,
    /// The lowest PSNR of a watermark, dB: more is less visible and less robust [default: 42.3].
    #[arg(long, value_name = "DB", value_parser = decibels)]
    pub(crate) watermark_psnr: Option<f64>,
}

/// What a run may ask of others.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkArgs {
    /// Use the network, for the recipes that send images to real servers and are named by --pipelines; servers on this machine
    /// alone, unless --allow-host names others. To be said again when a run goes on.
    #[arg(long)]
    pub(crate) live: bool,
    /// With --live: this host may be asked, too. May be said several times.
    #[arg(long, value_name = "HOST", requires = "live", value_parser = host)]
    pub(crate) allow_host: Vec<String>,
    /// With --live: where servers on this machine find the images [default: a free port of 127.0.0.1].
    #[arg(long, value_name = "ADDRESS:PORT", requires = "live")]
    pub(crate) origin: Option<SocketAddr>,
}

impl NetworkArgs {
    /// What that allows.
    pub(crate) fn permission(&self) -> Permission {
        Permission {
            live: self.live,
            hosts: self.allow_host.iter().cloned().collect(),
            origin: self.origin,
        }
    }

    /// The same for a process beside this one, which cannot serve on the same port.
    pub(crate) fn beside(&self) -> Self {
        Self {
            origin: None,
            ..self.clone()
        }
    }

    /// The same as another process of this program is told it.
    pub(crate) fn typed(&self) -> Vec<String> {
        let mut typed = Vec::new();
        if self.live {
            typed.push("--live".to_owned());
        }
        for host in &self.allow_host {
            typed.extend(["--allow-host".to_owned(), host.clone()]);
        }
        if let Some(origin) = &self.origin {
            typed.extend(["--origin".to_owned(), origin.to_string()]);
        }
        typed
    }
}

/// A count within a range, as people write it: `10000`, `10,000`, `10_000`, `10k`, `2.5k`, `1M`.
pub(super) fn counted(
    range: std::ops::RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync {
    move |text| {
        let number = count_of(text).ok_or("not a count; write it as 10000, 10,000 or 10k")?;
        if range.contains(&number) {
            Ok(number)
        } else {
            let (least, most) = (range.start(), range.end());
            Err(format!("{number} is not in {least}..={most}"))
        }
    }
}

/// One of several parts, as people write it: `3/7`.
pub(super) fn part(text: &str) -> Result<(usize, usize), String> {
    let parsed = || {
        let (which, of) = text.split_once('/')?;
        let (which, of) = (which.trim().parse().ok()?, of.trim().parse().ok()?);
        (1..=of).contains(&which).then_some((which, of))
    };
    parsed().ok_or_else(|| format!("{text:?} is no part; write the third of seven as 3/7"))
}

/// A part of a run, as people write it (`3/7`), or `env` for what the environment says.
pub(super) fn shard(text: &str) -> Result<Shard, String> {
    if text == "env" {
        let of_engine = Shard::from_environment(|name| std::env::var(name).ok())?;
        return of_engine.ok_or_else(|| {
            "the environment names no part; set CREDLINK_SHARD, from 0, and CREDLINK_SHARDS"
                .to_owned()
        });
    }
    let (which, of) = part(text)?;
    Shard::new(which - 1, of).ok_or_else(|| format!("{of} parts are too many"))
}

fn count_of(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, factor) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 1000),
        (at, 'm' | 'M') => (&text[..at], 1_000_000),
        _ => (text, 1),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    // Commas and underscores stand between groups of three digits, or nowhere.
    let groups: Vec<&str> = whole.split([',', '_']).collect();
    let (first, rest) = groups.split_first()?;
    let are_digits = |group: &str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    let is_grouped = rest.is_empty() || first.len() <= 3;
    if !is_grouped
        || !are_digits(first)
        || !rest
            .iter()
            .all(|group| group.len() == 3 && are_digits(group))
    {
        return None;
    }
    let whole: u64 = groups.concat().parse().ok()?;
    let mut number = whole.checked_mul(factor)?;
    if digits.contains('.') {
        // Part of a thousand or a million, and no part of one.
        let places = u32::try_from(part.len()).ok()?;
        let scale = 10_u64.checked_pow(places)?;
        if !are_digits(part) || factor % scale != 0 {
            return None;
        }
        number = number.checked_add(part.parse::<u64>().ok()? * (factor / scale))?;
    }
    Some(number)
}

/// Below 30 dB a mark would be plain to see, above 60 dB rounding leaves nothing of it.
pub(super) fn decibels(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (30.0..=60.0).contains(&value) {
        Ok(value)
    } else {
        Err("give 30 to 60 dB".to_owned())
    }
}

/// The names that `--format` takes: documents of a whole run, formats of a table, and of a plot.
pub(super) fn format_names() -> Vec<&'static str> {
    let documents = DOCUMENTS.iter().map(|document| document.name);
    let tables = FORMATS.iter().map(|format| format.name);
    let mut names: Vec<&str> = documents.collect();
    names.extend(tables.filter(|name| DOCUMENTS.iter().all(|document| document.name != *name)));
    names.extend(PICTURES.iter().map(|picture| picture.extension));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_taken_as_people_write_them() {
        for (text, count) in [
            ("0", 0),
            ("10000", 10_000),
            ("10,000", 10_000),
            ("1_000_000", 1_000_000),
            ("10k", 10_000),
            ("2.5K", 2_500),
            ("1M", 1_000_000),
            (" 7 ", 7),
        ] {
            assert_eq!(count_of(text), Some(count), "{text}");
        }
        for text in [
            "",
            "k",
            "-1",
            "1,00",
            "1000,000",
            "1.5",
            "1.0001k",
            "ten",
            "1e3",
            "9999999999999999999k",
            ",000",
        ] {
            assert_eq!(count_of(text), None, "{text}");
        }
        assert!(counted(1..=10)("11").is_err() && counted(1..=10)("10") == Ok(10));
    }
}
