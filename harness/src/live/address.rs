//! The address that a server is asked under: placeholders filled, and signed as the server wants it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credlink_transforms::ask::{Question, Scheme, Sign, Written};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::origin::Offer;

/// The address for a file on offer, if it is; `fresh` is a word that stood in none before.
///
/// # Errors
/// In words that name a variable of the environment and never what it holds.
pub(super) fn filled(
    question: &Question,
    source: Option<(Written, &Offer<'_>)>,
    fresh: &str,
) -> Result<String, String> {
    let source = source.map_or_else(String::new, |(written, offer)| match written {
        Written::Plain => offer.url(),
        Written::Percent => percent_encoded(&offer.url()),
        Written::Base64 => URL_SAFE_NO_PAD.encode(offer.url()),
        Written::Path => offer.path().to_owned(),
    });
    let url = question.url.replace("{fresh}", fresh);
    let url = url.replace("{source}", &source);
    match (&question.sign, url.split_once("{signature}")) {
        (Some(sign), Some((before, path))) => {
            Ok(format!("{before}{}{path}", signature(sign, path)?))
        }
        _ => Ok(url),
    }
}

/// What a signature of this path is.
fn signature(sign: &Sign, path: &str) -> Result<String, String> {
    let Scheme::Imgproxy = sign.scheme;
    let (key, salt) = (secret(&sign.key)?, secret(&sign.salt)?);
    let signature = imgproxy(&key, &salt, path);
    signature.ok_or_else(|| format!("the key in {} is empty", sign.key))
}

/// As imgproxy signs a path; `None` for an empty key.
fn imgproxy(key: &[u8], salt: &[u8], path: &str) -> Option<String> {
    let mut mac = <Hmac<Sha256>>::new_from_slice(key).ok()?;
    mac.update(salt);
    mac.update(path.as_bytes());
    Some(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// Bytes that a variable of the environment holds in hex.
pub(super) fn secret(variable: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = plain(variable)?;
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits
        .map(Zeroizing::new)
        .filter(|digits| !digits.is_empty() && digits.len() % 2 == 0);
    let digits = digits.ok_or_else(|| format!("{variable} is not hexadecimal"))?;
    Ok(Zeroizing::new(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    ))
}

/// What a variable of the environment holds, as a header may hold it.
pub(super) fn plain(variable: &str) -> Result<Zeroizing<String>, String> {
    let text = std::env::var(variable).map(Zeroizing::new);
    let text =
        text.map_err(|_| format!("the variable {variable} of the environment is not set"))?;
    if text.is_empty()
        || !text
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return Err(format!("{variable} holds what no header may"));
    }
    Ok(text)
}

/// With everything encoded but the unreserved signs of RFC 3986, section 2.3.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of imgproxy's documentation, "Signing a URL".
    #[test]
    fn a_path_is_signed_as_imgproxy_has_it() {
        let path =
            "/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png";
        assert_eq!(
            imgproxy(b"secret", b"hello", path).as_deref(),
            Some("oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8")
        );
    }

    #[test]
    fn everything_but_unreserved_signs_is_percent_encoded() {
        let encoded = percent_encoded("http://127.0.0.1:80/a-b_c~d.png?e=ü");
        assert_eq!(
            encoded,
            "http%3A%2F%2F127.0.0.1%3A80%2Fa-b_c~d.png%3Fe%3D%C3%BC"
        );
    }
}
