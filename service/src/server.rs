//! Connections: how many, how long they may be idle, and how they end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::log;
use crate::routes::{App, router};

/// How long to wait after a connection could not be taken, for want of file handles.
const PAUSE: Duration = Duration::from_millis(50);

/// A service that has its port and serves nothing yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Takes the port.
    ///
    /// # Errors
    /// What the system said, such as that another program has it.
    pub async fn at(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `end` is done; then finishes what was begun, for as long as the settings allow.
    pub async fn serve(self, app: Arc<App>, end: impl Future<Output = ()>) {
        let settings = app.settings.clone();
        let router = router(app);
        let connections = Arc::new(Semaphore::new(settings.connections));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(settings.idle_seconds));
        let graceful = GracefulShutdown::new();
        let mut end = pin!(end);
        loop {
            let taken = tokio::select! {
                taken = self.listener.accept() => taken,
                () = &mut end => break,
            };
            let (stream, peer) = match taken {
                Ok(taken) => taken,
                Err(error) => {
                    log::fault(&format!("a connection could not be taken: {error}"));
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
                // Closed at once: an answer would need what there is none of.
                drop(stream);
                continue;
            };
            let router = router.clone();
            let serving = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                router.clone().oneshot(request)
            });
            let connection = http.serve_connection(TokioIo::new(quick(stream)), serving);
            let watched = graceful.watch(connection);
            tokio::spawn(async move {
                // How a connection ends is the client's business.
                let _ = watched.await;
                drop(permit);
            });
        }
        drop(self.listener);
        log::event("ending: finishing what was begun");
        let grace = Duration::from_secs(settings.grace_seconds);
        if tokio::time::timeout(grace, graceful.shutdown())
            .await
            .is_err()
        {
            log::event("ended with requests unanswered: they took too long");
        }
    }
}

/// Small answers go out at once.
fn quick(stream: TcpStream) -> TcpStream {
    // Without it everything works, a little later.
    let _ = stream.set_nodelay(true);
    stream
}
