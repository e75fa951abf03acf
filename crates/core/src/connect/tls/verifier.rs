//! The two verifiers of ours: one that says more exactly why an issuer is unknown, and one that accepts anything.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use std::fmt;
use std::sync::Arc;

/// OpenSSL's reasons, and so Node's codes, for what rustls calls an unknown issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnknownIssuer {
    SelfSigned,
    SelfSignedInChain,
    Leaf,
    Intermediate,
}

impl fmt::Display for UnknownIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UnknownIssuer::SelfSigned => "self-signed certificate",
            UnknownIssuer::SelfSignedInChain => "self-signed certificate in certificate chain",
            UnknownIssuer::Leaf => "unable to verify the first certificate",
            UnknownIssuer::Intermediate => "unable to get local issuer certificate",
        })
    }
}

impl std::error::Error for UnknownIssuer {}

impl UnknownIssuer {
    fn of(leaf: &CertificateDer<'_>, chain: &[CertificateDer<'_>]) -> Self {
        if is_self_signed(leaf) {
            return UnknownIssuer::SelfSigned;
        }
        match chain.last() {
            None => UnknownIssuer::Leaf,
            Some(last) if is_self_signed(last) => UnknownIssuer::SelfSignedInChain,
            Some(_) => UnknownIssuer::Intermediate,
        }
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|c| c.issuer() == c.subject())
}

/// Another verifier's verdict, with the reason for an unknown issuer named.
#[derive(Debug)]
pub(super) struct Classified(pub(super) Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for Classified {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0.verify_server_cert(leaf, chain, name, ocsp_response, now).map_err(|error| match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                let why = UnknownIssuer::of(leaf, chain);
                rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why))))
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// `verify: false`: any certificate for any name. The handshake's signature is still checked, as the key exchange
/// would be worth nothing otherwise.
#[derive(Debug)]
pub(super) struct AcceptAny(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
