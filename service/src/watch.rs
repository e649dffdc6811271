//! What a service counts about itself: metrics since its start, and the times of the last minutes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use hdrhistogram::Histogram;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram as Buckets, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use serde::Serialize;
use utoipa::ToSchema;

/// Minutes that are looked back.
const MINUTES: usize = 5;
/// Microseconds that are told apart: up to ten minutes, to three digits.
const LONGEST_MICROS: u64 = 600_000_000;

type Labels = Vec<(&'static str, String)>;

/// What is measured of answers, each with its service level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `POST /sign`.
    Sign,
    /// `POST /verify`.
    Verify,
    /// `GET /proofs/{id}` and manifests by id.
    Retrieve,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sign, Self::Verify, Self::Retrieve];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Verify => "verify",
            Self::Retrieve => "retrieve",
        }
    }

    /// What the 95th percentile is to stay under, milliseconds.
    pub fn level_millis(self) -> u64 {
        match self {
            Self::Sign => 500,
            Self::Verify => 200,
            Self::Retrieve => 100,
        }
    }

    /// The service behind a route.
    fn of(route: &str) -> Option<Self> {
        match route {
            "/sign" => Some(Self::Sign),
            "/verify" => Some(Self::Verify),
            "/proofs/{id}" | "/v1/manifests/{activeManifestId}" => Some(Self::Retrieve),
            _ => None,
        }
    }
}

/// Answers of one minute.
#[derive(Debug)]
struct Minute {
    number: u64,
    micros: [Histogram<u64>; 3],
    answers: [u64; 3],
    faults: [u64; 3],
}

/// Counters, and the last minutes.
#[derive(Debug)]
pub struct Watch {
    start: Instant,
    registry: Registry,
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Buckets, fn() -> Buckets>,
    shed: Family<Labels, Counter>,
    proofs: Gauge<i64, AtomicI64>,
    cpu: Counter<f64, AtomicU64>,
    memory: Gauge<i64, AtomicI64>,
    minutes: Mutex<VecDeque<Minute>>,
}

/// The last minutes of one service.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Recent {
    /// Its name.
    pub service: &'static str,
    /// Answers, those of errors among them.
    pub answers: u64,
    /// Answers of status 500 and above, 503 for want of a place among them.
    pub errors: u64,
    /// Median, milliseconds; none where fewer than 20 were answered without error.
    pub p50_ms: Option<f64>,
    /// 95th percentile; none below 100 answers.
    pub p95_ms: Option<f64>,
    /// 99th percentile; none below 500 answers.
    pub p99_ms: Option<f64>,
    /// What the 95th percentile is to stay under.
    pub level_ms: u64,
    /// Whether it does; none where it is not known.
    pub is_met: Option<bool>,
}

fn buckets() -> Buckets {
    Buckets::new(exponential_buckets(0.001, 2.0, 15))
}

impl Watch {
    /// Nothing counted yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("credlink");
        let requests: Family<Labels, Counter> = Family::default();
        let seconds = Family::<Labels, Buckets, fn() -> Buckets>::new_with_constructor(buckets);
        let shed: Family<Labels, Counter> = Family::default();
        let (proofs, memory) = (Gauge::default(), Gauge::default());
        let cpu = Counter::<f64, AtomicU64>::default();
        registry.register(
            "requests",
            "Answers by route, method and status",
            requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time from the end of the headers to the beginning of the answer",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register(
            "shed",
            "Requests that were turned away, by cause",
            shed.clone(),
        );
        registry.register("proofs", "Proofs that can be found", proofs.clone());
        registry.register_with_unit("cpu", "CPU time of the process", Unit::Seconds, cpu.clone());
        registry.register_with_unit(
            "resident_memory",
            "Memory of the process",
            Unit::Bytes,
            memory.clone(),
        );
        Self {
            start: Instant::now(),
            registry,
            requests,
            seconds,
            shed,
            proofs,
            cpu,
            memory,
            minutes: Mutex::default(),
        }
    }

    /// Counts an answer.
    pub fn answered(&self, route: &str, method: &str, status: u16, code: &str, micros: u64) {
        let labels = vec![
            ("route", route.to_owned()),
            ("method", method.to_owned()),
            ("status", status.to_string()),
        ];
        self.requests.get_or_create(&labels).inc();
        let of_route = vec![("route", route.to_owned())];
        self.seconds
            .get_or_create(&of_route)
            .observe(micros as f64 / 1e6);
        if matches!(code, "overloaded" | "rate-limited" | "ending") {
            let cause = vec![("cause", code.to_owned())];
            self.shed.get_or_create(&cause).inc();
        }
        if let Some(service) = Service::of(route) {
            self.note(service as usize, status, micros);
        }
    }

    fn note(&self, service: usize, status: u16, micros: u64) {
        let now = self.start.elapsed().as_secs() / 60;
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.back().is_none_or(|last| last.number != now) {
            let Some(minute) = Minute::new(now) else {
                return;
            };
            minutes.push_back(minute);
        }
        while minutes.len() > MINUTES {
            minutes.pop_front();
        }
        if let Some(minute) = minutes.back_mut() {
            minute.answers[service] += 1;
            if status >= 500 {
                minute.faults[service] += 1;
            } else {
                minute.micros[service].saturating_record(micros);
            }
        }
    }

    /// Seconds since the service started.
    pub fn uptime_seconds(&self) -> u64 {
        self.start.elapsed().as_secs()
    }

    /// The last minutes by service.
    pub fn recent(&self) -> Vec<Recent> {
        let now = self.uptime_seconds() / 60;
        let minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = minutes
            .iter()
            .filter(|minute| minute.number + MINUTES as u64 > now);
        let recent: Vec<&Minute> = recent.collect();
        let each = Service::ALL.into_iter().enumerate().map(|(at, service)| {
            let mut micros = recent.first().map(|minute| minute.micros[at].clone());
            for minute in recent.iter().skip(1) {
                if let Some(all) = &mut micros {
                    // Of the same bounds, so that nothing is lost.
                    let _ = all.add(&minute.micros[at]);
                }
            }
            let quantile = |share: f64, least: u64| {
                let micros = micros.as_ref().filter(|all| all.len() >= least)?;
                Some(micros.value_at_quantile(share) as f64 / 1e3)
            };
            let p95_ms = quantile(0.95, 100);
            Recent {
                service: service.name(),
                answers: recent.iter().map(|minute| minute.answers[at]).sum(),
                errors: recent.iter().map(|minute| minute.faults[at]).sum(),
                p50_ms: quantile(0.5, 20),
                p95_ms,
                p99_ms: quantile(0.99, 500),
                level_ms: service.level_millis(),
                is_met: p95_ms.map(|p95| p95 <= service.level_millis() as f64),
            }
        });
        each.collect()
    }

    /// Everything counted, as OpenMetrics text.
    pub fn metrics(&self, proofs: usize, usage: (u64, u64)) -> String {
        self.proofs.set(proofs as i64);
        let cpu = usage.0 as f64 / 1e9;
        self.cpu.inc_by((cpu - self.cpu.get()).max(0.0));
        self.memory.set(usage.1 as i64);
        let mut text = String::new();
        // Writing into memory does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

impl Minute {
    fn new(number: u64) -> Option<Self> {
        let empty = Histogram::new_with_bounds(1, LONGEST_MICROS, 3).ok()?;
        Some(Self {
            number,
            micros: [empty.clone(), empty.clone(), empty],
            answers: [0; 3],
            faults: [0; 3],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_need_enough_answers_and_errors_have_none() {
        let watch = Watch::new();
        for micros in 1..=99 {
            watch.answered("/sign", "POST", 200, "", 10_000 * micros);
        }
        watch.answered("/sign", "POST", 503, "overloaded", 1);
        let sign = |watch: &Watch| watch.recent().remove(0);
        assert_eq!((sign(&watch).answers, sign(&watch).errors), (100, 1));
        assert_eq!(sign(&watch).p95_ms, None);
        assert!((sign(&watch).p50_ms.unwrap() - 500.0).abs() < 1.0);
        watch.answered("/sign", "POST", 200, "", 1_000_000);
        let p95 = sign(&watch).p95_ms.unwrap();
        assert!((949.0..952.0).contains(&p95), "{p95}");
        assert_eq!(sign(&watch).is_met, Some(false));
        let text = watch.metrics(7, (2_000_000_000, 5));
        for wanted in [
            "credlink_requests_total{route=\"/sign\",method=\"POST\",status=\"200\"} 100",
            "credlink_shed_total{cause=\"overloaded\"} 1",
            "credlink_proofs 7",
            "credlink_cpu_seconds_total 2",
            "# EOF",
        ] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
    }
}
