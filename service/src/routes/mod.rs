//! The routes, each beside its description; the router and the OpenAPI document are made from the same list.

mod body;
mod files;
mod lent;
mod proofs;
mod resolution;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::admission::Admission;
use crate::desk::Desk;
use crate::log;
use crate::problem::{Code, Problem};
use crate::settings::Settings;
use crate::watch::Watch;

/// What every route shares.
#[derive(Debug)]
pub struct App {
    /// Signs and verifies.
    pub desk: Arc<Desk>,
    /// Who may ask, and how much at once.
    pub admission: Admission,
    /// What is counted.
    pub watch: Watch,
    /// How the service runs.
    pub settings: Settings,
    /// Where the world reaches it, without a slash at the end.
    pub public_url: String,
    /// The first figures of a survival run, if one was named.
    pub last_run: Option<serde_json::Value>,
}

/// The version of the resolution API, and of the C2PA specification that it belongs to.
const C2PA_VERSION: &str = "2.4.0";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "CredLink",
        description = "Signs images, verifies them, and resolves soft bindings (C2PA Soft Binding Resolution API 2.4)."
    ),
    components(schemas(Problem))
)]
struct Description;

/// All routes, and their description.
fn described() -> (Router<Arc<App>>, OpenApi) {
    let (router, mut api) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(files::sign))
        .routes(routes!(files::verify))
        .routes(routes!(proofs::proof))
        .routes(routes!(state::health))
        .routes(routes!(state::ready))
        .routes(routes!(state::metrics))
        .routes(routes!(state::page))
        .routes(routes!(state::json))
        .routes(routes!(
            resolution::by_binding,
            resolution::by_binding_posted
        ))
        .routes(routes!(resolution::by_content))
        .routes(routes!(resolution::manifest))
        .routes(routes!(resolution::supported_algorithms))
        .routes(routes!(resolution::capabilities))
        .routes(routes!(resolution::status))
        .routes(routes!(resolution::well_known))
        .split_for_parts();
    api.info.version = env!("CARGO_PKG_VERSION").to_owned();
    (router, api)
}

/// The description of all routes (OpenAPI 3.1).
pub fn description() -> OpenApi {
    described().1
}

/// The routes, ready to be served.
pub fn router(app: Arc<App>) -> Router {
    let (router, api) = described();
    // Written once: it does not change.
    let text = api.to_json().unwrap_or_default();
    let openapi = move || async move { ([(header::CONTENT_TYPE, "application/json")], text) };
    router
        .route("/openapi.json", axum::routing::get(openapi))
        .fallback(|| async {
            Problem::new(
                StatusCode::NOT_FOUND,
                "no-route",
                "there is nothing here; /openapi.json lists what there is",
            )
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), observed))
        .with_state(app)
}

/// Counts, logs and names every request; turns errors without a reason into problems.
async fn observed(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    let start = Instant::now();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().as_str().to_owned();
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let address = address.map(|address| address.0.ip().to_string());
    let id = app.desk.host().random().unwrap_or_default();
    let id = format!("{id:016x}");
    let (parts, body) = request.into_parts();
    let (body, rest) = lent::lent(body);
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(Who::default());
    let who = request.extensions().get::<Who>().cloned();
    let mut response = explained(next.run(request).await);
    if response.status().is_client_error() || response.status().is_server_error() {
        // In the background: what is kept of the connection is read while the answer is written.
        tokio::spawn(rest.read());
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    let (status, code) = (
        response.status().as_u16(),
        response.extensions().get().map_or("", |Code(code)| code),
    );
    app.watch.answered(&route, &method, status, code, micros);
    log::line(json!({
        "level": if status >= 500 { "warn" } else { "info" },
        "request": id,
        "method": method,
        "route": route,
        "status": status,
        "code": code,
        "micros": micros,
        "who": who.and_then(|who| who.0.get().cloned()).or(address),
    }));
    response
}

/// Who asks, once that is known.
#[derive(Clone, Debug, Default)]
struct Who(Arc<std::sync::OnceLock<String>>);

/// Errors of the router and of extractors have no body, or plain text: they become problems of the same status.
fn explained(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<Code>().is_some() {
        return response;
    }
    let (code, detail) = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method-not-allowed", "the route does not know this method")
        }
        StatusCode::NOT_FOUND => ("no-route", "there is nothing here"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("content-type", "this content type is not taken"),
        _ if status.is_client_error() => ("bad-request", "the request cannot be read"),
        _ => ("internal", "something failed here"),
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut problem = Problem::new(status, code, detail).into_response();
    if let Some(allow) = allow {
        problem.headers_mut().insert(header::ALLOW, allow);
    }
    problem
}

/// Work that takes a core, on a thread of its own.
///
/// # Errors
/// 503 where it takes too long, 500 where it panicked.
async fn worked<T: Send + 'static>(
    app: &App,
    place: tokio::sync::OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let begun = Instant::now();
    let patience = std::time::Duration::from_secs(app.settings.work_seconds);
    let too_long = |detail: &str| {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Problem::new(status, "too-long", detail).after(5)
    };
    // Workers may all be busy with files that take long, or wait for a store that does.
    let worker = tokio::time::timeout(patience, app.admission.worker()).await;
    let worker = worker.map_err(|_| too_long("no worker was free for too long"))??;
    let task = tokio::task::spawn_blocking(move || {
        let done = work();
        // Both are given back when the work is over, even if nobody waits for it any more.
        drop((worker, place));
        done
    });
    let left = patience.saturating_sub(begun.elapsed());
    match tokio::time::timeout(left, task).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => {
            log::fault("a panic while a file was worked on");
            let detail = "the file could not be worked on; this is a fault of the service";
            Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                detail,
            ))
        }
        Err(_) => Err(too_long("the file took too long")),
    }
}

/// Questions to the store, on a thread of their own.
///
/// # Errors
/// 500 where it panicked.
async fn looked_up<T: Send + 'static>(
    look: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(look).await.map_err(|_| {
        log::fault("a panic while the store was asked");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(status, "internal", "something failed here")
    })
}

/// Bytes with their media type.
fn bytes(media_type: &'static str, bytes: Vec<u8>) -> Response {
    let media_type = HeaderValue::from_static(media_type);
    ([(header::CONTENT_TYPE, media_type)], Body::from(bytes)).into_response()
}
