//! Latency of a service under an open-loop load over HTTP.
//!
//! Requests are due at planned times, whether or not earlier ones are answered, and a latency counts from the planned time
//! ("coordinated omission"; G. Tene, "How NOT to measure latency", 2013). A thousand users are a thousand open connections,
//! each of which asks at random, independent of the others: exponential times between its requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hdrhistogram::Histogram;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use tokio::task::JoinSet;

use super::Target;
use super::connection::{Answer, Connection, Question};
use super::pictures;
use crate::clock;
use crate::measure::load::Service;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections that are opened in a second, before the load.
const OPENED_A_SECOND: u32 = 500;

/// A load.
#[derive(Clone, Debug)]
pub struct Load {
    /// Requests a second, over all connections.
    pub rate: f64,
    /// How long requests are due, seconds.
    pub seconds: f64,
    /// Open connections.
    pub connections: usize,
    /// Weights of signing, verifying and retrieving.
    pub mix: [u32; 3],
    /// Distinct images.
    pub images: usize,
    /// Seed of images and times.
    pub seed: u64,
}

/// What was measured of one service.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Latencies from the planned time to the end of the answer, of answers of status 200, nanoseconds within 0.1 %.
    pub latency: Histogram<u64>,
    /// The same from the moment at which the request was sent.
    pub service: Histogram<u64>,
    /// Requests that were turned away, 429 and 503.
    pub shed: u64,
    /// Requests without an answer, with another status, or with a wrong answer; by cause.
    pub errors: BTreeMap<String, u64>,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// By service, in the order of [`Load::mix`].
    pub services: [Measured; 3],
    /// Wall-clock seconds.
    pub elapsed: f64,
    /// CPU seconds of the generator.
    pub generator_cpu: f64,
    /// Pictures to be verified whose proof is not found without a load either, so that this is the right answer.
    pub unfound: usize,
    /// The latest that a request was sent after its time because the generator had no time for it, nanoseconds.
    pub latest_nanos: u64,
}

impl Measured {
    fn new() -> Result<Self> {
        let histogram = || Histogram::new_with_bounds(1, 3_600_000_000_000, 3);
        Ok(Self {
            latency: histogram()?,
            service: histogram()?,
            shed: 0,
            errors: BTreeMap::new(),
        })
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.latency.len() + self.shed + self.errors.values().sum::<u64>()
    }

    fn add(&mut self, other: &Self) -> Result<()> {
        self.latency.add(&other.latency)?;
        self.service.add(&other.service)?;
        self.shed += other.shed;
        for (cause, count) in &other.errors {
            *self.errors.entry(cause.clone()).or_default() += count;
        }
        Ok(())
    }
}

/// What is asked, ready to be sent.
struct Questions {
    sign: Vec<Question>,
    verify: Vec<Verify>,
    retrieve: Vec<Question>,
}

/// A picture to be verified. The right answer is that of the service before it was under load: whether proofs survive is measured
/// elsewhere.
struct Verify {
    question: Question,
    proof: String,
    is_found: bool,
}

/// Signs pictures at the service, and then loads it.
///
/// # Errors
/// When pictures cannot be made, the service does not sign them, or a connection cannot be opened.
pub fn run(target: Target, load: &Load) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(loaded(Arc::new(target), load))
}

async fn loaded(target: Arc<Target>, load: &Load) -> Result<Outcome> {
    if load.mix.iter().sum::<u32>() == 0 {
        bail!("the mix is empty");
    }
    let questions = Arc::new(prepared(&target, load).await?);
    let unfound = questions.verify.iter().filter(|verify| !verify.is_found);
    let unfound = unfound.count();
    let mut connections = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        let mut connection = Connection::to(Arc::clone(&target), PATIENCE);
        let opened = connection.open().await.map(drop);
        opened.map_err(|why| anyhow::anyhow!("connection {number}: {why}"))?;
        connections.push(connection);
        if number as u32 % OPENED_A_SECOND == OPENED_A_SECOND - 1 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    let before = clock::process_nanos();
    let start = Instant::now();
    let mut users = JoinSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        let user = User {
            number,
            connection,
            start,
            load: load.clone(),
            questions: Arc::clone(&questions),
            dice: ChaCha8Rng::seed_from_u64(load.seed.wrapping_add(number as u64)),
        };
        users.spawn(user.asks());
    }
    let mut services = [Measured::new()?, Measured::new()?, Measured::new()?];
    let mut latest_nanos = 0;
    while let Some(user) = users.join_next().await {
        let (measured, late) = user.context("a user of the load failed")??;
        for (all, one) in services.iter_mut().zip(&measured) {
            all.add(one)?;
        }
        latest_nanos = latest_nanos.max(late);
    }
    Ok(Outcome {
        services,
        elapsed: start.elapsed().as_secs_f64(),
        generator_cpu: (clock::process_nanos() - before) as f64 / 1e9,
        unfound,
        latest_nanos,
    })
}

/// Pictures of one megapixel; those to be verified are half as they were signed, half as many services deliver them: JPEG of
/// quality 80, without metadata.
async fn prepared(target: &Arc<Target>, load: &Load) -> Result<Questions> {
    let mut connection = Connection::to(Arc::clone(target), PATIENCE);
    let mut questions = Questions {
        sign: Vec::new(),
        verify: Vec::new(),
        retrieve: Vec::new(),
    };
    for (number, picture) in pictures::of_a_megapixel(load.images.max(1), load.seed)?
        .into_iter()
        .enumerate()
    {
        let sign = Question::post("/sign", picture);
        let answer = connection.ask(&sign).await.map_err(anyhow::Error::msg)?;
        let proof = answer.header("x-credlink-proof").map(str::to_owned);
        let Some(proof) = proof.filter(|_| answer.status == 200) else {
            bail!("the service did not sign a picture: {}", said(&answer));
        };
        let received = if number % 2 == 0 {
            answer.body
        } else {
            pictures::as_delivered(&answer.body)?
        };
        questions.sign.push(sign);
        let question = Question::post("/verify", received);
        let answer = connection
            .ask(&question)
            .await
            .map_err(anyhow::Error::msg)?;
        if answer.status != 200 {
            bail!("the service did not verify a picture: {}", said(&answer));
        }
        let retrieve = Question::get(format!("/proofs/{proof}"));
        questions.retrieve.push(retrieve);
        questions.verify.push(Verify {
            is_found: finds(&answer.json(), &proof),
            question,
            proof,
        });
    }
    Ok(questions)
}

/// A status and the beginning of what came with it.
fn said(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let text: String = text.chars().take(300).collect();
    format!("status {}, {text}", answer.status)
}

/// One open connection, and whoever asks on it.
struct User {
    number: usize,
    connection: Connection,
    start: Instant,
    load: Load,
    questions: Arc<Questions>,
    dice: ChaCha8Rng,
}

impl User {
    async fn asks(mut self) -> Result<([Measured; 3], u64)> {
        let mut services = [Measured::new()?, Measured::new()?, Measured::new()?];
        let own_rate = self.load.rate / self.load.connections as f64;
        let mut planned = 0.0;
        let mut latest_nanos = 0;
        for turn in 0.. {
            planned += self.pause(own_rate);
            if planned >= self.load.seconds {
                break;
            }
            let due = self.start + Duration::from_secs_f64(planned);
            let is_free = Instant::now() < due;
            tokio::time::sleep_until(due.into()).await;
            let sent = Instant::now();
            if is_free {
                latest_nanos = latest_nanos.max(nanos(sent - due));
            }
            let service = self.chosen();
            let wrong = self.asked(service, self.number + turn).await;
            let measured = &mut services[service as usize];
            match wrong {
                Ok(()) => {
                    let now = Instant::now();
                    measured.latency.saturating_record(nanos(now - due).max(1));
                    measured.service.saturating_record(nanos(now - sent).max(1));
                }
                Err(Wrong::Shed) => measured.shed += 1,
                Err(Wrong::Error(cause)) => *measured.errors.entry(cause).or_default() += 1,
            }
        }
        Ok((services, latest_nanos))
    }

    /// Seconds until the next request, exponential.
    fn pause(&mut self, rate: f64) -> f64 {
        // Above 0 and at most 1, so that its logarithm is a number.
        let uniform = (f64::from(self.dice.next_u32()) + 1.0) / (f64::from(u32::MAX) + 1.0);
        -uniform.ln() / rate
    }

    fn chosen(&mut self) -> Service {
        let [sign, verify, retrieve] = self.load.mix;
        match self.dice.next_u32() % (sign + verify + retrieve) {
            dice if dice < sign => Service::Sign,
            dice if dice < sign + verify => Service::Verify,
            _ => Service::Retrieve,
        }
    }

    async fn asked(&mut self, service: Service, turn: usize) -> Result<(), Wrong> {
        let at = turn % self.questions.sign.len();
        let questions = Arc::clone(&self.questions);
        let question = match service {
            Service::Sign => &questions.sign[at],
            Service::Verify => &questions.verify[at].question,
            Service::Retrieve => &questions.retrieve[at],
        };
        let answer = self.connection.ask(question).await.map_err(Wrong::Error)?;
        match answer.status.as_u16() {
            200 => {}
            429 | 503 => return Err(Wrong::Shed),
            status => return Err(Wrong::Error(format!("status {status}"))),
        }
        let is_right = match service {
            Service::Sign => answer.header("x-credlink-proof").is_some(),
            Service::Verify => {
                let asked = &questions.verify[at];
                finds(&answer.json(), &asked.proof) == asked.is_found
            }
            Service::Retrieve => answer.json()["record"].is_object(),
        };
        let wrong = || Wrong::Error("a wrong answer".to_owned());
        is_right.then_some(()).ok_or_else(wrong)
    }
}

/// Whether a verification leads to this proof, among others perhaps: the same picture may be signed several times.
fn finds(answer: &serde_json::Value, proof: &str) -> bool {
    let conclusion = &answer["conclusion"];
    let lists = ["alternatives", "chain", "later"].map(|name| &conclusion[name]);
    let mut listed = lists.iter().filter_map(|list| list.as_array()).flatten();
    conclusion["accepted"]["proof"] == proof || listed.any(|one| one == proof)
}

enum Wrong {
    Shed,
    Error(String),
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
