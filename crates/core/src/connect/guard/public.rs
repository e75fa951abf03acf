//! Which addresses are public: those that IANA's registries do not keep for something else.

use super::embedded::{self, NAT64, SIX_TO_FOUR, TEREDO};
use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A datagram to it is forwarded beyond any one administrative domain, as far as the registries say.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = V4.iter().filter(|(network, _)| network.contains(&address));
    special.max_by_key(|(network, _)| network.prefix_len()).is_none_or(|(_, reachable)| *reachable)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(address) = address.to_ipv4_mapped() {
        return is_public_v4(address);
    }
    if [NAT64, SIX_TO_FOUR, TEREDO].iter().any(|form| form.contains(&address))
        && let Some(embedded) = embedded::embedded_in(address)
    {
        return is_public_v4(embedded.address) && embedded.other.is_none_or(is_public_v4);
    }
    let special = V6.iter().filter(|(network, _)| network.contains(&address));
    let special = special.max_by_key(|(network, _)| network.prefix_len());
    GLOBAL_UNICAST.contains(&address) && special.is_none_or(|(_, reachable)| *reachable)
}

const fn v4(octets: [u8; 4], length: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(segments: [u16; 4], length: u8) -> Ipv6Net {
    let [a, b, c, d] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), length)
}

const fn v6_host(segments: [u16; 2], last: u16) -> Ipv6Net {
    let [a, b] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, last), 128)
}

/// IANA's IPv4 Special-Purpose Address Registry, of which no entry has been added since 2020-09-04, and whether it calls them globally
/// reachable; the most specific one counts. Multicast is not in that registry.
const V4: [(Ipv4Net, bool); 20] = [
    // "This network".
    (v4([0, 0, 0, 0], 8), false),
    // Private use.
    (v4([10, 0, 0, 0], 8), false),
    // Shared address space: behind a carrier's NAT, and in clouds.
    (v4([100, 64, 0, 0], 10), false),
    // Loopback.
    (v4([127, 0, 0, 0], 8), false),
    // Link local: where clouds have their metadata.
    (v4([169, 254, 0, 0], 16), false),
    // Private use.
    (v4([172, 16, 0, 0], 12), false),
    // IETF protocol assignments; of those within, PCP and TURN anycast alone are reachable.
    (v4([192, 0, 0, 0], 24), false),
    (v4([192, 0, 0, 9], 32), true),
    (v4([192, 0, 0, 10], 32), true),
    // Documentation (TEST-NET-1).
    (v4([192, 0, 2, 0], 24), false),
    // AS112-v4.
    (v4([192, 31, 196, 0], 24), true),
    // AMT.
    (v4([192, 52, 193, 0], 24), true),
    // Deprecated (6to4 relay anycast).
    (v4([192, 88, 99, 0], 24), false),
    // Private use.
    (v4([192, 168, 0, 0], 16), false),
    // Direct delegation AS112 service.
    (v4([192, 175, 48, 0], 24), true),
    // Benchmarking.
    (v4([198, 18, 0, 0], 15), false),
    // Documentation (TEST-NET-2, TEST-NET-3).
    (v4([198, 51, 100, 0], 24), false),
    (v4([203, 0, 113, 0], 24), false),
    // Multicast.
    (v4([224, 0, 0, 0], 4), false),
    // Reserved, limited broadcast among it.
    (v4([240, 0, 0, 0], 4), false),
];

/// All that IANA has given out as unicast so far (IPv6 Address Space registry); what is outside is reserved, local (`fc00::/7`,
/// `fe80::/10`), deprecated (`fec0::/10`) or multicast.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0], 3);

/// IANA's IPv6 Special-Purpose Address Registry of 2025-10-09, as far as it is about global unicast: see `V4`. 6to4 and Teredo are
/// judged by what is in them; so is 64:ff9b::/96, the one reachable prefix outside of it.
const V6: [(Ipv6Net, bool); 13] = [
    // IETF protocol assignments.
    (v6([0x2001, 0, 0, 0], 23), false),
    // Anycast of PCP, TURN and DNS-SD SRP.
    (v6_host([0x2001, 1], 1), true),
    (v6_host([0x2001, 1], 2), true),
    (v6_host([0x2001, 1], 3), true),
    // Benchmarking.
    (v6([0x2001, 2, 0, 0], 48), false),
    // AMT.
    (v6([0x2001, 3, 0, 0], 32), true),
    // AS112-v6.
    (v6([0x2001, 4, 0x112, 0], 48), true),
    // Deprecated (ORCHID).
    (v6([0x2001, 0x10, 0, 0], 28), false),
    // ORCHIDv2.
    (v6([0x2001, 0x20, 0, 0], 28), true),
    // Drone remote ID.
    (v6([0x2001, 0x30, 0, 0], 28), true),
    // Documentation.
    (v6([0x2001, 0xdb8, 0, 0], 32), false),
    (v6([0x3fff, 0, 0, 0], 20), false),
    // Direct delegation AS112 service.
    (v6([0x2620, 0x4f, 0x8000, 0], 48), true),
];
