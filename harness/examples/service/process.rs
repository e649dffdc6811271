//! A service as a process of its own, and requests to it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use ureq::Agent;

/// How long a start, an end or an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The command, beside the folder of examples.
pub(crate) fn program() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let folder = here.parent().and_then(Path::parent);
    let program = folder
        .context("an example lies in a folder")?
        .join("credlink");
    ensure!(
        program.exists(),
        "{} is not there; `cargo build` makes it",
        program.display()
    );
    Ok(program)
}

/// Runs the command in a folder, and says what it said.
pub(crate) fn credlink(folder: &Path, words: &[&str]) -> Result<String> {
    credlink_with(folder, words, &[])
}

/// The same with these variables in its environment.
pub(crate) fn credlink_with(
    folder: &Path,
    words: &[&str],
    environment: &[(String, String)],
) -> Result<String> {
    let done = Command::new(program()?)
        .args(words)
        .envs(environment.iter().cloned())
        .current_dir(folder)
        .output()?;
    let said = [&done.stdout[..], &done.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    ensure!(
        done.status.success(),
        "credlink {}: {said}",
        words.join(" ")
    );
    Ok(said)
}

/// A service that runs until it is killed, asked to end, or dropped.
pub(crate) struct Service {
    child: Child,
    address: String,
    log: PathBuf,
    /// From before the process was made to the first 200 at `/ready`.
    pub(crate) readied: Duration,
}

impl Service {
    /// Starts one in a folder that holds keys, and waits until it is ready. What it logs is added to `service.log`.
    pub(crate) fn started(folder: &Path, options: &[&str]) -> Result<Self> {
        Self::started_with(folder, options, &[])
    }

    /// The same with these variables in its environment.
    pub(crate) fn started_with(
        folder: &Path,
        options: &[&str],
        environment: &[(String, String)],
    ) -> Result<Self> {
        let log = folder.join("service.log");
        let begun = Instant::now();
        let mut child = Command::new(program()?)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .envs(environment.iter().cloned())
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log)?)
            .spawn()?;
        let mut first = String::new();
        let stdout = child.stdout.take().context("its output is ours")?;
        BufReader::new(stdout).read_line(&mut first)?;
        let address = first.strip_prefix("listening at http://");
        let address = address.and_then(|rest| rest.split(',').next());
        let Some(address) = address.map(str::to_owned) else {
            child.kill()?;
            child.wait()?;
            let log = std::fs::read_to_string(&log)?;
            let last = log.lines().last().unwrap_or_default();
            anyhow::bail!("the service did not start: {first}{last}");
        };
        let mut service = Self {
            child,
            address,
            log,
            readied: Duration::ZERO,
        };
        let agent = agent();
        while !service
            .get(&agent, "/ready")
            .is_ok_and(|answer| answer.status == 200)
        {
            ensure!(begun.elapsed() < PATIENCE, "the service is never ready");
            std::thread::sleep(Duration::from_millis(2));
        }
        service.readied = begun.elapsed();
        Ok(service)
    }

    /// Where it listens, HOST:PORT.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Ends it as the power does, as far as the process knows.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end; its exit code.
    pub(crate) fn end(mut self) -> Result<Option<i32>> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status()?;
        ensure!(sent.success(), "no signal could be sent");
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        anyhow::bail!("the service does not end")
    }

    /// Whether the process is still there.
    pub(crate) fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Its resident memory, bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(path)?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("the system tells no memory")?.parse::<u64>()? << 10)
    }

    /// What it logged.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    pub(crate) fn get(&self, agent: &Agent, path: &str) -> Result<Answer> {
        self.get_as(agent, path, "*/*")
    }

    pub(crate) fn get_as(&self, agent: &Agent, path: &str, accept: &str) -> Result<Answer> {
        let request = agent.get(format!("http://{}{path}", self.address));
        Answer::of(request.header("accept", accept).call()?)
    }

    pub(crate) fn post(&self, agent: &Agent, path: &str, body: &[u8]) -> Result<Answer> {
        let request = agent.post(format!("http://{}{path}", self.address));
        let kind = "application/octet-stream";
        Answer::of(request.header("content-type", kind).send(body)?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The proof that it names.
    pub(crate) proof: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn of(response: ureq::http::Response<ureq::Body>) -> Result<Self> {
        let (parts, mut body) = response.into_parts();
        let proof = parts.headers.get("x-credlink-proof");
        let proof = proof.and_then(|value| value.to_str().ok());
        Ok(Self {
            status: parts.status.as_u16(),
            proof: proof.map(str::to_owned),
            body: body.with_config().limit(64 << 20).read_to_vec()?,
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Connections of one sender. Statuses are answers.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

/// Random numbers: SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Below `most`, which is not 0.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        (self.word() % most as u64) as usize
    }

    /// A moment of an exponential distribution with this mean; none sooner than a fifth of it.
    pub(crate) fn moment(&mut self, mean: Duration) -> Duration {
        let uniform = ((self.word() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        mean.mul_f64(0.2 - 0.8 * uniform.ln())
    }
}

/// The middle of some times, and the longest.
pub(crate) fn middle_and_longest(times: &[Duration]) -> (Duration, Duration) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let middle = sorted.get(sorted.len() / 2).copied();
    (
        middle.unwrap_or_default(),
        sorted.last().copied().unwrap_or_default(),
    )
}
