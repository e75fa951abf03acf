//! Names to addresses, by the system's resolver. It blocks, so it runs on tokio's blocking threads, whose number the
//! owner of the runtime bounds; a name that never answers holds one of them and no more.

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
use std::net::{IpAddr, SocketAddr};

/// Addresses in the resolver's order (RFC 6724), at least one.
pub(crate) async fn resolve(origin: &Origin) -> Result<Vec<SocketAddr>, Error> {
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
