//! Errors as problem+json (RFC 9457): a status as HTTP has it, a code for programs, a sentence for people.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use credlink_sign_core::submission::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;

/// Why a request has no other answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the title is that of the status.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The name of the status.
    title: &'static str,
    /// The status.
    status: u16,
    /// The cause, for programs: lower case, one hyphen between words.
    code: &'static str,
    /// What was wrong, and what to do.
    detail: String,
    /// Seconds after which to try again.
    #[serde(skip)]
    retry_after: Option<u64>,
    /// Methods that the route knows.
    #[serde(skip)]
    allow: Option<&'static str>,
}

impl Problem {
    /// A problem of this status.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            retry_after: None,
            allow: None,
        }
    }

    /// A request that says something that cannot be.
    pub fn bad(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// The same, with a time after which it is worth trying again.
    #[must_use]
    pub fn after(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// The cause, for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, json)], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        response.extensions_mut().insert(Code(self.code));
        response
    }
}

/// The cause beside a response, for the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code(pub(crate) &'static str);

impl From<StoreError> for Problem {
    /// What the medium says may hold addresses, so that only the log has it.
    fn from(error: StoreError) -> Self {
        crate::log::fault(&error.to_string());
        let detail = "the proof store does not answer; nothing was signed, and nothing is said about the file";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-fault", detail).after(5)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::Empty => return Self::bad("empty", refusal.to_string()),
            Refusal::InvalidManifest(_) => "invalid-manifest",
            Refusal::Sign(_) | Refusal::Unread(_) => {
                let mut text = refusal.to_string();
                let mut source = std::error::Error::source(&refusal);
                while let Some(cause) = source {
                    text = format!("{text}: {cause}");
                    source = cause.source();
                }
                return Self::new(StatusCode::UNPROCESSABLE_ENTITY, "cannot-be-signed", text);
            }
            _ => "cannot-be-signed",
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, refusal.to_string())
    }
}
