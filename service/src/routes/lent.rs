//! A body that comes back when nobody reads it any more.
//!
//! A request may be refused before its body has arrived. If the connection were then closed, a sender who is still sending
//! would see it break instead of the answer, so the rest is read and thrown away, for a while.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot::{Receiver, Sender, channel};

/// How long the rest of a body is read that nobody wants; then the connection is closed.
const LINGER: Duration = Duration::from_secs(5);

/// A body on loan.
struct Lent {
    body: Body,
    back: Option<Sender<Body>>,
}

/// Where a body comes back to.
pub(super) struct Rest(Receiver<Body>);

/// The body, and where it comes back to.
pub(super) fn lent(body: Body) -> (Body, Rest) {
    let (back, rest) = channel();
    let back = Some(back);
    (Body::new(Lent { body, back }), Rest(rest))
}

impl Rest {
    /// Reads what is left of the body, once nobody else does.
    pub(super) async fn read(self) {
        let rest = async {
            if let Ok(mut body) = self.0.await {
                while let Some(Ok(_)) = body.frame().await {}
            }
        };
        // Whoever sends more than fits into this time is cut off.
        let _ = tokio::time::timeout(LINGER, rest).await;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(back) = self.back.take() {
            // Nobody waits for it where the answer was no refusal.
            let _ = back.send(std::mem::take(&mut self.body));
        }
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
