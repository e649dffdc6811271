//! Systems outside: a program in any language that speaks `credlink-adapter/1` (docs/ADAPTERS.md) signs and verifies.
//!
//! The harness issues the payloads, keeps whose they are, measures the time, and judges. A worker that crashes, hangs, or
//! says what the protocol forbids is ended. What crashed or hung is tried once more on a fresh worker; what fails then, and
//! whatever was forbidden, is an error of its op.

mod description;
mod failure;
mod heard;
mod message;
mod payload;
mod pool;
mod process;
mod remote;
mod sealed;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use credlink_image_files::{Format, contents};
use credlink_sign_core::carriers::Cost;
use credlink_sign_core::{Asset, ProofId, SigningTimes};
use credlink_trial_record::{CarrierPlace, Decision, Embedded, Trial};

pub use self::description::{Description, DescriptionError, FILE};
pub use self::failure::Failure;
pub use self::heard::heard;
use self::message::{
    Answer as Said, Entry, HIGHEST_SCORE, Hello, LONGEST_RECORD, Request, SignAnswer, Status,
};
use self::payload::{Issued, Payload};
use self::pool::Pool;
pub use self::sealed::SealedAdapter;
use crate::programs::SHA256;

use super::{About, CarrierAbout, DISK, Sealed, Signed, System, SystemError};

/// Thresholds that are tried of a score.
const STEPS: u32 = 64;

/// A system outside, in its first stage.
pub struct Adapter {
    pool: Pool,
    about: About,
    /// What every signed image was registered with, in an order that no thread decides.
    entries: Mutex<BTreeMap<ProofId, (Payload, String)>>,
}

impl Adapter {
    /// Starts it, with as many workers as there may be, each when it is first needed.
    ///
    /// # Errors
    /// [`Failure`], naming the adapter, and what is missing if something is.
    pub fn start(
        description: Description,
        seed: u64,
        workers: usize,
        strength: Option<f64>,
    ) -> Result<Self, Failure> {
        let pool = Pool::start(description, seed, workers, strength)?;
        Ok(Self {
            about: about(&pool, strength),
            pool,
            entries: Mutex::default(),
        })
    }

    /// The weakest and the strongest that it can sign; `None` where no strength can be set.
    pub fn strengths(&self) -> Option<[f64; 2]> {
        let strength = self.pool.hello().strength?;
        Some([strength.weakest, strength.strongest])
    }

    /// Whether it says that the same file gives the same bytes and answers.
    pub fn is_deterministic(&self) -> bool {
        self.pool.hello().deterministic
    }

    /// Sends a request that no protocol knows.
    ///
    /// # Errors
    /// What came instead of an error, in words.
    pub(super) fn probe(&self) -> Result<(), String> {
        let read = |said: Said| match said {
            Said::Error { .. } => Ok(()),
            other => Err(instead(&other)),
        };
        let asked = self.pool.ask(&|seq| Request::Probe { seq }, &read);
        asked.map_err(|failure| failure.reason().to_owned())
    }

    /// The second stage as what it is.
    ///
    /// # Errors
    /// As [`System::seal`].
    pub(super) fn sealed(self) -> Result<SealedAdapter, SystemError> {
        let entries = self.entries.into_inner();
        let entries = entries.unwrap_or_else(PoisonError::into_inner);
        if self.pool.hello().keeps_records {
            let path = self.pool.file("jsonl");
            let mut lines = Vec::new();
            for (id, (payload, record)) in &entries {
                let entry = Entry {
                    id: id.to_string(),
                    payload: payload.hex(),
                    record: record.clone(),
                };
                serde_json::to_writer(&mut lines, &entry).map_err(SystemError::of)?;
                lines.push(b'\n');
            }
            std::fs::write(&path, lines).map_err(SystemError::of)?;
            self.pool.seal(path).map_err(failed)?;
        } else {
            // What a worker remembers of signing is no verification: it starts anew.
            self.pool.end_idle();
        }
        let mut issued = Issued::default();
        for (id, (payload, _)) in entries {
            issued.insert(id, payload);
        }
        issued.seal();
        // A name lives as long as the program, like those of the carriers inside.
        let carrier = Box::leak(self.pool.hello().carrier.name.clone().into_boxed_str());
        Ok(SealedAdapter {
            pool: self.pool,
            carrier,
            issued,
        })
    }
}

/// A file that the system declined, as it came.
fn refused(file: &Asset<'_>, format: Format, why: String) -> Signed {
    Signed {
        bytes: file.bytes().to_vec(),
        carriers: vec![(Embedded::Refused, Cost::default())],
        fate: contents::fate(format, file.bytes(), file.bytes()),
        mark: None,
        distortion: None,
        registered: None,
        kept_bytes: 0,
        times: SigningTimes::default(),
        refused: Some(why),
    }
}

/// The file that was signed, checked: it is what it is said to be, and an image of the same format.
fn signed_file(
    answer: &SignAnswer,
    format: Format,
    source: &[u8],
    out: &Path,
) -> Result<Vec<u8>, String> {
    let promised = answer.media_type.as_deref().unwrap_or(format.mime());
    if promised != format.mime() {
        return Err(format!(
            "{} became {promised}, and a signed image keeps its format",
            format.mime()
        ));
    }
    if !answer.changed {
        return Ok(source.to_vec());
    }
    let bytes = std::fs::read(out).map_err(|error| format!("no file in out: {error}"))?;
    match Format::sniff(&bytes) {
        Some(found) if found == format => Ok(bytes),
        found => Err(format!(
            "the file in out is {} and not {promised}",
            found.map_or("no image", Format::mime)
        )),
    }
}

/// What the adapter says of its system, as the harness puts it.
fn about(pool: &Pool, strength: Option<f64>) -> About {
    let hello = pool.hello();
    let place = hello.carrier.place;
    let files = format!("{SHA256}{}", pool.description().digest);
    let mut settings = vec![
        ("payload".to_owned(), payload_words(hello.payload_bits)),
        ("adapter files".to_owned(), files),
    ];
    if let Some(range) = hello.strength {
        let used = strength.unwrap_or(range.default);
        settings.push(("strength".to_owned(), used.to_string()));
    }
    About {
        name: pool.description().name.clone(),
        version: hello.system.version.clone(),
        licence: hello.system.licence.clone(),
        source: hello.system.source.clone(),
        settings,
        is_guest: true,
        deceptions: match place {
            // What is in the metadata can be made by others and moved to other pictures.
            CarrierPlace::Metadata => vec![Trial::ForeignKey, Trial::Transplant],
            CarrierPlace::Pixels => vec![Trial::WatermarkCopy, Trial::WatermarkAverage],
            CarrierPlace::Store => Vec::new(),
        },
        carriers: vec![CarrierAbout {
            name: hello.carrier.name.clone(),
            describes: hello.carrier.describes.clone(),
            place,
            decision: decision(hello),
            payload_bits: hello.payload_bits,
        }],
    }
}

fn payload_words(bits: u32) -> String {
    match bits {
        0 => "none".to_owned(),
        bits => format!("{bits} bits"),
    }
}

/// The number that it decides by: its score, or how many bits of a payload agree.
fn decision(hello: &Hello) -> Option<Decision> {
    match &hello.score {
        Some(score) => {
            // Without a threshold of its own it decides by other means, and no number counts as found.
            let strictest = if score.rising { HIGHEST_SCORE } else { 0 };
            let in_use = score.threshold.unwrap_or(strictest);
            let is_own = score.threshold.is_some();
            let about = if score.rising {
                "highest score of a wrong proof"
            } else {
                "lowest score of a wrong proof"
            };
            Some(Decision {
                unit: score.unit.clone(),
                rising: score.rising,
                in_use,
                candidates: candidates(in_use, score.rising),
                is_undeclared: !is_own,
                about: format!("{about} in {}", score.unit),
            })
        }
        None if hello.payload_bits > 0 => {
            let bits = hello.payload_bits;
            Some(Decision {
                unit: format!("of {bits} bits"),
                rising: true,
                in_use: bits,
                // Half of them agree by chance.
                candidates: (bits.div_ceil(2)..=bits).rev().collect(),
                is_undeclared: false,
                about: "most bits that the word read shares with the word of a wrong proof"
                    .to_owned(),
            })
        }
        None => None,
    }
}

/// Thresholds around the one in use, the strictest first.
fn candidates(in_use: u32, rising: bool) -> Vec<u32> {
    let step = (in_use / (STEPS / 4)).max(1);
    let around = (0..STEPS).map(|k| u64::from(in_use % step) + u64::from(k * step));
    let mut around: Vec<u32> = around
        .filter_map(|value| u32::try_from(value).ok())
        .filter(|value| *value <= HIGHEST_SCORE)
        .chain([in_use])
        .collect();
    around.sort_unstable();
    around.dedup();
    if rising {
        around.reverse();
    }
    around
}

impl System for Adapter {
    fn about(&self) -> About {
        self.about.clone()
    }

    fn sign(&self, file: &Asset<'_>, id: ProofId) -> Result<Signed, SystemError> {
        let format = file
            .media_type()
            .ok_or_else(|| SystemError::new("sign", "the file is no image that is known"))?;
        let hello = self.pool.hello();
        if !hello.inputs.iter().any(|input| input == format.mime()) {
            let why = format!("signs no {}", format.mime());
            return Ok(refused(file, format, why));
        }
        let payload = Payload::issued(id, hello.payload_bits);
        let words = (id.to_string(), payload.hex());
        let image = Scratch::holding(&self.pool, format, file.bytes())?;
        let out = Scratch::empty(&self.pool, format);
        let request = |seq| Request::Sign {
            seq,
            image: &image.0,
            media_type: format.mime(),
            out: &out.0,
            id: &words.0,
            payload: &words.1,
        };
        let read = |said: Said| {
            let Said::Signed(answer) = said else {
                return Err(instead(&said));
            };
            let record = answer.record.clone().unwrap_or_default();
            let length = STANDARD
                .decode(&record)
                .map_err(|error| format!("record is not base64: {error}"))?
                .len();
            if length > LONGEST_RECORD {
                return Err(format!(
                    "a record of {length} bytes; {LONGEST_RECORD} is the most"
                ));
            }
            let file = match answer.status {
                Status::Ok => Some(signed_file(&answer, format, file.bytes(), &out.0)?),
                Status::Refused | Status::Error => None,
            };
            Ok((answer, file, length))
        };
        let turn = self.pool.turn();
        let (answer, bytes, length) = self.pool.ask(&request, &read).map_err(failed)?;
        drop(turn);
        let Some(bytes) = bytes else {
            if answer.status == Status::Refused {
                let why = format!("{}: {}", answer.cause, answer.detail);
                return Ok(refused(file, format, why));
            }
            return Err(told(&self.pool, &answer.cause, &answer.detail));
        };
        Ok(Signed {
            registered: Some(answer.record.unwrap_or_default().into_bytes()),
            carriers: vec![(Embedded::Carried, Cost::default())],
            fate: contents::fate(format, file.bytes(), &bytes),
            bytes,
            mark: None,
            distortion: None,
            kept_bytes: length as u64,
            times: SigningTimes::default(),
            refused: None,
        })
    }

    fn register(&self, id: ProofId, registered: &[u8]) -> Result<(), SystemError> {
        let record = String::from_utf8(registered.to_vec()).map_err(SystemError::of)?;
        let payload = Payload::issued(id, self.pool.hello().payload_bits);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.insert(id, (payload, record)) {
            None => Ok(()),
            Some(_) => Err(SystemError::new(
                "system",
                format!("proof {id} is there already"),
            )),
        }
    }

    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>, SystemError> {
        Ok(Box::new(self.sealed()?))
    }
}

/// A file for an adapter, gone with this.
struct Scratch(PathBuf);

impl Scratch {
    fn empty(pool: &Pool, format: Format) -> Self {
        Self(pool.file(format.extension()))
    }

    fn holding(pool: &Pool, format: Format, bytes: &[u8]) -> Result<Self, SystemError> {
        let file = Self::empty(pool, format);
        std::fs::write(&file.0, bytes)
            .map_err(|error| SystemError::new(DISK, format!("{}: {error}", file.0.display())))?;
        Ok(file)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn instead(said: &Said) -> String {
    match said {
        Said::Error { cause, detail, .. } => format!("{cause} {detail}"),
        other => format!("{} is no answer to this request", other.name()),
    }
}

fn failed(failure: Failure) -> SystemError {
    SystemError::new(failure.cause(), failure.reason())
}

/// An error that the system itself tells.
fn told(pool: &Pool, cause: &str, detail: &str) -> SystemError {
    let name = &pool.description().name;
    let detail = detail.lines().collect::<Vec<_>>().join(" ");
    SystemError::new("system", format!("{name}: {cause}: {detail}"))
}
