//! An origin's addresses: those that are known beforehand, and otherwise its name's.

use super::Connector;
use super::guard::AddressGuard;
use super::lookup::LookupError;
use super::names::{Answer, Names};
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::timings::{ConnectTrace, Step};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Addresses of hosts, known beforehand; those for one port go before those for any.
#[derive(Clone, Debug, Default)]
pub struct AddressOverrides(HashMap<Box<str>, HashMap<Option<u16>, IpAddr>>);

impl AddressOverrides {
    /// `host` as an [`Origin`] has it, or `*.host` for all below it; no port is every port.
    pub fn insert(&mut self, host: &str, port: Option<u16>, address: IpAddr) {
        self.0.entry(canonical(host).into()).or_default().insert(port, address);
    }

    fn get(&self, host: &str, port: u16) -> Option<IpAddr> {
        if self.0.is_empty() {
            return None;
        }
        let host = canonical(host);
        let found = |name: &str| {
            let ports = self.0.get(name)?;
            ports.get(&Some(port)).or_else(|| ports.get(&None)).copied()
        };
        // The name itself, then `*.` and ever less of it.
        found(&host).or_else(|| host.match_indices('.').find_map(|(at, _)| found(&format!("*{}", &host[at..]))))
    }
}

/// One spelling for each host: no root dot, the short form of IPv6.
fn canonical(host: &str) -> Cow<'_, str> {
    match host.parse::<Ipv6Addr>() {
        Ok(address) => Cow::Owned(address.to_string()),
        Err(_) => Cow::Borrowed(host.strip_suffix('.').unwrap_or(host)),
    }
}

/// The address that nothing has to be asked for.
pub(super) fn known(origin: &Origin, overrides: &AddressOverrides) -> Option<SocketAddr> {
    let address = overrides.get(origin.host(), origin.port()).or_else(|| origin.host().parse::<IpAddr>().ok());
    address.map(|address| SocketAddr::new(address, origin.port()))
}

impl Connector {
    /// The addresses of the origin in the resolver's order (RFC 6724), at least one, each of which `guard` lets pass.
    pub(super) async fn resolve(
        &self,
        origin: &Origin,
        guard: &AddressGuard,
        trace: &ConnectTrace,
    ) -> Result<Resolved<'_>, Error> {
        if let Some(address) = known(origin, &self.overrides.resolve) {
            trace.enter(Step::Connect);
            guard.check(origin, [address.ip()])?;
            return Ok(Resolved { addresses: vec![address], answer: None });
        }
        if ends_in_number(origin.host()) {
            let error = LookupError::new("ENOTFOUND", "it is neither a name nor an address");
            return Err(not_found(origin, error));
        }
        trace.enter(Step::Dns);
        let answer = self.names.find(origin.host()).await.map_err(|error| not_found(origin, error))?;
        trace.enter(Step::Connect);
        guard.check(origin, answer.iter().map(SocketAddr::ip))?;
        let mut addresses = answer.to_vec();
        for address in &mut addresses {
            address.set_port(origin.port());
        }
        Ok(Resolved { addresses, answer: Some((&self.names, origin.clone(), answer)) })
    }
}

/// Where to connect to. Dropped before a connection was made, the name is forgotten: its addresses may have changed.
pub(super) struct Resolved<'a> {
    pub(super) addresses: Vec<SocketAddr>,
    answer: Option<(&'a Names, Origin, Answer)>,
}

impl Resolved<'_> {
    /// One of the addresses was connected to.
    pub(super) fn keep(mut self) {
        self.answer = None;
    }
}

impl Drop for Resolved<'_> {
    fn drop(&mut self) {
        if let Some((names, origin, answer)) = self.answer.take() {
            names.forget(origin.host(), &answer);
        }
    }
}

/// The URL standard's "ends in a number": `127.1`, `0x7f.1`, `2130706433`. The system's resolver takes such names for
/// addresses, and whatever was to keep a caller from an address has seen a name. The parser of URLs turns them into
/// addresses, or refuses them.
fn ends_in_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host);
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn not_found(origin: &Origin, error: LookupError) -> Error {
    let host = origin.host();
    let message = format!("cannot resolve '{host}' for {origin}: {error}");
    Error::new(ErrorKind::ConnectError, message).with_code(error.code).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_spellings_are_no_names() {
        for host in
            ["127.1", "0x7f.1", "0x7F.0X1", "2130706433", "017700000001", "0", "0x", "127.0.0.1.", "a.1", "1.0x"]
        {
            assert!(ends_in_number(host), "{host}");
        }
        for host in ["localhost", "1.example", "0x7g", "a1", "1a", "x.y0x1", "fe80::1%eth0", "", "."] {
            assert!(!ends_in_number(host), "{host}");
        }
    }

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
