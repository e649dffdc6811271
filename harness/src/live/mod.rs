//! Recipes that ask real servers: who asks them, where the servers find the files, and what is kept of their answers.
//!
//! The network is used by recipes that say so alone, and only where the user of the program allows it: servers on this machine
//! by one switch, any other host by its name. Nobody else is asked, whatever a server answers.

mod address;
mod origin;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use credlink_image_files::ImageFile;
use credlink_transforms::ask::{Ask, Fault, KEPT, Question, Unanswered, Way};
use credlink_transforms::recipe::Recipe;

use self::origin::{Offer, Origin};
use crate::clock;
use crate::http::{self, Asker, Heard, Silence};

/// The largest answer: larger than any image that a recipe of ours makes.
const MOST: u64 = 256 << 20;
/// The shortest rest before a server that failed is asked again; it doubles.
const REST: Duration = Duration::from_millis(200);
/// The longest.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// The longest text that is kept of one header.
const MOST_OF_HEADER: usize = 120;

/// Whom a run may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permission {
    /// Whether the network may be used at all.
    pub live: bool,
    /// Hosts besides this machine.
    pub hosts: BTreeSet<String>,
    /// Where the servers find files; `None` takes a free port.
    pub origin: Option<SocketAddr>,
}

/// Asks servers for a run.
#[derive(Debug)]
pub struct Client {
    origin: Origin,
    asker: Asker,
    hosts: BTreeSet<String>,
    /// When each host may be asked next, by the clock.
    next: Mutex<HashMap<String, u64>>,
}

impl Client {
    /// Whoever asks for these recipes; nobody where none of them asks.
    ///
    /// # Errors
    /// When one asks whom it may not ask, or needs a variable of the environment that is not there; says what to do.
    pub fn of(recipes: &[Arc<Recipe>], permission: &Permission) -> Result<Option<Self>> {
        let mut is_live = false;
        for recipe in recipes {
            for question in recipe.questions() {
                is_live = true;
                check(recipe, question, permission)?;
            }
        }
        if !is_live {
            return Ok(None);
        }
        let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Ok(Some(Self {
            origin: Origin::serve(permission.origin.unwrap_or(here))?,
            asker: Asker::new(),
            hosts: permission.hosts.clone(),
            next: Mutex::default(),
        }))
    }

    /// One op, which keeps what it is answered.
    pub fn op(&self) -> Op<'_> {
        Op {
            client: self,
            told: RefCell::default(),
        }
    }

    /// Waits until the host may be asked again.
    fn wait_for_turn(&self, host: &str, interval: Duration) {
        let wait = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = clock::wall_nanos();
            let turn = next.get(host).copied().unwrap_or_default().max(now);
            let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
            next.insert(host.to_owned(), turn.saturating_add(interval));
            turn - now
        };
        std::thread::sleep(Duration::from_nanos(wait));
    }
}

/// Refuses what a recipe may not ask, or cannot.
fn check(recipe: &Recipe, question: &Question, permission: &Permission) -> Result<()> {
    let (id, host) = (&recipe.id, question.host());
    ensure!(
        permission.live,
        "{id} sends images to a real server ({host}), and a run uses no network unless told: say --live, or leave {id} out of \
         --pipelines"
    );
    ensure!(
        is_here(&host) || permission.hosts.contains(&host),
        "{id} sends images to {host}, which is not this machine: say --allow-host {host} if that is meant"
    );
    ensure!(
        cfg!(feature = "https") || question.url.starts_with("http://"),
        "{id} asks by https, and this program was built without it; the feature `https` adds it"
    );
    let keys = question
        .sign
        .iter()
        .flat_map(|sign| [&sign.key, &sign.salt]);
    let keys = keys.map(|variable| address::secret(variable).map(drop));
    let headers = question.headers_from.values();
    let headers = headers.map(|variable| address::plain(variable).map(drop));
    match keys.chain(headers).find_map(Result::err) {
        Some(reason) => bail!("{id}: {reason}"),
        None => Ok(()),
    }
}

/// Whether a host is this machine by its name.
fn is_here(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A host as it is compared, if it is one.
///
/// # Errors
/// In words, for what is no host.
pub fn host(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    if text.is_empty() || !text.chars().all(fits) {
        return Err("a host is a name or an address, without scheme, port and path".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}

/// A word that nobody can guess: 32 hexadecimal digits.
fn word() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the operating system has no randomness: {error}"))?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}

/// One op's questions and what was answered.
#[derive(Debug)]
pub struct Op<'a> {
    client: &'a Client,
    told: RefCell<Vec<String>>,
}

impl Op<'_> {
    /// What servers said of their answers, in the order in which they were asked; `None` if none was.
    pub fn answered(&self) -> Option<String> {
        let told = self.told.borrow();
        (!told.is_empty()).then(|| told.join(" then "))
    }

    /// One attempt: the picture, or why there is none and how long the server wants to rest, if it may be asked again.
    fn attempt(
        &self,
        question: &Question,
        file: &ImageFile,
        offer: Option<&Offer<'_>>,
    ) -> Result<Vec<u8>, (Unanswered, Option<Duration>)> {
        let unanswered = |fault: Fault, reason: String| Unanswered {
            fault,
            host: question.host(),
            reason,
        };
        let settled = |reason: String| (unanswered(Fault::Setting, reason), None);
        let fresh = word().map_err(|error| settled(error.to_string()))?;
        let source = match (&question.way, offer) {
            (Way::Source(written), Some(offer)) => Some((*written, offer)),
            _ => None,
        };
        let needs = |reason: String| settled(format!("cannot be asked: {reason}"));
        let url = address::filled(question, source, &fresh).map_err(needs)?;
        let sent = sent(question, file, &fresh).map_err(needs)?;
        self.client
            .wait_for_turn(&question.host(), question.interval);
        let before = offer.map_or(0, Offer::fetched);
        let heard = self.client.asker.ask(
            &url,
            &sent.headers,
            sent.body.as_deref(),
            question.patience,
            MOST,
        );
        let fetched = offer.map(|offer| offer.fetched() - before);
        self.told.borrow_mut().push(match &heard {
            Ok(heard) => said(heard, &question.keep, fetched),
            Err(_) => "no answer".to_owned(),
        });
        let heard = heard.map_err(|silence| {
            let (fault, reason) = broken(silence, question.patience);
            let again = (fault != Fault::Size).then_some(Duration::ZERO);
            (unanswered(fault, reason), again)
        })?;
        match refused(&heard) {
            None => Ok(heard.body),
            Some((fault, reason)) => {
                let may_pass = matches!(heard.status, 429 | 500 | 502..=504);
                let rest = heard
                    .header("retry-after")
                    .and_then(|text| text.parse().ok());
                let rest = Duration::from_secs(rest.unwrap_or_default());
                Err((unanswered(fault, reason), may_pass.then_some(rest)))
            }
        }
    }
}

impl Ask for Op<'_> {
    fn asked(&self, question: &Question, file: &Arc<ImageFile>) -> Result<Vec<u8>, Unanswered> {
        let unanswered = |fault: Fault, reason: String| Unanswered {
            fault,
            host: question.host(),
            reason,
        };
        let host = question.host();
        if !is_here(&host) && !self.client.hosts.contains(&host) {
            let reason = "is not this machine, and was not allowed by --allow-host".to_owned();
            return Err(unanswered(Fault::Forbidden, reason));
        }
        let offer = match question.way {
            Way::Source(_) => Some(self.client.origin.offer(file)),
            Way::Body | Way::Form(_) => None,
        };
        let offer = offer.transpose();
        let offer = offer.map_err(|error| unanswered(Fault::Setting, error.to_string()))?;
        let mut rest = REST;
        for left in (0..=question.retries).rev() {
            match self.attempt(question, file, offer.as_ref()) {
                Ok(picture) => return Ok(picture),
                Err((why, again)) => {
                    let Some(asked_for) = again.filter(|_| left > 0) else {
                        return Err(why);
                    };
                    std::thread::sleep(rest.max(asked_for).min(LONGEST_REST));
                    rest *= 2;
                }
            }
        }
        Err(unanswered(Fault::Unreachable, "was not asked".to_owned()))
    }
}

/// What is sent beside the address.
struct Sent {
    headers: Vec<(String, String)>,
    /// None where the server fetches the file itself.
    body: Option<Vec<u8>>,
}

fn sent(question: &Question, file: &ImageFile, boundary: &str) -> Result<Sent, String> {
    let plain = question.headers.iter();
    let mut headers: Vec<(String, String)> = plain
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, variable) in &question.headers_from {
        headers.push((name.clone(), address::plain(variable)?.to_string()));
    }
    let media_type = file.format().mime();
    let mut typed = |value: String| {
        headers.retain(|(name, _)| name != "content-type");
        headers.push(("content-type".to_owned(), value));
    };
    let body = match &question.way {
        Way::Source(_) => None,
        Way::Body => {
            typed(media_type.to_owned());
            Some(file.bytes().to_vec())
        }
        // RFC 7578; the boundary is a word that nobody can guess, so that no file holds it.
        Way::Form(field) => {
            typed(format!("multipart/form-data; boundary={boundary}"));
            let name = format!("image.{}", file.format().extension());
            let mut body = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
                 Content-Type: {media_type}\r\n\r\n"
            )
            .into_bytes();
            body.extend_from_slice(file.bytes());
            body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
            Some(body)
        }
    };
    Ok(Sent { headers, body })
}

/// What is kept of an answer: its status, the headers that say what happened, and how often the file was fetched for it.
fn said(heard: &Heard, also: &[String], fetched: Option<u32>) -> String {
    let mut parts = vec![heard.status.to_string()];
    let names = KEPT.into_iter().chain(also.iter().map(String::as_str));
    for name in names {
        if let Some(value) = heard.header(name) {
            let kept: String = value.chars().filter(|c| !c.is_control()).collect();
            let kept: String = kept.chars().take(MOST_OF_HEADER).collect();
            parts.push(format!("{name}: {kept}"));
        }
    }
    parts.extend(fetched.map(|times| format!("source fetched: {times}")));
    parts.join("; ")
}

/// Why an answer is none that can be used; `None` if it is an image, as far as its head tells.
fn refused(heard: &Heard) -> Option<(Fault, String)> {
    let status = heard.status;
    if (300..400).contains(&status) && status != 304 {
        let to = heard.header("location").unwrap_or_default();
        let to = http::host_of(to);
        let to = to.as_deref().unwrap_or("another address of its own");
        return Some((
            Fault::Redirect,
            format!("sends elsewhere ({status}, to {to}); redirects are not followed"),
        ));
    }
    if !(200..300).contains(&status) {
        return Some((Fault::Status, format!("answers with status {status}")));
    }
    let media_type = heard.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let is_image = media_type.is_empty()
        || media_type
            .get(..6)
            .is_some_and(|start| start.eq_ignore_ascii_case("image/"))
        || media_type.eq_ignore_ascii_case("application/octet-stream");
    (!is_image).then(|| {
        let media_type: String = media_type.chars().take(60).collect();
        (
            Fault::Type,
            format!("answers with {media_type}, which is no image"),
        )
    })
}

/// What it is that there is no whole answer.
fn broken(silence: Silence, patience: Duration) -> (Fault, String) {
    match silence {
        Silence::Unreachable(why) => (Fault::Unreachable, format!("cannot be reached: {why}")),
        Silence::Cut(why) => (
            Fault::Cut,
            format!("ends in the middle of its answer: {why}"),
        ),
        Silence::Slow => (
            Fault::Slow,
            format!("takes longer than {} s", patience.as_secs()),
        ),
        Silence::Endless => (
            Fault::Size,
            format!("answers with more than {} MB", MOST >> 20),
        ),
    }
}
