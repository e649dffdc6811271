//! What the runner tells while it works. Nothing here is a result; results are rows.

/// A sign of progress or trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A stage begins; `total` counts its units.
    Stage {
        /// What is done, as a verb.
        name: &'static str,
        /// How many units there are.
        total: u64,
        /// What these are, where they are more than what was asked for; empty otherwise.
        of: String,
    },
    /// Units of the current stage were finished.
    Advanced(u64),
    /// Something that the reader should know and that does not stop the run.
    Warning(String),
}

/// Takes events from any thread.
pub type Listener<'a> = &'a (dyn Fn(Event) + Sync);
