use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().expect(text)
}

fn set(entries: &[&str]) -> AddressSet {
    AddressSet::parse(entries.iter().copied()).expect("entries")
}

/// The code of `guard`'s refusal, if it refuses.
fn refusal(guard: &AddressGuard, addresses: &[&str]) -> Option<&'static str> {
    let origin = Origin::parse("http://host.test").expect("an origin");
    guard.check(&origin, addresses.iter().map(|text| address(text))).err().and_then(|error| error.code())
}

#[test]
fn public_is_what_the_registries_do_not_keep() {
    // The first and the last address of each block, and its neighbours where those are public.
    let refused = [
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.8",
        "192.0.0.170",
        "192.0.0.171",
        "192.0.0.255",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "233.252.0.1",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.254",
        "255.255.255.255",
        "::",
        "::1",
        "64:ff9b:1::1",
        "64:ff9b:1::808:808",
        "100::1",
        "100:0:0:1::1",
        "2001::1",
        "2001:1::",
        "2001:1::4",
        "2001:2::1",
        "2001:5::1",
        "2001:10::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "2001:db8:ffff::1",
        "3fff::1",
        "3fff:fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "feff::1",
        "ff02::1",
        "ff0e::1",
        "1::1",
        "4000::1",
        "::8.8.8.8",
        "::7f00:1",
        "1fff::1",
        // What is in them.
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2002:c0a8:1::1",
        // Teredo with the client 127.0.0.1, and with the server 10.0.0.1.
        "2001:0:808:808:8000:63bf:80ff:fffe",
        "2001:0:a00:1:8000:63bf:f7f7:f7f7",
        "::ffff:0:8.8.8.8",
    ];
    let allowed = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.0.9",
        "192.0.0.10",
        "192.0.1.0",
        "192.0.3.0",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.98.1",
        "192.167.255.255",
        "192.169.0.0",
        "192.175.48.1",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2000::1",
        "2001:1::1",
        "2001:1::2",
        "2001:1::3",
        "2001:3::1",
        "2001:4:112::1",
        "2001:20::1",
        "2001:30::1",
        "2001:200::1",
        "2606:4700:4700::1111",
        "2620:4f:8000::1",
        "2a00:1450:4001:81b::200e",
        "3ffe::1",
        "3fff:1000::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "2001:0:808:808:8000:63bf:f7f7:f7f7",
    ];
    for text in refused {
        assert!(!public::is_public(address(text)), "{text} is not public");
    }
    for text in allowed {
        assert!(public::is_public(address(text)), "{text} is public");
    }
}

#[test]
fn permission() {
    // entries, address, whether it passes
    let cases: [(&[&str], &str, bool); 27] = [
        (&[], "8.8.8.8", false),
        (&[], "2606:4700::1", false),
        (&["127.0.0.1"], "127.0.0.1", true),
        (&["127.0.0.1"], "127.0.0.2", false),
        (&["127.0.0.1"], "::ffff:127.0.0.1", true),
        (&["127.0.0.1"], "64:ff9b::7f00:1", true),
        (&["127.0.0.1"], "2002:7f00:1::5", true),
        (&["127.0.0.1"], "::127.0.0.1", true),
        (&["127.0.0.1"], "2001:0:808:808::80ff:fffe", true),
        (&["127.0.0.1"], "::1", false),
        (&["::ffff:127.0.0.0/104"], "127.1.2.3", true),
        (&["::ffff:127.0.0.1"], "127.0.0.1", true),
        (&["10.0.0.0/8"], "10.255.0.1", true),
        (&["10.0.0.0/8"], "11.0.0.1", false),
        (&["0.0.0.0/0"], "10.0.0.1", true),
        (&["0.0.0.0/0"], "::1", false),
        (&["::/0"], "::1", true),
        (&["::/0"], "10.0.0.1", false),
        // An IPv4 address does not get through in the guise of an IPv6 one.
        (&["::/0"], "::ffff:10.0.0.1", false),
        (&["::/0"], "64:ff9b::a00:1", false),
        (&["::/0"], "2002:a00:1::1", false),
        // Unless the guise itself is allowed.
        (&["64:ff9b::/96"], "64:ff9b::a00:1", true),
        (&["2002::/16"], "2002:a00:1::1", true),
        (&["64:ff9b:1::/48"], "64:ff9b:1::a00:1", true),
        (&["64:ff9b::/32"], "64:ff9b::a00:1", false),
        (&["public"], "10.0.0.1", false),
        (&["public", "10.0.0.1"], "10.0.0.1", true),
    ];
    for (entries, text, passes) in cases {
        let guard = AddressGuard { allow: Some(set(entries)), deny: None };
        assert_eq!(refusal(&guard, &[text]).is_none(), passes, "{entries:?} {text}");
    }
}

#[test]
fn refusal_in_every_form() {
    // entries, address, whether it passes
    let cases: [(&[&str], &str, bool); 27] = [
        (&[], "10.0.0.1", true),
        (&["10.0.0.0/8"], "10.0.0.1", false),
        (&["10.0.0.0/8"], "11.0.0.1", true),
        (&["10.0.0.0/8"], "::ffff:10.0.0.1", false),
        (&["10.0.0.0/8"], "::10.0.0.1", false),
        (&["10.0.0.0/8"], "64:ff9b::10.0.0.1", false),
        (&["10.0.0.0/8"], "64:ff9b:1::10.0.0.1", false),
        // RFC 6052 section 2.2: 48 bits of prefix, and the eight bits that are left out.
        (&["10.0.0.0/8"], "64:ff9b:1:a00:0:100::", false),
        (&["10.0.0.0/8"], "2002:a00:1::1", false),
        (&["10.0.0.0/8"], "2001:0:808:808::f5ff:fffe", false),
        (&["10.0.0.0/8"], "2001:0:a00:1::f7f7:f7f7", false),
        (&["10.0.0.0/8"], "2001:db8::1", true),
        (&["::ffff:10.0.0.0/104"], "10.0.0.1", false),
        (&["2002:a00::/24"], "10.0.0.1", false),
        (&["2002:a00::/24"], "::ffff:10.0.0.1", false),
        (&["64:ff9b::a00:0/104"], "10.0.0.1", false),
        // About the form, as in lists that were made from the registry.
        (&["::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "2001::/32", "::/96"], "8.8.8.8", true),
        (&["::ffff:0:0/96"], "::ffff:8.8.8.8", false),
        (&["2002::/16"], "2002:808:808::1", false),
        (&["::/128", "::1/128"], "8.8.8.8", true),
        (&["127.0.0.0/8"], "0.0.0.0", false),
        (&["127.0.0.0/8"], "::ffff:0.0.0.0", false),
        (&["::1"], "::", false),
        (&["::1"], "::1", false),
        (&["::1"], "0.0.0.1", true),
        (&["::/0"], "8.8.8.8", true),
        (&["::/0", "0.0.0.0/0"], "8.8.8.8", false),
    ];
    for (entries, text, passes) in cases {
        let guard = AddressGuard { allow: None, deny: Some(set(entries)) };
        assert_eq!(refusal(&guard, &[text]).is_none(), passes, "{entries:?} {text}");
    }
}

#[test]
fn one_refused_address_refuses_the_host_and_refusal_goes_before_permission() {
    let public = AddressGuard { allow: Some(set(&["public"])), deny: None };
    assert_eq!(refusal(&public, &["8.8.8.8", "1.1.1.1"]), None);
    for addresses in [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["8.8.8.8", "fd00::1"]] {
        assert_eq!(refusal(&public, &addresses), Some("ERR_ADDRESS_FORBIDDEN"), "{addresses:?}");
    }
    let both = AddressGuard { allow: Some(set(&["10.0.0.0/8"])), deny: Some(set(&["10.0.0.1"])) };
    assert_eq!(refusal(&both, &["10.0.0.2"]), None);
    assert_eq!(refusal(&both, &["10.0.0.1"]), Some("ERR_ADDRESS_FORBIDDEN"));
    assert_eq!(refusal(&AddressGuard::default(), &["127.0.0.1"]), None);
}

#[test]
fn the_message_names_host_address_and_option() {
    let origin = Origin::parse("https://host.test:8443").expect("an origin");
    let guard = AddressGuard { allow: None, deny: Some(set(&["127.0.0.0/8"])) };
    let error = guard.check(&origin, [address("::ffff:127.0.0.1")]).expect_err("it is refused");
    assert_eq!(
        error.message(),
        "cannot connect to https://host.test:8443: the host 'host.test' leads to ::ffff:127.0.0.1 (that is 127.0.0.1), which denyAddresses refuses"
    );
}

#[test]
fn entries_that_are_none() {
    for entry in [
        "",
        "Public",
        "example.org",
        "10.0.0.0/33",
        "::1/129",
        "10.0.0.1/8",
        "[::1]",
        "fe80::1%eth0",
        "127.1",
        "1.2.3.4/",
    ] {
        assert_eq!(AddressSet::parse([entry]).err().as_deref(), Some(entry));
    }
}
