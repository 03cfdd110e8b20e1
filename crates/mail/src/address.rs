//! Addresses of mailboxes ([RFC 5321 §4.1.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2),
//! [RFC 6531 §3.3](https://www.rfc-editor.org/rfc/rfc6531#section-3.3)).

use alloc::{borrow::ToOwned, string::String};
use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::{Domain, NotADomain};

/// Octets of a local part, as it is written (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Octets of a domain (RFC 5321 §4.5.3.1.2).
const MAX_DOMAIN: usize = 255;

/// The address of a mailbox: `someone@example.org`, `"some one"@example.org`, `someone@[192.0.2.1]`.
///
/// Two addresses are equal if they reach the same mailbox by what RFC 5321 §2.4 promises to everyone: their domains
/// are the same name in upper or lower case, and their local parts are the same octets once quotes are taken off.
///
/// The null reverse-path `<>` (RFC 5321 §4.5.5) is the address of nobody, so it is no value of this type: where mail
/// may come from nobody there is an `Option<Address>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Without quotes.
    local: String,
    host: Host,
}

/// Where a mailbox is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 5321 §4.1.3 has more literals, and nothing was ever registered")]
pub enum Host {
    /// At a domain.
    Domain(Domain),
    /// At an address: `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3).
    Literal(IpAddr),
}

/// Why a text is no address of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAnAddress {
    /// As a whole.
    #[error("no address of a mailbox: {0}")]
    Malformed(&'static str),
    /// Its domain is none.
    #[error("no address of a mailbox: {0}")]
    Domain(#[from] NotADomain),
}

impl Address {
    /// The mailbox `local` (without quotes) at `host`.
    ///
    /// # Errors
    ///
    /// [`NotAnAddress`] if the local part is longer than 64 octets or has control characters.
    pub fn new(local: &str, host: Host) -> Result<Self, NotAnAddress> {
        if local.chars().any(char::is_control) {
            return Err(NotAnAddress::Malformed("there is a control character in front of the @"));
        }
        let address = Self { local: local.to_owned(), host };
        if address.written_len() > MAX_LOCAL {
            return Err(NotAnAddress::Malformed("there are more than 64 octets in front of the @"));
        }
        Ok(address)
    }

    /// What stands in front of the `@`, without quotes.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What stands behind the `@`.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The domain, if it is at one.
    #[must_use]
    pub fn domain(&self) -> Option<&Domain> {
        match &self.host {
            Host::Domain(domain) => Some(domain),
            Host::Literal(_) => None,
        }
    }

    /// Whether it is of ASCII alone: others need SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii()
    }

    /// Octets of the local part as it is written.
    fn written_len(&self) -> usize {
        if is_dot_string(&self.local) {
            return self.local.len();
        }
        2 + self.local.len() + self.local.chars().filter(|c| needs_backslash(*c)).count()
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    /// # Errors
    ///
    /// [`NotAnAddress`] says what is wrong. Source routes (`<@a,@b:c@d>`) and comments are none of an address.
    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (local, host) = if let Some(quoted) = text.strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let (local, host) = text.split_once('@').ok_or(NotAnAddress::Malformed("it has no @"))?;
            if !is_dot_string(local) {
                return Err(NotAnAddress::Malformed("what is in front of the @ must be quoted, or is empty"));
            }
            (local.to_owned(), host)
        };
        Self::new(&local, host.parse()?)
    }
}

impl FromStr for Host {
    type Err = NotAnAddress;

    /// # Errors
    ///
    /// [`NotAnAddress`] says what is wrong.
    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        if text.len() > MAX_DOMAIN {
            return Err(NotAnAddress::Malformed("there are more than 255 octets behind the @"));
        }
        if let Some(literal) = text.strip_prefix('[') {
            let literal = literal.strip_suffix(']').ok_or(NotAnAddress::Malformed("a bracket is missing"))?;
            let ip = match literal.split_at_checked(5) {
                Some((tag, ip)) if tag.eq_ignore_ascii_case("IPv6:") => ip.parse::<Ipv6Addr>().map(IpAddr::V6),
                _ => literal.parse::<Ipv4Addr>().map(IpAddr::V4),
            };
            return ip.map(Self::Literal).map_err(|_| NotAnAddress::Malformed("the brackets hold no IP address"));
        }
        if text.ends_with('.') {
            return Err(NotAnAddress::Malformed("it ends with a dot"));
        }
        Ok(Self::Domain(text.parse()?))
    }
}

/// The content of a quoted string whose first quote is gone, and what stands behind its `@`.
fn unquoted(text: &str) -> Result<(String, &str), NotAnAddress> {
    let mut local = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next() {
            Some('"') => break,
            Some('\\') => match rest.next() {
                // A quoted-pair is of ASCII (RFC 5321 §4.1.2).
                Some(c @ ' '..='~') => local.push(c),
                _ => return Err(NotAnAddress::Malformed("a backslash stands in front of nothing that needs it")),
            },
            Some(c) => local.push(c),
            None => return Err(NotAnAddress::Malformed("a quote is missing")),
        }
    }
    let host = rest.as_str().strip_prefix('@').ok_or(NotAnAddress::Malformed("no @ follows the quotes"))?;
    Ok((local, host))
}

/// Whether it can be written without quotes: atoms with single dots between them.
fn is_dot_string(local: &str) -> bool {
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// RFC 5322 §3.2.3, with all that is not ASCII (RFC 6531 §3.3).
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

fn needs_backslash(c: char) -> bool {
    matches!(c, '"' | '\\')
}

/// With quotes only where they are needed.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.local) {
            return write!(f, "{}@{}", self.local, self.host);
        }
        f.write_str("\"")?;
        for c in self.local.chars() {
            if needs_backslash(c) {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\"@{}", self.host)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Literal(IpAddr::V4(ip)) => write!(f, "[{ip}]"),
            Self::Literal(IpAddr::V6(ip)) => write!(f, "[IPv6:{ip}]"),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Address {
        text.parse().unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    proptest! {
        /// What was written is read as the same.
        #[test]
        fn addresses_survive_their_text(local in "[ -~ä€]{0,20}|[a-z.@\"\\\\]{0,8}", host in hosts()) {
            let address = Address::new(&local, host.parse().unwrap()).unwrap();
            prop_assert_eq!(address.local(), &local);
            let text = address.to_string();
            prop_assert_eq!(&read(&text), &address);
            prop_assert_eq!(read(&text).to_string(), text);
        }

        /// Nothing from outside stops the program, and what is read is written in one way.
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~äÖ\r\n\0]{0,40}|[a\"\\\\@.]{0,12}|\"[ -~]{0,8}\"@[a-z\\[\\]:.0-9]{0,9}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert!(!address.to_string().contains(['\r', '\n', '\0']));
                prop_assert_eq!(read(&address.to_string()), address);
            }
        }

        /// The domain is the same in any case; the local part is not.
        #[test]
        fn case_counts_in_front_of_the_at_alone(local in "[a-z]{1,9}", domain in "[a-z]{1,9}\\.[a-z]{2,5}") {
            let lower = read(&format!("{local}@{domain}"));
            prop_assert_eq!(&lower, &read(&format!("{local}@{}", domain.to_uppercase())));
            prop_assert_ne!(&lower, &read(&format!("{}@{domain}", local.to_uppercase())));
        }
    }

    fn hosts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z]{1,9}(\\.[a-z]{2,5}){1,3}",
            any::<[u8; 4]>().prop_map(|ip| format!("[{}]", Ipv4Addr::from(ip))),
            any::<[u8; 16]>().prop_map(|ip| format!("[IPv6:{}]", Ipv6Addr::from(ip))),
        ]
    }

    #[test]
    fn addresses_are_read() {
        for (text, local, host) in [
            ("a@example.org", "a", "example.org"),
            ("a.b+c=d@Example.ORG", "a.b+c=d", "example.org"),
            ("\"a\"@example.org", "a", "example.org"),
            ("\"a b\\\"c\\\\\"@example.org", "a b\"c\\", "example.org"),
            ("\"a@b\"@example.org", "a@b", "example.org"),
            ("\"\"@example.org", "", "example.org"),
            ("jürgen@bücher.example", "jürgen", "xn--bcher-kva.example"),
            ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
            ("a@[ipv6:2001:DB8::1]", "a", "[IPv6:2001:db8::1]"),
        ] {
            let address = read(text);
            assert_eq!((address.local(), address.host().to_string().as_str()), (local, host), "{text}");
        }
        assert!(!read("jürgen@example.org").is_ascii() && read("a@bücher.example").is_ascii());
        assert_eq!(read("a@[192.0.2.1]").domain(), None);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        let quoted = format!("\"{}\"@example.org", " ".repeat(63));
        let domain = format!("a@{}org", "example.".repeat(32));
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@example.org",
            "a b@example.org",
            "a..b@example.org",
            ".a@example.org",
            "a.@example.org",
            "a@example.org.",
            "a@b@example.org",
            "\"a@example.org",
            "\"a\"b@example.org",
            "\"a\\\r\"@example.org",
            "\"a\rb\"@example.org",
            "\"a\u{85}\"@example.org",
            "a\u{85}@example.org",
            "a@192.0.2.1",
            "a@[192.0.2.256]",
            "a@[192.0.2.1",
            "a@[2001:db8::1]",
            "a@[x:y]",
            "<a@example.org>",
            "@b,@c:a@example.org",
            "a(comment)@example.org",
            "a@example.org>",
            "a@exa mple.org",
            &long,
            &quoted,
            &domain,
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        assert!(format!("{}@example.org", "a".repeat(64)).parse::<Address>().is_ok());
    }
}
