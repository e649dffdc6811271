//! Time stamps from an authority that the user names (RFC 3161, section 3.4: over HTTP). A stamp is signed, so that plain HTTP
//! does no harm.

use std::time::Duration;

use credlink_sign_core::TimeStamps;

use crate::http::Server;

/// The longest answer that is read, bytes: a token with its chain takes 3 to 8 KB.
const LONGEST: u64 = 64 << 10;
/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
const REQUEST: &str = "application/timestamp-query";
const ANSWER: &str = "application/timestamp-reply";

/// An authority, asked by HTTP.
#[derive(Debug)]
pub struct TimeAuthority(Server);

impl TimeAuthority {
    /// The authority at this address.
    ///
    /// # Errors
    /// In words, if the address is none that this build can ask.
    pub fn new(url: &str) -> Result<Self, String> {
        Server::new(url, "a time authority", PATIENCE).map(Self)
    }
}

impl TimeStamps for TimeAuthority {
    fn stamped(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let host = self.0.host();
        let failed =
            |why: &dyn std::fmt::Display| format!("the time authority {host} gave no stamp: {why}");
        let headers = [("content-type", REQUEST)];
        let reply = self.0.post("", &headers, request, "", LONGEST);
        let reply = reply.map_err(|refusal| failed(&refusal))?;
        if reply.media_type == ANSWER {
            Ok(reply.body)
        } else {
            Err(failed(&"its answer is of another kind"))
        }
    }
}
