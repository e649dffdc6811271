//! One process of an adapter: started, asked, and ended, whatever it does.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::description::Description;
use super::failure::Failure;
use super::message::{Answer, LONGEST_LINE, Request};

/// How long a start may take: packages and weights are loaded in it.
const START: Duration = Duration::from_secs(60);
/// How long an adapter has to end once its input is closed.
const END: Duration = Duration::from_secs(5);
/// How often it is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(10);
/// What is kept of standard error, in bytes.
const KEPT_ERRORS: usize = 64 << 10;
/// Characters of a foreign line that are repeated in a message.
const QUOTED: usize = 120;

/// Variables of the environment that an adapter sees, beside those below.
const PASSED_ON: [&str; 8] = [
    "CARGO_HOME",
    "RUSTUP_HOME",
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
];
/// What names the directory for temporary files, which is its own.
const TEMPORARY: [&str; 3] = ["TMPDIR", "TEMP", "TMP"];
/// One worker, one thread: libraries that start more would slow each other down.
const ONE_THREAD: [&str; 3] = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"];

/// What the thread that reads standard output hands over.
enum Line {
    Text(Vec<u8>),
    TooLong,
}

/// A running adapter.
pub(super) struct Process {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Line>,
    errors: Arc<Mutex<VecDeque<u8>>>,
    limit: Duration,
    /// Its temporary files; gone with it.
    _temporary: TempDir,
}

impl Process {
    /// Starts an adapter.
    ///
    /// # Errors
    /// [`Failure`], naming the adapter.
    pub(super) fn start(description: &Description) -> Result<Self, Failure> {
        let name = &description.name;
        let Some((program, arguments)) = description.command() else {
            return Err(Failure::Start(format!("{name}: it has no program")));
        };
        let temporary = private()
            .map_err(|error| Failure::Start(format!("{name}: no temporary directory: {error}")))?;
        let mut command = Command::new(&program);
        command
            .args(arguments)
            .current_dir(&description.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_clear();
        for variable in PASSED_ON {
            if let Some(value) = std::env::var_os(variable) {
                command.env(variable, value);
            }
        }
        command.envs(ONE_THREAD.map(|variable| (variable, "1")));
        command.envs(TEMPORARY.map(|variable| (variable, temporary.path())));
        // A group of its own, so that its children end with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| {
            Failure::Start(format!(
                "{name}: cannot start {}: {error}{}",
                program.display(),
                description.advice()
            ))
        })?;
        limit_memory(&child, description.memory_bytes());
        let missing = || Failure::Start(format!("{name}: no pipe to the program"));
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let error_output = child.stderr.take().ok_or_else(missing)?;
        let errors = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&errors);
        thread::spawn(move || keep_end(error_output, &kept));
        // One answer to one request: a second line waiting already is a violation that the next request meets.
        let (send, lines) = sync_channel(2);
        thread::spawn(move || read_lines(output, &send));
        let worker = Self {
            name: name.clone(),
            child,
            input: Some(input),
            lines,
            errors,
            limit: START,
            _temporary: temporary,
        };
        Ok(worker)
    }

    /// Whether it has not ended.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How long the next requests may take.
    pub(super) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Sends a line and reads one.
    ///
    /// # Errors
    /// [`Failure`], naming the adapter.
    pub(super) fn exchange(&mut self, request: &Request<'_>) -> Result<Answer, Failure> {
        if let Ok(line) = self.lines.try_recv() {
            return Err(self.unasked(&line));
        }
        let mut line = serde_json::to_vec(request)
            .map_err(|error| Failure::Start(format!("{}: {error}", self.name)))?;
        line.push(b'\n');
        let sent = self
            .input
            .as_mut()
            .map(|input| input.write_all(&line).and_then(|()| input.flush()));
        if !matches!(sent, Some(Ok(()))) {
            return Err(self.crashed());
        }
        let line = match self.lines.recv_timeout(self.limit) {
            Ok(Line::Text(line)) => line,
            Ok(line @ Line::TooLong) => return Err(self.unasked(&line)),
            Err(RecvTimeoutError::Timeout) => {
                return Err(Failure::Timeout(format!(
                    "{}: no answer within {} s{}",
                    self.name,
                    self.limit.as_secs(),
                    self.last_words()
                )));
            }
            Err(RecvTimeoutError::Disconnected) => return Err(self.crashed()),
        };
        serde_json::from_slice(&line).map_err(|error| {
            let what = format!("{} ({error})", quoted(&line));
            self.forbidden("answer", &what)
        })
    }

    /// A violation of the protocol.
    pub(super) fn forbidden(&self, message: &str, what: &str) -> Failure {
        Failure::Protocol(format!(
            "{}: {message}: {what}{}",
            self.name,
            self.last_words()
        ))
    }

    fn unasked(&self, line: &Line) -> Failure {
        match line {
            Line::Text(line) => self.forbidden("a line that nobody asked for", &quoted(line)),
            Line::TooLong => self.forbidden(
                "answer",
                &format!("a line of more than {LONGEST_LINE} bytes"),
            ),
        }
    }

    fn crashed(&mut self) -> Failure {
        // Its output closes a moment before it can be waited for.
        let how = match self.wait(END) {
            Some(status) => status.to_string(),
            None => "closed its output and runs on".to_owned(),
        };
        Failure::Crash(format!("{}: {how}{}", self.name, self.last_words()))
    }

    /// The last line of standard error, as an appendix to a message.
    fn last_words(&self) -> String {
        let kept = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let text: Vec<u8> = kept.iter().copied().collect();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        last.map_or_else(String::new, |line| {
            format!("; its last words: {}", quoted(line.as_bytes()))
        })
    }

    fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        for _ in 0..limit.as_millis().div_ceil(GLANCE.as_millis()) {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(GLANCE),
                ended => return ended.ok().flatten(),
            }
        }
        None
    }

    /// Asks it to end; whether it did, with code 0.
    pub(super) fn end(mut self) -> bool {
        if let Some(mut input) = self.input.take() {
            let mut bye = serde_json::to_vec(&Request::Bye).unwrap_or_default();
            bye.push(b'\n');
            let _ = input.write_all(&bye);
        }
        self.wait(END).is_some_and(|status| status.success())
    }
}

impl Drop for Process {
    /// Nothing of it is left behind, children included.
    fn drop(&mut self) {
        self.input = None;
        #[cfg(unix)]
        if let Ok(id) = i32::try_from(self.child.id())
            && let Some(group) = rustix::process::Pid::from_raw(id)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory that nobody else may look into.
fn private() -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir()
}

/// So much address space and no more, where the system lets others set it.
fn limit_memory(child: &Child, bytes: u64) {
    #[cfg(target_os = "linux")]
    if let Ok(id) = i32::try_from(child.id()) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let limit = Rlimit {
            current: Some(bytes),
            maximum: Some(bytes),
        };
        let _ = prlimit(Pid::from_raw(id), Resource::As, limit);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (child, bytes);
}

/// Reads standard error to its end and keeps the last of it: a pipe that nobody reads would block the adapter.
fn keep_end(mut from: impl Read, kept: &Mutex<VecDeque<u8>>) {
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&chunk[..count]);
        let excess = kept.len().saturating_sub(KEPT_ERRORS);
        kept.drain(..excess);
    }
}

/// Hands lines over until the output closes, is broken off, or a line is too long to be one.
fn read_lines(from: impl Read, to: &SyncSender<Line>) {
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        let most = LONGEST_LINE as u64 + 1;
        match (&mut from).take(most).read_until(b'\n', &mut line) {
            Ok(1..) if line.last() == Some(&b'\n') => {
                line.pop();
                if to.send(Line::Text(line)).is_err() {
                    return;
                }
            }
            Ok(count) if count as u64 == most => {
                let _ = to.send(Line::TooLong);
                return;
            }
            // A line without an end is no line: whoever wrote it is gone.
            _ => return,
        }
    }
}

/// The beginning of a foreign line, safe to print.
fn quoted(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let short: String = text.chars().take(QUOTED).collect();
    let more = if text.chars().count() > QUOTED {
        "…"
    } else {
        ""
    };
    format!("{short:?}{more}")
}
