//! A whole adapter in one file: a fingerprint of 64 bits, the average hash. Nothing is written into the pictures.

use image::imageops::{FilterType, resize};
use serde_json::{Value, json};

type Error = Box<dyn std::error::Error>;
/// Bits that may differ between a picture and the one that it is found as: a choice, not a measurement.
const THRESHOLD: u32 = 10;

/// One bit for each pixel of the picture, 8 by 8 and grey: whether it is brighter than their average.
fn average_hash(path: &str) -> Result<u64, Error> {
    let picture = image::ImageReader::open(path)?.with_guessed_format()?.decode()?;
    let grey = resize(&picture.to_luma8(), 8, 8, FilterType::Triangle);
    let sum: u32 = grey.iter().map(|pixel| u32::from(*pixel)).sum();
    let bits = grey.iter().map(|pixel| 64 * u32::from(*pixel) > sum);
    Ok(bits.fold(0, |hash, bit| hash << 1 | u64::from(bit)))
}

fn answer(request: &Value, known: &mut Vec<(u64, Value)>) -> Result<Value, Error> {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    Ok(match text("op") {
        "hello" => json!({"op": "hello", "protocol": 1, "payload_bits": 0, "keeps_records": true, "deterministic": true,
            "system": {"name": "ahash", "version": "1", "licence": "MIT OR Apache-2.0", "source": "adapters/example-rust"},
            "inputs": ["image/jpeg", "image/png", "image/webp"], "concurrency": "parallel",
            "carrier": {"name": "fingerprint", "place": "store", "describes": "the nearest hash is within 10 bits"},
            "score": {"unit": "bits", "rising": false, "threshold": THRESHOLD}}),
        "sign" => json!({"op": "signed", "status": "ok", "changed": false,
            "record": format!("{:016x}", average_hash(text("image"))?)}), // 16 hex digits are base64, too.
        "seal" => {
            for line in std::fs::read_to_string(text("registry"))?.lines() {
                let entry: Value = serde_json::from_str(line)?;
                known.push((u64::from_str_radix(entry["record"].as_str().unwrap_or_default(), 16)?, entry["id"].clone()));
            }
            json!({"op": "sealed", "entries": known.len()})
        }
        "verify" => {
            let hash = average_hash(text("image"))?;
            let mut near: Vec<_> = known.iter().map(|(other, id)| ((hash ^ other).count_ones(), id)).collect();
            near.sort_by_key(|(bits, _)| *bits);
            let found = near.first().filter(|(bits, _)| *bits <= THRESHOLD).map(|(_, id)| id);
            let named: Vec<_> = near.iter().take(8).map(|(bits, id)| json!({"id": id, "score": bits})).collect();
            let state = if found.is_some() { "found" } else { "absent" };
            json!({"op": "verified", "status": "ok", "state": state, "id": found, "candidates": named})
        }
        _ => json!({"op": "error", "cause": "unknown-op"}),
    })
}

fn main() {
    let mut known = Vec::new();
    let requests = std::io::stdin().lines().map_while(|line| Some(serde_json::from_str(&line.ok()?).unwrap_or_default()));
    for request in requests.take_while(|request: &Value| request["op"] != "bye") {
        let op = if request["op"] == "sign" { "signed" } else if request["op"] == "verify" { "verified" } else { "error" };
        let failed = |why: Error| json!({"op": op, "status": "error", "cause": "failed", "detail": why.to_string().trim()});
        let mut answer = answer(&request, &mut known).unwrap_or_else(failed);
        answer["seq"] = request["seq"].clone();
        println!("{answer}");
    }
}
