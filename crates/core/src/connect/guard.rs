//! Where connections may lead. The resolved addresses are checked, all of them, before the first packet: what a name, a
//! redirect or an odd spelling hides is known by then.

mod embedded;
mod public;

use crate::error::{ADDRESS_FORBIDDEN, Error, ErrorKind};
use crate::origin::Origin;
use embedded::Embedded;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that a pool may connect to. The default lets every one pass.
#[derive(Clone, Debug, Default)]
pub struct AddressGuard {
    /// Nothing else, where there is one.
    pub allow: Option<AddressSet>,
    /// Refused, whatever `allow` says.
    pub deny: Option<AddressSet>,
}

/// Addresses and networks, and perhaps all that is public.
#[derive(Clone, Debug, Default)]
pub struct AddressSet {
    networks: Vec<IpNet>,
    public: bool,
}

impl AddressSet {
    /// Reads `public`, addresses (`::1`) and CIDRs (`10.0.0.0/8`).
    ///
    /// # Errors
    ///
    /// The entry that is none of these.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<AddressSet, String> {
        let mut set = AddressSet::default();
        for entry in entries {
            match (entry, entry.parse::<IpAddr>(), entry.parse::<IpNet>()) {
                ("public", ..) => set.public = true,
                (_, Ok(address), _) => set.networks.push(plain(address.into())),
                (_, _, Ok(network)) if network.trunc() == network => set.networks.push(plain(network)),
                _ => return Err(entry.to_owned()),
            }
        }
        Ok(set)
    }

    /// For permission: an IPv4 address within an IPv6 one has to be allowed as such. A network of IPv6 lets it pass only where
    /// it lies within the form (`64:ff9b::/96`, not `::/0`).
    fn allows(&self, address: IpAddr) -> bool {
        if self.public && public::is_public(address) {
            return true;
        }
        match embedded_in(address) {
            None => self.contains(address),
            Some(embedded) => {
                let within = |network: &IpNet| match network {
                    IpNet::V6(network) => embedded.form.contains(network) && contains(&(*network).into(), address),
                    IpNet::V4(_) => false,
                };
                self.contains(embedded.address.into()) || self.networks.iter().any(within)
            }
        }
    }

    /// For refusal: in any of its forms, and as the place that systems take it for. An entry that spells a network of IPv4 in
    /// IPv6 means that network as well.
    fn refuses(&self, address: IpAddr) -> bool {
        let embedded = embedded_in(address);
        let inner = embedded.iter().flat_map(|embedded| [Some(embedded.address), embedded.other]).flatten();
        let meant = inner.map(IpAddr::from).chain([address]);
        meant
            .flat_map(|address| [Some(address), loopback(address)])
            .flatten()
            .any(|address| self.contains(address) || self.spells(address))
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| contains(network, address))
    }

    /// Whether an entry is the IPv6 spelling of a network that `address` is in.
    fn spells(&self, address: IpAddr) -> bool {
        let IpAddr::V4(address) = address else { return false };
        let networks = self.networks.iter().filter_map(|network| match network {
            IpNet::V6(network) => embedded::network_in(*network),
            IpNet::V4(_) => None,
        });
        networks.into_iter().any(|network| network.contains(&address))
    }
}

impl AddressGuard {
    /// It has nothing to say.
    pub(crate) fn is_off(&self) -> bool {
        self.allow.is_none() && self.deny.is_none()
    }

    /// One refused address among several refuses the host: a name of which some answers are harmless is the way to reach the
    /// other ones (DNS rebinding).
    ///
    /// # Errors
    ///
    /// A `ConnectError` that names the host and the address.
    pub(crate) fn check(&self, origin: &Origin, addresses: impl IntoIterator<Item = IpAddr>) -> Result<(), Error> {
        if self.is_off() {
            return Ok(());
        }
        for address in addresses {
            let why = if self.deny.as_ref().is_some_and(|deny| deny.refuses(address)) {
                "denyAddresses refuses"
            } else if self.allow.as_ref().is_some_and(|allow| !allow.allows(address)) {
                "allowAddresses does not allow"
            } else {
                continue;
            };
            let host = origin.host();
            let inner = match embedded_in(address) {
                Some(embedded) => format!(" (that is {})", embedded.address),
                None => String::new(),
            };
            let message =
                format!("cannot connect to {origin}: the host '{host}' leads to {address}{inner}, which {why}");
            return Err(Error::new(ErrorKind::ConnectError, message).with_code(ADDRESS_FORBIDDEN));
        }
        Ok(())
    }
}

fn embedded_in(address: IpAddr) -> Option<Embedded> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => embedded::embedded_in(address),
    }
}

/// Where a connection to the unspecified address leads, on every system that lets it.
fn loopback(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Some(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Some(Ipv6Addr::LOCALHOST.into()),
        _ => None,
    }
}

/// Without asking families that differ.
fn contains(network: &IpNet, address: IpAddr) -> bool {
    match (network, address) {
        (IpNet::V4(network), IpAddr::V4(address)) => network.contains(&address),
        (IpNet::V6(network), IpAddr::V6(address)) => network.contains(&address),
        _ => false,
    }
}

/// IPv4-mapped entries are IPv4 ones, as they are to the system.
fn plain(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    match (mapped.addr().to_ipv4_mapped(), mapped.prefix_len().checked_sub(MAPPED.prefix_len())) {
        // `::ffff:0:0/96` is an entry of IANA's registry, and of lists made from it: it is about this spelling, not all of IPv4.
        (Some(address), Some(length @ 1..)) => Ipv4Net::new(address, length).map_or(network, IpNet::V4),
        _ => network,
    }
}

/// RFC 4291 section 2.5.5.2.
const MAPPED: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96);

#[cfg(test)]
mod tests;
