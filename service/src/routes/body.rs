//! Reading a body: how large it may be, how long it may take, and what it may be.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use credlink_image_files::Format;
use http_body_util::{BodyExt as _, Limited};

use super::App;
use crate::problem::Problem;

/// The file of a request: the body itself, or the first part of a form that is a file.
///
/// # Errors
/// 400 for a form without file, or one that is cut off; 408, 413, 415.
pub(super) async fn file(app: &App, request: Request) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    let kind = media_type(&parts.headers);
    let is_form = kind.as_deref() == Some("multipart/form-data");
    let is_raw = kind
        .as_deref()
        .is_none_or(|kind| kind.starts_with("image/") || kind == "application/octet-stream");
    if !is_form && !is_raw {
        let detail = "send the file itself as image/* or application/octet-stream, or a form (multipart/form-data) with a file";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "content-type", detail));
    }
    let bytes = read(app, &parts.headers, body).await?;
    let bytes = if is_form {
        let request = Request::from_parts(parts, Body::from(bytes));
        file_of_form(request).await?
    } else {
        bytes
    };
    if bytes.is_empty() {
        return Err(Problem::bad("empty", "the file is empty"));
    }
    if Format::sniff(&bytes).is_none() {
        let detail = match Format::unread(&bytes) {
            Some(kind) => format!("the file is {kind}, and there is no decoder for it here"),
            None => "the file is no image of a format that is known here".to_owned(),
        };
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "unsupported-format", detail));
    }
    Ok(bytes)
}

/// The whole body.
///
/// # Errors
/// 400 where it breaks off, 408, 413.
pub(super) async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let most = app.settings.max_body_mib << 20;
    let too_large = || {
        let detail = format!("a body has at most {} MiB", app.settings.max_body_mib);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    };
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > most) {
        return Err(too_large());
    }
    let limited = Limited::new(body, usize::try_from(most).unwrap_or(usize::MAX));
    let patience = Duration::from_secs(app.settings.body_seconds);
    match tokio::time::timeout(patience, limited.collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::bad(
            "cut-off",
            "the body ended before it was whole",
        )),
        Err(_) => {
            let detail = format!("the body did not arrive within {} s", patience.as_secs());
            let status = StatusCode::REQUEST_TIMEOUT;
            Err(Problem::new(status, "too-slow", detail))
        }
    }
}

async fn file_of_form(request: Request) -> Result<Bytes, Problem> {
    let wrong = |error: &dyn std::fmt::Display| {
        Problem::bad("form", format!("the form cannot be read: {error}"))
    };
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| wrong(&error))?;
    while let Some(field) = form.next_field().await.map_err(|error| wrong(&error))? {
        if field.file_name().is_some() || field.name() == Some("file") {
            return field.bytes().await.map_err(|error| wrong(&error));
        }
    }
    Err(Problem::bad(
        "form",
        "the form has no part that is a file; call it \"file\"",
    ))
}

/// The media type of a body, without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = value.split(';').next()?.trim();
    (!kind.is_empty()).then(|| kind.to_ascii_lowercase())
}
