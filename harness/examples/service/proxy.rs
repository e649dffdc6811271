//! What lies between a service and its store, and how it fails.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;

/// How the way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Way {
    /// Everything passes.
    Open = 0,
    /// Everything passes, each piece a while later.
    Slow = 1,
    /// Connections are taken and closed; open ones are cut.
    Refusing = 2,
    /// Connections are taken, and nothing passes.
    Silent = 3,
}

impl Way {
    fn of(number: u8) -> Self {
        match number {
            1 => Self::Slow,
            2 => Self::Refusing,
            3 => Self::Silent,
            _ => Self::Open,
        }
    }
}

/// How much later a piece passes where the way is slow.
const LATER: Duration = Duration::from_millis(100);
/// How often a thread looks at the way while nothing may pass.
const LOOK: Duration = Duration::from_millis(20);

/// A way to a server, which ends with the program.
pub(crate) struct Proxy {
    /// Where it listens, HOST:PORT.
    pub(crate) address: String,
    way: Arc<AtomicU8>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// One in front of this server.
    pub(crate) fn to(upstream: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self {
            address: listener.local_addr()?.to_string(),
            way: Arc::new(AtomicU8::new(Way::Open as u8)),
            open: Arc::default(),
        };
        let (way, open) = (Arc::clone(&proxy.way), Arc::clone(&proxy.open));
        let upstream = upstream.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A connection that fails is what this is for.
                let _ = taken(stream, &upstream, &way, &open);
            }
        });
        Ok(proxy)
    }

    /// Makes the way so; whatever is open goes on under it, or is cut.
    pub(crate) fn set(&self, way: Way) {
        self.way.store(way as u8, Relaxed);
        if way == Way::Refusing {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            for stream in open.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

fn taken(
    client: TcpStream,
    upstream: &str,
    way: &Arc<AtomicU8>,
    open: &Mutex<Vec<TcpStream>>,
) -> Result<()> {
    if Way::of(way.load(Relaxed)) == Way::Refusing {
        return Ok(());
    }
    let server = TcpStream::connect(upstream)?;
    let mut all = open.lock().unwrap_or_else(PoisonError::into_inner);
    for (from, to) in [(&client, &server), (&server, &client)] {
        let (from, to, way) = (from.try_clone()?, to.try_clone()?, Arc::clone(way));
        from.set_nodelay(true)?;
        std::thread::spawn(move || passed(from, to, &way));
    }
    all.extend([client, server]);
    Ok(())
}

/// Passes on what comes, until either end is closed.
fn passed(mut from: TcpStream, mut to: TcpStream, way: &AtomicU8) {
    let mut piece = [0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        while Way::of(way.load(Relaxed)) == Way::Silent {
            std::thread::sleep(LOOK);
        }
        if Way::of(way.load(Relaxed)) == Way::Slow {
            std::thread::sleep(LATER);
        }
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
