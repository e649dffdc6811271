//! Why an adapter gave no answer.

/// Why a worker gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It could not be started.
    Start(String),
    /// The system says that it cannot run here.
    Missing(String),
    /// It did not answer in time.
    Timeout(String),
    /// It ended.
    Crash(String),
    /// It said what the protocol forbids.
    Protocol(String),
    /// It failed so often that it is not asked any more.
    Unusable(String),
}

impl Failure {
    /// A short code for tables.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Start(_) => "adapter-start",
            Self::Missing(_) => "adapter-missing",
            Self::Timeout(_) => "adapter-timeout",
            Self::Crash(_) => "adapter-crash",
            Self::Protocol(_) => "adapter-protocol",
            Self::Unusable(_) => "adapter-unusable",
        }
    }

    /// The same in words.
    pub fn reason(&self) -> &str {
        match self {
            Self::Start(reason)
            | Self::Missing(reason)
            | Self::Timeout(reason)
            | Self::Crash(reason)
            | Self::Protocol(reason)
            | Self::Unusable(reason) => reason,
        }
    }
}
