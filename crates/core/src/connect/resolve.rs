//! Names to addresses, by the system's resolver. It blocks, so it runs on tokio's blocking threads, whose number the
//! owner of the runtime bounds; a name that never answers holds one of them and no more.

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Addresses of hosts, known beforehand; those for one port go before those for any.
#[derive(Clone, Debug, Default)]
pub struct AddressOverrides(HashMap<Box<str>, HashMap<Option<u16>, IpAddr>>);

impl AddressOverrides {
    /// `host` as an [`Origin`] has it; no port is every port.
    pub fn insert(&mut self, host: &str, port: Option<u16>, address: IpAddr) {
        self.0.entry(canonical(host).into()).or_default().insert(port, address);
    }

    fn get(&self, host: &str, port: u16) -> Option<IpAddr> {
        if self.0.is_empty() {
            return None;
        }
        let ports = self.0.get(&*canonical(host))?;
        ports.get(&Some(port)).or_else(|| ports.get(&None)).copied()
    }
}

/// One spelling for each host: no root dot, the short form of IPv6.
fn canonical(host: &str) -> Cow<'_, str> {
    match host.parse::<Ipv6Addr>() {
        Ok(address) => Cow::Owned(address.to_string()),
        Err(_) => Cow::Borrowed(host.strip_suffix('.').unwrap_or(host)),
    }
}

/// Addresses in the resolver's order (RFC 6724), at least one.
pub(crate) async fn resolve(origin: &Origin, overrides: &AddressOverrides) -> Result<Vec<SocketAddr>, Error> {
    if let Some(address) = overrides.get(origin.host(), origin.port()) {
        return Ok(vec![SocketAddr::new(address, origin.port())]);
    }
    if let Ok(address) = origin.host().parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, origin.port())]);
    }
    // RFC 6761 section 6.3: always this machine; the system's resolver knows it only without the root's dot.
    let host = if origin.host() == "localhost." { "localhost" } else { origin.host() }.to_owned();
    let port = origin.port();
    let looked_up = tokio::task::spawn_blocking(move || lookup(&host, port)).await;
    match looked_up {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Ok(Ok(_)) => Err(not_found(origin, "the name has no address").with_code("ENOTFOUND")),
        Ok(Err((code, text))) => Err(not_found(origin, &text).with_code(code)),
        Err(panicked) => Err(not_found(origin, "the resolver failed").with_source(panicked)),
    }
}

fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, (&'static str, String)> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(host), None, Some(hints)).map_err(|error| {
        let code = match error.kind() {
            LookupErrorKind::Again => "EAI_AGAIN",
            LookupErrorKind::Memory => "EAI_MEMORY",
            LookupErrorKind::Fail => "EAI_FAIL",
            _ => "ENOTFOUND",
        };
        (code, std::io::Error::from(error).to_string())
    })?;
    let mut addresses = Vec::new();
    for entry in found.flatten() {
        let mut address = entry.sockaddr;
        address.set_port(port);
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

fn not_found(origin: &Origin, why: &str) -> Error {
    let host = origin.host();
    Error::new(ErrorKind::ConnectError, format!("cannot resolve '{host}' for {origin}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_for_a_port_go_before_those_for_a_host() {
        let [any, one] = ["10.0.0.1", "::1"].map(|text| text.parse::<IpAddr>().expect(text));
        let mut overrides = AddressOverrides::default();
        overrides.insert("example.org", None, any);
        overrides.insert("example.org.", Some(8443), one);
        overrides.insert("0:0::2", None, any);
        let cases = [
            ("example.org", 8443, Some(one)),
            ("example.org.", 8443, Some(one)),
            ("example.org", 80, Some(any)),
            ("www.example.org", 80, None),
            ("::2", 80, Some(any)),
        ];
        for (host, port, address) in cases {
            assert_eq!(overrides.get(host, port), address, "{host}:{port}");
        }
    }
}
