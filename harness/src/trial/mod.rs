//! One op: a file goes through a pipeline, is verified, and becomes a row.

pub mod delivery;
pub mod judge;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use credlink_corpus::Entry;
use credlink_image_files::contents::Fate;
use credlink_image_files::{Held, ImageFile};
use credlink_sign_core::carriers::Cost;
use credlink_sign_core::{Distortion, Pixels, ProofId, Verification};
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use credlink_trial_record::{Beside, Embedded, Outcome, Provenance, Row, Trial};

use self::judge::judge;
use crate::ledger::{Ledger, Work};
use crate::live;
use crate::systems::{Nearness, Sealed, SystemError};
use crate::trace::{self, Stop};
use crate::{clock, received};

/// What is known about the file that enters the pipelines.
pub struct Subject<'a> {
    /// The kind of trial.
    pub trial: Trial,
    /// The source image.
    pub entry: &'a Entry,
    /// The proof on it; `None` in a negative trial.
    pub issued: Option<ProofId>,
    /// Size of the source file in bytes.
    pub source_bytes: u64,
    /// Size of the signed file in bytes; that of the source in a negative trial.
    pub signed_bytes: u64,
    /// How well the image took each carrier, in ladder order; empty in a negative trial.
    pub embedded: &'a [Embedded],
    /// What the watermark alone did to the pixels; `None` where there is none.
    pub mark: Option<Distortion>,
    /// What signing did to the pixels; `None` where it changed none.
    pub distortion: Option<Distortion>,
    /// SSIMULACRA 2 of the signed file; `None` where it was not asked for, and in a negative trial.
    pub perceptual: Option<f32>,
    /// What became of everything that the source held beside its pixels; `None` in a negative trial.
    pub fate: Option<&'a Fate>,
    /// Time of signing in nanoseconds; 0 in a negative trial.
    pub sign_nanos: u64,
    /// What each carrier took when the image was signed, in ladder order; empty in a negative trial.
    pub costs: &'a [Cost],
    /// Every proof of this image's source, its own included: neighbouring views are alike, and no error. Empty in a
    /// negative trial.
    pub related: &'a [ProofId],
}

impl<'a> Subject<'a> {
    /// A file of which nothing is known but its trial and its image.
    pub fn bare(trial: Trial, entry: &'a Entry) -> Self {
        Self {
            trial,
            entry,
            issued: None,
            source_bytes: 0,
            signed_bytes: 0,
            embedded: &[],
            mark: None,
            distortion: None,
            perceptual: None,
            fate: None,
            sign_nanos: 0,
            costs: &[],
            related: &[],
        }
    }
}

/// The file that enters the pipelines, and what it holds for people; looked at once for all of them.
pub struct Entering {
    file: Arc<ImageFile>,
    held: Held,
}

impl Entering {
    /// Looks at a file.
    pub fn new(file: Arc<ImageFile>) -> Self {
        Self {
            held: held(&file),
            file,
        }
    }

    /// The file.
    pub fn file(&self) -> &Arc<ImageFile> {
        &self.file
    }
}

fn held(file: &ImageFile) -> Held {
    Held::of(file.format(), file.bytes())
}

/// A row that says only which op it is; for ops that could not be done, with the cause.
pub fn failed(op: u64, subject: &Subject<'_>, recipe: &Recipe, cause: &str, reason: String) -> Row {
    let entry = subject.entry;
    Row {
        pipeline: recipe.id.clone(),
        family: recipe.family.clone(),
        grade: recipe.grade().letter(),
        provenance: recipe.provenance(),
        image: u32::try_from(entry.index).unwrap_or(u32::MAX),
        name: entry.name.clone(),
        source: entry.source.clone(),
        class: entry.class.clone(),
        image_format: entry.format.as_str().to_owned(),
        width: entry.width,
        height: entry.height,
        issued: subject.issued.map(|id| id.to_string()),
        error: Some(reason),
        error_cause: Some(cause.to_owned()),
        source_bytes: subject.source_bytes,
        signed_bytes: subject.signed_bytes,
        mark_psnr: subject.mark.map(|mark| mark.psnr),
        mark_ssim: subject.mark.map(|mark| mark.ssim),
        sign_psnr: subject.distortion.map(|changed| changed.psnr),
        sign_ssim: subject.distortion.map(|changed| changed.ssim),
        sign_ssimulacra2: subject.perceptual,
        sign_kept: subject.fate.map(|fate| fate.kept.join("; ")),
        sign_changed: subject.fate.map(|fate| fate.changed.join("; ")),
        sign_dropped: subject.fate.map(|fate| fate.dropped_names().join("; ")),
        sign_ns: subject.sign_nanos,
        ..Row::new(op, subject.trial, Outcome::Error)
    }
}

/// Runs one op. Never fails and never panics: what goes wrong becomes an `error` row. `live` asks real servers, where the recipe
/// does.
pub fn run(
    op: u64,
    subject: &Subject<'_>,
    entering: &Entering,
    recipe: &Recipe,
    system: &dyn Sealed,
    ledger: &Ledger,
    live: Option<&live::Client>,
) -> Row {
    let asker = live.filter(|_| recipe.is_live()).map(live::Client::op);
    let attempt = catch_unwind(AssertUnwindSafe(|| {
        attempt(
            op,
            subject,
            entering,
            recipe,
            system,
            ledger,
            asker.as_ref(),
        )
    }));
    let answered = asker.as_ref().and_then(live::Op::answered);
    let (cause, reason): (Cow<'static, str>, String) = match attempt {
        Ok(Ok(done)) => return Row { answered, ..done },
        Ok(Err((cause, reason))) => (cause, reason),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            (
                "panic".into(),
                format!("{}: a library panicked: {words}", recipe.id),
            )
        }
    };
    Row {
        answered,
        ..failed(op, subject, recipe, &cause, reason)
    }
}

fn attempt(
    op: u64,
    subject: &Subject<'_>,
    entering: &Entering,
    recipe: &Recipe,
    system: &dyn Sealed,
    ledger: &Ledger,
    asker: Option<&live::Op<'_>>,
) -> Result<Row, (Cow<'static, str>, String)> {
    let file = &entering.file;
    let cpu_clock = clock::thread_nanos;
    let meter = Meter::new(&cpu_clock);
    let (cpu, wall) = (clock::thread_nanos(), clock::wall_nanos());
    let mut written = Vec::new();
    let surroundings = delivery::surroundings(&meter);
    let surroundings = match asker {
        Some(asker) => surroundings.with_asker(asker),
        None => surroundings,
    };
    let received = recipe
        .apply_watched(file, surroundings, |step| written.push(step))
        .map_err(|error| (error.cause().into(), error.to_string()))?;
    let (cpu, transform_ns) = (clock::thread_nanos() - cpu, clock::wall_nanos() - wall);
    let codec_ns = meter.codec_nanos();
    ledger.add(Work::Codec, codec_ns);
    ledger.add(Work::Resize, meter.resize_nanos());
    ledger.add(
        Work::OtherSteps,
        cpu.saturating_sub(codec_ns + meter.resize_nanos()),
    );

    let mut row = looked_at(op, subject, entering, recipe, &received, system, ledger)?;
    let stops: Vec<Stop> = written.iter().map(Stop::of).collect();
    row.taken = Some(trace::taken(&stops));
    (row.transform_ns, row.codec_ns) = (transform_ns, codec_ns);
    Ok(row)
}

/// The row of a file that a person posted and fetched again: nothing is known of its way, and what `recipe` makes of it stands
/// in a row of its own.
pub fn observed(
    op: u64,
    subject: &Subject<'_>,
    entering: &Entering,
    recipe: &Recipe,
    received: Vec<u8>,
    system: &dyn Sealed,
) -> Row {
    let attempt = catch_unwind(AssertUnwindSafe(|| {
        let received =
            ImageFile::new(received).map_err(|error| ("received".into(), error.to_string()))?;
        let ledger = Ledger::new();
        looked_at(op, subject, entering, recipe, &received, system, &ledger)
    }));
    let row = match attempt {
        Ok(Ok(row)) => row,
        Ok(Err((cause, reason))) => failed(op, subject, recipe, &cause, reason),
        Err(_) => {
            let reason = "a library panicked on what came back".to_owned();
            failed(op, subject, recipe, "panic", reason)
        }
    };
    Row {
        provenance: Provenance::Observed,
        // A service promises nothing here.
        same_pixels: None,
        ..row
    }
}

/// What a received file shows: the row of an op, but for its way.
fn looked_at(
    op: u64,
    subject: &Subject<'_>,
    entering: &Entering,
    recipe: &Recipe,
    received: &ImageFile,
    system: &dyn Sealed,
    ledger: &Ledger,
) -> Result<Row, (Cow<'static, str>, String)> {
    let file = &entering.file;
    let verified = verify(received, subject, system, ledger)
        .map_err(|error| (error.cause, format!("{}: {}", recipe.id, error.reason)))?;
    let judgement = judge(subject.issued, verified.verification.findings());
    // Decoding what was received is part of verification; a file that cannot be shown is an error of the pipeline.
    let shown = verified.pixels.map_err(|error| {
        (
            "decode".into(),
            format!("{}: received file: {error}", recipe.id),
        )
    })?;

    let mut row = failed(op, subject, recipe, "", String::new());
    (row.error, row.error_cause) = (None, None);
    row.same_bytes = std::ptr::eq(received, &**file) || received.bytes() == file.bytes();
    row.same_pixels = recipe
        .contract
        .map(|_| row.same_bytes || same_pixels(file, &shown));
    row.outcome = judgement.outcome;
    row.survived = judgement.outcome.survived();
    row.recovered_by = judgement
        .by
        .filter(|_| judgement.outcome == Outcome::Recovered)
        .map(str::to_owned);
    row.holds = Some(Beside::joined(&entering.held.kinds()));
    row.still_holds = Some(Beside::joined(&entering.held.still_in(&held(received))));
    row.received_bytes = received.bytes().len() as u64;
    row.received_format = received.format().as_str().to_owned();
    (row.received_width, row.received_height) = (shown.image.width(), shown.image.height());
    row.content_distance = verified.distance;
    row.verify_ns = verified.verification.ladder_nanos;
    row.retrieve_ns = verified
        .verification
        .findings()
        .map(|(_, finding)| finding.retrieve_nanos)
        .max()
        .unwrap_or(0);
    row.carriers = cells(&verified.verification, &verified.nearness, subject);
    Ok(row)
}

/// What verification found out, and the pixels that it decoded on the way.
struct Verified {
    verification: Verification,
    distance: Option<u32>,
    nearness: Vec<Nearness>,
    pixels: Result<Pixels, String>,
}

/// Verifies the received bytes as a verifier meets them: nothing that the pipeline decoded is at hand, so that the time
/// of verification always holds its own decoding.
fn verify(
    received: &ImageFile,
    subject: &Subject<'_>,
    system: &dyn Sealed,
    ledger: &Ledger,
) -> Result<Verified, SystemError> {
    let decoding = Cell::new(0);
    let pixels = OnceCell::new();
    let decode = |bytes: &[u8]| {
        let start = clock::thread_nanos();
        let decoded = pixels.get_or_init(|| received::decode_bytes(bytes));
        decoding.set(decoding.get() + clock::thread_nanos() - start);
        decoded.clone()
    };
    let file =
        credlink_sign_core::Asset::new(received.bytes(), &decode).with_clock(&clock::thread_nanos);
    let start = clock::thread_nanos();
    let answer = system.verify(&file, &clock::wall_nanos)?;
    let distance = subject.issued.and_then(|id| system.distance_to(&file, id));
    let pixels = decode(received.bytes());
    let cpu = clock::thread_nanos() - start;
    ledger.add(Work::Codec, decoding.get());
    let verification = answer.verification;
    ledger.add(Work::Hash, verification.hash_nanos);
    ledger.add(Work::Watermark, verification.watermark_nanos);
    ledger.add(Work::Points, verification.points_nanos);
    // Looking at every proof is our curiosity, not verification, and is no part of its cost.
    let nearness = (answer.nearness)(subject.issued, &|id| subject.related.contains(&id));
    let claimed = decoding.get()
        + verification.hash_nanos
        + verification.watermark_nanos
        + verification.points_nanos;
    ledger.add(Work::Verify, cpu.saturating_sub(claimed));
    Ok(Verified {
        verification,
        distance,
        nearness,
        pixels,
    })
}

fn cells(
    verification: &Verification,
    nearness: &[Nearness],
    subject: &Subject<'_>,
) -> Vec<credlink_trial_record::Cell> {
    let issued = subject.issued;
    let cell = |(position, examined): (usize, &credlink_sign_core::Examined)| {
        let finding = &examined.finding;
        let cost = subject.costs.get(position).copied().unwrap_or_default();
        let mut measured = nearness.iter();
        let measured = measured.find(|measured| measured.carrier == examined.carrier);
        let (own, wrong) = match (finding.read, measured) {
            (Some((word, strength)), _) if Some(word) == issued => (Some(strength), None),
            (Some((_, strength)), _) => (None, Some(strength)),
            (None, Some(measured)) => (measured.own, measured.wrong),
            (None, None) => (None, None),
        };
        credlink_trial_record::Cell {
            embedded: subject.embedded.get(position).copied(),
            state: finding.state,
            // Of several proofs of one picture the issued one is the one that is asked for.
            proof: issued
                .filter(|issued| finding.accepts(*issued))
                .or(finding.proof)
                .map(|id| id.to_string()),
            // In a negative trial any acceptance is a false one, and counts.
            accepted: finding.accepted().is_some()
                && (issued.is_none() || issued.is_some_and(|issued| finding.accepts(issued))),
            distance: finding.distance,
            quality: finding.quality,
            own,
            wrong,
            bits: measured.and_then(|measured| measured.bits),
            codes: finding.codes.join(","),
            ns: examined.nanos,
            bytes: cost
                .bytes
                .map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX)),
            sign_ns: cost.nanos,
        }
    };
    verification.carriers.iter().enumerate().map(cell).collect()
}

/// Whether a received file shows the pixels of the signed one; colours under full transparency do not show.
fn same_pixels(signed: &ImageFile, received: &Pixels) -> bool {
    let Ok(signed) = signed.frame() else {
        return false;
    };
    if signed.pixels == received.image {
        return true;
    }
    // An optimiser may have changed the pixel type; sixteen bits hold every one exactly.
    let (a, b) = (signed.pixels.to_rgba16(), received.image.to_rgba16());
    a.dimensions() == b.dimensions()
        && a.pixels()
            .zip(b.pixels())
            .all(|(a, b)| a == b || (a[3] == 0 && b[3] == 0))
}
