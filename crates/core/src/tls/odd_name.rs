//! Hosts whose labels begin or end with a hyphen. They are in use (names of accounts below a wildcard), and OpenSSL and browsers
//! take them, but rustls and webpki have no such names. So rustls is given a name that stands in: it is sent as SNI, where the
//! server has the same certificate for all names below the wildcard, and is verified together with the chain; whether the
//! certificate is the host's is then looked up here.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;

/// The same name with a letter for each such hyphen. None when the host has none, or is no name even so.
pub(super) fn stand_in(host: &str) -> Option<ServerName<'static>> {
    let replaced = |label: &str| {
        let inner = label.strip_prefix('-').unwrap_or(label);
        let start = if inner.len() < label.len() { "x" } else { "" };
        match inner.strip_suffix('-') {
            Some(inner) => format!("{start}{inner}x"),
            None => format!("{start}{inner}"),
        }
    };
    let name = host.split('.').map(replaced).collect::<Vec<_>>().join(".");
    if name == host { None } else { ServerName::try_from(name).ok() }
}

/// Another verifier's verdict on the chain, and our own on the name.
#[derive(Debug)]
pub(super) struct OddNameVerifier {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    pub(super) host: Box<str>,
    /// The other finds fault with a name only when all else is in order, as webpki does.
    pub(super) name_comes_last: bool,
}

impl ServerCertVerifier for OddNameVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.inner.verify_server_cert(leaf, chain, name, ocsp_response, now) {
            Ok(_) => {}
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.name_comes_last => {}
            Err(other) => return Err(other),
        }
        match names(leaf).unwrap_or_default().iter().any(|name| covers(name, &self.host)) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForName)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// RFC 9525 section 6.3: a wildcard is the whole first label, and stands for one label. As in webpki, two follow it.
fn covers(presented: &[u8], host: &str) -> bool {
    if presented.eq_ignore_ascii_case(host.as_bytes()) {
        return true;
    }
    let (Some(below), Some((first, rest))) = (presented.strip_prefix(b"*."), host.split_once('.')) else {
        return false;
    };
    !first.is_empty() && rest.contains('.') && below.eq_ignore_ascii_case(rest.as_bytes())
}

/// The DNS names of the subjectAltName extension (RFC 5280 sections 4.1 and 4.2.1.6). None for what is no certificate.
fn names(certificate: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut fields, _) = value(SEQUENCE, value(SEQUENCE, certificate)?.0)?;
    let mut extensions = loop {
        match next(fields)? {
            (EXTENSIONS, content, _) => break value(SEQUENCE, content)?.0,
            (.., rest) => fields = rest,
        }
    };
    while !extensions.is_empty() {
        let (extension, rest) = value(SEQUENCE, extensions)?;
        extensions = rest;
        let (id, mut rest) = value(OBJECT_IDENTIFIER, extension)?;
        if id != SUBJECT_ALT_NAME {
            continue;
        }
        if let Some((_, behind)) = value(BOOLEAN, rest) {
            rest = behind;
        }
        let mut left = value(SEQUENCE, value(OCTET_STRING, rest)?.0)?.0;
        let mut names = Vec::new();
        while !left.is_empty() {
            let (tag, name, rest) = next(left)?;
            if tag == DNS_NAME {
                names.push(name);
            }
            left = rest;
        }
        return Some(names);
    }
    None
}

const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// The content of the value at the beginning, which has this tag, and what follows it.
fn value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    next(der).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// The value at the beginning (X.690): its tag, its content, what follows it.
fn next(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, short], mut rest) = der.split_first_chunk()?;
    let length = match short {
        0..=0x7f => usize::from(short),
        // A certificate fits into 16 MiB (RFC 8446 section 4.4.2).
        0x81..=0x83 => {
            let (bytes, behind) = rest.split_at_checked(usize::from(short & 0x7f))?;
            rest = behind;
            bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in() {
        let cases = [
            ("ana-.shop.test", Some("anax.shop.test")),
            ("-ana.shop.test", Some("xana.shop.test")),
            ("-a-.-.--.a-b.t--x.test-", Some("xax.x.xx.a-b.t--x.testx")),
            ("ana.shop.test", None),
            ("a_b.test", None),
            ("-.1", None),
            ("-a b.test", None),
            ("-..test", None),
        ];
        for (host, expected) in cases {
            assert_eq!(stand_in(host).map(|name| name.to_str().into_owned()).as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn which_names_a_certificate_is_for() {
        let cases = [
            ("*.shop.test", "ana-.shop.test", true),
            ("*.SHOP.test", "-ana.shop.test", true),
            ("ANA-.shop.test", "ana-.shop.test", true),
            ("*.b-.test", "a.b-.test", true),
            ("*.shop.test", "x.ana-.shop.test", false),
            ("*.shop.test", "-shop.test", false),
            ("*.test", "ana-.test", false),
            ("a*.shop.test", "ana-.shop.test", false),
            ("*na-.shop.test", "ana-.shop.test", false),
            ("*.*.test", "-a.-b.test", false),
            ("anax.shop.test", "ana-.shop.test", false),
            ("ana-.shop.test\0.evil.test", "ana-.shop.test", false),
            ("*", "ana-.shop.test", false),
            ("", "ana-.shop.test", false),
        ];
        for (presented, host, expected) in cases {
            assert_eq!(covers(presented.as_bytes(), host), expected, "{presented} {host}");
        }
    }

    #[test]
    fn names_are_read_where_they_are_and_nothing_else_is_taken_for_one() {
        let made = |names: &[&str]| {
            let key = rcgen::KeyPair::generate().expect("a key");
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            rcgen::CertificateParams::new(names)
                .expect("names")
                .self_signed(&key)
                .expect("a certificate")
                .der()
                .to_vec()
        };
        let long = "x.".repeat(100);
        for expected in [&["a-.test", "*.b.test", &long[..199]][..], &["one.test"]] {
            let certificate = made(expected);
            let found = names(&certificate).expect("a certificate");
            assert_eq!(found, expected.iter().map(|name| name.as_bytes()).collect::<Vec<_>>());
            for end in 0..certificate.len() {
                assert_eq!(names(&certificate[..end]), None, "cut at {end}");
            }
        }
        assert_eq!(names(&made(&[])), None);
        assert_eq!(names(b"\x30\x84\xff\xff\xff\xff"), None);
    }
}
