//! One open connection, on which one request follows the other.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Target;

/// The longest answer, bytes.
const LONGEST: usize = 64 << 20;

/// A request, made once and sent often.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
}

impl Question {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(super) fn post(path: impl Into<String>, body: Bytes) -> Self {
        let kind = ("content-type", "application/octet-stream".to_owned());
        Self {
            method: Method::POST,
            path: path.into(),
            headers: vec![kind],
            body,
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: hyper::HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A connection to a service, opened anew where it was closed.
pub(super) struct Connection {
    target: Arc<Target>,
    patience: Duration,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// None is open yet. An answer may take so long.
    pub(super) fn to(target: Arc<Target>, patience: Duration) -> Self {
        Self {
            target,
            patience,
            sender: None,
        }
    }

    /// Opens it, if it is not open.
    pub(super) async fn open(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, String> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(self.target.address()).await;
            let stream = stream.map_err(|error| format!("no connection: {error}"))?;
            // Without it everything works, a little later.
            let _ = stream.set_nodelay(true);
            let (sender, connection) = handshake(TokioIo::new(stream))
                .await
                .map_err(|error| format!("no connection: {error}"))?;
            tokio::spawn(async move {
                // Whatever ends it shows in the next request.
                let _ = connection.await;
            });
            self.sender = Some(sender);
        }
        self.sender
            .as_mut()
            .ok_or_else(|| "no connection".to_owned())
    }

    /// Asks, and waits for the whole answer.
    pub(super) async fn ask(&mut self, question: &Question) -> Result<Answer, String> {
        let patience = self.patience;
        let asked = tokio::time::timeout(patience, self.asked(question)).await;
        let answer =
            asked.unwrap_or_else(|_| Err(format!("no answer in {} s", patience.as_secs())));
        if answer.is_err() {
            // Whatever still comes on it belongs to this question.
            self.sender = None;
        }
        answer
    }

    async fn asked(&mut self, question: &Question) -> Result<Answer, String> {
        let mut request = Request::builder()
            .method(question.method.clone())
            .uri(&question.path)
            .header("host", self.target.host())
            .header(
                "user-agent",
                concat!("credlink/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(key) = self.target.key() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in &question.headers {
            request = request.header(*name, value);
        }
        let request = request
            .body(Full::new(question.body.clone()))
            .map_err(|error| error.to_string())?;
        let sender = self.open().await?;
        let broke = |error: hyper::Error| format!("the connection broke: {error}");
        sender.ready().await.map_err(broke)?;
        let response = sender.send_request(request).await.map_err(broke)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LONGEST)
            .collect()
            .await
            .map_err(|error| format!("the answer broke off: {error}"))?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }
}
