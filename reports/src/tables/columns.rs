//! Rows into records of numbers, slice by slice: words become indices, and what repeats is kept once.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use credlink_trial_record::{Beside, Embedded, Outcome, State, Trial};
use polars::prelude::StringChunked;

use super::EvidenceError;
use super::detail::{Entrant, Interned, Mean, NONE, OpResult, ReaderSees, size_band};
use super::op_file::{CarrierRecord, OpFileWriter, OpRecord};
use super::row_check::{Facts, RowCheck};
use crate::controls::{Controls, Seen};
use crate::header::{PipelineHeader, RunHeader};
use crate::reasons::first_code;
use crate::rows::{RowError, Rows};

/// The rows of a run so far.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) sources: Interned<String>,
    pub(super) classes: Interned<String>,
    pub(super) formats: Interned<String>,
    pub(super) errors: Interned<String>,
    /// State and first code of each carrier, e.g. `invalid, assertion.dataHash.mismatch`.
    pub(super) causes: Vec<Interned<String>>,
    pub(super) results: Interned<OpResult>,
    /// One record per row, grouped by pipeline and trial: group `pipeline * Trial::ALL.len() + trial`.
    pub(super) ops: OpFileWriter,
    rows: u64,
    pub(super) right_bits: Vec<Mean>,
    /// For each carrier bytes and nanoseconds that it took when images were signed, over the ops of pooled figures.
    pub(super) taken: Vec<[Mean; 2]>,
    /// Rows that do not contradict themselves.
    checked: RowCheck,
    /// What the rows say of the run's controls.
    pub(super) controls: Controls,
    pipelines: HashMap<String, usize>,
}

/// Which rows pooled figures count: signed ops of simulated pipelines, but for those of controls.
fn pooled(
    header: &RunHeader,
    rows: &Rows,
    words: &[(Trial, Outcome)],
) -> Result<Vec<bool>, EvidenceError> {
    let pooled = header.pipelines.iter().filter(|one| one.is_pooled());
    let pooled: HashSet<&str> = pooled.map(|one| one.id.as_str()).collect();
    let pipelines = rows.texts("pipeline")?.iter().zip(words);
    let counted = pipelines.map(|(id, (trial, _))| {
        *trial == Trial::Signed && id.is_some_and(|id| pooled.contains(id))
    });
    Ok(counted.collect())
}

/// Refuses rows whose provenance is not that of their pipeline: they would be pooled with what they are not.
fn check_provenance(
    header: &RunHeader,
    rows: &Rows,
    results: &[(usize, u32)],
) -> Result<(), EvidenceError> {
    for (row, (group, _)) in results.iter().enumerate() {
        let pipeline = &header.pipelines[group / Trial::ALL.len()];
        let told = rows.provenance(row)?;
        if told != pipeline.provenance {
            let (id, of_run) = (&pipeline.id, pipeline.provenance);
            let reason = format!("provenance is {told}, and run.json says that {id} is {of_run}");
            return Err(wrong(rows, row, reason));
        }
    }
    Ok(())
}

/// What files held beside their pixels; nothing in rows that were written before that was looked at.
fn held(rows: &Rows) -> Result<Vec<[u16; 2]>, EvidenceError> {
    let (holds, still) = (rows.texts("holds")?, rows.texts("still_holds")?);
    let mut last = (None, None, [0; 2]);
    let mut held = Vec::with_capacity(rows.len());
    for row in 0..rows.len() {
        let words = (holds.get(row), still.get(row));
        if words != (last.0, last.1) {
            let bits = |text: Option<&str>| {
                let items = Beside::split(text.unwrap_or_default());
                let items = items.ok_or_else(|| {
                    wrong(
                        rows,
                        row,
                        format!("holds or still_holds: {text:?} is unknown"),
                    )
                })?;
                let bits = items.into_iter().map(|item| 1_u16 << item as u16);
                Ok::<_, EvidenceError>(bits.fold(0, |all, bit| all | bit))
            };
            last = (words.0, words.1, [bits(words.0)?, bits(words.1)?]);
            if last.2[1] & !last.2[0] != 0 {
                let reason = "still_holds names what holds does not".to_owned();
                return Err(wrong(rows, row, reason));
            }
        }
        held.push(last.2);
    }
    Ok(held)
}

/// The last word of a column and its index: neighbouring rows often say the same.
struct Last<'a> {
    column: &'a StringChunked,
    word: Option<&'a str>,
    index: u32,
}

impl<'a> Last<'a> {
    fn of(column: &'a StringChunked) -> Self {
        Self {
            column,
            word: None,
            index: NONE,
        }
    }

    fn index(&mut self, row: usize, words: &mut Interned<String>) -> u32 {
        let word = self.column.get(row);
        if word != self.word {
            self.index = word.map_or(NONE, |word| words.index(word));
            self.word = word;
        }
        self.index
    }
}

/// One carrier's columns of a slice, and its last cause.
struct CellSlice<'a> {
    state: &'a StringChunked,
    codes: &'a StringChunked,
    embedded: &'a StringChunked,
    accepted: &'a polars::prelude::BooleanChunked,
    last: (Option<&'a str>, Option<&'a str>, u32),
}

impl Columns {
    /// Nothing yet of a run whose row file is `rows`, beside which records are kept.
    pub(super) fn new(header: &RunHeader, rows: &Path) -> Result<Self, EvidenceError> {
        let mut pipelines = HashMap::with_capacity(header.pipelines.len());
        for (index, PipelineHeader { id, .. }) in header.pipelines.iter().enumerate() {
            if pipelines.insert(id.clone(), index).is_some() {
                return Err(EvidenceError::Twice {
                    pipeline: id.clone(),
                });
            }
        }
        let carriers = header.carriers.len();
        let groups = header.pipelines.len() * Trial::ALL.len();
        let folder = rows.parent().unwrap_or(Path::new("."));
        let mut causes = Vec::new();
        causes.resize_with(carriers, Interned::default);
        Ok(Self {
            sources: Interned::default(),
            classes: Interned::default(),
            formats: Interned::default(),
            errors: Interned::default(),
            causes,
            results: Interned::default(),
            ops: OpFileWriter::new(folder, groups, carriers).map_err(EvidenceError::Kept)?,
            rows: 0,
            right_bits: vec![Mean::default(); carriers],
            taken: vec![Default::default(); carriers],
            checked: RowCheck::default(),
            controls: Controls::of(header),
            pipelines,
        })
    }

    /// Adds a slice of rows.
    pub(super) fn add(&mut self, header: &RunHeader, rows: &Rows) -> Result<(), EvidenceError> {
        if rows.carriers() != header.carriers {
            return Err(EvidenceError::Carriers {
                path: rows.path().into(),
                rows: rows.carriers().to_vec(),
                header: header.carriers.clone(),
            });
        }
        let entrants = self.entrants(rows)?;
        let words = rows.trials()?.into_iter().zip(rows.outcomes()?);
        let words: Vec<(Trial, Outcome)> = words.collect();
        let results = self.results(rows, &words)?;
        check_provenance(header, rows, &results)?;
        self.add_controls(rows, &words)?;
        let held = held(rows)?;
        self.add_costs(header, rows, &words)?;
        let (transform, verify, retrieve) = (
            rows.big("transform_ns")?,
            rows.big("verify_ns")?,
            rows.big("retrieve_ns")?,
        );
        let mut figures = Vec::new();
        for carrier in rows.carriers() {
            let small = |name: &str| rows.small(&format!("{carrier}_{name}"));
            let times = rows.big(&format!("{carrier}_ns"))?;
            figures.push((times, small("own")?, small("wrong")?));
        }
        for (row, entrant) in entrants.into_iter().enumerate() {
            let (group, result) = results[row];
            let carriers = figures.iter().map(|(times, own, wrong)| CarrierRecord {
                nanos: times.get(row).unwrap_or_default(),
                own: own.get(row),
                wrong: wrong.get(row),
            });
            let record = OpRecord {
                row: self.rows,
                entrant,
                result,
                held: held[row],
                transform_ns: transform.get(row).unwrap_or_default(),
                verify_ns: verify.get(row).unwrap_or_default(),
                retrieve_ns: retrieve.get(row).unwrap_or_default(),
                carriers: carriers.collect(),
            };
            let kept = self.ops.push(group, &record);
            kept.map_err(EvidenceError::Kept)?;
            self.rows += 1;
        }
        Ok(())
    }

    /// What carriers took when images were signed, and how many bits of words were right.
    fn add_costs(
        &mut self,
        header: &RunHeader,
        rows: &Rows,
        words: &[(Trial, Outcome)],
    ) -> Result<(), EvidenceError> {
        let pooled = pooled(header, rows, words)?;
        let counted = || pooled.iter().copied();
        for (index, carrier) in rows.carriers().iter().enumerate() {
            let (bytes, spent) = (
                rows.small(&format!("{carrier}_bytes"))?,
                rows.big(&format!("{carrier}_sign_ns"))?,
            );
            let [all_bytes, all_spent] = &mut self.taken[index];
            let bytes = bytes.iter().zip(counted()).filter(|(_, counted)| *counted);
            bytes
                .filter_map(|(bytes, _)| bytes)
                .for_each(|bytes| all_bytes.add(u64::from(bytes)));
            let spent = spent.iter().zip(counted()).filter(|(_, counted)| *counted);
            spent
                .filter_map(|(nanos, _)| nanos.filter(|nanos| *nanos > 0))
                .for_each(|nanos| all_spent.add(nanos));
            let right = rows.small(&format!("{carrier}_bits"))?;
            let right = right.iter().zip(counted()).filter(|(_, counted)| *counted);
            right
                .filter_map(|(bits, _)| bits)
                .for_each(|bits| self.right_bits[index].add(u64::from(bits)));
        }
        Ok(())
    }

    /// Judges the controls again: what a header says of them is a claim.
    fn add_controls(
        &mut self,
        rows: &Rows,
        words: &[(Trial, Outcome)],
    ) -> Result<(), EvidenceError> {
        let (pipeline, name, error) = (
            rows.texts("pipeline")?,
            rows.texts("name")?,
            rows.texts("error")?,
        );
        let cause = rows.texts("error_cause")?;
        let (op, distance) = (rows.big("op")?, rows.small("content_distance")?);
        let (same_bytes, same_pixels) = (rows.flags("same_bytes")?, rows.flags("same_pixels")?);
        let mut cells = HashMap::new();
        for carrier in rows.carriers() {
            let text = |column: &str| rows.texts(&format!("{carrier}_{column}"));
            cells.insert(carrier.as_str(), (text("state")?, text("codes")?));
        }
        for (row, (trial, outcome)) in words.iter().copied().enumerate() {
            let seen = Seen {
                op: op.get(row).unwrap_or_default(),
                trial,
                pipeline: pipeline.get(row).unwrap_or_default(),
                name: name.get(row).unwrap_or_default(),
                outcome,
                error: error.get(row),
                error_cause: cause.get(row),
                same_bytes: same_bytes.get(row).unwrap_or_default(),
                same_pixels: same_pixels.get(row),
                content_distance: distance.get(row),
            };
            self.controls.check(seen, |carrier| {
                let (state, codes) = cells.get(carrier)?;
                Some((
                    State::parse(state.get(row)?)?,
                    codes.get(row).unwrap_or_default(),
                ))
            });
        }
        Ok(())
    }

    /// The image of every row.
    fn entrants(&mut self, rows: &Rows) -> Result<Vec<Entrant>, RowError> {
        let (image, width, height) = (
            rows.small("image")?,
            rows.small("width")?,
            rows.small("height")?,
        );
        let mut source = Last::of(rows.texts("source")?);
        let mut class = Last::of(rows.texts("class")?);
        let mut format = Last::of(rows.texts("image_format")?);
        let (source_bytes, signed_bytes, sign_ns) = (
            rows.big("source_bytes")?,
            rows.big("signed_bytes")?,
            rows.big("sign_ns")?,
        );
        let mut distortion = Vec::new();
        for column in [
            "mark_psnr",
            "mark_ssim",
            "sign_psnr",
            "sign_ssim",
            "sign_ssimulacra2",
        ] {
            distortion.push(rows.real(column)?);
        }
        let mut embedded = Vec::new();
        for carrier in rows.carriers() {
            embedded.push((rows.texts(&format!("{carrier}_embedded"))?, None, 3));
        }
        let mut entrants = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            let mut packed = 0_u128;
            for (carrier, (column, known, code)) in embedded.iter_mut().enumerate() {
                let word = column.get(row);
                if word != *known {
                    let embedded = word.and_then(Embedded::parse);
                    let place = Embedded::ALL
                        .iter()
                        .position(|known| Some(*known) == embedded);
                    (*known, *code) = (word, place.unwrap_or(3));
                }
                packed |= (*code as u128) << (2 * carrier);
            }
            let bits = |which: usize| {
                let value: Option<f32> = distortion[which].get(row);
                value.unwrap_or(f32::NAN).to_bits()
            };
            entrants.push(Entrant {
                image: image.get(row).unwrap_or_default(),
                source: source.index(row, &mut self.sources),
                class: class.index(row, &mut self.classes),
                format: format.index(row, &mut self.formats),
                size: size_band(
                    width.get(row).unwrap_or_default(),
                    height.get(row).unwrap_or_default(),
                ),
                pixels: u64::from(width.get(row).unwrap_or_default())
                    * u64::from(height.get(row).unwrap_or_default()),
                source_bytes: source_bytes.get(row).unwrap_or_default(),
                signed_bytes: signed_bytes.get(row).unwrap_or_default(),
                sign_ns: sign_ns.get(row).unwrap_or_default(),
                distortion: [0, 1, 2, 3, 4].map(bits),
                embedded: packed,
            });
        }
        Ok(entrants)
    }

    /// The group of every row, and the index of what became of it.
    fn results(
        &mut self,
        rows: &Rows,
        words: &[(Trial, Outcome)],
    ) -> Result<Vec<(usize, u32)>, EvidenceError> {
        let (pipelines, recovered) = (rows.texts("pipeline")?, rows.texts("recovered_by")?);
        let survived = rows.flags("survived")?;
        let same_bytes = rows.flags("same_bytes")?;
        let mut error = Last::of(rows.texts("error_cause")?);
        let mut cells = Vec::new();
        for carrier in rows.carriers() {
            let text = |name: &str| rows.texts(&format!("{carrier}_{name}"));
            cells.push(CellSlice {
                state: text("state")?,
                codes: text("codes")?,
                embedded: text("embedded")?,
                accepted: rows.flags(&format!("{carrier}_accepted"))?,
                last: (None, None, NONE),
            });
        }
        let mut facts = Facts::none();
        let mut result = OpResult {
            outcome: Outcome::Error,
            recovered_by: u8::MAX,
            accepted: 0,
            unchanged: false,
            reader: ReaderSees::Unknown,
            error: NONE,
            causes: Vec::new(),
        };
        let mut found = Vec::with_capacity(rows.len());
        for (row, (trial, outcome)) in words.iter().copied().enumerate() {
            let name = pipelines.get(row).unwrap_or_default();
            let pipeline = *self
                .pipelines
                .get(name)
                .ok_or_else(|| EvidenceError::Pipeline {
                    path: rows.path().into(),
                    pipeline: name.to_owned(),
                })?;
            let group = pipeline * Trial::ALL.len() + trial as usize;

            facts.trial = trial;
            facts.outcome = outcome;
            facts.survived = survived.get(row) == Some(true);
            facts.recovered_by = recovered.get(row).map(str::to_owned);
            facts.cells.clear();
            facts.cells.extend(cells.iter().map(|cell| cell.facts(row)));
            let checked = self.checked.check(&facts, rows.carriers());
            checked.map_err(|reason| wrong(rows, row, reason))?;
            result.outcome = outcome;
            let place = |word: &String| rows.carriers().iter().position(|carrier| carrier == word);
            let place = facts.recovered_by.as_ref().and_then(place);
            result.recovered_by = place.map_or(u8::MAX, |place| place as u8);
            result.unchanged = same_bytes.get(row) == Some(true);
            result.error = error.index(row, &mut self.errors);
            result.accepted = 0;
            result.causes.clear();
            for (index, cell) in cells.iter_mut().enumerate() {
                result.accepted |= u64::from(cell.accepted.get(row) == Some(true)) << index;
                result.causes.push(cell.cause(row, &mut self.causes[index]));
            }
            let states = cells
                .iter()
                .filter_map(|cell| State::parse(cell.state.get(row)?));
            result.reader = ReaderSees::of(states);
            found.push((group, self.results.index(&result)));
        }
        Ok(found)
    }
}

impl<'a> CellSlice<'a> {
    /// Whether the carrier has a state, whether it says how the image took it, and whether it accepted.
    fn facts(&self, row: usize) -> (bool, bool, bool) {
        let is_there = |column: &StringChunked| column.get(row).is_some();
        let accepted = self.accepted.get(row) == Some(true);
        (is_there(self.state), is_there(self.embedded), accepted)
    }

    /// The index of the carrier's state and of its first code that is not the name of a signer.
    fn cause(&mut self, row: usize, words: &mut Interned<String>) -> u32 {
        let (state, codes) = (self.state.get(row), self.codes.get(row));
        if (state, codes) != (self.last.0, self.last.1) {
            let code = first_code(codes.unwrap_or_default());
            let index = match state {
                None => NONE,
                Some(state) if code.is_empty() => words.index(state),
                Some(state) => words.index(format!("{state}, {code}").as_str()),
            };
            self.last = (state, codes, index);
        }
        self.last.2
    }
}

fn wrong(rows: &Rows, position: usize, reason: String) -> EvidenceError {
    let op = rows.big("op").ok().and_then(|ops| ops.get(position));
    EvidenceError::Value {
        path: rows.path().into(),
        op: op.unwrap_or_default(),
        reason,
    }
}
