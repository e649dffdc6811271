//! What the words of an adapter come to, without an adapter: for tests of what anybody might say.

use credlink_sign_core::ProofId;
use credlink_sign_core::carriers::Finding;

use super::description::Description;
use super::message::{Answer, Hello};
use super::payload::{Issued, Payload};
use super::sealed::Reader;

/// Reads a greeting and an answer to `verify`, a line each, as a run reads them in which these proofs were issued.
///
/// # Errors
/// What the protocol forbids, in words.
pub fn heard(greeting: &[u8], answer: &[u8], proofs: &[ProofId]) -> Result<Finding, String> {
    let Answer::Hello(said) = parsed(greeting)? else {
        return Err("the first line is no greeting".to_owned());
    };
    let hello: Hello = serde_json::from_value(said.into()).map_err(|error| error.to_string())?;
    Description::check(&hello)?;
    // Thresholds are made of a greeting before anything is asked.
    let _ = super::decision(&hello);
    let mut issued = Issued::default();
    for id in proofs {
        issued.insert(*id, Payload::issued(*id, hello.payload_bits));
    }
    issued.seal();
    let reader = Reader {
        hello: &hello,
        issued: &issued,
    };
    let (_, read) = reader.read(parsed(answer)?)?;
    Ok(read.finding)
}

fn parsed(line: &[u8]) -> Result<Answer, String> {
    serde_json::from_slice(line).map_err(|error| error.to_string())
}
