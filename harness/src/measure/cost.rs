//! What proofs cost, from measured sizes and times and a dated list of prices.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use credlink_reports::RunDir;
use credlink_reports::rows::read_columns;
use credlink_trial_record::Trial;
use serde::{Deserialize, Serialize};

/// The price file, as written in TOML.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePrices {
    currency: Option<String>,
    date: Option<String>,
    #[serde(default)]
    price: Vec<WirePrice>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePrice {
    item: String,
    amount: f64,
    source: String,
}

/// What can have a price: its name in the file, and the unit that the amount is for.
pub const ITEMS: [(&str, &str); 4] = [
    ("cpu-hour", "one CPU core for an hour"),
    ("storage-gb-month", "10^9 bytes kept for a month"),
    ("million-requests", "10^6 requests"),
    ("egress-gb", "10^9 bytes sent"),
];

/// A valid list of prices.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    /// ISO 4217 code of the currency.
    pub currency: String,
    /// When the prices were looked up.
    pub date: String,
    /// Amount and source by the order of [`ITEMS`].
    pub amounts: [(f64, String); ITEMS.len()],
}

impl Prices {
    /// Reads a price file.
    ///
    /// # Errors
    /// When it has no currency or date, lacks an item, names one twice or one that is unknown, or an amount is no price.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let name = path.display();
        let wire: WirePrices =
            toml::from_str(text).with_context(|| format!("{name} is not a price file"))?;
        let Some(currency) = wire.currency else {
            bail!("{name} names no currency; add a line such as currency = \"EUR\"");
        };
        if currency.len() != 3 || !currency.chars().all(|c| c.is_ascii_uppercase()) {
            bail!("{name}: currency {currency:?} is no ISO 4217 code such as \"EUR\"");
        }
        let Some(date) = wire.date else {
            bail!("{name} has no date; prices without one cannot be judged");
        };
        let mut amounts = ITEMS.map(|_| None);
        for price in wire.price {
            let Some(place) = ITEMS.iter().position(|(item, _)| *item == price.item) else {
                let known = ITEMS.map(|(item, _)| item).join(", ");
                bail!(
                    "{name}: item {:?} is unknown; there are {known}",
                    price.item
                );
            };
            if !price.amount.is_finite() || price.amount < 0.0 {
                bail!(
                    "{name}: {} costs {}, which is no price",
                    price.item,
                    price.amount
                );
            }
            if price.source.trim().is_empty() {
                bail!("{name}: the price of {} has no source", price.item);
            }
            if amounts[place]
                .replace((price.amount, price.source))
                .is_some()
            {
                bail!("{name}: {} has two prices", price.item);
            }
        }
        let mut found = Vec::new();
        for ((item, _), amount) in ITEMS.iter().zip(amounts) {
            found.push(amount.with_context(|| format!("{name} has no price for {item}"))?);
        }
        Ok(Self {
            currency,
            date,
            amounts: found
                .try_into()
                .map_err(|_| anyhow::anyhow!("{name} lacks a price"))?,
        })
    }
}

/// What a proof takes, measured in a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Signed images behind the means.
    pub images: u64,
    /// Verifications behind the means.
    pub verifications: u64,
    /// Mean time to sign, seconds; wall-clock time on one core of a busy machine, so an upper bound of its CPU time.
    pub sign_s: f64,
    /// Mean time to verify, seconds, likewise.
    pub verify_s: f64,
    /// Bytes in the proof store for each proof.
    pub store_bytes: f64,
    /// Bytes that signing adds to a file; negative where coding it anew saves more.
    pub added_bytes: f64,
}

impl Measured {
    /// Measures a finished run.
    ///
    /// # Errors
    /// When rows or the proof store cannot be read, or nothing was signed.
    pub fn of(run_dir: &RunDir) -> Result<Self> {
        let columns = &[
            "trial",
            "image",
            "sign_ns",
            "verify_ns",
            "source_bytes",
            "signed_bytes",
        ];
        credlink_reports::bound_header(run_dir)?;
        let rows = read_columns(&run_dir.rows(), columns, &["accepted"])?;
        let (trial, image) = (rows.texts("trial")?, rows.small("image")?);
        let big = |name: &str| rows.big(name);
        let (sign, verify) = (big("sign_ns")?, big("verify_ns")?);
        let (source, signed) = (big("source_bytes")?, big("signed_bytes")?);
        let mut seen = std::collections::HashSet::new();
        // A file may shrink by being coded anew, so growth is a difference of sums.
        let (mut sign_ns, mut verify_ns, mut before, mut after) = (0_u128, 0_u128, 0_u128, 0_u128);
        let mut verifications = 0;
        for row in 0..rows.len() {
            if trial.get(row) != Some(Trial::Signed.as_str()) {
                continue;
            }
            let nanos = verify.get(row).unwrap_or(0);
            if nanos > 0 {
                verifications += 1;
                verify_ns += u128::from(nanos);
            }
            let nanos = sign.get(row).unwrap_or(0);
            if nanos > 0 && seen.insert(image.get(row)) {
                sign_ns += u128::from(nanos);
                before += u128::from(source.get(row).unwrap_or(0));
                after += u128::from(signed.get(row).unwrap_or(0));
            }
        }
        let images = seen.len() as u64;
        if images == 0 || verifications == 0 {
            bail!(
                "{} has no signed and verified op to measure",
                run_dir.root().display()
            );
        }
        let mean = |sum: u128, n: u64| sum as f64 / n as f64;
        Ok(Self {
            images,
            verifications,
            sign_s: mean(sign_ns, images) / 1e9,
            verify_s: mean(verify_ns, verifications) / 1e9,
            store_bytes: mean(u128::from(size(&run_dir.proofs())?), images),
            added_bytes: mean(after, images) - mean(before, images),
        })
    }
}

fn size(folder: &Path) -> Result<u64> {
    let read = |path: &PathBuf| format!("failed to read {}", path.display());
    let mut sum = 0;
    let folder = folder.to_path_buf();
    for entry in std::fs::read_dir(&folder).with_context(|| read(&folder))? {
        sum += entry?.metadata()?.len();
    }
    Ok(sum)
}

/// The traffic that a cost is for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Traffic {
    /// Proofs made in a month.
    pub proofs: f64,
    /// Verifications of each proof in its life.
    pub verifications: f64,
    /// Months that a proof is kept.
    pub months_kept: f64,
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// What it is for.
    pub what: &'static str,
    /// Cost of 1,000 proofs over their life.
    pub per_thousand: f64,
    /// Cost of a month at the traffic, once as many proofs are kept as are kept at a time.
    pub per_month: f64,
}

/// The bill.
#[must_use]
pub fn bill(measured: &Measured, prices: &Prices, traffic: Traffic) -> Vec<Line> {
    let price = |item: usize| prices.amounts[item].0;
    let one = |what, cost: f64| Line {
        what,
        per_thousand: cost * 1e3,
        per_month: cost * traffic.proofs,
    };
    let verifications = traffic.verifications;
    vec![
        one("signing, CPU", measured.sign_s / 3600.0 * price(0)),
        one(
            "verifying, CPU",
            verifications * measured.verify_s / 3600.0 * price(0),
        ),
        one(
            "proof store",
            measured.store_bytes / 1e9 * traffic.months_kept * price(1),
        ),
        one("requests", (1.0 + verifications) / 1e6 * price(2)),
        one(
            "what signing adds to a file, sent at each verification",
            verifications * measured.added_bytes / 1e9 * price(3),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
currency = "EUR"
date = "2026-11-01"
[[price]]
item = "cpu-hour"
amount = 3.6
source = "https://example.org/prices"
[[price]]
item = "storage-gb-month"
amount = 1.0
source = "a"
[[price]]
item = "million-requests"
amount = 1.0
source = "b"
[[price]]
item = "egress-gb"
amount = 1.0
source = "c"
"#;

    fn parsed(text: &str) -> Result<Prices> {
        Prices::parse(text, Path::new("prices.toml"))
    }

    #[test]
    fn a_bill_is_what_a_pocket_calculator_says() {
        let measured = Measured {
            images: 1,
            verifications: 1,
            sign_s: 1.0,
            verify_s: 0.5,
            store_bytes: 1e6,
            added_bytes: 2e6,
        };
        let traffic = Traffic {
            proofs: 2000.0,
            verifications: 2.0,
            months_kept: 10.0,
        };
        let bill = bill(&measured, &parsed(GOOD).unwrap(), traffic);
        let expected = [1.0, 1.0, 10.0, 0.003, 4.0];
        for (line, expected) in bill.iter().zip(expected) {
            assert!((line.per_thousand - expected).abs() < 1e-9, "{line:?}");
            assert!((line.per_month - 2.0 * expected).abs() < 1e-9, "{line:?}");
        }
    }

    #[test]
    fn a_price_file_without_currency_date_source_or_price_is_refused_by_name() {
        for (from, to, word) in [
            ("currency = \"EUR\"", "", "currency"),
            ("\"EUR\"", "\"euros\"", "ISO 4217"),
            ("date = \"2026-11-01\"", "", "date"),
            ("source = \"a\"", "source = \" \"", "source"),
            ("amount = 3.6", "amount = -1.0", "no price"),
            ("\"egress-gb\"", "\"egress\"", "unknown"),
            ("\"egress-gb\"", "\"cpu-hour\"", "two prices"),
            ("amount = 3.6", "amount = \"3.6\"", "not a price file"),
        ] {
            let error = format!("{:#}", parsed(&GOOD.replace(from, to)).unwrap_err());
            assert!(
                error.contains(word) && error.contains("prices.toml"),
                "{word}: {error}"
            );
        }
        let error = format!(
            "{:#}",
            parsed("currency = \"EUR\"\ndate = \"x\"").unwrap_err()
        );
        assert!(error.contains("no price for cpu-hour"), "{error}");
    }
}
