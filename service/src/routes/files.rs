//! Signing and verifying a file.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use credlink_sign_core::Depth;
use credlink_sign_core::submission::Submitted;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::{App, Who, body, worked};
use crate::desk::{Desk, Wish};
use crate::problem::Problem;
use crate::store::StoreError;

/// How often a file is signed anew because another writer took its id in the meantime.
const TRIES: usize = 3;

/// How to sign.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SignQuery {
    /// Whether to put a mark into the pixels, which changes them invisibly and codes the file anew. Without: as the service
    /// can.
    watermark: Option<bool>,
}

/// How to verify.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyQuery {
    /// `first`: until a carrier is accepted; `all`: every carrier, and every proof that fits.
    #[serde(default)]
    #[param(inline)]
    depth: Deep,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Deep {
    #[default]
    First,
    All,
}

/// Signs a file: the body itself, or the file of a form. Answers with the signed file when its proof is durable.
#[utoipa::path(
    post,
    path = "/sign",
    params(SignQuery),
    request_body(content((Vec<u8> = "application/octet-stream"), (Vec<u8> = "image/*"), (Vec<u8> = "multipart/form-data"))),
    responses(
        (status = 200, description = "The signed file. X-Credlink-Proof is its proof, X-Credlink-Notes what its sender should know (JSON), X-Credlink-Signed the proof again and how the picture took each carrier.", content_type = "image/*", body = Vec<u8>,
         headers(("x-credlink-proof" = String), ("x-credlink-notes" = String))),
        (status = 400, description = "Empty, cut off, or a form without file", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key, or one that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not an image that is known here", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "An image that cannot be signed, and why", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests of this sender", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "No place is free, or the store does not answer: nothing was signed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn sign(
    State(app): State<Arc<App>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    query: Result<Query<SignQuery>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let mut place = admitted(&app, &request, address)?;
    let query = asked(query)?;
    let wish = Wish {
        watermark: query.watermark.unwrap_or(app.desk.has_watermark()),
    };
    let bytes = body::file(&app, request).await?;
    for _ in 0..TRIES {
        let (desk, file) = (Arc::clone(&app.desk), bytes.clone());
        let submitted = worked(&app, place, move || desk.sign(&file, wish)).await??;
        match app.desk.live().insert(Desk::proof(&submitted)).await {
            Ok(()) => return Ok(signed(submitted)),
            // Somebody else took the id.
            Err(StoreError::Duplicate(_)) => place = app.admission.place()?,
            Err(error) => return Err(error.into()),
        }
    }
    let id = "every id that was drawn was taken in the meantime".to_owned();
    Err(crate::desk::DeskError::Random(id).into())
}

fn signed(submitted: Submitted) -> Response {
    let Submitted { signed, notes } = submitted;
    let mut response = super::bytes(signed.record.media_type.mime(), signed.bytes);
    let headers = response.headers_mut();
    let id = signed.record.id;
    let mut add = |name: HeaderName, text: String| {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    };
    add(HeaderName::from_static("x-credlink-proof"), id.to_string());
    let embedded = signed.embedded.iter().map(ToString::to_string);
    let words: Vec<String> = std::iter::once(id.to_string()).chain(embedded).collect();
    add(
        HeaderName::from_static("x-credlink-signed"),
        words.join(" "),
    );
    add(header::LINK, format!("</proofs/{id}>; rel=\"describedby\""));
    add(HeaderName::from_static("x-credlink-notes"), ascii(&notes));
    response
}

/// Sentences as JSON of ASCII characters alone, which a header can hold.
fn ascii(notes: &[String]) -> String {
    let text = json!(notes).to_string();
    let mut out = String::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out
}

/// Looks for a proof in a file: the body itself, or the file of a form.
#[utoipa::path(
    post,
    path = "/verify",
    params(VerifyQuery),
    request_body(content((Vec<u8> = "application/octet-stream"), (Vec<u8> = "image/*"), (Vec<u8> = "multipart/form-data"))),
    responses(
        (status = 200, description = "What was found: a verdict in one word (found, altered, broken, expired, foreign, unconfirmed, unreadable, none), and what each carrier says", body = Value, content_type = "application/json"),
        (status = 400, description = "Empty, cut off, or a form without file", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key, or one that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not an image that is known here", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests of this sender", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "No place is free, or the store does not answer: nothing is said about the file", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn verify(
    State(app): State<Arc<App>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    query: Result<Query<VerifyQuery>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let place = admitted(&app, &request, address)?;
    let depth = match asked(query)?.depth {
        Deep::First => Depth::FirstAccepted,
        Deep::All => Depth::AllCarriers,
    };
    let bytes = body::file(&app, request).await?;
    let desk = Arc::clone(&app.desk);
    let answer = worked(&app, place, move || {
        desk.verify(&bytes, depth).map(|answer| answer.json())
    });
    let mut report = json!({ "proofs_in_store": app.desk.live().len() });
    if let (Value::Object(report), Value::Object(answer)) = (&mut report, answer.await??) {
        report.extend(answer);
    }
    Ok(Json(report).into_response())
}

/// A place for whoever may ask.
pub(super) fn admitted(
    app: &App,
    request: &Request,
    address: SocketAddr,
) -> Result<tokio::sync::OwnedSemaphorePermit, Problem> {
    let name = app.admission.who(request.headers(), address.ip())?;
    if let Some(who) = request.extensions().get::<Who>() {
        let _ = who.0.set(name);
    }
    app.admission.place()
}

/// The query, or what is wrong with it.
pub(super) fn asked<T>(
    query: Result<Query<T>, axum::extract::rejection::QueryRejection>,
) -> Result<T, Problem> {
    let query = query.map_err(|rejection| Problem::bad("query", rejection.body_text()))?;
    Ok(query.0)
}
