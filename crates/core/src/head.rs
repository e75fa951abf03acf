//! What came before a response's body.

use crate::fields::FieldLines;
use crate::version::Version;
use bytes::Bytes;

/// The head of a final response.
#[derive(Clone, Debug)]
pub struct Head {
    pub status: u16,
    pub version: Version,
    /// As the server wrote it; `None` when it is the one that belongs to the status code, or empty.
    pub reason: Option<Bytes>,
    /// Names as they were spelled, lines in their order.
    pub fields: FieldLines,
}

impl Head {
    pub fn is_successful(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// One that names the place to go to (RFC 9110 section 15.4).
    pub fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
            && self.fields.get_all("location").next().is_some_and(|location| !location.is_empty())
    }
}

impl From<http::response::Parts> for Head {
    /// Of HTTP/2.
    fn from(parts: http::response::Parts) -> Self {
        Head {
            status: parts.status.as_u16(),
            version: Version::Http2,
            reason: None,
            fields: FieldLines::from(&parts.headers),
        }
    }
}
