//! A stripped manifest, found again by what the picture says.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use credlink_service::store::{Proof, StoreUrl};
use credlink_sign_core::iscc::ImageCode;
use credlink_sign_core::local::Points;
use credlink_sign_core::{ProofId, ProofRecord, manifest};
use serde_json::{Value, json};

use super::started::{Service, copied, with_keys};

/// A PNG file of the picture on a larger black ground.
fn framed(file: &[u8]) -> Vec<u8> {
    let picture = image::load_from_memory(file).unwrap().to_rgb8();
    let (width, height) = (picture.width(), picture.height());
    let mut framed = image::RgbImage::new(width + width / 2, height + height / 2);
    image::imageops::replace(&mut framed, &picture, 20, 20);
    let mut png = std::io::Cursor::new(Vec::new());
    framed.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// By the ISCC of the record, with some bits wrong, and by the one of a copy with a border, which our fingerprint does not know.
fn is_resolved_by_image_code(service: &Service, code: &Value, copy: &[u8], urn: &str) {
    let mut code: ImageCode = code.as_str().unwrap().parse().unwrap();
    code.0[9] ^= 0x0f;
    let asked = |value: &[u8]| {
        let binding = json!({ "alg": "io.iscc.v0", "value": STANDARD.encode(value) });
        let body = binding.to_string();
        service.post("/v1/matches/byBinding", "application/json", body.as_bytes())
    };
    let wanted = json!({ "matches": [{ "manifestId": urn, "similarityScore": 98 }] });
    assert_eq!(asked(&code.unit()).json(), wanted);
    assert_eq!(asked(&code.unit()[..33]).status, 400);
    // One code said often is one code; of different ones there may be eight.
    assert_eq!(asked(&code.unit().repeat(40)).json(), wanted);
    let others = |count: u8| (0..count).map(|number| ImageCode([number; 32]));
    let units = |count| {
        others(count)
            .flat_map(|code| code.unit())
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(&units(8)).status, 200);
    let refused = asked(&units(9));
    assert_eq!(refused.status, 400);
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("at most 8")
    );
    let far = ImageCode(code.0.map(|byte| !byte));
    assert_eq!(asked(&far.unit()).json(), json!({ "matches": [] }));

    let framed = framed(copy);
    let by = |algorithm: &str| {
        let path = format!("/v1/matches/byContent?alg={algorithm}");
        service.post(&path, "image/png", &framed).json()
    };
    assert_eq!(by("com.credlink.pdq256.v1"), json!({ "matches": [] }));
    assert_eq!(by("io.iscc.v0")["matches"][0]["manifestId"], urn);
}

#[test]
fn a_stripped_manifest_is_resolved() {
    let (folder, photo) = with_keys();
    let service = Service::started(folder.path(), &[]);
    let signed = service.post("/sign", "image/jpeg", &photo);
    let proof = signed.header("x-credlink-proof").to_owned();
    let known = service
        .get("/.well-known/c2pa-soft-binding-resolution")
        .json();
    assert_eq!(known["apiEndpoint"], format!("{}/v1", service.url));
    let api = |path: &str| service.get(&format!("/v1/{path}"));
    let capable = api("services/capabilities").json();
    assert_eq!(
        capable["c2paSpecificationVersion"],
        known["c2paSpecificationVersion"]
    );
    assert_eq!(api("services/status").json()["status"], "ok");
    let algorithms = api("services/supportedAlgorithms").json();
    assert_eq!(algorithms["watermarks"][0]["alg"], "com.credlink.ct128.v1");
    assert_eq!(algorithms["fingerprints"][1]["alg"], "io.iscc.v0");

    let copy = copied(&signed.body);
    let content = service
        .post("/v1/matches/byContent", "image/jpeg", &copy)
        .json();
    let matches = content["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 1, "{content}");
    let urn = matches[0]["manifestId"].as_str().unwrap();
    let manifest = api(&format!("manifests/{urn}"));
    assert_eq!(manifest.header("content-type"), "application/c2pa");
    let active = api(&format!("manifests/{urn}?returnActiveManifest=true"));
    // The photograph had no manifest before, so that the store holds this one alone.
    assert_eq!(active.body, manifest.body);

    // By binding: the fingerprint as the record has it, with some bits wrong, and the id.
    let record = service.get(&format!("/proofs/{proof}")).json();
    let hexadecimal = record["record"]["fingerprint"].as_str().unwrap();
    let word = |at: usize| u64::from_str_radix(&hexadecimal[16 * at..16 * (at + 1)], 16).unwrap();
    // Written with the last word first.
    let mut value: Vec<u8> = (0..4).rev().flat_map(|at| word(at).to_be_bytes()).collect();
    value[5] ^= 0x0f;
    let binding = json!({ "alg": "com.credlink.pdq256.v1", "value": STANDARD.encode(&value) });
    let posted = service.post(
        "/v1/matches/byBinding",
        "application/json",
        binding.to_string().as_bytes(),
    );
    let wanted = json!({ "matches": [{ "manifestId": urn, "similarityScore": 98 }] });
    assert_eq!(posted.json(), wanted);
    let value = URL_SAFE_NO_PAD.encode(&value);
    let got = api(&format!(
        "matches/byBinding?alg=com.credlink.pdq256.v1&value={value}"
    ));
    assert_eq!(got.json(), wanted);
    let id = URL_SAFE_NO_PAD.encode(u64::from_str_radix(&proof, 16).unwrap().to_be_bytes());
    let marked = api(&format!(
        "matches/byBinding?alg=com.credlink.ct128.v1&value={id}"
    ));
    assert_eq!(marked.json()["matches"][0]["manifestId"], urn);
    let none = api("matches/byBinding?alg=com.credlink.ct128.v1&value=AAAAAAAAAAA");
    assert_eq!(none.json(), json!({ "matches": [] }));
    is_resolved_by_image_code(&service, &record["record"]["image_code"], &copy, urn);

    for (path, status, cause) in [
        (
            "matches/byBinding?alg=com.example&value=AA",
            400,
            "algorithm",
        ),
        (
            "matches/byBinding?alg=com.credlink.ct128.v1&value=AA",
            400,
            "value",
        ),
        (
            "matches/byBinding?alg=com.credlink.ct128.v1&value=%25",
            400,
            "value",
        ),
        ("matches/byBinding?alg=com.credlink.ct128.v1", 400, "query"),
        (
            "matches/byBinding?alg=com.credlink.ct128.v1&value=AA&maxResults=0",
            400,
            "query",
        ),
        ("manifests/urn:c2pa:none", 404, "unknown"),
    ] {
        assert_eq!(api(path).problem(status), cause, "{path}");
    }
    let long = "A".repeat(2000);
    let long = api(&format!(
        "matches/byBinding?alg=com.credlink.ct128.v1&value={long}"
    ));
    assert_eq!(long.problem(414), "too-long-value");
    let text = service.post("/v1/matches/byContent", "text/plain", b"a picture of a cat");
    assert_eq!(text.problem(415), "content-type");
}

/// A picture is compared with the 32 proofs of the nearest Image-Codes, those of lower ids first, confirmed or not. Whoever
/// registers so many that come before the true one hides it; fewer do not, and none of them is ever found.
#[test]
fn proofs_of_the_same_image_code_are_not_found_and_hide_one_when_they_are_32() {
    const STORE: &str = "redb:credlink-service.redb";
    let (folder, photo) = with_keys();
    let mut service = Service::started(folder.path(), &[]);
    let signed = service.post("/sign?watermark=false", "image/jpeg", &photo);
    let asked = framed(&copied(&signed.body));
    let pixels = image::load_from_memory(&asked).unwrap();
    let upright = image::metadata::Orientation::NoTransforms;
    let code = ImageCode::of(&pixels, upright).unwrap();
    let id: ProofId = signed.header("x-credlink-proof").parse().unwrap();
    let planted = |numbers: std::ops::Range<u64>| {
        let path = folder.path().join("credlink-service.redb");
        let store = format!("redb:{}", path.display());
        let store = store.parse::<StoreUrl>().unwrap().open().unwrap();
        let record = store.record(id).unwrap().unwrap();
        let manifest = store.manifest(id).unwrap().unwrap();
        let decoys = numbers.map(|number| Proof {
            urn: manifest::label(ProofId::new(number)),
            record: ProofRecord {
                id: ProofId::new(number),
                image_code: Some(code),
                points: None,
                ..record.clone()
            },
            manifest: manifest.clone(),
            points: Points::default(),
        });
        let decoys: Vec<Proof> = decoys.collect();
        let answers = store.insert(&decoys);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    };
    for (decoys, found) in [(0..31, vec![manifest::label(id)]), (31..32, Vec::new())] {
        service.signal("-KILL");
        drop(service);
        planted(decoys.clone());
        service = Service::started(folder.path(), &["--store", STORE]);
        let path = "/v1/matches/byContent?alg=io.iscc.v0";
        let answer = service.post(path, "image/png", &asked).json();
        let matches = answer["matches"].as_array().unwrap();
        let urns = matches
            .iter()
            .map(|one| one["manifestId"].as_str().unwrap());
        assert_eq!(urns.collect::<Vec<_>>(), found, "{decoys:?}");
    }
}
