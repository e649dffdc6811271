//! The workers of an adapter: one for each thread that asks, started when first needed, started again when they fail.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tempfile::TempDir;

use super::description::Description;
use super::failure::Failure;
use super::message::{Answer, Concurrency, Hello, Request};
use super::worker::{Start, Worker};

/// A request is tried so often, from the second time on a fresh worker.
const TRIES: usize = 2;
/// Requests that are looked back on to tell whether a system can be used.
const LOOKED_BACK: usize = 100;
/// How many of them may fail.
const MOST_FAILURES: usize = 3;

/// The workers of one adapter.
pub(super) struct Pool {
    description: Description,
    hello: Hello,
    scratch: TempDir,
    seed: u64,
    strength: Option<f64>,
    workers: usize,
    idle: Mutex<Vec<Worker>>,
    /// Held for each request to a system that runs one at a time.
    serial: Option<Mutex<()>>,
    /// Where all records are, once everything was signed.
    registry: OnceLock<PathBuf>,
    started: AtomicUsize,
    restarts: AtomicU64,
    files: AtomicU64,
    /// How the last requests went, `true` for a failure.
    last: Mutex<VecDeque<bool>>,
    unusable: OnceLock<String>,
}

impl Pool {
    /// Starts the first worker, which says what the system is.
    ///
    /// # Errors
    /// [`Failure`], naming the adapter.
    pub(super) fn start(
        description: Description,
        seed: u64,
        workers: usize,
        strength: Option<f64>,
    ) -> Result<Self, Failure> {
        let scratch = tempfile::Builder::new()
            .prefix("credlink-adapter-")
            .tempdir();
        let scratch = scratch.map_err(|error| {
            Failure::Start(format!("{}: no scratch folder: {error}", description.name))
        })?;
        let (first, hello) = Worker::start(
            &description,
            &Start {
                work_dir: scratch.path(),
                worker: 0,
                workers,
                seed,
                strength,
            },
        )?;
        Ok(Self {
            serial: (hello.concurrency == Concurrency::Serial).then(|| Mutex::new(())),
            description,
            hello,
            scratch,
            seed,
            strength,
            workers,
            idle: Mutex::new(vec![first]),
            registry: OnceLock::new(),
            started: AtomicUsize::new(1),
            restarts: AtomicU64::new(0),
            files: AtomicU64::new(0),
            last: Mutex::new(VecDeque::new()),
            unusable: OnceLock::new(),
        })
    }

    /// What the system says of itself.
    pub(super) fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Who it is.
    pub(super) fn description(&self) -> &Description {
        &self.description
    }

    /// Workers that had to be started again.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Ends the workers that nobody is asking.
    pub(super) fn end_idle(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.clear();
    }

    /// A path in the scratch folder that nobody else has.
    pub(super) fn file(&self, extension: &str) -> PathBuf {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.scratch.path().join(format!("{number}.{extension}"))
    }

    /// From now on every worker is told of this registry before it is asked; the first one at once.
    ///
    /// # Errors
    /// When it does not take it.
    pub(super) fn seal(&self, registry: PathBuf) -> Result<(), Failure> {
        let _ = self.registry.set(registry);
        // What a worker remembers of signing is no verification: it starts anew, with the registry.
        self.end_idle();
        let worker = self.worker(true).or_else(|_| self.worker(false))?;
        self.keep(worker);
        Ok(())
    }

    /// Waits until nobody else is asking a system that runs one at a time. Held while it is asked.
    pub(super) fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        let serial = self.serial.as_ref()?;
        Some(serial.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks one of the workers, in [`turn`](Self::turn); `read` takes the answer, or says what is wrong with it.
    ///
    /// # Errors
    /// The [`Failure`] of the last try.
    pub(super) fn ask<'r, T>(
        &self,
        request: &dyn Fn(u64) -> Request<'r>,
        read: &dyn Fn(Answer) -> Result<T, String>,
    ) -> Result<T, Failure> {
        if let Some(why) = self.unusable.get() {
            return Err(Failure::Unusable(why.clone()));
        }
        let mut tried = self.attempt(true, request, read);
        for _ in 1..TRIES {
            let Err(failure) = &tried else { break };
            // What was said once would be said again.
            if !matches!(
                failure,
                Failure::Start(_) | Failure::Timeout(_) | Failure::Crash(_)
            ) {
                break;
            }
            self.restarts.fetch_add(1, Ordering::Relaxed);
            tried = self.attempt(false, request, read);
        }
        self.remember(tried.as_ref().err());
        tried
    }

    /// One try, by a worker that is there or by a fresh one. A worker that failed is ended, not asked again.
    fn attempt<'r, T>(
        &self,
        first: bool,
        request: &dyn Fn(u64) -> Request<'r>,
        read: &dyn Fn(Answer) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let mut worker = self.worker(first)?;
        let seq = worker.number();
        let answer = worker.ask(seq, &request(seq))?;
        let name = answer.name();
        let taken = read(answer).map_err(|what| worker.forbidden(name, &what))?;
        self.keep(worker);
        Ok(taken)
    }

    fn keep(&self, worker: Worker) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(worker);
    }

    /// A worker that knows all that there is to know.
    fn worker(&self, may_be_used: bool) -> Result<Worker, Failure> {
        let idle = may_be_used.then(|| self.idle_worker()).flatten();
        let mut worker = match idle {
            Some(worker) => worker,
            None => self.another()?,
        };
        if let Some(registry) = self.registry.get().filter(|_| !worker.sealed) {
            let seq = worker.number();
            let answer = worker.ask(seq, &Request::Seal { seq, registry })?;
            if !matches!(answer, Answer::Sealed { .. }) {
                return Err(worker.forbidden("seal", &format!("answered by {}", answer.name())));
            }
            worker.sealed = true;
        }
        Ok(worker)
    }

    /// One that nobody is asking and that runs: what died meanwhile has failed no request.
    fn idle_worker(&self) -> Option<Worker> {
        loop {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let mut worker = idle.pop()?;
            drop(idle);
            if worker.runs() {
                return Some(worker);
            }
            self.restarts.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn another(&self) -> Result<Worker, Failure> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let start = Start {
            work_dir: self.scratch.path(),
            worker: number,
            workers: self.workers,
            seed: self.seed,
            strength: self.strength,
        };
        let (worker, hello) = Worker::start(&self.description, &start)?;
        if hello == self.hello {
            Ok(worker)
        } else {
            Err(worker.forbidden("hello", "another one than at the first start"))
        }
    }

    /// A system that fails again and again is not asked any more: a time limit met by every op would outlast the run.
    fn remember(&self, failure: Option<&Failure>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.push_back(failure.is_some());
        if last.len() > LOOKED_BACK {
            last.pop_front();
        }
        let failed = last.iter().filter(|failed| **failed).count();
        if let Some(failure) = failure.filter(|_| failed > MOST_FAILURES) {
            let _ = self.unusable.set(format!(
                "{}: not asked any more, since {failed} of its last {} requests failed; the last: {}",
                self.description.name,
                last.len(),
                failure.reason()
            ));
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        for worker in idle.drain(..) {
            worker.end();
        }
    }
}
