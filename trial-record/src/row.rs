//! The record of one op: what went in, what came out, what every carrier said and how long it took.

use crate::{Beside, Embedded, Outcome, Provenance, State, Trial};

/// One op. Times are nanoseconds; a time of 0 means that this part did not run and is not measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Number of the op in the run's plan, unique over trials of every kind together.
    pub op: u64,
    /// Signed, or which kind of negative trial.
    pub trial: Trial,
    /// Id of the pipeline, e.g. `social/bluesky`.
    pub pipeline: String,
    /// Family of the pipeline, e.g. `social`.
    pub family: String,
    /// Evidence grade of the pipeline's recipe, `A` (source code), `O` (files that the platform wrote), `B`, `C` or `D` (estimate).
    pub grade: char,
    /// Who took the image through it.
    pub provenance: Provenance,
    /// Index of the image in the image set.
    pub image: u32,
    /// Name of the image in the image set.
    pub name: String,
    /// The file the image was made from. Views of one file share it, since they share evidence.
    pub source: String,
    /// Class of the image, e.g. `portrait` or `screenshot`.
    pub class: String,
    /// Format of the source image, e.g. `jpeg`.
    pub image_format: String,
    /// Displayed width of the source image in pixels.
    pub width: u32,
    /// Displayed height of the source image in pixels.
    pub height: u32,
    /// Proof id that was put on the image (16 hex digits); `None` for negative trials.
    pub issued: Option<String>,
    /// What became of the proof: one of [`Trial::outcomes`].
    pub outcome: Outcome,
    /// Whether the outcome counts as survived. Always false for negative trials.
    pub survived: bool,
    /// The first carrier of the ladder that recovered the proof, for outcome `recovered`.
    pub recovered_by: Option<String>,
    /// What failed, in words, for outcome `error`.
    pub error: Option<String>,
    /// What failed, as a short code for counting, e.g. `decode`.
    pub error_cause: Option<String>,
    /// Size of the source file in bytes.
    pub source_bytes: u64,
    /// Size of the signed file in bytes (of the file that entered the pipeline for negative trials).
    pub signed_bytes: u64,
    /// Size of the file that came out of the pipeline in bytes; 0 if none did.
    pub received_bytes: u64,
    /// Format that came out of the pipeline; empty if none did.
    pub received_format: String,
    /// Displayed width that came out, in pixels.
    pub received_width: u32,
    /// Displayed height that came out, in pixels.
    pub received_height: u32,
    /// Whether the file that came out is the one that went in, byte for byte.
    pub same_bytes: bool,
    /// Whether its decoded pixels are those of the file that went in; `None` where the pipeline promises nothing.
    pub same_pixels: Option<bool>,
    /// Fingerprint distance in bits between the received image and the registered one.
    pub content_distance: Option<u32>,
    /// What the watermark alone did to the pixels, before coding: peak signal-to-noise ratio of the colour
    /// channels in dB. `None` where there is none, and for controls.
    pub mark_psnr: Option<f32>,
    /// The same as structural similarity of luma, 0 to 1.
    pub mark_ssim: Option<f32>,
    /// What signing did to the pixels, signed file beside source: peak signal-to-noise ratio of the colour
    /// channels in dB. `None` where the pixels are the same, and for negative trials.
    pub sign_psnr: Option<f32>,
    /// The same as structural similarity of luma, 0 to 1.
    pub sign_ssim: Option<f32>,
    /// Names of what the source file held beside its pixels and the signed file holds byte for byte, `; ` between them, as a
    /// comparison of the two found it; `None` where nobody signed or compared.
    pub sign_kept: Option<String>,
    /// The same of what is there with other bytes.
    pub sign_changed: Option<String>,
    /// The same of what is gone.
    pub sign_dropped: Option<String>,
    /// What the file that entered the pipeline held for people beside its pixels, as [`Beside::joined`]; `None` where no op
    /// was done.
    pub holds: Option<String>,
    /// What of that the received file still says, likewise.
    pub still_holds: Option<String>,
    /// SSIMULACRA 2 of signed and source image, 100 where they look alike; `None` where it was not asked for.
    pub sign_ssimulacra2: Option<f32>,
    /// Which steps took which kinds of metadata: `4 jpeg: C2PA manifest, XMP`, `; ` between steps.
    pub taken: Option<String>,
    /// How the file came back. Live rows: what the server said of its answer, attempt by attempt, such as
    /// `503 then 200; content-type: image/webp; x-cache: MISS`. Observed ones: the date, the app, its settings, and how the file
    /// was told apart. `None` where simulated.
    pub answered: Option<String>,
    /// Time to sign the image: the same figure on every op of one image.
    pub sign_ns: u64,
    /// Time of the whole pipeline.
    pub transform_ns: u64,
    /// Time that the pipeline spent in codecs; part of `transform_ns`.
    pub codec_ns: u64,
    /// Time of the ladder up to its first acceptance, as a verifier would run it.
    pub verify_ns: u64,
    /// Time spent looking up the proof in the proof store.
    pub retrieve_ns: u64,
    /// One cell per carrier in the order of the run's carrier list. May be empty for outcome `error`, where
    /// verification may never have begun.
    pub carriers: Vec<Cell>,
}

/// What one carrier, examined on its own, said about the received image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// How well the signed image took this carrier: `None` for negative trials.
    pub embedded: Option<Embedded>,
    /// What it said.
    pub state: State,
    /// The proof id that the carrier led to (16 hex digits).
    pub proof: Option<String>,
    /// Signed trials: the carrier accepted a proof and it is the issued one. Negative trials: the carrier
    /// accepted any proof of ours, which is a false accept.
    pub accepted: bool,
    /// Distance between received and registered content in bits, where the carrier has such a thing.
    pub distance: Option<u32>,
    /// The carrier's own quality figure, 0 to 100.
    pub quality: Option<u8>,
    /// What decides, towards the issued proof: for the fingerprint bits to the registered image, where both qualities
    /// are sufficient; for the watermark the strength of its word in thousandths of what it must reach.
    pub own: Option<u32>,
    /// The same towards a wrong proof: the nearest registered image of another source; a word that is another id.
    pub wrong: Option<u32>,
    /// Bits of the word read that are those of the word issued, where the carrier holds a word and one was read.
    pub bits: Option<u32>,
    /// Status or cause codes, comma separated; empty if there are none.
    pub codes: String,
    /// Time to examine this carrier; 0 means not measured.
    pub ns: u64,
    /// What the carrier took when the image was signed: bytes of the file, or of the proof store where it lives there.
    /// `None` where that was not told apart, and for negative trials.
    pub bytes: Option<u32>,
    /// Time of signing that went into this carrier alone; 0 means not measured.
    pub sign_ns: u64,
}

impl Cell {
    /// A cell that says this and nothing else.
    pub fn new(state: State) -> Self {
        Self {
            embedded: None,
            state,
            proof: None,
            accepted: false,
            distance: None,
            quality: None,
            own: None,
            wrong: None,
            bits: None,
            codes: String::new(),
            ns: 0,
            bytes: None,
            sign_ns: 0,
        }
    }
}

impl Row {
    /// A row that says this and nothing else.
    pub fn new(op: u64, trial: Trial, outcome: Outcome) -> Self {
        Self {
            op,
            trial,
            pipeline: String::new(),
            family: String::new(),
            grade: 'A',
            provenance: Provenance::Simulated,
            image: 0,
            name: String::new(),
            source: String::new(),
            class: String::new(),
            image_format: String::new(),
            width: 0,
            height: 0,
            issued: None,
            outcome,
            survived: false,
            recovered_by: None,
            error: None,
            error_cause: None,
            source_bytes: 0,
            signed_bytes: 0,
            received_bytes: 0,
            received_format: String::new(),
            received_width: 0,
            received_height: 0,
            same_bytes: false,
            same_pixels: None,
            content_distance: None,
            mark_psnr: None,
            mark_ssim: None,
            sign_psnr: None,
            sign_ssim: None,
            sign_kept: None,
            sign_changed: None,
            sign_dropped: None,
            holds: None,
            still_holds: None,
            sign_ssimulacra2: None,
            taken: None,
            answered: None,
            sign_ns: 0,
            transform_ns: 0,
            codec_ns: 0,
            verify_ns: 0,
            retrieve_ns: 0,
            carriers: Vec::new(),
        }
    }

    /// Checks that the row does not contradict itself or the run's carriers; a measurement that does is not
    /// evidence.
    ///
    /// # Errors
    /// The reason as a lowercase fragment naming the fields that disagree.
    pub fn check(&self, carriers: &[String]) -> Result<(), String> {
        let outcomes = self.trial.outcomes();
        if !outcomes.contains(&self.outcome) {
            let known: Vec<&str> = outcomes.iter().map(|known| known.as_str()).collect();
            return Err(format!(
                "outcome {} is not one of {} for a {} trial",
                self.outcome,
                known.join(", "),
                self.trial
            ));
        }
        let is_error = self.outcome == Outcome::Error;
        if self.carriers.len() != carriers.len() && !(is_error && self.carriers.is_empty()) {
            return Err(format!(
                "carriers: {} cells for the {} carriers of the run",
                self.carriers.len(),
                carriers.len()
            ));
        }
        if let Some(by) = self
            .recovered_by
            .as_ref()
            .filter(|by| !carriers.contains(by))
        {
            return Err(format!("recovered_by {by:?} is not a carrier of the run"));
        }
        for (cell, carrier) in self.carriers.iter().zip(carriers) {
            if cell.embedded.is_some() != (self.trial == Trial::Signed) {
                let known = Embedded::ALL.map(Embedded::as_str);
                return Err(format!(
                    "{carrier}_embedded is {:?}; signed trials have one of {}, others none",
                    cell.embedded.map(Embedded::as_str),
                    known.join(", ")
                ));
            }
        }
        let list = |text: &Option<String>| Beside::split(text.as_deref().unwrap_or_default());
        match (list(&self.holds), list(&self.still_holds)) {
            (Some(holds), Some(still)) if still.iter().all(|one| holds.contains(one)) => {}
            (Some(_), Some(_)) => {
                return Err("still_holds names what holds does not".to_owned());
            }
            _ => {
                return Err(format!(
                    "holds or still_holds names something other than {}",
                    Beside::joined(&Beside::ALL)
                ));
            }
        }
        let accepted = self.carriers.iter().any(|cell| cell.accepted);
        match self.trial {
            Trial::Signed => self.check_signed(accepted),
            trial if self.survived => Err(format!(
                "survived: a trial of kind {} has no proof that could survive",
                trial
            )),
            // Also for errors: a false accept must not hide behind one.
            _ if accepted != (self.outcome == Outcome::Accepted) => Err(format!(
                "outcome {} contradicts the carriers' accepted flags",
                self.outcome
            )),
            _ => Ok(()),
        }
    }

    /// The row with every measured time at 0: what is left depends on seed and inputs alone.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        let times = [
            &mut self.sign_ns,
            &mut self.transform_ns,
            &mut self.codec_ns,
            &mut self.verify_ns,
            &mut self.retrieve_ns,
        ];
        times.into_iter().for_each(|time| *time = 0);
        for cell in &mut self.carriers {
            (cell.ns, cell.sign_ns) = (0, 0);
        }
        self
    }

    fn check_signed(&self, accepted: bool) -> Result<(), String> {
        if self.survived != self.outcome.survived() {
            return Err(format!(
                "survived is {} but the outcome is {}",
                self.survived, self.outcome
            ));
        }
        if self.survived && !accepted {
            return Err(format!(
                "outcome {} but no carrier accepted the issued proof",
                self.outcome
            ));
        }
        // One carrier may find the right proof while another names a wrong one, and the wrong one decides.
        // An error after verification may likewise leave an accepted cell behind.
        let may_accept =
            self.survived || matches!(self.outcome, Outcome::Misattributed | Outcome::Error);
        if accepted && !may_accept {
            return Err(format!(
                "a carrier accepted the issued proof but the outcome is {}",
                self.outcome
            ));
        }
        Ok(())
    }
}
