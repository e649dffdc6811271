//! The only file that reads clocks.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use rustix::time::{ClockId, clock_gettime};

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What a clock of the operating system shows; 0 before its origin, where no CPU clock stands.
fn shown(clock: ClockId) -> u64 {
    nanos(Duration::try_from(clock_gettime(clock)).unwrap_or_default())
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
    shown(ClockId::ThreadCPUTime)
}

/// CPU nanoseconds that all threads of this process have used.
#[must_use]
pub fn process_nanos() -> u64 {
    shown(ClockId::ProcessCPUTime)
}

/// Seconds since 1970; 0 on a clock before.
#[must_use]
pub fn unix_seconds() -> u64 {
    let now = SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

/// The date and time in UTC, as `2026-01-31T12:00:00Z`.
#[must_use]
pub fn utc_now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
