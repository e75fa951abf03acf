//! Names to addresses, by the system's resolver. It blocks, so it runs on tokio's blocking threads, whose number the
//! owner of the runtime bounds; a name that never answers holds one of them and no more.

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::timings::{ConnectTrace, Step};
use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
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
pub(crate) fn known(origin: &Origin, overrides: &AddressOverrides) -> Option<SocketAddr> {
    let address = overrides.get(origin.host(), origin.port()).or_else(|| origin.host().parse::<IpAddr>().ok());
    address.map(|address| SocketAddr::new(address, origin.port()))
}

/// Addresses in the resolver's order (RFC 6724), at least one.
pub(crate) async fn resolve(
    origin: &Origin,
    overrides: &AddressOverrides,
    trace: &ConnectTrace,
) -> Result<Vec<SocketAddr>, Error> {
    if let Some(address) = known(origin, overrides) {
        return Ok(vec![address]);
    }
    if ends_in_number(origin.host()) {
        let why = "it is neither a name nor an address";
        return Err(not_found(origin, why).with_code("ENOTFOUND"));
    }
    trace.enter(Step::Dns);
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
