//! Certificates made on the spot, and a TLS server that shows them.

use super::server::{Peer, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub type TlsPeer = Peer<TlsStream<tokio::net::TcpStream>>;

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Authority {
        Authority(CertifiedIssuer::self_signed(issuer_params(name), key()).expect("the parameters are complete"))
    }

    pub fn intermediate(&self, name: &str) -> Authority {
        Authority(CertifiedIssuer::signed_by(issuer_params(name), key(), &self.0).expect("the parameters are complete"))
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// An identity for `name`, as changed by `change`.
    pub fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = leaf_params(name);
        change(&mut params);
        let key = key();
        let certificate = params.signed_by(&key, &self.0).expect("the parameters are complete");
        Identity { chain: vec![certificate.der().clone()], key: key.serialize_der(), alpn: vec!["http/1.1"] }
    }
}

/// What a server shows: its certificate, those it sends along, and the key.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    alpn: Vec<&'static str>,
}

impl Identity {
    pub fn self_signed(name: &str) -> Identity {
        let key = key();
        let certificate = leaf_params(name).self_signed(&key).expect("the parameters are complete");
        Identity { chain: vec![certificate.der().clone()], key: key.serialize_der(), alpn: vec!["http/1.1"] }
    }

    /// Speaks these, the preferred one first.
    pub fn speaking(mut self, alpn: &[&'static str]) -> Identity {
        self.alpn = alpn.to_vec();
        self
    }

    pub fn with(mut self, authority: &Authority) -> Identity {
        self.chain.push(authority.certificate());
        self
    }

    /// Accepts one connection and shakes hands on it.
    pub async fn accept(&self, server: &Server) -> io::Result<TlsPeer> {
        let stream = server.accept_tcp().await;
        let key = PrivateKeyDer::Pkcs8(self.key.clone().into());
        let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has both versions")
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), key)
            .expect("the key belongs to the certificate");
        config.alpn_protocols = self.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config)).accept(stream).await.map(Peer::new)
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the machine has randomness")
}

fn issuer_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn leaf_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a DNS name or an address");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
