//! Recovers the manifest of a stripped file from a resolution service, with an implementation of C2PA and of the service's clients
//! that is not ours, and holds what comes back against the manifest of the signed file.
//!
//! ```text
//! credlink-resolution-client SERVICE ANCHOR
//! ```
//!
//! `SERVICE` signs without a key; `ANCHOR` is the root of its certificates, PEM.

use std::io::Cursor;

use anyhow::{Context, Result, bail, ensure};
use encypher_c2pa::{
    LocalEvidence, SoftBindingDisclosureConsent, SoftBindingHttpMethod, SoftBindingQuery,
    SoftBindingResolution, SoftBindingResolverOptions, SoftBindingResolverSession, VerifyOptions,
    local_evidence_with_options,
};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, Rgb, RgbImage};
use serde_json::Value;

const JPEG: &str = "image/jpeg";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [service, anchor] = &arguments[..] else {
        bail!("usage: credlink-resolution-client SERVICE ANCHOR");
    };
    let anchor = std::fs::read_to_string(anchor).with_context(|| anchor.clone())?;
    let options = VerifyOptions {
        trust_pem: Some(anchor),
        no_default_trust: true,
        // Which the resolver asks for, though it is we who send the requests.
        online: Some(true),
        ..VerifyOptions::default()
    };
    let agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .build()
        .into();
    let resolver = Resolver {
        service,
        options: &options,
        agent,
    };
    let signed = resolver.signed(&jpeg(&picture(1).into(), 92)?)?;
    let evidence = local_evidence_with_options(&signed, JPEG, &options)?;
    let embedded = embedded(&evidence)?;
    let stripped = jpeg(&image::load_from_memory(&signed)?, 80)?;
    for (name, query) in queries(&evidence)? {
        let found = resolver.ask(&stripped, &query).context(name.clone())?;
        let [recovered] = &found.recovered[..] else {
            bail!("{name}: {} manifests instead of one", found.recovered.len());
        };
        ensure!(
            recovered.manifest_store == embedded,
            "{name}: another manifest than that of the signed file"
        );
        let report = &recovered.report;
        ensure!(
            report.signature == "valid",
            "{name}: signature {}",
            report.signature
        );
        ensure!(
            report.hard_binding == "mismatch",
            "{name}: the hard binding holds, though the pixels were coded anew"
        );
        println!(
            "{name}: {}; signature {}, trust {}, hard binding {}",
            recovered.matched.manifest_id,
            report.signature,
            report.trust.status,
            report.hard_binding
        );
    }
    let found = resolver.ask(&jpeg(&picture(2).into(), 80)?, &of_content(None))?;
    ensure!(
        found.recovered.is_empty(),
        "a manifest for a picture that nobody signed"
    );
    println!("content of a picture that nobody signed: nothing");
    Ok(())
}

/// A picture like no other: noise at three scales.
fn picture(seed: u32) -> RgbImage {
    let noise = |x: u32, y: u32| {
        let mixed = (x ^ y.rotate_left(13) ^ seed.rotate_left(22)).wrapping_mul(0x9e37_79b1);
        (mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca77) >> 24
    };
    let at = |x: u32, y: u32, cell: u32| {
        let (u, v) = (x % cell, y % cell);
        let corner = |dx: u32, dy: u32| noise(x / cell + dx + 1000 * cell, y / cell + dy);
        let above = corner(0, 0) * (cell - u) + corner(1, 0) * u;
        let below = corner(0, 1) * (cell - u) + corner(1, 1) * u;
        (above * (cell - v) + below * v) / (cell * cell)
    };
    RgbImage::from_fn(900, 600, |x, y| {
        let grey = ((2 * at(x, y, 64) + at(x, y, 24) + at(x, y, 9)) / 4) as u8;
        Rgb([grey, grey.saturating_add(10), grey.saturating_sub(10)])
    })
}

fn jpeg(image: &DynamicImage, quality: u8) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality))?;
    Ok(bytes.into_inner())
}

/// The manifest store of a signed file, which has to be valid.
fn embedded(evidence: &LocalEvidence) -> Result<&[u8]> {
    let report = &evidence.report;
    ensure!(
        report.signature == "valid" && report.hard_binding == "match",
        "the signed file: signature {}, hard binding {}",
        report.signature,
        report.hard_binding
    );
    let store = evidence.manifest_store.as_deref();
    store.context("the signed file has no manifest")
}

/// Every way to ask: by content, and by each soft binding of the manifest.
fn queries(evidence: &LocalEvidence) -> Result<Vec<(String, SoftBindingQuery)>> {
    let mut queries = vec![("content".to_owned(), of_content(None))];
    for (alg, value) in bindings(&evidence.report.manifest_report)? {
        queries.push((format!("content, {alg}"), of_content(Some(&alg))));
        let (get, posted) = (format!("binding, {alg}"), format!("posted binding, {alg}"));
        let (a, v) = (alg.clone(), value.clone());
        queries.push((get, SoftBindingQuery::BindingGet { alg: a, value: v }));
        queries.push((posted, SoftBindingQuery::BindingPost { alg, value }));
    }
    Ok(queries)
}

fn of_content(algorithm: Option<&str>) -> SoftBindingQuery {
    SoftBindingQuery::Content {
        alg: algorithm.map(str::to_owned),
        hint_alg: None,
        hint_value: None,
        consent: SoftBindingDisclosureConsent::UploadAsset,
    }
}

/// Algorithm and value, base64, of each soft binding: of the watermark, of the fingerprint, and of the ISCC.
fn bindings(report: &Value) -> Result<Vec<(String, String)>> {
    let active = report["active_manifest"].as_str().unwrap_or_default();
    let assertions = report["manifests"][active]["assertions"].as_array();
    let is_binding = |assertion: &&Value| {
        let label = assertion["label"].as_str();
        label.is_some_and(|label| label.starts_with("c2pa.soft-binding"))
    };
    let bindings = assertions.into_iter().flatten().filter(is_binding);
    let bindings: Option<Vec<_>> = bindings
        .map(|assertion| {
            let data = &assertion["data"];
            let value = data["blocks"][0]["value"].as_str()?.to_owned();
            Some((data["alg"].as_str()?.to_owned(), value))
        })
        .collect();
    let bindings = bindings.context("a soft binding without algorithm or value")?;
    ensure!(
        bindings.len() == 3,
        "{} soft bindings instead of three",
        bindings.len()
    );
    Ok(bindings)
}

struct Resolver<'r> {
    service: &'r str,
    options: &'r VerifyOptions,
    agent: ureq::Agent,
}

impl Resolver<'_> {
    fn signed(&self, picture: &[u8]) -> Result<Vec<u8>> {
        let sign = self.agent.post(format!("{}/sign", self.service));
        let mut answer = sign.content_type(JPEG).send(picture).context("/sign")?;
        Ok(answer.body_mut().read_to_vec()?)
    }

    fn ask(&self, asset: &[u8], query: &SoftBindingQuery) -> Result<SoftBindingResolution> {
        let policy = SoftBindingResolverOptions {
            allowed_origins: vec![self.service.to_owned()],
            allow_private_networks: true,
            fetch_status: true,
            ..SoftBindingResolverOptions::default()
        };
        let mut session = SoftBindingResolverSession::new(
            asset,
            JPEG,
            self.service,
            query,
            self.options,
            &policy,
        )?;
        while let Some(request) = session.next_request() {
            let url = request.url.to_owned();
            let answer = match request.method {
                SoftBindingHttpMethod::Get => {
                    self.agent.get(&url).header("accept", request.accept).call()
                }
                SoftBindingHttpMethod::Post => self
                    .agent
                    .post(&url)
                    .header("accept", request.accept)
                    .content_type(request.content_type.unwrap_or("application/octet-stream"))
                    .send(request.body.unwrap_or_default()),
            };
            let mut answer = answer.with_context(|| url.clone())?;
            let limit = request.max_response_bytes as u64;
            let bytes = answer.body_mut().with_config().limit(limit).read_to_vec()?;
            session.accept_response(&url, bytes)?;
        }
        Ok(session.finish()?)
    }
}
