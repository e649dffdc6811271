//! Where servers find the files that they are sent: a web server of our own, on this machine alone, that serves one file under
//! an address nobody can guess for as long as somebody asks for what becomes of it.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use credlink_image_files::ImageFile;

/// The longest head of a request.
const MOST_HEAD: usize = 16 << 10;
/// Connections at a time; a server that wants more waits or fails.
const MOST_CONNECTIONS: usize = 256;
/// How long a server may take to say what it wants, or to take it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file on offer, and how often it was fetched.
#[derive(Debug)]
struct Served {
    file: Arc<ImageFile>,
    fetched: AtomicU32,
}

type Files = Mutex<HashMap<String, Arc<Served>>>;

/// The web server; it ends with the value.
#[derive(Debug)]
pub(super) struct Origin {
    address: SocketAddr,
    files: Arc<Files>,
    ended: Arc<AtomicBool>,
}

/// A file on offer, until this is dropped.
#[derive(Debug)]
pub(super) struct Offer<'a> {
    origin: &'a Origin,
    name: String,
    served: Arc<Served>,
}

impl Origin {
    /// Serves on an address of this machine that only this machine reaches; port 0 takes a free one.
    ///
    /// # Errors
    /// When others would reach it, or the port is taken.
    pub(super) fn serve(address: SocketAddr) -> Result<Self> {
        ensure!(
            address.ip().is_loopback(),
            "{address} is an address that others reach; the origin of a run serves this machine alone, e.g. 127.0.0.1:8000"
        );
        let listener = TcpListener::bind(address)
            .with_context(|| format!("failed to serve images on {address}"))?;
        let address = listener
            .local_addr()
            .context("failed to serve images on this machine")?;
        let files = Arc::new(Files::default());
        let ended = Arc::new(AtomicBool::new(false));
        let (of_thread, stop) = (Arc::clone(&files), Arc::clone(&ended));
        std::thread::Builder::new()
            .name("origin".to_owned())
            .spawn(move || accept(&listener, &of_thread, &stop))
            .context("failed to start the origin's thread")?;
        Ok(Self {
            address,
            files,
            ended,
        })
    }

    /// Offers a file under a name that nobody can guess.
    ///
    /// # Errors
    /// When the operating system has no randomness.
    pub(super) fn offer(&self, file: &Arc<ImageFile>) -> Result<Offer<'_>> {
        let name = format!("{}.{}", super::word()?, file.format().extension());
        let served = Arc::new(Served {
            file: Arc::clone(file),
            fetched: AtomicU32::new(0),
        });
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(name.clone(), Arc::clone(&served));
        Ok(Offer {
            origin: self,
            name,
            served,
        })
    }
}

impl Offer<'_> {
    /// The address of the file.
    pub(super) fn url(&self) -> String {
        format!("http://{}/{}", self.origin.address, self.name)
    }

    /// The same without scheme, host and slash.
    pub(super) fn path(&self) -> &str {
        &self.name
    }

    /// How often it was fetched.
    pub(super) fn fetched(&self) -> u32 {
        self.served.fetched.load(Ordering::Relaxed)
    }
}

impl Drop for Offer<'_> {
    fn drop(&mut self) {
        let mut files = self
            .origin
            .files
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        files.remove(&self.name);
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection; if nothing listens any more it has ended.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn accept(listener: &TcpListener, files: &Arc<Files>, ended: &AtomicBool) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        if ended.load(Ordering::Relaxed) {
            return;
        }
        // What cannot be answered now is closed, and whoever asked tells it.
        let Ok(stream) = stream else { continue };
        if open.load(Ordering::Relaxed) >= MOST_CONNECTIONS {
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (files, open) = (Arc::clone(files), Arc::clone(&open));
        let work = move || {
            let _gone = answer(stream, &files);
            open.fetch_sub(1, Ordering::Relaxed);
        };
        let _none = std::thread::Builder::new().spawn(work);
    }
}

/// Answers one request, and closes.
fn answer(mut stream: TcpStream, files: &Files) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut piece = [0; 2048];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut piece)?;
        if read == 0 || head.len() > MOST_HEAD {
            return Ok(());
        }
        head.extend_from_slice(&piece[..read]);
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    // Some servers put words of their own behind the address.
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let found = files
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(name)
        .cloned();
    match (method, found) {
        ("GET" | "HEAD", Some(served)) => {
            let bytes = served.file.bytes();
            let media_type = served.file.format().mime();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                bytes.len()
            );
            stream.write_all(head.as_bytes())?;
            if method == "GET" {
                served.fetched.fetch_add(1, Ordering::Relaxed);
                stream.write_all(bytes)?;
            }
        }
        ("GET" | "HEAD", None) => status(&mut stream, "404 Not Found")?,
        _ => status(&mut stream, "405 Method Not Allowed")?,
    }
    stream.flush()
}

fn status(stream: &mut TcpStream, status: &str) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn got(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[test]
    fn a_file_is_served_while_it_is_on_offer_and_to_this_machine_alone() {
        let origin = Origin::serve("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut png = std::io::Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(4, 3)
            .write_to(&mut png, image::ImageFormat::Png)
            .unwrap();
        let file = Arc::new(ImageFile::new(png.into_inner()).unwrap());
        let offer = origin.offer(&file).unwrap();
        let path = offer.path().to_owned();
        assert_eq!(offer.url(), format!("http://{}/{path}", origin.address));
        let get = |method: &str| {
            let request = format!("{method} /{path}?v=1 HTTP/1.1\r\nHost: x\r\n\r\n");
            got(origin.address, &request)
        };
        let served = get("GET");
        assert!(served.contains("image/png") && served.starts_with("HTTP/1.1 200"));
        assert!(get("HEAD").starts_with("HTTP/1.1 200"));
        assert!(get("POST").starts_with("HTTP/1.1 405"));
        assert_eq!(offer.fetched(), 1);
        drop(offer);
        assert!(get("GET").starts_with("HTTP/1.1 404"));
        assert!(
            got(origin.address, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"),
            "what is on offer is not listed"
        );
        let open = Origin::serve("0.0.0.0:0".parse().unwrap()).unwrap_err();
        assert!(open.to_string().contains("others reach"), "{open}");
    }
}
