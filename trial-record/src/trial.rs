use crate::outcome::Outcome;
use crate::words::words;

words! {
    /// What kind of op it is: one that measures survival, or one of the negative trials, in which a verifier must
    /// accept nothing.
    pub enum Trial {
        /// A signed image went through the pipeline: survival is measured on these.
        Signed = "signed",
        /// An image that was never signed went through the same pipeline.
        Unsigned = "unsigned",
        /// An image of the same class that somebody else signed, with a key that is not ours.
        ForeignKey = "foreign-key",
        /// Our manifest or link was put on another image.
        Transplant = "transplant",
        /// The exact residual of one watermark was added to another image.
        WatermarkCopy = "watermark-copy",
        /// The residuals of many watermarks were averaged, strengthened, and added to another image.
        WatermarkAverage = "watermark-average",
        /// A manifest forged under a certificate that looks like ours.
        LookAlike = "look-alike",
        /// Everything of a proof of ours, manifest, link and watermark, was put on another image.
        Replay = "replay",
        /// A manifest of ours whose claims were edited.
        EditedClaim = "edited-claim",
        /// Another image, changed until its fingerprint was that of a signed one.
        Collision = "collision",
        /// The same with our link, signed by somebody else who names our manifest as its parent.
        ResignedTransplant = "resigned-transplant",
        /// An unsigned neighbouring view of a scene of which another view is signed.
        NearDuplicate = "near-duplicate",
    }
}

impl Trial {
    /// The kinds in which nothing may be accepted, in the order of [`Trial::ALL`]: all but the first.
    pub const NEGATIVES: [Self; Self::ALL.len() - 1] = {
        let mut kinds = [Self::Unsigned; Self::ALL.len() - 1];
        let mut k = 0;
        while k < kinds.len() {
            kinds[k] = Self::ALL[k + 1];
            k += 1;
        }
        kinds
    };

    /// What went through the pipeline, in words for people.
    pub fn about(self) -> &'static str {
        match self {
            Self::Signed => "signed images",
            Self::Unsigned => "unsigned images",
            Self::ForeignKey => "images signed under another key",
            Self::Transplant => "other images with a proof of ours pasted on",
            Self::WatermarkCopy => "other images with a copied watermark",
            Self::WatermarkAverage => "other images with the average of many watermarks",
            Self::LookAlike => "manifests forged under a look-alike certificate",
            Self::Replay => "other images with a whole old proof: manifest, link and watermark",
            Self::EditedClaim => "manifests with edited claims",
            Self::Collision => "other images made to have the fingerprint of a signed one",
            Self::ResignedTransplant => {
                "other images with the fingerprint and link of a signed one, signed by a stranger as made from it"
            }
            Self::NearDuplicate => "unsigned neighbouring views of signed scenes",
        }
    }

    /// Whether nothing may be accepted in it.
    pub fn is_negative(self) -> bool {
        self != Self::Signed
    }

    /// Every outcome that an op of this trial may have.
    pub fn outcomes(self) -> &'static [Outcome] {
        if self.is_negative() {
            &Outcome::NEGATIVE
        } else {
            &Outcome::SIGNED
        }
    }
}
