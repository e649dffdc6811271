//! Rows into compact columns, slice by slice: words become indices, and what repeats is kept once.

use std::collections::{HashMap, HashSet};

use credlink_trial_record::{Beside, Embedded, Outcome, State, Trial};
use polars::prelude::StringChunked;

use super::EvidenceError;
use super::detail::{
    Entrant, Figures, Interned, Mean, NONE, Nanos, OpResult, ReaderSees, size_band,
};
use super::row_check::{Facts, RowCheck};
use crate::controls::{Controls, Seen};
use crate::header::{PipelineHeader, RunHeader};
use crate::reasons::first_code;
use crate::rows::{RowError, Rows};

/// The columns of a run so far.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) sources: Interned<String>,
    pub(super) classes: Interned<String>,
    pub(super) formats: Interned<String>,
    pub(super) errors: Interned<String>,
    /// State and first code of each carrier, e.g. `invalid, assertion.dataHash.mismatch`.
    pub(super) causes: Vec<Interned<String>>,
    pub(super) entrants: Interned<Entrant>,
    pub(super) results: Interned<OpResult>,
    /// Rows by pipeline and trial: index `pipeline * Trial::ALL.len() + trial`.
    pub(super) groups: Vec<Vec<u32>>,
    pub(super) entrant: Vec<u32>,
    pub(super) result: Vec<u32>,
    /// What the file that entered held, a bit for each of [`Beside`], and what of that the received one still says.
    pub(super) held: Vec<[u16; 2]>,
    pub(super) transform_ns: Nanos,
    pub(super) verify_ns: Nanos,
    pub(super) retrieve_ns: Nanos,
    /// One column per carrier.
    pub(super) carrier_ns: Vec<Nanos>,
    /// One column per carrier; `None` where no row has a value.
    pub(super) own: Vec<Option<Figures>>,
    pub(super) wrong: Vec<Option<Figures>>,
    pub(super) right_bits: Vec<Mean>,
    /// For each carrier bytes and nanoseconds that it took when images were signed, over the ops of pooled figures.
    pub(super) taken: Vec<[Mean; 2]>,
    /// Rows that do not contradict themselves.
    checked: RowCheck,
    /// What the rows say of the run's controls.
    pub(super) controls: Controls,
    pipelines: HashMap<String, usize>,
}

/// Which rows pooled figures count: signed ops, but for those of controls.
fn pooled(
    header: &RunHeader,
    rows: &Rows,
    words: &[(Trial, Outcome)],
) -> Result<Vec<bool>, EvidenceError> {
    let controls = header.pipelines.iter().filter(|one| one.is_control());
    let controls: HashSet<&str> = controls.map(|one| one.id.as_str()).collect();
    let pipelines = rows.texts("pipeline")?.iter().zip(words);
    let counted = pipelines.map(|(id, (trial, _))| {
        *trial == Trial::Signed && id.is_some_and(|id| !controls.contains(id))
    });
    Ok(counted.collect())
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
    pub(super) fn new(header: &RunHeader) -> Result<Self, EvidenceError> {
        let mut pipelines = HashMap::with_capacity(header.pipelines.len());
        for (index, PipelineHeader { id, .. }) in header.pipelines.iter().enumerate() {
            if pipelines.insert(id.clone(), index).is_some() {
                return Err(EvidenceError::Twice {
                    pipeline: id.clone(),
                });
            }
        }
        let carriers = header.carriers.len();
        let mut groups = Vec::new();
        groups.resize_with(header.pipelines.len() * Trial::ALL.len(), Vec::new);
        let mut columns = Self {
            groups,
            pipelines,
            controls: Controls::of(header),
            ..Self::default()
        };
        columns.causes.resize_with(carriers, Interned::default);
        columns.carrier_ns.resize_with(carriers, Nanos::default);
        columns.own.resize_with(carriers, || None);
        columns.wrong.resize_with(carriers, || None);
        columns.taken.resize(carriers, Default::default());
        columns.right_bits.resize(carriers, Mean::default());
        Ok(columns)
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
        let before = self.entrant.len();
        if u32::try_from(before + rows.len()).is_err() {
            return Err(EvidenceError::TooMany {
                path: rows.path().into(),
            });
        }
        self.add_entrants(rows)?;
        let words = rows.trials()?.into_iter().zip(rows.outcomes()?);
        let words: Vec<(Trial, Outcome)> = words.collect();
        self.add_results(rows, &words, before)?;
        self.add_controls(rows, &words)?;
        self.add_held(rows)?;
        for (column, into) in [
            ("transform_ns", &mut self.transform_ns),
            ("verify_ns", &mut self.verify_ns),
            ("retrieve_ns", &mut self.retrieve_ns),
        ] {
            rows.big(column)?
                .iter()
                .for_each(|nanos| into.push(nanos.unwrap_or_default()));
        }
        let pooled = pooled(header, rows, &words)?;
        let counted = || pooled.iter().copied();
        for (index, carrier) in rows.carriers().iter().enumerate() {
            let times = rows.big(&format!("{carrier}_ns"))?;
            let into = &mut self.carrier_ns[index];
            times
                .iter()
                .for_each(|nanos| into.push(nanos.unwrap_or_default()));
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
            for (name, into) in [
                ("own", &mut self.own[index]),
                ("wrong", &mut self.wrong[index]),
            ] {
                let values = rows.small(&format!("{carrier}_{name}"))?;
                if into.is_none() && values.null_count() == rows.len() {
                    continue;
                }
                let into = into.get_or_insert_with(|| {
                    let mut column = Figures::default();
                    (0..before).for_each(|_| column.push(None));
                    column
                });
                values.iter().for_each(|value| into.push(value));
            }
        }
        Ok(())
    }

    /// What files held beside their pixels; nothing in rows that were written before that was looked at.
    fn add_held(&mut self, rows: &Rows) -> Result<(), EvidenceError> {
        let (holds, still) = (rows.texts("holds")?, rows.texts("still_holds")?);
        let mut last = (None, None, [0; 2]);
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
            self.held.push(last.2);
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

    fn add_entrants(&mut self, rows: &Rows) -> Result<(), RowError> {
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
        let mut last: Option<(Entrant, u32)> = None;
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
            let entrant = Entrant {
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
            };
            let index = match last {
                Some((known, index)) if known == entrant => index,
                _ => self.entrants.index(&entrant),
            };
            last = Some((entrant, index));
            self.entrant.push(index);
        }
        Ok(())
    }

    /// Groups, outcomes and causes; `before` rows were there already.
    fn add_results(
        &mut self,
        rows: &Rows,
        words: &[(Trial, Outcome)],
        before: usize,
    ) -> Result<(), EvidenceError> {
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
        for (row, (trial, outcome)) in words.iter().copied().enumerate() {
            let name = pipelines.get(row).unwrap_or_default();
            let pipeline = *self
                .pipelines
                .get(name)
                .ok_or_else(|| EvidenceError::Pipeline {
                    path: rows.path().into(),
                    pipeline: name.to_owned(),
                })?;
            let group = &mut self.groups[pipeline * Trial::ALL.len() + trial as usize];
            group.push((before + row) as u32);

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
            let index = self.results.index(&result);
            self.result.push(index);
        }
        Ok(())
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
