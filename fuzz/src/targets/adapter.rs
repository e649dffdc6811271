//! What an adapter says.

use credlink_harness::identity;
use credlink_harness::systems::adapter;
use credlink_sign_core::ProofId;

/// The proofs that were issued.
const ISSUED: [ProofId; 2] = [ProofId::new(1), ProofId::new(2)];

/// A greeting and an answer, a line each, are refused in words; or what was found is an issued proof, or one that nobody has.
pub(crate) fn heard(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let (greeting, answer) = (
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
    );
    let finding = match adapter::heard(greeting, answer, &ISSUED) {
        Ok(finding) => finding,
        Err(what) => {
            assert!(!what.is_empty());
            return;
        }
    };
    if let Some(id) = finding.accepted() {
        let named = serde_json::from_slice::<serde_json::Value>(answer).expect("it was read");
        let id_named = named["id"]
            .as_str()
            .and_then(|id| id.parse::<ProofId>().ok());
        let strange = id_named.map(|id| identity::strange_proof(&id.value().to_be_bytes()));
        // By id, by payload, or nobody's.
        let is_issued = ISSUED.contains(&id);
        assert!(is_issued || strange == Some(id) || named["payload"].is_string());
        assert!(!is_issued || id_named == Some(id) || named["payload"].is_string());
    }
}

/// Greetings with and without payload, and every kind of answer.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let greeting = |members: &str| {
        format!(
            r#"{{"op":"hello","protocol":1,"system":{{"name":"a","version":"1","licence":"MIT"}},"inputs":["image/png"],"carrier":{{"name":"mark","place":"pixels","describes":"a mark"}}{members}}}"#
        )
    };
    let greetings = [
        greeting(""),
        greeting(r#","payload_bits":32,"strength":{"default":1.0,"weakest":0.5,"strongest":2}"#),
        greeting(r#","score":{"unit":"bits","rising":true,"threshold":40},"keeps_records":true"#),
        greeting(
            r#","payload_bits":16,"score":{"unit":"mm","rising":false},"concurrency":"serial""#,
        ),
    ];
    let answer = |members: &str| format!(r#"{{"op":"verified","seq":1,"status":"ok"{members}}}"#);
    let answers = [
        answer(""),
        answer(r#","state":"found","id":"0000000000000001","score":3,"codes":["a.b"]"#),
        answer(r#","state":"intact","id":"00000000000000ff""#),
        answer(r#","state":"read","payload":"0a1b2c3d","score":7"#),
        answer(
            r#","state":"found","payload":"ffff","candidates":[{"id":"0000000000000002","score":9}]"#,
        ),
        answer(
            r#","state":"unsure","candidates":[{"id":"0000000000000001","score":9},{"id":"0000000000000002","score":8}]"#,
        ),
        r#"{"op":"error","seq":1,"cause":"a","detail":"b"}"#.to_owned(),
        r#"{"op":"signed","seq":1,"status":"refused","record":"AAAA"}"#.to_owned(),
    ];
    let pairs = greetings.iter().flat_map(|greeting| {
        let with = answers.iter();
        with.map(move |answer| format!("{greeting}\n{answer}").into_bytes())
    });
    pairs.collect()
}
