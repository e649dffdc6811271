//! Whether a service that was just deployed does what it is for: each thing once, in the order in which it would break.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use hyper::body::Bytes;
use serde::Serialize;
use tokio::net::TcpStream;

use super::Target;
use super::connection::{Answer, Connection, Question};
use super::pictures;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Connections with which a service is made to turn requests away, at most.
const MOST_HELD: usize = 4096;

/// One thing that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What.
    pub name: &'static str,
    /// Whether it was as it should be.
    pub passed: bool,
    /// What was found.
    pub found: String,
    /// How long it took.
    pub millis: f64,
}

/// Tries everything. `overload`: also whether requests are turned away in good manner, which for a moment turns away those of
/// others, too.
///
/// # Errors
/// When no picture can be made to try with.
pub fn run(target: Target, overload: bool) -> Result<Vec<Step>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(tried(Arc::new(target), overload))
}

struct Trial {
    target: Arc<Target>,
    connection: Connection,
    steps: Vec<Step>,
}

impl Trial {
    /// Asks, and notes whether the answer is right; `None` where it is not.
    async fn ask(
        &mut self,
        name: &'static str,
        question: Question,
        right: impl Fn(&Answer) -> Result<String, String>,
    ) -> Option<Answer> {
        let start = Instant::now();
        let answer = self.connection.ask(&question).await;
        let (judged, answer) = match answer {
            Ok(answer) => (right(&answer), Some(answer)),
            Err(why) => (Err(why), None),
        };
        self.note(name, start, judged).then_some(answer).flatten()
    }

    fn note(&mut self, name: &'static str, start: Instant, judged: Result<String, String>) -> bool {
        let passed = judged.is_ok();
        self.steps.push(Step {
            name,
            passed,
            found: judged.unwrap_or_else(|why| why),
            millis: 1e3 * start.elapsed().as_secs_f64(),
        });
        passed
    }
}

async fn tried(target: Arc<Target>, overload: bool) -> Result<Vec<Step>> {
    let pictures = pictures::of_a_megapixel(2, 1)?;
    let [picture, other] = <[Bytes; 2]>::try_from(pictures)
        .map_err(|_| anyhow::anyhow!("no two pictures to try with"))?;
    let mut trial = Trial {
        connection: Connection::to(Arc::clone(&target), PATIENCE),
        target,
        steps: Vec::new(),
    };
    trial.ask("health", Question::get("/health"), is_ok).await;
    trial.ask("ready", Question::get("/ready"), is_ok).await;
    let signed = Question::post("/sign", picture);
    let signed = trial.ask("sign", signed, |answer| {
        is_ok(answer)?;
        let proof = answer.header("x-credlink-proof");
        Ok(format!("proof {}", proof.ok_or("no proof is named")?))
    });
    if let Some(signed) = signed.await {
        let proof = signed
            .header("x-credlink-proof")
            .unwrap_or_default()
            .to_owned();
        around(&mut trial, &signed.body, &proof).await?;
    }
    let unsigned = Question::post("/verify?depth=all", other);
    trial
        .ask("a picture that nobody signed", unsigned, |answer| {
            is_ok(answer)?;
            is_verdict(answer, &["none"])
        })
        .await;
    let garbage = Question::post("/verify", Bytes::from_static(b"no picture"));
    trial
        .ask("a file that is no picture", garbage, |answer| {
            is_problem(answer, 415)
        })
        .await;
    trial
        .ask("an id that is none", Question::get("/proofs/x"), |answer| {
            is_problem(answer, 400)
        })
        .await;
    if overload {
        overloaded(&mut trial).await;
    }
    Ok(trial.steps)
}

/// What can be asked about a file that was signed.
async fn around(trial: &mut Trial, signed: &Bytes, proof: &str) -> Result<()> {
    let of_proof = |answer: &Answer| {
        is_ok(answer)?;
        let found = answer.json()["conclusion"]["accepted"]["proof"].clone();
        match found == proof {
            true => is_verdict(answer, &["found"]),
            false => Err(format!("it leads to {found}")),
        }
    };
    let verify = Question::post("/verify", signed.clone());
    trial.ask("verify", verify, of_proof).await;
    let delivered = Question::post("/verify", pictures::as_delivered(signed)?);
    trial
        .ask("verify a copy without metadata", delivered, of_proof)
        .await;
    let retrieve = Question::get(format!("/proofs/{proof}"));
    trial
        .ask("retrieve", retrieve, |answer| {
            is_ok(answer)?;
            let id = answer.json()["record"]["id"].clone();
            (id == proof)
                .then(|| "the record".to_owned())
                .ok_or(format!("the record is of {id}"))
        })
        .await;
    let manifest = Question {
        headers: vec![("accept", "application/c2pa".to_owned())],
        ..Question::get(format!("/proofs/{proof}"))
    };
    trial
        .ask("retrieve the manifest", manifest, |answer| {
            is_ok(answer)?;
            match answer.body.get(4..8) {
                Some(b"jumb") => Ok(format!("{} bytes", answer.body.len())),
                _ => Err("it is no manifest store".to_owned()),
            }
        })
        .await;
    // A byte of the picture itself: near the end, where coded pixels lie in every format that is signed here.
    let mut tampered = signed.to_vec();
    let at = tampered.len() - tampered.len() / 8;
    tampered[at] ^= 0x10;
    let tampered = Question::post("/verify", tampered.into());
    trial
        .ask("a byte changed", tampered, |answer| {
            is_ok(answer)?;
            is_verdict(answer, &["altered", "broken"])
        })
        .await;
    Ok(())
}

fn is_ok(answer: &Answer) -> Result<String, String> {
    match answer.status.as_u16() {
        200 => Ok("200".to_owned()),
        status => Err(format!("status {status}")),
    }
}

fn is_verdict(answer: &Answer, wanted: &[&str]) -> Result<String, String> {
    let found = answer.json()["verdict"]
        .as_str()
        .unwrap_or("none at all")
        .to_owned();
    match wanted.contains(&found.as_str()) {
        true => Ok(found),
        false => Err(format!("the verdict is {found}")),
    }
}

fn is_problem(answer: &Answer, status: u16) -> Result<String, String> {
    let kind = answer.header("content-type").unwrap_or_default();
    match (answer.status.as_u16() == status, kind) {
        (true, "application/problem+json") => Ok(format!("{status}, {}", answer.json()["detail"])),
        (true, kind) => Err(format!("{status} as {kind:?}")),
        (false, _) => Err(format!("status {}", answer.status)),
    }
}

/// Begins requests whose bodies never end, until one more is turned away; ends them, and sees whether the service recovers.
async fn overloaded(trial: &mut Trial) {
    let start = Instant::now();
    let mut held = Vec::new();
    let turned_away = loop {
        let verify = Question::post("/verify", Bytes::from_static(b"no picture"));
        match trial.connection.ask(&verify).await {
            Ok(answer) if answer.status == 503 => {
                let after = answer.header("retry-after").map(str::to_owned);
                break after.ok_or_else(|| "503 without Retry-After".to_owned());
            }
            Ok(_) if held.len() < MOST_HELD => {}
            Ok(_) => {
                break Err(format!(
                    "{MOST_HELD} unfinished requests, and none turned away"
                ));
            }
            Err(why) => break Err(why),
        }
        for _ in 0..16 {
            match unfinished(&trial.target).await {
                Ok(stream) => held.push(stream),
                Err(error) => {
                    trial.note("overload", start, Err(error.to_string()));
                    return;
                }
            }
        }
        // The service has to read their headers first.
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    if held.is_empty() {
        // There is no service that could recover.
        trial.note("overload", start, turned_away);
        return;
    }
    let count = held.len();
    let judged = turned_away.map(|after| {
        format!("503 with {count} unfinished requests, to come again after {after} s")
    });
    trial.note("overload", start, judged);
    drop(held);
    let start = Instant::now();
    let mut last = Err("no answer".to_owned());
    while start.elapsed() < PATIENCE && last.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let verify = Question::post("/verify", Bytes::from_static(b"no picture"));
        let answer = trial.connection.ask(&verify).await;
        last = answer.and_then(|answer| is_problem(&answer, 415));
    }
    let recovered = last.map(|_| "it answers again".to_owned());
    trial.note("after the overload", start, recovered);
}

async fn unfinished(target: &Target) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(target.address()).await?;
    let key = target
        .key()
        .map(|key| format!("authorization: Bearer {key}\r\n"));
    let head = format!(
        "POST /verify HTTP/1.1\r\nhost: {}\r\n{}content-type: image/png\r\ncontent-length: 1000\r\n\r\n",
        target.host(),
        key.unwrap_or_default()
    );
    stream.writable().await?;
    // Some two hundred bytes, which a new connection takes at once.
    let written = stream.try_write(head.as_bytes())?;
    match written == head.len() {
        true => Ok(stream),
        false => Err(std::io::ErrorKind::WriteZero.into()),
    }
}
