//! The two verifiers of ours: one that says more exactly why an issuer is unknown, and one that accepts anything.

use super::platform::provider;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use std::fmt;
use std::sync::Arc;

/// OpenSSL's reasons, and so Node's codes, for what rustls calls an unknown issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnknownIssuer {
    SelfSigned,
    SelfSignedInChain,
    Leaf,
    Intermediate,
    /// An authority's certificate, presented as a server's.
    Authority,
}

impl fmt::Display for UnknownIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UnknownIssuer::SelfSigned => "self-signed certificate",
            UnknownIssuer::SelfSignedInChain => "self-signed certificate in certificate chain",
            UnknownIssuer::Leaf => "unable to verify the first certificate",
            UnknownIssuer::Intermediate => "unable to get local issuer certificate",
            UnknownIssuer::Authority => "an authority's certificate is used for a server, and is not trusted itself",
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

/// Another verifier's verdict, with the reason for an unknown issuer named, and with one exception: a certificate that is
/// itself trusted may be a server's, even if it says that it is an authority's. That is what `openssl req -x509` makes, and
/// OpenSSL takes it; webpki does not.
#[derive(Debug)]
pub(super) struct Verifier {
    inner: Arc<dyn ServerCertVerifier>,
    trusted: Vec<CertificateDer<'static>>,
}

impl Verifier {
    pub(super) fn new(inner: Arc<dyn ServerCertVerifier>, trusted: Vec<CertificateDer<'static>>) -> Self {
        Verifier { inner, trusted }
    }

    /// By webpki. `trusted` are the certificates that the roots were made of, where they are known.
    pub(super) fn of_store(
        roots: Arc<RootCertStore>,
        trusted: Vec<CertificateDer<'static>>,
    ) -> Result<Self, rustls::Error> {
        WebPkiServerVerifier::builder_with_provider(roots, provider())
            .build()
            .map(|inner| Verifier::new(inner, trusted))
            .map_err(|error| rustls::Error::General(error.to_string()))
    }

    /// By webpki, trusting exactly these. One in a bundle that webpki cannot read is left out, all of them are an error.
    pub(super) fn of_roots(certificates: &[CertificateDer<'static>]) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        let mut problem = None;
        for certificate in certificates {
            if let Err(error) = roots.add(certificate.clone()) {
                problem.get_or_insert(error);
            }
        }
        match problem {
            Some(error) if roots.is_empty() => Err(error),
            _ => Verifier::of_store(Arc::new(roots), certificates.to_vec()),
        }
    }

    /// webpki has found the certificate valid at this time before it asked whether it is an authority's; the name is left.
    fn verify_authority(&self, leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), rustls::Error> {
        if !self.trusted.iter().any(|root| root.as_ref() == leaf.as_ref()) {
            let why = if is_self_signed(leaf) { UnknownIssuer::SelfSigned } else { UnknownIssuer::Authority };
            return Err(because(why));
        }
        verify_server_name(&ParsedCertificate::try_from(leaf)?, name)
    }
}

fn because(why: UnknownIssuer) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why))))
}

/// webpki's `CaUsedAsEndEntity`, for which rustls has no name.
fn is_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(other) = error else { return false };
    matches!(other.0.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.inner.verify_server_cert(leaf, chain, name, ocsp_response, now).or_else(|error| match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                Err(because(UnknownIssuer::of(leaf, chain)))
            }
            rustls::Error::InvalidCertificate(problem) if is_authority(&problem) => {
                self.verify_authority(leaf, name).map(|()| ServerCertVerified::assertion())
            }
            other => Err(other),
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let checked = self.inner.verify_tls12_signature(message, certificate, signature);
        checked.map_err(|error| named_if_short(error, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let checked = self.inner.verify_tls13_signature(message, certificate, signature);
        checked.map_err(|error| named_if_short(error, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// An RSA key that the provider does not verify with: it is too short.
#[derive(Debug)]
pub(super) struct ShortKey;

impl fmt::Display for ShortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its RSA key is shorter than the 2,048 bits that are the least")
    }
}

impl std::error::Error for ShortKey {}

/// A signature by a key that is too short counts as wrong: that is said of the key.
fn named_if_short(error: rustls::Error, certificate: &CertificateDer<'_>) -> rustls::Error {
    /// The DER of `rsaEncryption` (RFC 8017 appendix A.1).
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    /// Of the SubjectPublicKeyInfo with a modulus of 2,048 bits; the exponent may take some bytes more.
    const LEAST_LENGTH: usize = 290;
    if !matches!(error, rustls::Error::InvalidCertificate(CertificateError::BadSignature)) {
        return error;
    }
    let Ok(leaf) = webpki::EndEntityCert::try_from(certificate) else { return error };
    let key = leaf.subject_public_key_info();
    let is_short = key.len() < LEAST_LENGTH && key.windows(RSA.len()).any(|part| part == RSA);
    if is_short {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(ShortKey))))
    } else {
        error
    }
}

/// `verify: false`: any certificate for any name, and any signature: as any key is accepted, the check of a
/// signature would protect against no one, and webpki reads only certificates of version 3, with keys and extensions that it knows.
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
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
