//! Whether a service is there, over days: one small question of each kind, again and again, each a row.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use credlink_reports::availability::{Asked, Look};
use hyper::body::Bytes;

use super::Target;
use super::connection::{Connection, Question};
use super::pictures;
use crate::clock;

/// How long an answer may take; a service that takes longer is not there.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// From one look to the next.
    pub every: Duration,
    /// How many; without end if `None`.
    pub looks: Option<u64>,
}

/// Looks, and adds a row for each question to a file of JSON lines, durable one by one, until the plan ends or `stop` is set.
///
/// # Errors
/// When no picture can be made, or the file cannot be written.
pub fn run(target: Target, plan: Plan, out: &Path, stop: &AtomicBool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(out)
        .with_context(|| format!("cannot write {}", out.display()))?;
    runtime.block_on(async {
        let picture = pictures::of_a_megapixel(1, 1)?.remove(0);
        let mut connection = Connection::to(Arc::new(target), PATIENCE);
        let start = Instant::now();
        for number in 0_u32.. {
            if plan.looks.is_some_and(|looks| u64::from(number) >= looks) {
                break;
            }
            // From the start on, so that slow answers do not make looks rarer.
            let due = start + plan.every * number;
            while Instant::now() < due && !stop.load(Ordering::Relaxed) {
                let left = due.saturating_duration_since(Instant::now());
                tokio::time::sleep(left.min(Duration::from_millis(200))).await;
            }
            if stop.load(Ordering::Relaxed) {
                break;
            }
            for asked in Asked::ALL {
                let row = look(&mut connection, asked, &picture).await;
                let line = serde_json::to_string(&row)?;
                writeln!(file, "{line}").and_then(|()| file.sync_data())?;
            }
        }
        Ok(())
    })
}

async fn look(connection: &mut Connection, asked: Asked, picture: &Bytes) -> Look {
    let question = match asked {
        Asked::Ready => Question::get("/ready"),
        Asked::Verify => Question::post("/verify", picture.clone()),
    };
    let (at, start) = (clock::unix_seconds(), Instant::now());
    let answer = connection.ask(&question).await;
    let fault = match answer {
        Ok(answer) if answer.status != 200 => Some(format!("status {}", answer.status.as_u16())),
        Ok(answer) if asked == Asked::Verify && !answer.json()["verdict"].is_string() => {
            Some("a wrong answer".to_owned())
        }
        Ok(_) => None,
        Err(why) => Some(why),
    };
    Look {
        at,
        asked,
        millis: 1e3 * start.elapsed().as_secs_f64(),
        fault,
    }
}
