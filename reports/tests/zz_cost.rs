#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "temporary")]
mod support;
use std::time::Instant;
#[test]
fn cost() {
    let base = tempfile::tempdir().unwrap();
    for n in [333_u32, 5000] {
        let (mut header, rows) = support::invented(&support::PIPELINES, n);
        header.id = format!("r{n}");
        let count = rows.len();
        let t = Instant::now();
        let dir = support::run(base.path(), &header, rows);
        let w = t.elapsed();
        let t = Instant::now();
        let s = credlink_reports::regenerate(&dir).unwrap();
        eprintln!("{count} rows: write {w:?} regenerate {:?} size {}", t.elapsed(), std::fs::metadata(dir.rows()).unwrap().len());
        if n == 333 {
            eprintln!("{s}");
            for f in &s.files { eprintln!("{} {}", f.display(), std::fs::metadata(f).unwrap().len()); }
            eprintln!("{}", std::fs::read_to_string(dir.tables().join("survival.md")).unwrap());
            eprintln!("{}", std::fs::read_to_string(dir.tables().join("latency.md")).unwrap());
            std::fs::copy(dir.plots().join("latency.png"), "/tmp/reports-plots/lat333.png").unwrap();
        }
    }
    eprintln!("{}", std::fs::read_to_string("/proc/self/status").unwrap().lines().filter(|l| l.starts_with("VmHWM")).collect::<String>());
}
