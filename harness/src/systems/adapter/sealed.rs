//! An adapter in its second stage: what it says of received files, and what that comes to.

use std::collections::BTreeSet;

use credlink_image_files::Format;
use credlink_sign_core::carriers::{Finding, State};
use credlink_sign_core::{Asset, Clock, Examined, ProofId, Verification};

use super::message::{
    Answer as Said, Candidate, Claim, HIGHEST_SCORE, Hello, MOST_CANDIDATES, Request, Status,
    VerifyAnswer,
};
use super::payload::{Issued, Payload};
use super::pool::Pool;
use super::{Scratch, failed, instead, told};
use crate::identity;
use crate::systems::{Answer, Nearness, Sealed, SystemError};

/// An adapter in its second stage.
pub struct SealedAdapter {
    pub(super) pool: Pool,
    pub(super) carrier: &'static str,
    pub(super) issued: Issued,
}

/// What answers are read by: what the system said of itself, and which words were issued.
pub(super) struct Reader<'a> {
    pub(super) hello: &'a Hello,
    pub(super) issued: &'a Issued,
}

/// What an answer to verify came to.
pub(super) struct Read {
    pub(super) finding: Finding,
    payload: Option<Payload>,
    /// The proofs that a number speaks for, the nearest first.
    scored: Vec<(ProofId, u32)>,
}

impl SealedAdapter {
    /// Ends the workers that nobody is asking, so that the next request starts another.
    pub fn end_idle(&self) {
        self.pool.end_idle();
    }

    /// What it says of bytes that need be no image.
    ///
    /// # Errors
    /// When it could not look at them.
    pub(in crate::systems) fn raw(&self, bytes: &[u8]) -> Result<State, SystemError> {
        let format = Format::sniff(bytes).unwrap_or(Format::Jpeg);
        let (answer, read) = self.asked(format, bytes)?;
        if answer.status == Status::Ok {
            Ok(read.finding.state)
        } else {
            Err(told(&self.pool, &answer.cause, &answer.detail))
        }
    }

    fn asked(&self, format: Format, bytes: &[u8]) -> Result<(VerifyAnswer, Read), SystemError> {
        let image = Scratch::holding(&self.pool, format, bytes)?;
        let request = |seq| Request::Verify {
            seq,
            image: &image.0,
            media_type: format.mime(),
        };
        let reader = Reader {
            hello: self.pool.hello(),
            issued: &self.issued,
        };
        let asked = self.pool.ask(&request, &|said| reader.read(said));
        asked.map_err(failed)
    }

    fn nearness(
        &self,
        read: &Read,
        issued: Option<ProofId>,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Vec<Nearness> {
        let bits = |id| self.issued.agreement(read.payload.as_ref()?, id);
        let right_bits = issued.and_then(bits);
        let (own, wrong) = if let Some(score) = &self.pool.hello().score {
            let own = read.scored.iter().find(|(id, _)| Some(*id) == issued);
            // The nearest of all, in whatever order they were named.
            let wrong = read.scored.iter();
            let wrong = wrong.filter(|(id, _)| Some(*id) != issued && !is_right(*id));
            let wrong = wrong.map(|(_, score)| *score);
            let wrong = if score.rising {
                wrong.max()
            } else {
                wrong.min()
            };
            (own.map(|(_, score)| *score), wrong)
        } else {
            let is_right = |id| Some(id) == issued || is_right(id);
            let wrong = read.payload.as_ref();
            let wrong = wrong.and_then(|word| self.issued.nearest_wrong(word, &is_right));
            (right_bits, wrong)
        };
        vec![Nearness {
            carrier: self.carrier.to_owned(),
            own,
            wrong,
            bits: right_bits,
        }]
    }
}

impl Reader<'_> {
    pub(super) fn read(&self, said: Said) -> Result<(VerifyAnswer, Read), String> {
        let Said::Verified(answer) = said else {
            return Err(instead(&said));
        };
        let bits = self.hello.payload_bits;
        let payload = match &answer.payload {
            Some(hex) if bits > 0 => Some(Payload::read(hex, bits)?),
            Some(hex) => return Err(format!("payload {hex:?} of a system that carries none")),
            None => None,
        };
        let proof = |text: &str| -> Result<ProofId, String> {
            text.parse().map_err(|error| format!("id: {error}"))
        };
        let id = answer.id.as_deref().map(proof).transpose()?;
        let score = |score: u32| {
            if score <= HIGHEST_SCORE {
                Ok(score)
            } else {
                Err(format!("score {score} is above {HIGHEST_SCORE}"))
            }
        };
        let mut scored = answer
            .candidates
            .iter()
            .map(|Candidate { id, score: of }| Ok((proof(id)?, score(*of)?)))
            .collect::<Result<Vec<_>, String>>()?;
        check_candidates(&scored)?;
        let proofs = self.meant(&answer, payload.as_ref(), id)?;
        if let Some(of) = answer.score.map(score).transpose()? {
            // It speaks for what was read, whether or not that was enough.
            let read = payload.as_ref().map(|payload| self.issued.proofs(payload));
            let spoken_for = proofs.first().copied().or(id);
            let spoken_for = spoken_for.or_else(|| read?.first().copied());
            // A word that nobody was issued is a wrong one, however sure it is.
            let spoken_for = spoken_for.or_else(|| payload.as_ref().map(Payload::strange_proof));
            if let Some(proof) = spoken_for.filter(|proof| scored.iter().all(|(of, _)| of != proof))
            {
                scored.insert(0, (proof, of));
            }
        }
        let state = match (answer.state, proofs.is_empty()) {
            (Claim::Absent, _) | (Claim::Read, true) => State::Absent,
            (Claim::Read | Claim::Found, _) => State::Recovered,
            (Claim::Intact, _) => State::Intact,
            (Claim::Broken, _) => State::Invalid,
            (Claim::Unsure, _) => State::Unconfirmed,
        };
        let mut finding = Finding::new(state);
        finding.proof = proofs.first().copied();
        finding.alternatives = proofs.into_iter().skip(1).collect();
        finding.codes.clone_from(&answer.codes);
        Ok((
            answer,
            Read {
                finding,
                payload,
                scored,
            },
        ))
    }

    /// The proofs that an answer names. One that vouches for a word that nobody was issued names a proof that nobody has.
    fn meant(
        &self,
        answer: &VerifyAnswer,
        payload: Option<&Payload>,
        id: Option<ProofId>,
    ) -> Result<Vec<ProofId>, String> {
        let vouches = match answer.state {
            Claim::Absent => return Ok(Vec::new()),
            Claim::Found | Claim::Intact => true,
            Claim::Read | Claim::Broken | Claim::Unsure => false,
        };
        Ok(match (id, payload) {
            (Some(id), _) if answer.state != Claim::Read => {
                if self.hello.payload_bits > 0 && vouches {
                    return Err("an id from a system that carries a payload".to_owned());
                }
                // What was refused, or never asked for, is nobody's.
                let is_issued = self.issued.has(id);
                vec![if is_issued {
                    id
                } else {
                    identity::strange_proof(&id.value().to_be_bytes())
                }]
            }
            (_, Some(payload)) => match self.issued.proofs(payload) {
                [] if vouches => vec![payload.strange_proof()],
                proofs => proofs.to_vec(),
            },
            (None, None) if vouches => {
                return Err("found without id or payload".to_owned());
            }
            (_, None) if answer.state == Claim::Read => {
                return Err("read without payload".to_owned());
            }
            (_, None) => Vec::new(),
        })
    }
}

/// Whether candidates are as many as are wanted, and each there once.
fn check_candidates(candidates: &[(ProofId, u32)]) -> Result<(), String> {
    if candidates.len() > MOST_CANDIDATES {
        return Err(format!(
            "{} candidates; {MOST_CANDIDATES} is the most",
            candidates.len()
        ));
    }
    let ids: BTreeSet<ProofId> = candidates.iter().map(|(id, _)| *id).collect();
    if ids.len() < candidates.len() {
        return Err("a candidate stands there twice".to_owned());
    }
    Ok(())
}

impl Sealed for SealedAdapter {
    fn verify<'a>(
        &'a self,
        file: &'a Asset<'_>,
        clock: Clock<'_>,
    ) -> Result<Answer<'a>, SystemError> {
        let format = Format::sniff(file.bytes()).ok_or_else(|| {
            SystemError::new("decode", "the received file is no image that is known")
        })?;
        // Not before it is this request's turn.
        let turn = self.pool.turn();
        let start = clock();
        let (answer, read) = self.asked(format, file.bytes())?;
        let nanos = clock().saturating_sub(start);
        drop(turn);
        if answer.status != Status::Ok {
            return Err(told(&self.pool, &answer.cause, &answer.detail));
        }
        Ok(Answer {
            verification: Verification {
                carriers: vec![Examined {
                    carrier: self.carrier,
                    finding: read.finding.clone(),
                    nanos,
                }],
                ladder_nanos: nanos,
                decode_nanos: 0,
                hash_nanos: 0,
                watermark_nanos: 0,
                points_nanos: 0,
            },
            nearness: Box::new(move |issued, is_right| self.nearness(&read, issued, is_right)),
        })
    }

    fn notes(&self) -> Vec<String> {
        match self.pool.restarts() {
            0 => Vec::new(),
            count => vec![format!(
                "{}: {count} times a worker failed and another was started",
                self.pool.description().name
            )],
        }
    }
}
