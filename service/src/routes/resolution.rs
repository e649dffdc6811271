//! The C2PA Soft Binding Resolution API (OpenAPI 2.4): from a binding, or from a picture, to the manifest that belongs to it.
//!
//! Read-only. A picture counts as found where its content confirms the proof, so that a copied mark or a pasted link leads
//! nowhere; a binding alone is answered as it is asked, and whoever asked compares the picture himself.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use credlink_sign_core::fingerprint::{Fingerprint as Pdq, MatchPolicy, Tone, View};
use credlink_sign_core::iscc::{self, ImageCode};
use credlink_sign_core::{ProofId, manifest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::files::{admitted, asked};
use super::proofs::{C2PA, manifest_of, unknown};
use super::{App, C2PA_VERSION, body, looked_up, worked};
use crate::algorithm::Algorithm;
use crate::problem::Problem;
use crate::store::{Keeper, StoreError};

/// Matches where nothing is said, and at most.
const USUAL_RESULTS: u64 = 10;
const MOST_RESULTS: u64 = 100;
/// The longest value in an address; longer ones are posted.
const LONGEST_VALUE: usize = 1024;
/// Image-Codes of one query: a picture has one.
const MOST_CODES: usize = 8;
/// The longest body of a posted binding, bytes.
const LONGEST_BINDING: usize = 16 << 10;

/// What a query finds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Found {
    matches: Vec<Match>,
}

/// A manifest that is held here.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Match {
    /// Its label.
    manifest_id: String,
    /// How alike the values are, 0 to 100; absent where they are equal or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    similarity_score: Option<u32>,
}

fn named(name: &str) -> Result<Algorithm, Problem> {
    let detail =
        "the algorithm is not known here; services/supportedAlgorithms lists those that are";
    Algorithm::named(name).ok_or_else(|| Problem::bad("algorithm", detail))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindingQuery {
    /// The algorithm, by its name in the C2PA list.
    alg: String,
    /// The value, base64.
    value: String,
    /// How many matches at most, 1 and up; never more than 100 are sent.
    #[param(minimum = 1)]
    max_results: Option<u64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct MostQuery {
    /// How many matches at most, 1 and up; never more than 100 are sent.
    #[param(minimum = 1)]
    max_results: Option<u64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContentQuery {
    /// This algorithm alone.
    alg: Option<String>,
    /// How many matches at most, 1 and up; never more than 100 are sent.
    #[param(minimum = 1)]
    max_results: Option<u64>,
}

/// A binding, as it is posted.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Binding {
    /// The algorithm, by its name in the C2PA list.
    alg: String,
    /// The value, base64.
    value: String,
}

fn most(wanted: Option<u64>) -> Result<usize, Problem> {
    match wanted.unwrap_or(USUAL_RESULTS) {
        0 => Err(Problem::bad("query", "maxResults is 1 or more")),
        most => Ok(most.min(MOST_RESULTS) as usize),
    }
}

/// Manifests for a binding in the address.
#[utoipa::path(
    get,
    path = "/v1/matches/byBinding",
    params(BindingQuery),
    responses(
        (status = 200, description = "Manifests that are held here; an empty list where there is none", body = Found),
        (status = 400, description = "A value or an algorithm that cannot be", body = Problem, content_type = "application/problem+json"),
        (status = 414, description = "A value too long for an address: post it", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests of this sender", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store does not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn by_binding(
    State(app): State<Arc<App>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    query: Result<Query<BindingQuery>, QueryRejection>,
) -> Result<Json<Found>, Problem> {
    app.admission.anybody(address.ip())?;
    let query = asked(query)?;
    if query.value.len() > LONGEST_VALUE {
        let detail =
            format!("a value in an address has at most {LONGEST_VALUE} characters; post it");
        return Err(Problem::new(
            StatusCode::URI_TOO_LONG,
            "too-long-value",
            detail,
        ));
    }
    let most = most(query.max_results)?;
    bound(&app, &query.alg, &query.value, most).await
}

/// Manifests for a binding in the body.
#[utoipa::path(
    post,
    path = "/v1/matches/byBinding",
    params(MostQuery),
    request_body(content = Binding, content_type = "application/json"),
    responses(
        (status = 200, description = "Manifests that are held here; an empty list where there is none", body = Found),
        (status = 400, description = "A value or an algorithm that cannot be", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests of this sender", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store does not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn by_binding_posted(
    State(app): State<Arc<App>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    query: Result<Query<MostQuery>, QueryRejection>,
    request: Request,
) -> Result<Json<Found>, Problem> {
    app.admission.anybody(address.ip())?;
    let most = most(asked(query)?.max_results)?;
    let (parts, body) = request.into_parts();
    let kind = body::media_type(&parts.headers);
    if kind.is_some_and(|kind| kind != "application/json") {
        let detail = "a binding is posted as application/json";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "content-type", detail));
    }
    let bytes = body::read(&app, &parts.headers, body).await?;
    if bytes.len() > LONGEST_BINDING {
        let detail = format!("a binding has at most {LONGEST_BINDING} bytes");
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            detail,
        ));
    }
    let binding: Binding = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::bad("binding", format!("not a binding: {error}")))?;
    bound(&app, &binding.alg, &binding.value, most).await
}

async fn bound(app: &App, alg: &str, value: &str, most: usize) -> Result<Json<Found>, Problem> {
    let algorithm = named(alg)?;
    let value = decoded(value)?;
    let live = Arc::clone(app.desk.live());
    let wrong = |bytes| Problem::bad("value", format!("a value of {alg} has {bytes} bytes"));
    let matches = match algorithm {
        Algorithm::Watermark => {
            let id: [u8; 8] = value.try_into().map_err(|_| wrong(8))?;
            let id = ProofId::new(u64::from_be_bytes(id));
            let is_held = looked_up(move || live.keeper().record(id))
                .await??
                .is_some();
            is_held.then(|| held(id, None)).into_iter().collect()
        }
        Algorithm::Fingerprint => {
            let bytes: [u8; 32] = value.try_into().map_err(|_| wrong(32))?;
            let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|b| bytes[8 * at + b]));
            // Tones are not in a binding; they only tell smooth pictures apart.
            let view = View {
                fingerprint: Pdq([word(0), word(1), word(2), word(3)]),
                tone: Tone([0; 16]),
            };
            let radius = MatchPolicy::default().max_distance;
            let mut near = looked_up(move || live.near(view, radius)).await?;
            near.sort_by_key(|(id, difference)| (difference.distance, *id));
            near.truncate(most);
            near.into_iter()
                .map(|(id, difference)| held(id, Some(algorithm.score(difference.distance))))
                .collect()
        }
        Algorithm::ImageCode => {
            let mut codes = ImageCode::all_in(&value)
                .map_err(|error| Problem::bad("value", error.to_string()))?;
            codes.sort_by_key(|code| code.0);
            codes.dedup();
            if codes.len() > MOST_CODES {
                let detail = format!("a query has at most {MOST_CODES} Image-Codes");
                return Err(Problem::bad("value", detail));
            }
            let near = move |code: &ImageCode| live.near_code(code, iscc::NEAR);
            let all = looked_up(move || codes.iter().flat_map(near).collect::<Vec<_>>()).await?;
            let mut nearest = BTreeMap::new();
            for (id, distance) in all {
                let held = nearest.entry(id).or_insert(distance);
                *held = distance.min(*held);
            }
            let mut near: Vec<(ProofId, u32)> = nearest.into_iter().collect();
            near.sort_by_key(|(id, distance)| (*distance, *id));
            near.truncate(most);
            near.into_iter()
                .map(|(id, distance)| held(id, Some(algorithm.score(distance))))
                .collect()
        }
    };
    Ok(Json(Found { matches }))
}

fn held(id: ProofId, similarity_score: Option<u32>) -> Match {
    Match {
        manifest_id: manifest::label(id),
        similarity_score,
    }
}

/// Base64 of either alphabet, with or without padding; a space is a plus sign that an address lost.
fn decoded(value: &str) -> Result<Vec<u8>, Problem> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = value.replace([' ', '-'], "+").replace('_', "/");
    GeneralPurpose::new(&alphabet::STANDARD, config)
        .decode(standard)
        .map_err(|_| Problem::bad("value", "the value is no base64"))
}

/// Manifests for a picture: those whose registered content it shows.
#[utoipa::path(
    post,
    path = "/v1/matches/byContent",
    params(ContentQuery),
    request_body(content((Vec<u8> = "image/*"), (Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 200, description = "Manifests that are held here; an empty list where there is none", body = Found),
        (status = 400, description = "Empty, cut off, or an algorithm that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key, or one that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not an image that is known here", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests of this sender", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "No place is free, or the store does not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn by_content(
    State(app): State<Arc<App>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    query: Result<Query<ContentQuery>, QueryRejection>,
    request: Request,
) -> Result<Json<Found>, Problem> {
    let place = admitted(&app, &request, address)?;
    let query = asked(query)?;
    let algorithm = query.alg.as_deref().map(named).transpose()?;
    let most = most(query.max_results)?;
    let bytes = body::file(&app, request).await?;
    let desk = Arc::clone(&app.desk);
    let algorithms = algorithm.map_or(Algorithm::ALL.into(), |one| vec![one]);
    let found = worked(&app, place, move || desk.found(&bytes, &algorithms)).await??;
    let matches = found.into_iter().take(most);
    let matches = matches.map(|(id, score)| held(id, score));
    Ok(Json(Found {
        matches: matches.collect(),
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct ManifestQuery {
    /// The active manifest alone, without those of ingredients.
    #[serde(default)]
    return_active_manifest: bool,
}

/// A manifest by its label.
#[utoipa::path(
    get,
    path = "/v1/manifests/{activeManifestId}",
    params(("activeManifestId" = String, Path, description = "The label of a manifest, urn:c2pa:…"), ManifestQuery),
    responses(
        (status = 200, description = "The manifest store", body = Vec<u8>, content_type = "application/c2pa"),
        (status = 400, description = "A query that cannot be", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such manifest", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests of this sender", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store does not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn manifest(
    State(app): State<Arc<App>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Path(urn): Path<String>,
    query: Result<Query<ManifestQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    app.admission.anybody(address.ip())?;
    let is_alone = asked(query)?.return_active_manifest;
    let live = Arc::clone(app.desk.live());
    let look = move || -> Result<Option<Vec<u8>>, StoreError> {
        let keeper: &dyn Keeper = live.keeper();
        let id = keeper.by_urn(&urn)?;
        let found = id.map_or(Ok(None), |id| manifest_of(keeper, id))?;
        Ok(found.map(|store| match is_alone {
            true => manifest::active(&store).unwrap_or(store),
            false => store,
        }))
    };
    let found = looked_up(look).await??;
    Ok(super::bytes(
        C2PA,
        found.ok_or_else(|| unknown("this manifest"))?,
    ))
}

/// The algorithms that are answered.
#[utoipa::path(get, path = "/v1/services/supportedAlgorithms", responses((status = 200, description = "Names in the C2PA list", body = Value)))]
pub(super) async fn supported_algorithms(State(app): State<Arc<App>>) -> Json<Value> {
    let watermarks = match app.desk.has_watermark() {
        true => vec![json!({ "alg": Algorithm::Watermark.name() })],
        false => Vec::new(),
    };
    let fingerprints = [Algorithm::Fingerprint, Algorithm::ImageCode];
    let fingerprints = fingerprints.map(|one| json!({ "alg": one.name() }));
    Json(json!({ "watermarks": watermarks, "fingerprints": fingerprints }))
}

/// What of the API there is.
#[utoipa::path(get, path = "/v1/services/capabilities", responses((status = 200, description = "Names of the specification", body = Value)))]
pub(super) async fn capabilities() -> Json<Value> {
    Json(json!({
        "c2paSpecificationVersion": C2PA_VERSION,
        "supportedCapabilities": ["queryByContent"],
    }))
}

/// Whether the service works.
#[utoipa::path(get, path = "/v1/services/status", responses((status = 200, description = "ok or degraded, and the time", body = Value)))]
pub(super) async fn status(State(app): State<Arc<App>>) -> Json<Value> {
    let live = Arc::clone(app.desk.live());
    let is_well = matches!(looked_up(move || live.keeper().answers()).await, Ok(Ok(_)));
    let seconds = std::time::Duration::from_secs(app.desk.host().unix_seconds());
    let now = std::time::UNIX_EPOCH + seconds;
    Json(json!({
        "status": if is_well { "ok" } else { "degraded" },
        "timestamp": humantime::format_rfc3339_seconds(now).to_string(),
    }))
}

/// Where the API is.
#[utoipa::path(get, path = "/.well-known/c2pa-soft-binding-resolution", responses((status = 200, description = "Addresses", body = Value)))]
pub(super) async fn well_known(State(app): State<Arc<App>>) -> Json<Value> {
    let api = format!("{}/v1", app.public_url);
    Json(json!({
        "apiEndpoint": api,
        "c2paSpecificationVersion": C2PA_VERSION,
        "capabilitiesEndpoint": format!("{api}/services/capabilities"),
        "statusEndpoint": format!("{api}/services/status"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_be_written_in_any_base64() {
        let wanted = [0xfb, 0xff, 0xbf, 0x01];
        for text in ["+/+/AQ==", "+/+/AQ", "-_-_AQ", " / /AQ=="] {
            assert_eq!(decoded(text).unwrap(), wanted, "{text}");
        }
        assert!(decoded("{").is_err());
    }
}
