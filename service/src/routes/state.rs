//! How the service is: for load balancers, for metrics, for people.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use minijinja::{Environment, context};
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, looked_up};
use crate::log;
use crate::problem::Problem;
use crate::watch::Recent;

/// How long the store may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the process answers.
#[utoipa::path(get, path = "/health", responses((status = 200, description = "It does", body = String, content_type = "text/plain")))]
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// Whether the store answers, so that files can be signed and verified.
#[utoipa::path(
    get,
    path = "/ready",
    responses(
        (status = 200, description = "It does", body = String, content_type = "text/plain"),
        (status = 503, description = "It does not", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    let live = Arc::clone(app.desk.live());
    let look = looked_up(move || live.keeper().answers());
    let status = StatusCode::SERVICE_UNAVAILABLE;
    match tokio::time::timeout(PATIENCE, look).await {
        Ok(answered) => answered?.map(|()| "ready\n").map_err(Problem::from),
        Err(_) => Err(Problem::new(status, "store-fault", "the store is slow").after(5)),
    }
}

/// Everything counted since the start (OpenMetrics).
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Counters", body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let proofs = app.desk.live().len();
    let text = app.watch.metrics(proofs, app.desk.host().usage());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// The last minutes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    version: &'static str,
    uptime_seconds: u64,
    store: String,
    proofs: usize,
    free_places: usize,
    services: Vec<Recent>,
    /// The first figures of the survival run that the service was given.
    last_run: Option<serde_json::Value>,
}

fn status(app: &App) -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: app.watch.uptime_seconds(),
        store: app.desk.live().keeper().name().to_owned(),
        proofs: app.desk.live().len(),
        free_places: app.admission.free_places(),
        services: app.watch.recent(),
        last_run: app.last_run.clone(),
    }
}

/// The last minutes against the service levels, as JSON.
#[utoipa::path(get, path = "/status.json", responses((status = 200, description = "The last five minutes", body = Status)))]
pub(super) async fn json(State(app): State<Arc<App>>) -> Json<Status> {
    Json(status(&app))
}

/// The last minutes against the service levels, as a page.
#[utoipa::path(
    get,
    path = "/status",
    responses(
        (status = 200, description = "A page", body = String, content_type = "text/html"),
    )
)]
pub(super) async fn page(State(app): State<Arc<App>>) -> Result<Html<String>, Problem> {
    let mut environment = Environment::new();
    // The name ends in .html, so that values are escaped.
    let added = environment.add_template("status.html", include_str!("status.html"));
    let status = status(&app);
    let filled = added
        .and_then(|()| environment.get_template("status.html"))
        .and_then(|template| {
            let uptime = Duration::from_secs(status.uptime_seconds);
            template.render(context! {
                status => minijinja::Value::from(minijinja::value::Serde(&status)),
                uptime => humantime::format_duration(uptime).to_string(),
            })
        });
    filled.map(Html).map_err(|error| {
        log::fault(&format!("the status page: {error:#}"));
        let code = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(code, "internal", "the page cannot be made")
    })
}
