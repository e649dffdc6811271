//! The only file that reads clocks.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use cpu_time::{ProcessTime, ThreadTime};

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Wall-clock nanoseconds since the first call: what a user waits. Monotonic.
#[must_use]
pub fn wall_nanos() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    nanos(ORIGIN.get_or_init(Instant::now).elapsed())
}

/// CPU nanoseconds that this thread has used: what work costs, whoever else uses the machine.
#[must_use]
pub fn thread_nanos() -> u64 {
    nanos(ThreadTime::now().as_duration())
}

/// CPU nanoseconds that all threads of this process have used.
#[must_use]
pub fn process_nanos() -> u64 {
    nanos(ProcessTime::now().as_duration())
}

/// The date and time in UTC, as `2026-01-31T12:00:00Z`.
#[must_use]
pub fn utc_now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
