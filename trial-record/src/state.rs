use crate::words::words;

words! {
    /// What one carrier, examined on its own, says about a file.
    pub enum State {
        /// Nothing of this carrier.
        Absent = "absent",
        /// Our manifest, valid on exactly these bytes.
        Intact = "intact",
        /// Somebody else's valid manifest that has ours as its parent, on content that confirms it.
        Resigned = "resigned",
        /// Somebody else's valid manifest.
        Foreign = "foreign",
        /// A manifest that does not validate.
        Invalid = "invalid",
        /// A pointer led to a proof, and the content confirms it.
        Recovered = "recovered",
        /// A pointer led to a proof, or to several, and the content does not decide.
        Unconfirmed = "unconfirmed",
        /// It could not be looked at.
        Failed = "failed",
    }
}

impl State {
    /// Whether the proof counts as found.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Intact | Self::Resigned | Self::Recovered)
    }
}
