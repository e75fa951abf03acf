//! IPv4 addresses inside IPv6 ones: a packet to the one is delivered to the other, by a router on its way.

use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An IPv4 address that stands in an IPv6 one.
pub(super) struct Embedded {
    /// Where a packet ends.
    pub(super) address: Ipv4Addr,
    /// Another one that is told of it, or may be meant.
    pub(super) other: Option<Ipv4Addr>,
    /// All addresses of this form.
    pub(super) form: Ipv6Net,
}

/// The IPv4 address within: mapped, compatible, 6to4, NAT64, Teredo.
pub(super) fn embedded_in(address: Ipv6Addr) -> Option<Embedded> {
    let segments = address.segments();
    let octets = address.octets();
    let at = |first: usize| Ipv4Addr::new(octets[first], octets[first + 1], octets[first + 2], octets[first + 3]);
    let form = |form: Ipv6Net, address, other| Some(Embedded { address, other, form });
    match segments {
        // The unspecified and the loopback address are none (RFC 4291 section 2.5.5.1).
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0, ..] => form(COMPATIBLE, at(12), None),
        [0, 0, 0, 0, 0, 0xffff, ..] => form(super::MAPPED, at(12), None),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => form(NAT64, at(12), None),
        // How long the prefix is, an operator chooses: 96 bits are usual, 48 are all that the registry gives (RFC 6052 section
        // 2.2, where bits 64 to 71 are left out).
        [0x64, 0xff9b, 1, ..] => {
            let other = Ipv4Addr::new(octets[6], octets[7], octets[9], octets[10]);
            form(LOCAL_NAT64, at(12), Some(other))
        }
        [0x2002, ..] => form(SIX_TO_FOUR, at(2), None),
        // The client behind its NAT, turned over, and the server that tells it of a packet (RFC 4380 section 4).
        [0x2001, 0, ..] => form(TEREDO, Ipv4Addr::from(!u32::from(at(12))), Some(at(4))),
        _ => None,
    }
}

/// The network of IPv4 that a network of IPv6 spells; `None` also for all of a form, which is a wish about the form.
pub(super) fn network_in(network: Ipv6Net) -> Option<Ipv4Net> {
    let embedded = embedded_in(network.addr())?;
    let length = network.prefix_len().checked_sub(embedded.form.prefix_len())?;
    let is_one = embedded.form == SIX_TO_FOUR || embedded.form.prefix_len() == 96;
    if !is_one || length == 0 || embedded.address.octets()[0] == 0 {
        return None;
    }
    Ipv4Net::new(embedded.address, length).ok()
}

const fn net(segments: [u16; 4], length: u8) -> Ipv6Net {
    let [a, b, c, d] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), length)
}

/// RFC 4291 section 2.5.5.1, deprecated.
const COMPATIBLE: Ipv6Net = net([0, 0, 0, 0], 96);
/// RFC 6052 section 2.1.
pub(super) const NAT64: Ipv6Net = net([0x64, 0xff9b, 0, 0], 96);
/// RFC 8215.
const LOCAL_NAT64: Ipv6Net = net([0x64, 0xff9b, 1, 0], 48);
/// RFC 3056.
pub(super) const SIX_TO_FOUR: Ipv6Net = net([0x2002, 0, 0, 0], 16);
/// RFC 4380.
pub(super) const TEREDO: Ipv6Net = net([0x2001, 0, 0, 0], 32);
