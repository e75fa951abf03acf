//! An authority and a leaf for localhost and 127.0.0.1, made anew for every run.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub struct Certificate {
    authority: CertifiedIssuer<'static, KeyPair>,
    leaf: rcgen::Certificate,
    key: KeyPair,
}

impl Certificate {
    pub fn issue() -> Result<Certificate, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "whippet bench authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(["localhost".into(), "127.0.0.1".into()])?;
        params.distinguished_name.push(DnType::CommonName, "whippet bench origin");
        let leaf = params.signed_by(&key, &authority)?;
        Ok(Certificate { authority, leaf, key })
    }

    pub fn write(&self, dir: &Path) -> io::Result<()> {
        fs::write(dir.join("ca.pem"), self.authority.pem())?;
        fs::write(dir.join("cert.pem"), self.leaf.pem())?;
        fs::write(dir.join("key.pem"), self.key.serialize_pem())
    }

    pub fn server_config(&self, alpn: &[&str]) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
        let key = PrivateKeyDer::try_from(self.key.serialize_der())?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![self.leaf.der().clone()], key)?;
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }
}
