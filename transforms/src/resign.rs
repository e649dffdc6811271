//! Signing a result anew, for services that preserve Content Credentials. Nothing here knows how that is done: who
//! signs comes in with the call, as keys must not live among pipelines.

use crate::ask::Ask;
use crate::meter::Meter;
use credlink_image_files::ImageFile;

/// Somebody who signs what a service delivers.
pub trait Resign: Sync {
    /// `result` with a manifest of this signer. If `original`, the file that entered the pipeline, carries a manifest,
    /// that one becomes the parent. `actions` are what was done, in C2PA's names (C2PA 2.2, "Actions").
    ///
    /// # Errors
    /// In words, why the result cannot be signed.
    fn resigned(
        &self,
        original: &ImageFile,
        result: &ImageFile,
        actions: &[&str],
    ) -> Result<Vec<u8>, String>;
}

/// What a pipeline is given besides the file.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Where its time is counted.
    pub meter: &'a Meter<'a>,
    /// Who signs in the service's name; without one, a recipe that signs fails with the cause `no-signer`.
    pub resigner: Option<&'a dyn Resign>,
    /// Who asks real servers; without one, a recipe that does fails with the cause `no-network`.
    pub asker: Option<&'a dyn Ask>,
}

impl<'a> Surroundings<'a> {
    /// Surroundings in which nobody signs, and nobody is asked.
    #[must_use]
    pub fn new(meter: &'a Meter<'a>) -> Self {
        Self {
            meter,
            resigner: None,
            asker: None,
        }
    }

    /// The same with somebody who signs.
    #[must_use]
    pub fn with_resigner(self, resigner: &'a dyn Resign) -> Self {
        Self {
            resigner: Some(resigner),
            ..self
        }
    }

    /// The same with somebody who asks real servers.
    #[must_use]
    pub fn with_asker(self, asker: &'a dyn Ask) -> Self {
        Self {
            asker: Some(asker),
            ..self
        }
    }
}
