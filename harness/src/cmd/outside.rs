//! `credlink measure load --url`, `measure smoke` and `measure probe`: a service from outside.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use credlink_harness::exit;
use credlink_harness::measure::outside::load::{Load, Measured, Outcome};
use credlink_harness::measure::outside::probe::{self, Plan};
use credlink_harness::measure::outside::{Target, load, smoke};
use credlink_reports::availability;
use credlink_reports::figures::{count, duration};
use credlink_service::watch::Service;
use serde_json::json;

use crate::cli::{LoadArgs, ProbeArgs, SmokeArgs};

/// Pictures that a load signs at most; then it begins again.
const MOST_IMAGES: u32 = 500;

/// Weights by service, as `sign=20,verify=80`.
fn mix(text: &str) -> Result<[u32; 3]> {
    let mut mix = [0; 3];
    for part in text.split(',') {
        let wrong = || format!("{part:?} in the mix: sign=N, verify=N or retrieve=N");
        let (name, weight) = part.split_once('=').with_context(wrong)?;
        let place = Service::ALL.iter().position(|known| known.name() == name);
        mix[place.with_context(wrong)?] = weight.parse().with_context(wrong)?;
    }
    if mix.iter().map(|weight| u64::from(*weight)).sum::<u64>() == 0 {
        bail!("the mix asks for nothing");
    }
    Ok(mix)
}

pub(crate) fn load(args: &LoadArgs, url: &str) -> Result<u8> {
    let is_above_0 = |value: f64| value > 0.0 && value.is_finite();
    if !is_above_0(args.rate) || !is_above_0(args.seconds) {
        bail!("rate and seconds must be above 0");
    }
    let mix = mix(&args.mix)?;
    let all: u32 = mix.iter().sum();
    let signatures = args.rate * args.seconds * f64::from(mix[0]) / f64::from(all);
    let images = args
        .images
        .unwrap_or((signatures.ceil() as u32).clamp(20, MOST_IMAGES));
    let wanted = Load {
        rate: args.rate,
        seconds: args.seconds,
        connections: args.connections as usize,
        mix,
        images: images as usize,
        seed: args.seed,
    };
    let target = Target::new(url, args.key.clone()).map_err(anyhow::Error::msg)?;
    let outcome = load::run(target, &wanted)?;
    if args.json {
        super::say(&serde_json::to_string_pretty(&as_json(&wanted, &outcome))?)?;
    } else {
        super::say(&as_text(&wanted, &outcome)?)?;
    }
    let kept = Service::ALL.into_iter().zip(&outcome.services);
    let kept = kept.filter(|(_, measured)| measured.requests() > 0);
    let all_kept = kept
        .into_iter()
        .all(|(service, measured)| holds(service, measured) == Some(true));
    Ok(if all_kept {
        exit::OK
    } else {
        exit::GATE_FAILED
    })
}

/// Whether a service keeps its level: nothing but right answers, and a p95 under it; `None` where there are too few answers.
fn holds(service: Service, measured: &Measured) -> Option<bool> {
    if measured.shed > 0 || !measured.errors.is_empty() {
        return Some(false);
    }
    let p95 = quantile(&measured.latency, 0.95)?;
    Some(p95 <= 1_000_000 * service.level_millis())
}

/// A percentile, where about ten values lie beyond it, as in the tables.
fn quantile(histogram: &hdrhistogram::Histogram<u64>, share: f64) -> Option<u64> {
    let beyond = histogram.len() as f64 * (1.0 - share);
    (beyond >= 10.0 - 1e-9).then(|| histogram.value_at_quantile(share))
}

const SHARES: [f64; 4] = [0.5, 0.95, 0.99, 0.999];

fn as_json(load: &Load, outcome: &Outcome) -> serde_json::Value {
    let services = Service::ALL.into_iter().zip(&outcome.services);
    let services = services.filter(|(_, measured)| measured.requests() > 0);
    let services = services.map(|(service, measured)| {
        let percentiles = SHARES.map(|share| {
            json!({
                "quantile": share,
                "latency_ns": quantile(&measured.latency, share),
                "service_ns": quantile(&measured.service, share),
            })
        });
        json!({
            "service": service.name(),
            "requests": measured.requests(),
            "answered": measured.latency.len(),
            "shed": measured.shed,
            "errors": measured.errors,
            "percentiles": percentiles,
            "max_ns": measured.latency.max(),
            "level_ms": service.level_millis(),
            "holds": holds(service, measured),
        })
    });
    json!({
        "rate": load.rate, "seconds": load.seconds, "connections": load.connections,
        "images": load.images, "seed": load.seed,
        "elapsed_s": outcome.elapsed, "generator_cpu_s": outcome.generator_cpu,
        "latest_ns": outcome.latest_nanos, "unfound": outcome.unfound,
        "services": services.collect::<Vec<_>>(),
    })
}

fn as_text(load: &Load, outcome: &Outcome) -> Result<String> {
    let mut text = format!(
        "{} requests a second for {} s on {} open connections, {} pictures of 1 megapixel; finished after {:.1} s\n\n",
        load.rate, load.seconds, load.connections, load.images, outcome.elapsed
    );
    writeln!(
        text,
        "{:<10}{:>10}{:>8}{:>8}{:>12}{:>12}{:>12}{:>12}{:>12}  level",
        "", "requests", "shed", "errors", "p50", "p95", "p99", "p99.9", "max"
    )?;
    for (service, measured) in Service::ALL.into_iter().zip(&outcome.services) {
        if measured.requests() == 0 {
            continue;
        }
        write!(
            text,
            "{:<10}{:>10}{:>8}{:>8}",
            service.name(),
            count(measured.requests()),
            count(measured.shed),
            count(measured.errors.values().sum())
        )?;
        for share in SHARES {
            let value = quantile(&measured.latency, share);
            write!(text, "{:>12}", value.map_or("–".to_owned(), duration))?;
        }
        let verdict = match holds(service, measured) {
            Some(true) => "kept",
            Some(false) => "missed",
            None => "too few answers",
        };
        writeln!(
            text,
            "{:>12}  p95 {} ms: {verdict}",
            duration(measured.latency.max()),
            service.level_millis()
        )?;
        for (cause, times) in &measured.errors {
            writeln!(text, "            {times} × {cause}")?;
        }
    }
    write!(
        text,
        "\ngenerator {:.1} CPU seconds, {:.0} % of one core; the latest request was sent {} after its time\n\
         assumes   latency counts from the planned time of a request to the end of its answer; pictures to be verified are half as \
         they were signed, half as JPEG files of quality 80 without metadata; of {} of the {} the proof is not found without a load \
         either, which then is the right answer",
        outcome.generator_cpu,
        100.0 * outcome.generator_cpu / outcome.elapsed,
        duration(outcome.latest_nanos),
        outcome.unfound,
        load.images
    )?;
    Ok(text)
}

pub(crate) fn smoke(args: &SmokeArgs) -> Result<u8> {
    let target = Target::new(&args.url, args.key.clone()).map_err(anyhow::Error::msg)?;
    let steps = smoke::run(target, !args.no_overload)?;
    if args.json {
        super::say(&serde_json::to_string_pretty(&steps)?)?;
    } else {
        let mut text = String::new();
        for step in &steps {
            let word = if step.passed { "ok" } else { "FAILED" };
            writeln!(
                text,
                "{word:<8}{:<32}{:>9.1} ms  {}",
                step.name, step.millis, step.found
            )?;
        }
        super::say(text.trim_end())?;
    }
    let passed = steps.iter().all(|step| step.passed);
    Ok(if passed { exit::OK } else { exit::GATE_FAILED })
}

pub(crate) fn probe(args: &ProbeArgs) -> Result<u8> {
    if let Some(url) = &args.url {
        let target = Target::new(url, args.key.clone()).map_err(anyhow::Error::msg)?;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed))?;
        let plan = Plan {
            every: args.every,
            looks: args.looks,
        };
        probe::run(target, plan, &args.rows, &stop)?;
    }
    let all = availability::summed(&availability::read(&args.rows)?);
    if let Some(path) = &args.metrics {
        availability::write_metrics(path, &all)?;
    }
    if let Some(path) = &args.availability {
        availability::publish(path, &all)?;
    }
    if args.json {
        super::say(&serde_json::to_string_pretty(&all)?)?;
    } else {
        let lines = all.iter();
        let lines = lines.map(|one| format!("{:<8} {}", one.asked.name(), one.words()));
        super::say(&lines.collect::<Vec<_>>().join("\n"))?;
    }
    Ok(exit::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_names_services() {
        assert_eq!(mix("sign=20,verify=80").ok(), Some([20, 80, 0]));
        assert_eq!(mix("retrieve=1").ok(), Some([0, 0, 1]));
        for text in ["", "sign", "sign=x", "sing=1", "sign=0", "sign=1;verify=2"] {
            assert!(mix(text).is_err(), "{text}");
        }
    }
}
