//! Running a program that is installed on the machine. The only file that starts a process.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::Seconds;
use credlink_image_files::Format;

/// `exec = { program = "cwebp", arguments = ["-q", "75", "{input}", "-o", "{output}"], output = "webp", seconds = 60 }`.
///
/// The current file lies at `{input}`, with its format's extension, in a directory of its own that is also the working
/// directory; the program must leave its result at `{output}`, or change `{input}` in place where `{output}` is not
/// named. No shell is involved, and of the environment it sees `PASSED_ON` alone. `then` names a second program that takes the result as its input, for round trips
/// through formats that only programs read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exec {
    program: String,
    arguments: Vec<String>,
    output: Extension,
    seconds: Seconds,
    then: Option<Box<Exec>>,
}

/// A format that we read, or the file name extension of one that only programs do.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
struct Extension(String);

impl TryFrom<String> for Extension {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        {
            Ok(Self(text))
        } else {
            Err(format!(
                "exec.output: {text:?} is no file name extension or `same`"
            ))
        }
    }
}

/// Variables of the environment that a program sees, besides the directory for temporary files, which is its own.
const PASSED_ON: [&str; 6] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
];
const TEMPORARY: [&str; 3] = ["TMPDIR", "TEMP", "TMP"];

impl Exec {
    /// The program, and those that follow it.
    pub(crate) fn programs(&self) -> Vec<&str> {
        let mut programs = vec![self.program.as_str()];
        programs.extend(self.then.iter().flat_map(|then| then.programs()));
        programs
    }

    /// The arguments that are whole paths.
    pub(crate) fn paths(&self) -> Vec<&str> {
        let own = self.arguments.iter().map(String::as_str);
        let mut paths: Vec<&str> = own.filter(|text| Path::new(text).is_absolute()).collect();
        paths.extend(self.then.iter().flat_map(|then| then.paths()));
        paths
    }

    /// The format of the result for an input of `format`.
    pub(crate) fn gives(&self, format: Format) -> Format {
        let given = Format::ALL
            .iter()
            .copied()
            .find(|known| self.output.0 == known.as_str())
            .unwrap_or(format);
        self.then.as_ref().map_or(given, |then| then.gives(given))
    }

    fn extension(&self, input: &str) -> String {
        let known = Format::ALL
            .iter()
            .find(|known| self.output.0 == known.as_str());
        match known {
            Some(format) => format.extension().to_owned(),
            None if self.output.0 == "same" => input.to_owned(),
            None => self.output.0.clone(),
        }
    }

    fn run(&self, folder: &Path, input: &Path, stage: usize) -> Result<Vec<u8>, StepErrorKind> {
        let extension = input
            .extension()
            .and_then(OsStr::to_str)
            .unwrap_or_default();
        let output = folder.join(format!("output{stage}.{}", self.extension(extension)));
        let named = |argument: &String| {
            argument
                .replace("{input}", &input.to_string_lossy())
                .replace("{output}", &output.to_string_lossy())
        };
        let failed = |reason: String| StepErrorKind::Program {
            program: self.program.clone(),
            reason,
        };
        let words = folder.join("stderr");
        let stderr = std::fs::File::create(&words).map_err(storage)?;
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments.iter().map(named))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .env_clear()
            .envs(TEMPORARY.map(|variable| (variable, folder)));
        for variable in PASSED_ON {
            if let Some(value) = std::env::var_os(variable) {
                command.env(variable, value);
            }
        }
        group::lead(&mut command);
        let status = self.wait(command)?;
        if !status.success() {
            let said = std::fs::read(&words).unwrap_or_default();
            let said =
                String::from_utf8_lossy(&said[said.len().saturating_sub(300)..]).into_owned();
            return Err(failed(format!("ended with {status}: {}", said.trim())));
        }
        let in_place = !self
            .arguments
            .iter()
            .any(|argument| argument.contains("{output}"));
        let result = if in_place { input } else { &output };
        if let Some(then) = &self.then {
            return then.run(folder, result, stage + 1);
        }
        std::fs::read(result).map_err(|error| failed(format!("left no result: {error}")))
    }

    /// Waits for the program, at most its time limit. The limit counts naps, as no clock is read here, so a machine
    /// under load grants a little more.
    fn wait(&self, mut command: Command) -> Result<ExitStatus, StepErrorKind> {
        let failed = |reason: String| StepErrorKind::Program {
            program: self.program.clone(),
            reason,
        };
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => StepErrorKind::MissingProgram {
                program: self.program.clone(),
            },
            _ => failed(format!("cannot be started: {error}")),
        })?;
        let limit = Duration::from_secs(self.seconds.get().into());
        let (mut waited, mut nap) = (Duration::ZERO, Duration::from_micros(500));
        loop {
            match group::has_ended(&mut child) {
                Ok(true) => {
                    // What the program has started and left behind goes with it, while its number is still its own.
                    group::kill(&mut child);
                    let status = child.wait();
                    return status
                        .map_err(|error| failed(format!("cannot be waited for: {error}")));
                }
                Ok(false) if waited < limit => {
                    std::thread::sleep(nap);
                    waited += nap;
                    nap = (nap * 2).min(Duration::from_millis(20));
                }
                outcome => {
                    group::kill(&mut child);
                    let _reaped = child.wait();
                    return Err(failed(match outcome {
                        Ok(_) => format!("took longer than {} s", self.seconds.get()),
                        Err(error) => format!("cannot be waited for: {error}"),
                    }));
                }
            }
        }
    }
}

fn storage(error: std::io::Error) -> StepErrorKind {
    StepErrorKind::Storage(error.to_string())
}

/// A directory that nobody else may look into: the image may be somebody's own.
fn private() -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir()
}

/// A program and all that it starts, as one group of processes.
#[cfg(unix)]
mod group {
    use std::io;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

    pub(super) fn lead(command: &mut Command) {
        command.process_group(0);
    }

    fn number(child: &Child) -> Option<Pid> {
        i32::try_from(child.id()).ok().and_then(Pid::from_raw)
    }

    /// Asks without reaping: until then nobody else can get the group's number.
    pub(super) fn has_ended(child: &mut Child) -> io::Result<bool> {
        let number = number(child).ok_or(io::ErrorKind::InvalidInput)?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(number), options)?.is_some())
    }

    pub(super) fn kill(child: &mut Child) {
        // A group that has ended in this instant cannot be killed, and need not be.
        let _gone = number(child).map(|number| kill_process_group(number, Signal::KILL));
    }
}

/// Elsewhere the program alone is ended.
#[cfg(not(unix))]
mod group {
    use std::io;
    use std::process::{Child, Command};

    pub(super) fn lead(_: &mut Command) {}

    pub(super) fn has_ended(child: &mut Child) -> io::Result<bool> {
        Ok(child.try_wait()?.is_some())
    }

    pub(super) fn kill(child: &mut Child) {
        let _gone = child.kill();
    }
}

impl Apply for Exec {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let file = work.encoded()?;
        let folder = private().map_err(storage)?;
        let input = folder
            .path()
            .join(format!("input.{}", file.format().extension()));
        std::fs::write(&input, file.bytes()).map_err(storage)?;
        let bytes = work.meter().codec(|| self.run(folder.path(), &input, 0))?;
        work.replace(bytes)?;
        Ok(Flow::Continue)
    }
}
