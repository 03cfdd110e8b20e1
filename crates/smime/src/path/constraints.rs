//! Name constraints (RFC 5280 §4.2.1.10, §6.1.3 (b) and (c), RFC 9598 §6).
//!
//! Each authority's constraints are kept apart: a name must be within what every one of them permits. What can't be
//! compared is refused.

use super::{Reason, issuer::malformed};
use crate::{
    Certificate, Error, Result,
    asn1::Element,
    certificate::{
        extension::{is_tagged, number},
        general::GeneralName,
        name,
    },
    oid,
};

const PLACE: &str = "the name constraints of a certificate";

/// How many comparisons of a name with a constraint one path may take; of long ones each 64 octets count.
pub(super) const COMPARISONS: usize = 1 << 17;

/// What an authority permits and excludes.
struct Constraints<'a> {
    authority: &'a Certificate,
    permitted: Vec<Subtree<'a>>,
    excluded: Vec<Subtree<'a>>,
}

struct Subtree<'a> {
    base: Named<'a>,
    /// Whether minimum and maximum are as RFC 5280 asks: 0 and absent.
    whole: bool,
}

/// A name, ready to be compared.
struct Named<'a> {
    name: GeneralName<'a>,
    /// Of a directory name, its parts from the root on.
    parts: Vec<Vec<u8>>,
}

impl<'a> Named<'a> {
    fn new(name: GeneralName<'a>) -> Result<Self> {
        let parts = match name {
            GeneralName::Directory(directory) => name::canonical_parts(directory)?,
            _ => Vec::new(),
        };
        Ok(Self { name, parts })
    }

    fn cost(&self) -> usize {
        let len = match &self.name {
            GeneralName::Mail(text) => text.len(),
            GeneralName::Utf8Mail(text) | GeneralName::Dns(text) | GeneralName::Uri(text) => text.len(),
            _ => self.parts.iter().map(Vec::len).sum(),
        };
        1 + len / 64
    }

    /// For people.
    fn text(&self) -> String {
        match &self.name {
            GeneralName::Mail(text) => text.to_string(),
            GeneralName::Utf8Mail(text) | GeneralName::Dns(text) | GeneralName::Uri(text) => (*text).to_owned(),
            GeneralName::Directory(directory) => name::text(directory),
            GeneralName::Ip(octets) => octets.iter().map(ToString::to_string).collect::<Vec<_>>().join("."),
            GeneralName::Other(id) => format!("(of type {id})"),
            GeneralName::Unknown(kind) => format!("(of kind {kind})"),
        }
    }
}

/// Judges a path from the anchor to the certificate that is asked for; says which certificate has a wrong name.
/// `left` is how many comparisons may still be made.
pub(super) fn check(anchor_first: &[&Certificate], left: &mut usize) -> Result<(), (usize, Reason)> {
    let mut all: Vec<Constraints<'_>> = Vec::new();
    let last = anchor_first.len() - 1;
    for (at, certificate) in anchor_first.iter().enumerate() {
        let wrong = |reason| (at, reason);
        if !all.is_empty() && (at == last || !certificate.is_self_issued()) {
            for name in certificate.constrained_names().map_err(malformed).map_err(wrong)? {
                let name = Named::new(name).map_err(malformed).map_err(wrong)?;
                for constraints in &all {
                    constraints.check(&name, left).map_err(wrong)?;
                }
            }
        }
        if at < last {
            all.extend(Constraints::read(certificate).map_err(malformed).map_err(wrong)?);
        }
    }
    Ok(())
}

impl<'a> Constraints<'a> {
    fn read(authority: &'a Certificate) -> Result<Option<Self>> {
        let Some((_, value)) = authority.extension(oid::NAME_CONSTRAINTS) else { return Ok(None) };
        let mut read = Self { authority, permitted: Vec::new(), excluded: Vec::new() };
        for field in Element::from_der(value, PLACE)?.inner(PLACE)? {
            match field {
                _ if is_tagged(&field, 0) => read.permitted = subtrees(&field)?,
                _ if is_tagged(&field, 1) => read.excluded = subtrees(&field)?,
                _ => return Err(Error::structure(PLACE, "a field is unknown")),
            }
        }
        Ok(Some(read))
    }

    fn check(&self, name: &Named<'_>, left: &mut usize) -> Result<(), Reason> {
        let mut permits = None;
        for (subtrees, excluding) in [(&self.permitted, false), (&self.excluded, true)] {
            for subtree in subtrees.iter().filter(|subtree| same_kind(&subtree.base.name, &name.name)) {
                let cost = name.cost().max(subtree.base.cost());
                *left = left.saturating_sub(cost);
                if *left == 0 {
                    return Err(Reason::Limit { what: "comparisons of names", limit: COMPARISONS });
                }
                let matches = subtree.matches(name, excluding);
                if excluding && matches != Some(false) {
                    return Err(self.violated(name));
                }
                if !excluding {
                    permits = Some(permits.unwrap_or(false) || matches == Some(true));
                }
            }
        }
        if permits == Some(false) { Err(self.violated(name)) } else { Ok(()) }
    }

    fn violated(&self, name: &Named<'_>) -> Reason {
        Reason::NameConstraint { name: name.text(), authority: self.authority.subject_name() }
    }
}

fn subtrees<'a>(list: &Element<'a>) -> Result<Vec<Subtree<'a>>> {
    list.inner(PLACE)?
        .iter()
        .map(|subtree| {
            let fields = subtree.inner(PLACE)?;
            let (base, bounds) = fields.split_first().ok_or(Error::structure(PLACE, "a subtree has no base"))?;
            let zero =
                |bound: &Element<'_>| is_tagged(bound, 0) && number(bound, PLACE).is_ok_and(|number| number == 0);
            Ok(Subtree { base: Named::new(GeneralName::read(base))?, whole: bounds.iter().all(zero) })
        })
        .collect()
}

/// Whether a constraint with one of them says something about the other.
fn same_kind(base: &GeneralName<'_>, name: &GeneralName<'_>) -> bool {
    use GeneralName as G;
    match (base, name) {
        (G::Mail(_), G::Mail(_) | G::Utf8Mail(_))
        | (G::Utf8Mail(_), G::Utf8Mail(_))
        | (G::Dns(_), G::Dns(_))
        | (G::Directory(_), G::Directory(_))
        | (G::Uri(_), G::Uri(_))
        | (G::Ip(_), G::Ip(_)) => true,
        (G::Other(base), G::Other(name)) => base == name,
        // Something malformed may be meant for what has the number of its kind.
        (G::Unknown(number), name) | (name, G::Unknown(number)) => kind(name) == *number,
        _ => false,
    }
}

fn kind(name: &GeneralName<'_>) -> u32 {
    match name {
        GeneralName::Mail(_) => 1,
        GeneralName::Utf8Mail(_) | GeneralName::Other(_) => 0,
        GeneralName::Dns(_) => 2,
        GeneralName::Directory(_) => 4,
        GeneralName::Uri(_) => 6,
        GeneralName::Ip(_) => 7,
        GeneralName::Unknown(kind) => *kind,
    }
}

impl Subtree<'_> {
    /// Whether the name is within it; `None` if that can't be said.
    fn matches(&self, name: &Named<'_>, excluding: bool) -> Option<bool> {
        use GeneralName as G;
        if !self.whole {
            return None;
        }
        match (&self.base.name, &name.name) {
            (G::Mail(base), G::Mail(name)) => mail(base, name, excluding),
            // Its domain is in the form of DNS (RFC 9598 §3); in another it can't be compared.
            (G::Mail(base), G::Utf8Mail(name)) => {
                let domain_is_ascii = name.rsplit_once('@').is_some_and(|(_, domain)| domain.is_ascii());
                domain_is_ascii.then(|| mail(base, name, excluding)).flatten()
            }
            (G::Dns(base), G::Dns(name)) => Some(dns(base, name)),
            (G::Uri(base), G::Uri(name)) => host_of(name).map(|host| host_or_domain(base, host)),
            (G::Directory(_), G::Directory(_)) => Some(name.parts.starts_with(&self.base.parts)),
            (G::Ip(base), G::Ip(name)) => ip(base, name),
            _ => None,
        }
    }
}

/// A mailbox, a host or, with a dot in front, a domain. An empty one is every mailbox.
fn mail(base: &str, name: &str, excluding: bool) -> Option<bool> {
    let (local, host) = name.rsplit_once('@')?;
    if base.is_empty() {
        return Some(true);
    }
    let Some((base_local, base_host)) = base.rsplit_once('@') else {
        return Some(host_or_domain(base, without_dot(host)));
    };
    let (local, base_local) = (unquoted(local), unquoted(base_local));
    // Whether case matters only the host knows: neither answer lets something through.
    let same = if excluding { local.eq_ignore_ascii_case(&base_local) } else { local == base_local };
    Some(same && without_dot(host).eq_ignore_ascii_case(base_host))
}

/// A local part without the quotes that it may have (RFC 5321 §4.1.2).
fn unquoted(local: &str) -> String {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return local.to_owned() };
    let mut escaped = false;
    inner
        .chars()
        .filter(|c| {
            escaped = *c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

fn host_or_domain(base: &str, host: &str) -> bool {
    if base.starts_with('.') { ends_with(host, base) } else { host.eq_ignore_ascii_case(base) }
}

/// A domain with all below it.
fn dns(base: &str, name: &str) -> bool {
    let (base, name) = (without_dot(base), without_dot(name));
    let above = |name: &str| name.len() > base.len() && ends_with(name, base);
    if base.is_empty() || base.eq_ignore_ascii_case(name) {
        return true;
    }
    if base.starts_with('.') {
        return above(name);
    }
    above(name) && name.as_bytes().get(name.len() - base.len() - 1) == Some(&b'.')
}

fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

fn ends_with(host: &str, end: &str) -> bool {
    let start = host.len().checked_sub(end.len());
    start.and_then(|start| host.as_bytes().get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
}

/// The host of a URI with an authority (RFC 3986 §3.2.2), if it is a name.
fn host_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let numeric = host.chars().all(|c| c.is_ascii_digit() || c == '.');
    (!host.is_empty() && !numeric && !host.starts_with('[')).then(|| without_dot(host))
}

fn ip(base: &[u8], name: &[u8]) -> Option<bool> {
    if !matches!((base.len(), name.len()), (8 | 32, 4 | 16)) {
        return None;
    }
    let (address, mask) = base.split_at(base.len() / 2);
    let same = |((address, mask), name): ((&u8, &u8), &u8)| address & mask == name & mask;
    Some(address.len() == name.len() && address.iter().zip(mask).zip(name).all(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_constraints_are_mailboxes_hosts_and_domains() {
        for (base, name, within) in [
            ("example.com", "a@example.com", true),
            ("example.com", "a@EXAMPLE.com", true),
            ("example.com", "a@example.com.", true),
            ("example.com", "a@mail.example.com", false),
            ("example.com", "a@badexample.com", false),
            (".example.com", "a@mail.example.com", true),
            (".example.com", "a@example.com", false),
            (".example.com", "a@mail.example.com.evil", false),
            ("joe@example.com", "joe@example.com", true),
            ("joe@example.com", "\"j\\oe\"@example.com", true),
            ("joe@example.com", "joe@EXAMPLE.COM", true),
            ("joe@example.com", "jane@example.com", false),
            ("", "a@b", true),
            ("b", "\"x@c\"@b", true),
        ] {
            for excluding in [false, true] {
                assert_eq!(mail(base, name, excluding), Some(within), "{base} {name}");
            }
        }
        assert_eq!(mail("example.com", "no address", false), None);
        assert_eq!(mail("joe@example.com", "Joe@example.com", false), Some(false));
        assert_eq!(mail("joe@example.com", "Joe@example.com", true), Some(true));
    }

    #[test]
    fn hosts_of_uris_and_addresses_are_compared() {
        assert_eq!(host_of("https://user@host.example:8/x@y"), Some("host.example"));
        for none in ["mailto:a@b", "http://127.0.0.1/", "http://[::1]/", "http:///x"] {
            assert_eq!(host_of(none), None, "{none}");
        }
        assert!(dns("example.com", "a.example.com") && dns("example.com", "Example.com"));
        assert!(!dns("example.com", "aexample.com") && !dns("example.com", "com"));
        assert_eq!(ip(&[10, 0, 0, 0, 255, 0, 0, 0], &[10, 1, 2, 3]), Some(true));
        assert_eq!(ip(&[10, 0, 0, 0, 255, 0, 0, 0], &[11, 1, 2, 3]), Some(false));
        assert_eq!(ip(&[10, 0, 0, 0, 255, 0, 0, 0], &[0; 16]), Some(false));
        assert_eq!(ip(&[10, 0, 0], &[10, 1, 2, 3]), None);
    }
}
