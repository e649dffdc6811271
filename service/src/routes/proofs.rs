//! Proofs by id.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use credlink_sign_core::ProofId;
use serde_json::json;

use super::{App, looked_up};
use crate::log;
use crate::problem::Problem;
use crate::store::{Keeper, StoreError, is_manifest_of};

/// The media type of manifests.
pub(super) const C2PA: &str = "application/c2pa";

/// The record of a proof, or its manifest where that is asked for (`Accept: application/c2pa`).
#[utoipa::path(
    get,
    path = "/proofs/{id}",
    params(("id" = String, Path, description = "Sixteen hexadecimal digits")),
    responses(
        (status = 200, description = "The record, or the manifest", content((serde_json::Value = "application/json"), (Vec<u8> = "application/c2pa"))),
        (status = 400, description = "Not the id of a proof", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such proof", body = Problem, content_type = "application/problem+json"),
        (status = 406, description = "Neither JSON nor a manifest is taken", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests of this sender", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store does not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn proof(
    State(app): State<Arc<App>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.admission.anybody(address.ip())?;
    let id: ProofId = id
        .parse()
        .map_err(|_| Problem::bad("bad-id", "the id of a proof is sixteen hexadecimal digits"))?;
    let wanted = wanted(&headers).ok_or_else(|| {
        let detail = "there is application/json and application/c2pa";
        Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail)
    })?;
    let live = Arc::clone(app.desk.live());
    let mut response = match wanted {
        Wanted::Record => {
            let record = looked_up(move || live.keeper().record(id)).await??;
            let record = record.ok_or_else(|| unknown(&id.to_string()))?;
            let urn = credlink_sign_core::manifest::label(id);
            Json(json!({ "manifest": urn, "record": record })).into_response()
        }
        Wanted::Manifest => {
            let found = looked_up(move || manifest_of(live.keeper(), id)).await??;
            super::bytes(C2PA, found.ok_or_else(|| unknown(&id.to_string()))?)
        }
    };
    let vary = HeaderValue::from_static("accept");
    response.headers_mut().insert(header::VARY, vary);
    Ok(response)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Record,
    Manifest,
}

/// Which of the two is liked better (RFC 9110, 12.5.1); the record where both are liked alike.
fn wanted(headers: &HeaderMap) -> Option<Wanted> {
    let accept = headers.get_all(header::ACCEPT).iter();
    let accept: Vec<&str> = accept.filter_map(|value| value.to_str().ok()).collect();
    if accept.is_empty() {
        return Some(Wanted::Record);
    }
    let liking = |name: &str| {
        let ranges = accept.iter().flat_map(|value| value.split(','));
        // The most specific range counts.
        let fitting = ranges.filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let precision = match parts.next()?.to_ascii_lowercase().as_str() {
                "*/*" => 0,
                "application/*" => 1,
                range if range == name => 2,
                _ => return None,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            Some((precision, weight.map_or(Some(1.0), |q| q.parse().ok())?))
        });
        fitting
            .max_by_key(|(precision, _)| *precision)
            .map_or(0.0, |(_, weight): (i32, f64)| weight)
    };
    let (record, manifest) = (liking("application/json"), liking(C2PA));
    match (record > 0.0, manifest > 0.0) {
        (false, false) => None,
        _ if manifest > record => Some(Wanted::Manifest),
        _ => Some(Wanted::Record),
    }
}

/// The manifest of a proof, if it is the one that its record names.
pub(super) fn manifest_of(keeper: &dyn Keeper, id: ProofId) -> Result<Option<Vec<u8>>, StoreError> {
    let (Some(record), Some(manifest)) = (keeper.record(id)?, keeper.manifest(id)?) else {
        return Ok(None);
    };
    if !is_manifest_of(&manifest, &record) {
        log::fault(&format!("the manifest of proof {id} is damaged"));
        let what = "the manifest";
        return Err(StoreError::Damaged { id, what });
    }
    Ok(Some(manifest))
}

/// 404.
pub(super) fn unknown(what: &str) -> Problem {
    let detail = format!("nothing is known of {what}");
    Problem::new(StatusCode::NOT_FOUND, "unknown", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_liked_better_is_sent() {
        let of = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            wanted(&headers)
        };
        assert_eq!(wanted(&HeaderMap::new()), Some(Wanted::Record));
        for (accept, expected) in [
            ("*/*", Some(Wanted::Record)),
            ("application/c2pa", Some(Wanted::Manifest)),
            (
                "application/json, application/c2pa;q=0.5",
                Some(Wanted::Record),
            ),
            (
                "application/json;q=0.2, application/c2pa;q=0.5",
                Some(Wanted::Manifest),
            ),
            ("*/*;q=0.1, application/c2pa", Some(Wanted::Manifest)),
            ("application/json;q=0, */*", Some(Wanted::Manifest)),
            ("text/html", None),
            ("application/*;q=0", None),
        ] {
            assert_eq!(of(accept), expected, "{accept}");
        }
    }
}
