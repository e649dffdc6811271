use crate::words::words;

words! {
    /// Who took a picture through a pipeline. What differs in it is never pooled.
    #[derive(Default)]
    pub enum Provenance {
        #[default]
        /// The steps of a recipe, in this process: what a service is thought to do.
        Simulated = "simulated",
        /// A real server, asked while the run went on.
        Live = "live",
        /// A person, who posted the file and fetched it again.
        Observed = "observed",
    }
}

impl Provenance {
    /// Whether a recipe did it in this process, so that it can be done again and gives the same.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        *self == Self::Simulated
    }

    /// What it means, for people, as a clause.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Simulated => "a recipe did it in this process",
            Self::Live => "a real server did it, and may do it differently another time",
            Self::Observed => "a person posted the file and fetched it again",
        }
    }
}
