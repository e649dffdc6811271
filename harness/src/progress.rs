//! Draws events as a progress bar on standard error; draws nothing where that is no terminal.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use credlink_harness::stages::event::Event;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar that follows the runner's events.
pub(crate) struct Progress {
    bar: Mutex<ProgressBar>,
    /// Whether only warnings are shown.
    quiet: bool,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            bar: Mutex::new(ProgressBar::hidden()),
            quiet,
        }
    }

    pub(crate) fn show(&self, event: Event) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Stage { .. } if self.quiet => {}
            Event::Stage { name, total, of } => {
                bar.finish_and_clear();
                *bar = ProgressBar::new(total);
                let template = "{prefix:>10} [{wide_bar}] {human_pos}/{human_len}{msg} · {per_sec} · {eta} left";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.set_prefix(name);
                bar.set_message(of);
                bar.enable_steady_tick(Duration::from_millis(250));
            }
            Event::Advanced(count) => bar.inc(count),
            Event::Warning(text) => {
                bar.suspend(|| super::cmd::complain(&format!("warning: {text}")))
            }
            _ => {}
        }
    }

    pub(crate) fn finish(&self) {
        self.bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .finish_and_clear();
    }
}
