use crate::words::words;

words! {
    /// What became of the proof in one trial; the first eight, best first, where a signed image went in.
    pub enum Outcome {
        /// The embedded manifest is valid on these bytes.
        Intact = "intact",
        /// A later signer's valid manifest has ours as parent, and the content confirms it.
        Resigned = "resigned",
        /// A pointer led to the issued proof, and the content confirms it.
        Recovered = "recovered",
        /// A pointer led to the proof, but nothing ties it to this content.
        Unconfirmed = "unconfirmed",
        /// A manifest is there but invalid, and nothing recovered the proof.
        Broken = "broken",
        /// Nothing found.
        Lost = "lost",
        /// A carrier was accepted for a proof that was not issued for this image.
        Misattributed = "misattributed",
        /// The trial itself failed.
        Error = "error",
        /// Negative trials: no carrier was accepted, as it must be.
        Rejected = "rejected",
        /// Negative trials: a carrier was accepted for a proof of ours.
        Accepted = "accepted",
    }
}

impl Outcome {
    /// Those of a trial that measures survival, best first.
    pub const SIGNED: [Self; 8] = [
        Self::Intact,
        Self::Resigned,
        Self::Recovered,
        Self::Unconfirmed,
        Self::Broken,
        Self::Lost,
        Self::Misattributed,
        Self::Error,
    ];

    /// Those of a negative trial: a verifier that accepts anything there is wrong.
    pub const NEGATIVE: [Self; 3] = [Self::Rejected, Self::Accepted, Self::Error];

    /// Whether the proof survived.
    pub const fn survived(self) -> bool {
        match self {
            Self::Intact | Self::Resigned | Self::Recovered => true,
            Self::Unconfirmed
            | Self::Broken
            | Self::Lost
            | Self::Misattributed
            | Self::Error
            | Self::Rejected
            | Self::Accepted => false,
        }
    }

    /// The place in [`Outcome::SIGNED`]; `None` for those of negative trials.
    pub fn place(self) -> Option<usize> {
        Self::SIGNED.iter().position(|known| *known == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trial;

    #[test]
    fn every_outcome_belongs_to_a_kind_of_trial_and_survivors_come_first() {
        for outcome in Outcome::ALL {
            let known = Trial::ALL
                .into_iter()
                .filter(|trial| trial.outcomes().contains(&outcome));
            assert!(known.count() > 0, "{outcome} is the outcome of no trial");
        }
        assert!(Outcome::SIGNED.is_sorted_by_key(|outcome| !outcome.survived()));
        assert!(Trial::NEGATIVES.iter().all(|trial| trial.is_negative()));
    }
}
