//! Calls to a store elsewhere: each takes at most so long, and whoever asks waits on a thread of his own.

use std::error::Error;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::{StoreError, failed};

/// How long a store may take for one call.
const PATIENCE: Duration = Duration::from_secs(5);

/// An error of a client with what lies behind it. Clients name no password and no key in theirs.
pub(super) fn says(action: &'static str, error: &dyn Error) -> StoreError {
    let mut what = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        // Some repeat what lies behind them.
        if !what.ends_with(&told) {
            what = format!("{what}: {told}");
        }
        source = cause.source();
    }
    failed(action)(&what)
}

/// The threads that speak with a store. Whoever calls may himself be on a thread of another runtime, which must not be
/// blocked by this one.
#[derive(Debug)]
pub(super) struct Wire(Option<tokio::runtime::Runtime>);

impl Wire {
    pub(super) fn new() -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("store")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| failed("start")(&error))?;
        Ok(Self(Some(runtime)))
    }

    /// Does it there, and waits for what comes of it.
    ///
    /// # Errors
    /// What `work` says; [`StoreError::Failed`] where that takes too long.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.wait_for(PATIENCE, action, work)
    }

    /// The same for what takes the longer the more proofs there are.
    pub(super) fn wait_for<T: Send + 'static>(
        &self,
        patience: Duration,
        action: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let ended = || failed(action)(&"it is being closed");
        let runtime = self.0.as_ref().ok_or_else(ended)?;
        let (answer, answered) = sync_channel(1);
        runtime.spawn(async move {
            let done = tokio::time::timeout(patience, work).await;
            let late = || Err(failed(action)(&format!("no answer in {patience:?}")));
            // Nobody waits any more where the service ends.
            let _ = answer.send(done.unwrap_or_else(|_| late()));
        });
        answered.recv().unwrap_or_else(|_| Err(ended()))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting is not allowed everywhere, and nothing is worth waiting for.
            runtime.shutdown_background();
        }
    }
}
