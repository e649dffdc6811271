//! A service that preserves Content Credentials: the manifest of the file that came in becomes an ingredient of a new
//! one, which the service signs.

use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use credlink_image_files::metadata::{self, Kind};

/// `resign = { actions = ["c2pa.resized", "c2pa.transcoded"], always = false }`: signs the current file anew, with the
/// manifest of the file that entered the recipe as parent. A file that came without one is signed only if `always`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resign {
    actions: Vec<Action>,
    always: bool,
}

/// An action of C2PA 2.2 that delivery services take.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
enum Action {
    #[serde(rename = "c2pa.resized")]
    Resized,
    #[serde(rename = "c2pa.cropped")]
    Cropped,
    #[serde(rename = "c2pa.converted")]
    Converted,
    #[serde(rename = "c2pa.transcoded")]
    Transcoded,
    #[serde(rename = "c2pa.edited")]
    Edited,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Resized => "c2pa.resized",
            Self::Cropped => "c2pa.cropped",
            Self::Converted => "c2pa.converted",
            Self::Transcoded => "c2pa.transcoded",
            Self::Edited => "c2pa.edited",
        }
    }
}

/// Both sides by the header, the shorter first, so that turning is no resizing; `None` where the header says nothing.
fn sides(bytes: &[u8]) -> Option<[u32; 2]> {
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes));
    let (width, height) = reader.with_guessed_format().ok()?.into_dimensions().ok()?;
    Some([width.min(height), width.max(height)])
}

impl Apply for Resign {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let file = work.encoded()?;
        let original = work.input();
        if !self.always && !metadata::read(original.format(), original.bytes()).has(Kind::C2pa) {
            return Ok(Flow::Continue);
        }
        let signer = work.surroundings().resigner;
        let signer = signer.ok_or(StepErrorKind::NoSigner)?;
        let is_resized = sides(original.bytes())
            .zip(sides(file.bytes()))
            .is_none_or(|(before, after)| before != after);
        // A service that leaves a small image at its size has not resized it, and says so.
        let taken = self.actions.iter();
        let taken = taken.filter(|action| **action != Action::Resized || is_resized);
        let actions: Vec<&str> = taken.map(|action| action.as_str()).collect();
        let signed = signer.resigned(original, file, &actions);
        work.replace(signed.map_err(StepErrorKind::Signing)?)?;
        Ok(Flow::Continue)
    }
}
