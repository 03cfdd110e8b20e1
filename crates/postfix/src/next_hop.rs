//! The key of a look-up for a policy (postconf(5), `smtp_tls_policy_maps`): the next hop as Postfix has it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sealpost_mail::Domain;
use sealpost_tls_policy::facts::NextHop;

use crate::{Error, Result};

/// The port of SMTP (RFC 5321 §4.5.4.2).
pub const SMTP: u16 = 25;

/// A next hop and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "that is what a key holds")]
pub struct Hop {
    /// Whither.
    pub to: NextHop,
    /// The port.
    pub port: u16,
}

/// Reads `domain`, `domain:port`, `[host]`, `[host]:port` or `[address]`. A port is a number or the name of one of the
/// services that take mail.
///
/// # Errors
///
/// [`Error::NextHop`] for anything else: `.example.org` also, by which Postfix looks for the policy of a parent when
/// there is none for the domain, which never happens here.
pub fn parse(key: &str) -> Result<Hop> {
    if let Some(bracketed) = key.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or(Error::NextHop("a bracket is not closed"))?;
        let port = match rest.strip_prefix(':') {
            Some(port) => service(port)?,
            None if rest.is_empty() => SMTP,
            None => return Err(Error::NextHop("something other than a port is behind the bracket")),
        };
        let to = match address(host) {
            Some(address) => NextHop::Address(address),
            None => NextHop::Host { name: domain(host)?, port },
        };
        return Ok(Hop { to, port });
    }
    let (name, port) = match key.split_once(':') {
        Some((name, port)) => (name, service(port)?),
        None => (key, SMTP),
    };
    Ok(Hop { to: NextHop::Domain(domain(name)?), port })
}

fn domain(name: &str) -> Result<Domain> {
    name.parse().map_err(|_| Error::NextHop("it is no name of a domain"))
}

/// An address as Postfix takes it inside of brackets: `192.0.2.1`, `2001:db8::1`, `ipv6:2001:db8::1`.
fn address(host: &str) -> Option<IpAddr> {
    let v6 = match host.get(..5) {
        Some(prefix) if prefix.eq_ignore_ascii_case("ipv6:") => host.get(5..)?,
        _ => host,
    };
    let v4 = || host.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6).or_else(v4)
}

fn service(port: &str) -> Result<u16> {
    match port {
        "smtp" => Ok(SMTP),
        "submission" => Ok(587),
        "submissions" | "smtps" => Ok(465),
        _ if port.starts_with(|c: char| c.is_ascii_digit()) => {
            port.parse().ok().filter(|port| *port != 0).ok_or(Error::NextHop("the port is none"))
        }
        _ => Err(Error::NextHop("the port is none")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Domain {
        text.parse().unwrap()
    }

    #[test]
    fn the_forms_that_postfix_has() {
        let host = |port| NextHop::Host { name: name("mx.example.org"), port };
        let to_address = |text: &str| NextHop::Address(text.parse().unwrap());
        for (key, to, port) in [
            ("example.org", NextHop::Domain(name("example.org")), 25),
            ("Example.ORG", NextHop::Domain(name("example.org")), 25),
            ("bücher.example", NextHop::Domain(name("xn--bcher-kva.example")), 25),
            ("example.org:587", NextHop::Domain(name("example.org")), 587),
            ("example.org:submission", NextHop::Domain(name("example.org")), 587),
            ("[mx.example.org]", host(25), 25),
            ("[mx.example.org]:2525", host(2525), 2525),
            ("[192.0.2.1]", to_address("192.0.2.1"), 25),
            ("[192.0.2.1]:26", to_address("192.0.2.1"), 26),
            ("[2001:db8::1]:26", to_address("2001:db8::1"), 26),
            ("[IPv6:2001:db8::1]", to_address("2001:db8::1"), 25),
        ] {
            assert_eq!(parse(key).unwrap(), Hop { to, port }, "{key}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for key in [
            "",
            ".",
            ".example.org",
            "[",
            "[]",
            "[mx.example.org",
            "[mx.example.org]x",
            "[mx.example.org]:",
            "example.org:0",
            "example.org:65536",
            "example.org:+25",
            "example.org:junk",
            "a b",
            "192.0.2.1",
            "[.a.b]",
            "2001:db8::1",
            "user@example.org",
        ] {
            assert!(parse(key).is_err(), "{key}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_in_is_read_or_refused(key: String) {
            let _ = parse(&key);
        }
    }
}
