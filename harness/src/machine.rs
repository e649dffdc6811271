//! What a run was measured on. Linux tells most through `/proc`; elsewhere the fields say that they are unknown.

use credlink_reports::header::Machine;

fn proc_field(file: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn kibibytes(field: Option<String>) -> u64 {
    let number = field.and_then(|text| {
        text.split_whitespace()
            .next()
            .and_then(|count| count.parse::<u64>().ok())
    });
    number.unwrap_or(0) * 1024
}

/// Describes this machine.
#[must_use]
pub fn describe() -> Machine {
    Machine {
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpu: proc_field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
        cores: std::thread::available_parallelism()
            .map_or(0, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        memory_bytes: kibibytes(proc_field("/proc/meminfo", "MemTotal")),
    }
}

/// The most memory that this process has held at once, in bytes; 0 where the system does not tell.
#[must_use]
pub fn peak_memory_bytes() -> u64 {
    kibibytes(proc_field("/proc/self/status", "VmHWM"))
}

/// The memory that this process holds now, in bytes; 0 where the system does not tell.
#[must_use]
pub fn resident_memory_bytes() -> u64 {
    kibibytes(proc_field("/proc/self/status", "VmRSS"))
}
