//! The delivery service of a run: whoever signs in recipes that preserve Content Credentials. Its keys are its own and no
//! verifier knows them, as is the case with a CDN's; the two leaf crates meet here.

use std::sync::LazyLock;

use anyhow::Result;
use credlink_image_files::ImageFile;
use credlink_sign_core::Resigner;
use credlink_sign_core::keys::Identity;
use credlink_transforms::meter::Meter;
use credlink_transforms::resign::{Resign, Surroundings};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::identity;

/// What the service is called in its certificate: an instrument, and no company.
pub const NAME: &str = "Simulated delivery service";

/// A delivery service that signs, with the real C2PA library and a test certificate.
#[derive(Debug)]
struct Service(Resigner);

impl Resign for Service {
    fn resigned(
        &self,
        original: &ImageFile,
        result: &ImageFile,
        actions: &[&str],
    ) -> Result<Vec<u8>, String> {
        self.0
            .resigned(original.bytes(), result.bytes(), actions)
            .map_err(|error| format!("{:#}", anyhow::Error::from(error)))
    }
}

/// One service for all runs: its key follows from its name, so that every run and every replay meets the same.
static SERVICE: LazyLock<Result<Service, String>> = LazyLock::new(|| {
    let made = || -> Result<Service> {
        let seed = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(NAME)));
        let identity = Identity::generate(seed, NAME, identity::validity()?)?;
        Ok(Service(Resigner::new(identity)?))
    };
    made().map_err(|error| format!("{error:#}"))
});

/// What recipes are given in a run: where their time is counted, and the service that signs.
#[must_use]
pub fn surroundings<'a>(meter: &'a Meter<'a>) -> Surroundings<'a> {
    let surroundings = Surroundings::new(meter);
    match &*SERVICE {
        Ok(service) => surroundings.with_resigner(service),
        // Its name and dates are constants, so this cannot be; a recipe that signs would then say `no-signer`.
        Err(_) => surroundings,
    }
}
