//! A failed handshake, as a `ConnectError` with the code that Node's tls module gives the same fault.

use super::stream::fault_of;
use super::verifier::{ShortKey, UnknownIssuer};
use crate::error::{Error, ErrorKind, code_of_alert, io_code};
use crate::origin::Origin;
use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};
use std::io;

/// A certificate's text can be as long as its sender likes; an error's cannot.
const MAX_MESSAGE_CHARS: usize = 600;

pub(super) fn handshake(origin: &Origin, cause: io::Error) -> Error {
    let (code, why) = match fault_of(&cause) {
        Some(error) => describe(error, origin),
        None if cause.kind() == io::ErrorKind::UnexpectedEof => {
            ("ECONNRESET", "the peer closed the connection during the TLS handshake".to_owned())
        }
        None => (io_code(&cause).unwrap_or("EPROTO"), format!("the TLS handshake failed: {cause}")),
    };
    let mut message = format!("cannot connect to {origin}: {why}");
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
        message.truncate(end);
        message.push('…');
    }
    Error::new(ErrorKind::ConnectError, message).with_code(code).with_source(cause)
}

fn describe(error: &rustls::Error, origin: &Origin) -> (&'static str, String) {
    match error {
        rustls::Error::InvalidCertificate(problem) => {
            let (code, why) = certificate(problem, origin);
            (code, why)
        }
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            ("EPROTO", "the peer does not speak TLS (is this an http:// port?)".to_owned())
        }
        rustls::Error::AlertReceived(alert @ AlertDescription::NoApplicationProtocol) => {
            (code_of_alert(*alert), "the server speaks none of the versions that httpVersions allows (ALPN)".to_owned())
        }
        rustls::Error::AlertReceived(alert) => {
            (code_of_alert(*alert), format!("the peer ended the TLS handshake: {alert:?}"))
        }
        rustls::Error::PeerIncompatible(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig)
        | rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            ("ERR_SSL_UNSUPPORTED_PROTOCOL", "the peer offers no TLS 1.2 or 1.3".to_owned())
        }
        other => ("EPROTO", format!("the TLS handshake failed: {other}")),
    }
}

fn certificate(problem: &CertificateError, origin: &Origin) -> (&'static str, String) {
    let plain = |code, why: &str| (code, format!("certificate problem: {why}"));
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            plain("CERT_HAS_EXPIRED", "the certificate has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            plain("CERT_NOT_YET_VALID", "the certificate is not valid yet")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let why = format!("the certificate is not for '{}'", origin.host());
            plain("ERR_TLS_CERT_ALTNAME_INVALID", &why)
        }
        CertificateError::Revoked => plain("CERT_REVOKED", "the certificate is revoked"),
        CertificateError::BadSignature => plain("CERT_SIGNATURE_FAILURE", "its signature is wrong"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            plain("INVALID_PURPOSE", "the certificate is not for servers")
        }
        CertificateError::UnknownIssuer => plain("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unknown issuer"),
        CertificateError::Other(other) if other.0.is::<ShortKey>() => plain("EE_KEY_TOO_SMALL", &other.0.to_string()),
        CertificateError::Other(other) => match other.0.downcast_ref::<UnknownIssuer>() {
            Some(why) => plain(unknown_issuer_code(*why), &why.to_string()),
            None => plain("ERR_TLS_CERT_INVALID", &other.0.to_string()),
        },
        other => plain("ERR_TLS_CERT_INVALID", &other.to_string()),
    }
}

fn unknown_issuer_code(why: UnknownIssuer) -> &'static str {
    match why {
        UnknownIssuer::SelfSigned => "DEPTH_ZERO_SELF_SIGNED_CERT",
        UnknownIssuer::SelfSignedInChain => "SELF_SIGNED_CERT_IN_CHAIN",
        UnknownIssuer::Leaf => "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        UnknownIssuer::Intermediate | UnknownIssuer::Authority => "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    }
}
