//! Digest access authentication to a proxy, RFC 7616. Which request is answered again is decided where requests are sent
//! (`connect/tunnel.rs` and `client.rs`).

use super::challenge::Challenge;
use crate::error::{Error, ErrorKind};
use crate::fields::FieldLines;
use http::header::HeaderValue;
use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512_256};
use std::fmt::Write as _;

/// What a proxy has asked for, and how often it was answered (RFC 7616 section 3.4).
#[derive(Debug)]
pub(crate) struct Session {
    challenge: Accepted,
    count: u32,
}

#[derive(Debug)]
struct Accepted {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// As the proxy spells it.
    algorithm_name: String,
    is_session: bool,
    has_qop: bool,
    is_stale: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512_256,
}

impl Session {
    /// From the strongest challenge that can be answered; None: there is none.
    pub(crate) fn of(headers: &FieldLines) -> Option<Session> {
        let challenge = headers
            .get_all("proxy-authenticate")
            .flat_map(|value| Challenge::parse_all(&String::from_utf8_lossy(value)))
            .filter_map(|challenge| Accepted::from(&challenge))
            // The first among equals.
            .reduce(|best, next| if next.algorithm > best.algorithm { next } else { best })?;
        Some(Session { challenge, count: 0 })
    }

    /// What was sent before was right but for its old nonce.
    pub(crate) fn is_stale(&self) -> bool {
        self.challenge.is_stale
    }

    /// The value of Proxy-Authorization.
    pub(crate) fn answer(
        &mut self,
        username: &str,
        password: &str,
        method: &str,
        uri: &str,
    ) -> Result<HeaderValue, Error> {
        self.count += 1;
        let text = self.challenge.answer(username, password, method, uri, self.count, &cnonce()?);
        HeaderValue::from_bytes(text.as_bytes()).map(sensitive).map_err(|_| {
            Error::new(ErrorKind::ProxyError, "the proxy's challenge or the username cannot be put into a header")
        })
    }
}

impl Accepted {
    fn from(challenge: &Challenge) -> Option<Accepted> {
        if challenge.scheme != "digest" {
            return None;
        }
        let name = challenge.get("algorithm").unwrap_or("MD5");
        let lower = name.to_ascii_lowercase();
        let (plain, is_session) = lower.strip_suffix("-sess").map_or((lower.as_str(), false), |plain| (plain, true));
        let algorithm = match plain {
            "md5" => Algorithm::Md5,
            "sha-256" => Algorithm::Sha256,
            "sha-512-256" => Algorithm::Sha512_256,
            _ => return None,
        };
        let qop = challenge.get("qop").unwrap_or_default().trim();
        let has_qop = !qop.is_empty();
        if has_qop && !qop.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth")) {
            return None;
        }
        Some(Accepted {
            realm: challenge.get("realm")?.to_owned(),
            nonce: challenge.get("nonce")?.to_owned(),
            opaque: challenge.get("opaque").map(str::to_owned),
            algorithm,
            algorithm_name: name.to_owned(),
            is_session,
            has_qop,
            is_stale: challenge.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// RFC 7616 section 3.4.
    fn answer(&self, username: &str, password: &str, method: &str, uri: &str, count: u32, cnonce: &str) -> String {
        let Accepted { realm, nonce, .. } = self;
        let hash = |text: String| self.algorithm.hash(&text);
        let mut a1 = hash(format!("{username}:{realm}:{password}"));
        if self.is_session {
            a1 = hash(format!("{a1}:{nonce}:{cnonce}"));
        }
        let a2 = hash(format!("{method}:{uri}"));
        let response = match self.has_qop {
            true => hash(format!("{a1}:{nonce}:{count:08x}:{cnonce}:auth:{a2}")),
            // RFC 2069, which has no qop.
            false => hash(format!("{a1}:{nonce}:{a2}")),
        };
        let (username, realm, nonce) = (escape(username), escape(realm), escape(nonce));
        let mut text = format!(
            r#"Digest username="{username}", realm="{realm}", nonce="{nonce}", uri="{}", response="{response}", algorithm={}"#,
            escape(uri),
            self.algorithm_name,
        );
        if let Some(opaque) = &self.opaque {
            let _ = write!(text, r#", opaque="{}""#, escape(opaque));
        }
        if self.has_qop {
            let _ = write!(text, r#", qop=auth, nc={count:08x}, cnonce="{cnonce}""#);
        } else if self.is_session {
            let _ = write!(text, r#", cnonce="{cnonce}""#);
        }
        text
    }
}

impl Algorithm {
    fn hash(self, text: &str) -> String {
        match self {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
            Algorithm::Sha512_256 => hex(&Sha512_256::digest(text)),
        }
    }
}

fn cnonce() -> Result<String, Error> {
    let mut bytes = [0; 8];
    let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| {
        Error::new(ErrorKind::ProxyError, "the system has no random numbers for an answer to the proxy")
    })?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The inside of a quoted-string.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> FieldLines {
        let lines: String = values.iter().map(|value| format!("Proxy-Authenticate\n{value}\n")).collect();
        FieldLines::new(lines.into())
    }

    fn accepted(value: &str) -> Accepted {
        Accepted::from(&Challenge::parse_all(value)[0]).expect(value)
    }

    fn response(text: &str) -> &str {
        text.split("response=\"").nth(1).and_then(|rest| rest.split('"').next()).expect(text)
    }

    #[test]
    fn vectors() {
        let rfc = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
        let rfc_user = ("Mufasa", "Circle of Life", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
        let mine = |rest: &str| format!(r#"Digest realm="r", nonce="n"{rest}"#);
        let my_user = ("u", "p", "/x?y=z", "cafebabedeadbeef");
        let old = r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        let old_user = ("Mufasa", "CircleOfLife", "/dir/index.html", "");
        let cases = [
            (format!("{rfc}, algorithm=MD5"), rfc_user, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                format!("{rfc}, algorithm=SHA-256"),
                rfc_user,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
            (mine(""), my_user, "6d1e69e218891d07a9646c4d8720daac"),
            (
                mine(r#", algorithm=SHA-256-SESS, qop="auth""#),
                my_user,
                "40120d54a564a168902aa44d6f301fd57da6fb7dbdc1c65ffe279b5658b42f4f",
            ),
            (old.to_owned(), old_user, "1949323746fe6a43ef61f9606e7febea"),
        ];
        for (value, (username, password, uri, cnonce), expected) in cases {
            let text = accepted(&value).answer(username, password, "GET", uri, 1, cnonce);
            assert_eq!(response(&text), expected, "{value}");
        }
    }

    #[test]
    fn the_whole_text() {
        let text = accepted(r#"Digest realm="a\"b", nonce="n", opaque="o", qop="auth", algorithm=sha-512-256"#);
        let text = text.answer("u\\", "p", "CONNECT", "a.test:443", 10, "c");
        let response = response(&text);
        let expected = format!(
            r#"Digest username="u\\", realm="a\"b", nonce="n", uri="a.test:443", response="{response}", algorithm=sha-512-256, opaque="o", qop=auth, nc=0000000a, cnonce="c""#
        );
        assert_eq!(text, expected);
        assert_eq!(response.len(), 64);
    }

    #[test]
    fn the_strongest_challenge_is_taken() {
        let md5 = r#"Digest realm="m", nonce="n", algorithm=MD5"#;
        let sha = r#"Digest realm="s", nonce="n", algorithm=SHA-256"#;
        let strange = r#"Digest realm="x", nonce="n", algorithm=FOO"#;
        let integrity = r#"Digest realm="i", nonce="n", algorithm=SHA-512-256, qop="auth-int""#;
        let cases: [(&[&str], Option<&str>); 8] = [
            (&[md5], Some("m")),
            (&[md5, sha], Some("s")),
            (&[sha, md5, strange, integrity], Some("s")),
            (&[r#"Basic realm="b", Digest realm="d", nonce="n""#], Some("d")),
            (&[r#"Basic realm="b""#], None),
            (&[strange], None),
            (&[r#"Digest realm="no nonce""#], None),
            (&[], None),
        ];
        for (values, realm) in cases {
            let session = Session::of(&headers(values));
            assert_eq!(session.map(|session| session.challenge.realm).as_deref(), realm, "{values:?}");
        }
    }

    #[test]
    fn answers_are_counted() {
        let answer = |session: &mut Session| {
            let value = session.answer("u", "p", "GET", "/").expect("a header value");
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        let mut session = Session::of(&headers(&[r#"Digest realm="r", nonce="1", qop=auth"#])).expect("a challenge");
        assert!(!session.is_stale());
        let (one, two) = (answer(&mut session), answer(&mut session));
        assert!(one.contains("nc=00000001") && two.contains("nc=00000002"), "{one} {two}");
        assert_ne!(one.split("cnonce").nth(1), two.split("cnonce").nth(1));
        let stale = Session::of(&headers(&[r#"Digest realm="r", nonce="2", qop=auth, stale=TRUE"#]));
        assert!(stale.expect("a challenge").is_stale());
    }
}
