//! Whoever answers for an adapter: a process of ours, or a server. Greeted, asked, and ended, whatever it does.

use std::path::Path;

use super::description::Description;
use super::failure::Failure;
use super::message::{Answer, Hello, PROTOCOL, Request};
use super::process::Process;
use super::remote::Remote;

/// How a worker is started.
#[derive(Clone, Debug)]
pub(super) struct Start<'a> {
    /// A directory for files of the system's own.
    pub(super) work_dir: &'a Path,
    /// Which worker it is, and of how many.
    pub(super) worker: usize,
    /// How many workers there may be.
    pub(super) workers: usize,
    /// Seed of everything random.
    pub(super) seed: u64,
    /// How strong to sign.
    pub(super) strength: Option<f64>,
}

/// Whoever answers.
enum Voice {
    Process(Box<Process>),
    Remote(Remote),
}

/// A worker that said hello.
pub(super) struct Worker {
    name: String,
    voice: Voice,
    next: u64,
    /// Whether it knows the registry.
    pub(super) sealed: bool,
}

impl Worker {
    /// Starts or reaches one, and says hello.
    ///
    /// # Errors
    /// [`Failure`], naming the adapter.
    pub(super) fn start(
        description: &Description,
        start: &Start<'_>,
    ) -> Result<(Self, Hello), Failure> {
        let name = &description.name;
        let voice = match description.url() {
            None => Voice::Process(Box::new(Process::start(description)?)),
            Some(url) => Voice::Remote(Remote::new(name, url, description.limit())?),
        };
        let mut worker = Self {
            name: name.clone(),
            voice,
            next: 1,
            sealed: false,
        };
        let answer = worker.exchange(&Request::Hello {
            protocols: [PROTOCOL],
            harness: concat!("credlink ", env!("CARGO_PKG_VERSION")),
            worker: start.worker,
            workers: start.workers,
            work_dir: start.work_dir,
            seed: start.seed,
            strength: start.strength,
        })?;
        let Answer::Hello(said) = answer else {
            return Err(worker.forbidden("hello", &format!("{} instead", answer.name())));
        };
        if let Some(error) = said.get("error") {
            let error = error.as_str().unwrap_or("it does not say what");
            return Err(Failure::Missing(format!("{name}: {error}")));
        }
        let hello: Hello = serde_json::from_value(said.into())
            .map_err(|error| worker.forbidden("hello", &error.to_string()))?;
        Description::check(&hello).map_err(|what| worker.forbidden("hello", &what))?;
        if let Voice::Process(process) = &mut worker.voice {
            process.set_limit(description.limit());
        }
        Ok((worker, hello))
    }

    /// Whether it has not ended, as far as anybody knows.
    pub(super) fn runs(&mut self) -> bool {
        match &mut self.voice {
            Voice::Process(process) => process.runs(),
            Voice::Remote(_) => true,
        }
    }

    /// Number of the next request.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Asks, and waits for the answer to exactly this request. After a failure the worker must not be used any more.
    ///
    /// # Errors
    /// [`Failure`], naming the adapter.
    pub(super) fn ask(&mut self, seq: u64, request: &Request<'_>) -> Result<Answer, Failure> {
        let answer = self.exchange(request)?;
        if answer.seq() != Some(seq) {
            let what = format!(
                "{} with seq {:?} to request {seq}",
                answer.name(),
                answer.seq()
            );
            return Err(self.forbidden(answer.name(), &what));
        }
        Ok(answer)
    }

    fn exchange(&mut self, request: &Request<'_>) -> Result<Answer, Failure> {
        match &mut self.voice {
            Voice::Process(process) => process.exchange(request),
            Voice::Remote(remote) => remote.exchange(request),
        }
    }

    /// A violation of the protocol.
    pub(super) fn forbidden(&self, message: &str, what: &str) -> Failure {
        match &self.voice {
            Voice::Process(process) => process.forbidden(message, what),
            Voice::Remote(_) => Failure::Protocol(format!("{}: {message}: {what}", self.name)),
        }
    }

    /// Asks a process to end.
    pub(super) fn end(self) {
        if let Voice::Process(process) = self.voice {
            process.end();
        }
    }
}
