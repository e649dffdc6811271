//! `credlink measure`, `credlink cost` and `credlink bench-report`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use credlink_harness::measure::{bench, cost, deploy, instructions, load};
use credlink_harness::{exit, machine};
use credlink_reports::RunDir;
use credlink_reports::figures::{count, duration};
use serde_json::{Value as Json, json};

use crate::cli::{BenchReportArgs, CostArgs, LoadArgs, MeasureArgs, MeasureCommand, Service};

pub(crate) fn run(args: &MeasureArgs) -> Result<u8> {
    match &args.command {
        MeasureCommand::Deploy {
            runs,
            json,
            command,
        } => deployment(*runs, *json, command),
        MeasureCommand::Load(args) => match (&args.url, args.service) {
            (Some(url), _) => super::outside::load(args, url),
            (None, Some(service)) => under_load(args, service),
            (None, None) => bail!("name a service, or a URL"),
        },
        MeasureCommand::Smoke(args) => super::outside::smoke(args),
        MeasureCommand::Probe(args) => super::outside::probe(args),
    }
}

fn deployment(runs: u32, as_json: bool, command: &[String]) -> Result<u8> {
    let found = deploy::measure(command, runs)?;
    if as_json {
        super::say(&serde_json::to_string_pretty(&found)?)?;
        return Ok(exit::OK);
    }
    let mut text = format!(
        "command   {}\nruns      {runs}, each ended with success\nmean      {:.3} s",
        command.join(" "),
        found.mean
    );
    if let Some((low, high)) = found.interval {
        write!(text, " [{low:.3}, {high:.3}] (Student's 95 % interval)")?;
    }
    write!(text, "\nmedian    {:.3} s", found.median)?;
    if let Some(deviation) = found.deviation {
        write!(text, "\nspread    {deviation:.3} s (standard deviation)")?;
    }
    text.push_str(
        "\nassumes   wall-clock time from start to end of the command on this machine; runs alike and independent",
    );
    super::say(&text)?;
    Ok(exit::OK)
}

/// The result for machines.
fn told_as_json(
    service: Service,
    load: load::Load,
    found: &load::Measured,
    rows: &[(f64, u64, u64)],
) -> Result<u8> {
    let n = found.latency.len();
    let percentiles: Vec<_> = rows
        .iter()
        .map(|(share, latency, service)| json!({"quantile": share, "latency_ns": latency, "service_ns": service}))
        .collect();
    let report = json!({
        "service": format!("{service:?}").to_lowercase(),
        "rate": load.rate, "seconds": load.seconds, "threads": load.threads,
        "requests": n, "errors": found.errors, "answered_rate": found.answered_rate,
        "max_ns": found.latency.max(), "percentiles": percentiles,
    });
    super::say(&serde_json::to_string_pretty(&report)?)?;
    Ok(exit::OK)
}

fn under_load(args: &LoadArgs, service: Service) -> Result<u8> {
    let threads = args
        .threads
        .unwrap_or(u64::from(machine::describe().cores.max(1)));
    let load = load::Load {
        rate: args.rate,
        seconds: args.seconds,
        threads: usize::try_from(threads)?,
        images: 20,
    };
    if !(load.rate > 0.0 && load.rate.is_finite() && load.seconds > 0.0 && load.seconds.is_finite())
    {
        bail!("rate and seconds must be above 0");
    }
    let what = match service {
        Service::Sign => load::Service::Sign,
        Service::Verify => load::Service::Verify,
        Service::Retrieve => load::Service::Retrieve,
    };
    let found = load::measure(what, load, args.seed)?;
    let n = found.latency.len();
    // As in the tables: a percentile needs about ten values beyond it.
    let shares = [0.5, 0.9, 0.95, 0.99, 0.999].into_iter();
    let rows: Vec<(f64, u64, u64)> = shares
        .filter(|share| n as f64 * (1.0 - share) >= 10.0 - 1e-9)
        .map(|share| {
            let at = |histogram: &hdrhistogram::Histogram<u64>| histogram.value_at_quantile(share);
            (share, at(&found.latency), at(&found.service))
        })
        .collect();
    if args.json {
        return told_as_json(service, load, &found, &rows);
    }
    let mut text = format!(
        "{:?} at {} requests a second for {} s, {} threads, {} requests, {} errors, {:.1} answered a second\n\n{:<8}{:>14}{:>16}\n",
        service,
        load.rate,
        load.seconds,
        load.threads,
        count(n),
        count(found.errors),
        found.answered_rate,
        "",
        "from plan",
        "service alone"
    );
    for (share, latency, service) in rows {
        let name = format!("p{}", (share * 1000.0).round() / 10.0);
        writeln!(
            text,
            "{name:<8}{:>14}{:>16}",
            duration(latency),
            duration(service)
        )?;
    }
    let (latency, service) = (found.latency.max(), found.service.max());
    write!(
        text,
        "{:<8}{:>14}{:>16}",
        "max",
        duration(latency),
        duration(service)
    )?;
    text.push_str(
        "\n\nassumes   synthetic images in memory, no network; latency counts from the planned time of a request",
    );
    if found.answered_rate < 0.95 * load.rate {
        text.push_str(
            "\n\nThe machine did not keep up: latencies grow with the length of such a run.",
        );
    }
    super::say(&text)?;
    Ok(exit::OK)
}

pub(crate) fn cost(args: &CostArgs) -> Result<u8> {
    let text = String::from_utf8(super::read(&args.prices)?)
        .with_context(|| format!("{} is not text", args.prices.display()))?;
    let prices = cost::Prices::parse(&text, &args.prices)?;
    let measured = cost::Measured::of(&RunDir::open(&args.run)?)?;
    let traffic = cost::Traffic {
        proofs: args.proofs_a_month as f64,
        verifications: args.verifications,
        months_kept: args.months_kept,
    };
    if !(traffic.verifications >= 0.0 && traffic.months_kept >= 0.0) {
        bail!("verifications and months kept cannot be below 0");
    }
    let bill = cost::bill(&measured, &prices, traffic);
    let total = |of: fn(&cost::Line) -> f64| bill.iter().map(of).sum::<f64>();
    let (thousand, month) = (
        total(|line| line.per_thousand),
        total(|line| line.per_month),
    );
    if args.json {
        let report = json!({
            "currency": prices.currency, "date": prices.date, "measured": measured, "traffic": traffic,
            "lines": bill, "per_thousand": thousand, "per_month": month,
        });
        super::say(&serde_json::to_string_pretty(&report)?)?;
        return Ok(exit::OK);
    }
    let currency = &prices.currency;
    let mut text = format!("{:<56}{:>16}{:>16}\n", "", "1,000 proofs", "a month");
    for line in &bill {
        writeln!(
            text,
            "{:<56}{:>12.6} {currency}{:>12.4} {currency}",
            line.what, line.per_thousand, line.per_month
        )?;
    }
    writeln!(
        text,
        "{:<56}{thousand:>12.6} {currency}{month:>12.4} {currency}",
        "together"
    )?;
    writeln!(text, "\nAssumed:")?;
    writeln!(
        text,
        "  {} proofs a month, each verified {} times and kept for {} months",
        count(args.proofs_a_month),
        traffic.verifications,
        traffic.months_kept
    )?;
    writeln!(
        text,
        "  signing {:.1} ms and verifying {:.1} ms of one core (means of {} images and {} verifications of this run; wall-clock, so rather too much)",
        measured.sign_s * 1e3,
        measured.verify_s * 1e3,
        count(measured.images),
        count(measured.verifications)
    )?;
    writeln!(
        text,
        "  {:.0} bytes in the proof store and {:.0} bytes added to the file, each proof",
        measured.store_bytes, measured.added_bytes
    )?;
    write!(text, "  prices of {}, per unit:", prices.date)?;
    for ((item, unit), (amount, source)) in cost::ITEMS.iter().zip(&prices.amounts) {
        write!(
            text,
            "\n    {item:<18}{amount} {currency} for {unit} ({source})"
        )?;
    }
    super::say(&text)?;
    Ok(exit::OK)
}

pub(crate) fn bench_report(args: &BenchReportArgs) -> Result<u8> {
    if let (Some(program), Some(counts)) = (&args.instructions, &args.counts) {
        return instruction_report(program, counts, args.json);
    }
    let first = bench::read(&args.criterion, &args.baseline)?;
    let judged = bench::judged(first, |known| {
        super::complain(&format!("measuring {} again", known.id));
        again(&args.criterion, &args.baseline, known)
    })?;
    if args.json {
        let lines = judged.iter().map(|(known, verdict)| {
            let (change, low, high) = known.change;
            json!({
                "benchmark": known.id,
                "baseline": known.means.0,
                "now": known.means.1,
                "change": change,
                "interval": [low, high],
                "verdict": verdict.as_str(),
            })
        });
        let lines: Vec<Json> = lines.collect();
        super::say(&format!(
            "{:#}",
            json!({ "baseline": args.baseline, "lines": lines })
        ))?;
        let slower = |(_, verdict): &(_, _)| *verdict == bench::Verdict::Slower;
        let is_slower = judged.iter().any(slower);
        return Ok(if is_slower { exit::DIFFERS } else { exit::OK });
    }
    let mut text = String::from(
        "| benchmark | baseline | now | change | verdict |\n| --- | ---: | ---: | ---: | --- |\n",
    );
    for (known, verdict) in &judged {
        let (change, low, high) = known.change;
        writeln!(
            text,
            "| {} | {} | {} | {:+.1} % [{:+.1}, {:+.1}] | {} |",
            known.id,
            duration(known.means.0 as u64),
            duration(known.means.1 as u64),
            change * 100.0,
            low * 100.0,
            high * 100.0,
            verdict.as_str()
        )?;
    }
    let slower = judged
        .iter()
        .filter(|(_, verdict)| *verdict == bench::Verdict::Slower)
        .count();
    write!(
        text,
        "\n{slower} of {} slower than baseline {}. A change counts if the whole 95 % interval lies beyond {} %, in two measurements.",
        judged.len(),
        args.baseline,
        bench::LEAST * 100.0
    )?;
    super::say(&text)?;
    Ok(if slower > 0 { exit::DIFFERS } else { exit::OK })
}

/// Measures one benchmark again with cargo, against the same baseline.
fn again(criterion: &Path, baseline: &str, known: &bench::Compared) -> Result<bench::Compared> {
    let status = Command::new("cargo")
        .args([
            "bench",
            "-p",
            "credlink-benches",
            "--",
            "--baseline",
            baseline,
            "--exact",
            &known.id,
        ])
        .status()
        .context("failed to start cargo")?;
    if !status.success() {
        bail!("cargo bench failed on {} ({status})", known.id);
    }
    let all = bench::read(criterion, baseline)?;
    let found = all.into_iter().find(|again| again.id == known.id);
    found.with_context(|| format!("{} was not measured again", known.id))
}

fn instruction_report(program: &Path, counts: &Path, as_json: bool) -> Result<u8> {
    let now = instructions::count(program)?;
    if !counts.exists() {
        super::write_new(counts, serde_json::to_string_pretty(&now)?.as_bytes())?;
        super::say(&format!(
            "{} cases counted into {}",
            now.len(),
            counts.display()
        ))?;
        return Ok(exit::OK);
    }
    let before = serde_json::from_slice(&super::read(counts)?).with_context(|| {
        format!(
            "{} holds no counts; delete it to count anew",
            counts.display()
        )
    })?;
    let found = instructions::compared(&before, &now);
    let is_wrong = found.iter().any(|case| case.is_gone() || case.is_slower());
    if as_json {
        let lines = found.iter().map(|case| {
            json!({
                "case": case.case,
                "baseline": case.counts.0,
                "now": case.counts.1,
                "change": case.change,
                "gone": case.is_gone(),
                "slower": case.is_slower(),
            })
        });
        super::say(&format!("{:#}", Json::from(lines.collect::<Vec<_>>())))?;
        return Ok(if is_wrong { exit::DIFFERS } else { exit::OK });
    }
    let mut text = String::from(
        "| case | baseline | now | change | verdict |\n| --- | ---: | ---: | ---: | --- |\n",
    );
    for case in &found {
        let baseline = case.counts.0.map_or_else(|| "–".to_owned(), count);
        let change = case
            .change
            .map_or_else(|| "–".to_owned(), |c| format!("{:+.2} %", c * 100.0));
        let verdict = if case.is_gone() {
            "GONE"
        } else if case.is_slower() {
            "SLOWER"
        } else {
            "ok"
        };
        let now = case.counts.1.map_or_else(|| "–".to_owned(), count);
        writeln!(
            text,
            "| {} | {baseline} | {now} | {change} | {verdict} |",
            case.case
        )?;
    }
    write!(
        text,
        "\nInstructions under callgrind, preparation taken off; growth above {} % and lost cases are reported.",
        instructions::LEAST * 100.0
    )?;
    super::say(&text)?;
    Ok(if is_wrong { exit::DIFFERS } else { exit::OK })
}
