//! What DNS says in the lab: a root of its own, with a signed zone, an unsigned one, and one whose proof is wrong.

/// Where the host with STARTTLS is.
pub(crate) const GOOD: &str = "127.0.0.2";
/// Where the host without STARTTLS is.
pub(crate) const PLAIN: &str = "127.0.0.3";
/// Where the host with TLS 1.0 only is.
pub(crate) const OLD: &str = "127.0.0.4";
/// Where the alternate route is.
pub(crate) const ROUTE: &str = "127.0.0.5";
/// Where the host is that has a certificate of nobody known.
pub(crate) const STRANGER: &str = "127.0.0.6";
/// Where policies of MTA-STS are fetched from.
pub(crate) const POLICIES: &str = "127.0.0.7";
/// Where the attacker on the wire to a mail server is.
pub(crate) const ATTACKER: &str = "127.0.0.20";
/// Where the sender is.
pub(crate) const SENDER: &str = "127.0.0.1";

/// Where all zones are, as far as the resolver knows: the attacker sits there.
const NAME_SERVER: &str = "127.0.0.51";

/// The TLSA records of a host.
#[derive(Clone, Copy)]
enum Tlsa {
    /// None.
    No,
    /// One that matches.
    Right,
    /// One that matches nothing.
    Wrong,
    /// Only such as SMTP has no use for.
    Unusable,
    /// In a zone whose proof is wrong.
    Broken,
}

/// Domains under `example.`, which is signed, each with one host called `mx`.
const DOMAINS: [(&str, &str, Tlsa); 15] = [
    ("home", SENDER, Tlsa::No),
    ("good", GOOD, Tlsa::No),
    ("plain", PLAIN, Tlsa::No),
    ("old", OLD, Tlsa::No),
    ("route", ROUTE, Tlsa::No),
    ("stranger", STRANGER, Tlsa::No),
    ("sts", ATTACKER, Tlsa::No),
    ("dane", GOOD, Tlsa::Right),
    ("dane-plain", PLAIN, Tlsa::Right),
    ("wrong", GOOD, Tlsa::Wrong),
    ("unusable", GOOD, Tlsa::Unusable),
    ("unusable-plain", PLAIN, Tlsa::Unusable),
    ("broken", GOOD, Tlsa::Broken),
    ("attacked", ATTACKER, Tlsa::No),
    ("dane-attacked", ATTACKER, Tlsa::Right),
];

/// The names of all hosts of the lab, for their certificate.
pub(crate) fn host_names() -> Vec<String> {
    let mut names: Vec<String> = DOMAINS.iter().map(|(domain, ..)| format!("mx.{domain}.example")).collect();
    names.extend(["mx.host.insecure", "mx.host.bogus", "mta-sts.sts.example"].map(str::to_owned));
    names
}

const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The beginning of every zone. Nothing lives long in a cache, since attackers come and go.
fn head(zone: &str) -> String {
    format!("$ORIGIN {zone}\n$TTL 1\n@ SOA ns.example. root.example. 1 3600 600 86400 1\n@ NS ns.example.\n")
}

/// The root; `proofs` are the DS records of `example.`
pub(crate) fn root(proofs: &str) -> String {
    let mut zone = head(".");
    zone.push_str(&format!("ns.example. A {NAME_SERVER}\n"));
    for child in ["example", "insecure", "bogus"] {
        zone.push_str(&format!("{child}. NS ns.example.\n"));
    }
    zone.push_str(&format!("bogus. DS 12345 13 2 {NO_DIGEST}\n{proofs}"));
    zone
}

/// The signed zone; `digest` is that of the hosts' key.
pub(crate) fn example(digest: &str) -> String {
    let mut zone = head("example.");
    zone.push_str(&format!("ns A {NAME_SERVER}\n"));
    for (domain, address, tlsa) in DOMAINS {
        zone.push_str(&format!("{domain} MX 10 mx.{domain}\nmx.{domain} A {address}\n"));
        let records: &[String] = match tlsa {
            Tlsa::No => &[],
            Tlsa::Right => &[format!("TLSA 3 1 1 {digest}")],
            Tlsa::Wrong => &[format!("TLSA 3 1 1 {NO_DIGEST}")],
            Tlsa::Unusable => &[format!("TLSA 1 1 1 {digest}"), format!("TLSA 3 1 99 {digest}")],
            Tlsa::Broken => &["NS ns".to_owned(), format!("DS 12345 13 2 {NO_DIGEST}")],
        };
        for record in records {
            zone.push_str(&format!("_25._tcp.mx.{domain} {record}\n"));
        }
    }
    zone.push_str("two MX 10 mx.plain\ntwo MX 20 mx.good\nnothing MX 0 .\nmixed MX 10 mx.host.insecure.\n");
    zone.push_str(&format!("_mta-sts.sts TXT \"v=STSv1; id=1;\"\nmta-sts.sts A {POLICIES}\n"));
    zone
}

/// A zone without signatures. Its TLSA record, which matches nothing, is not to be looked at.
pub(crate) fn unsigned(name: &str) -> String {
    let mut zone = head(&format!("{name}."));
    zone.push_str(&format!("host MX 10 mx.host\nmx.host A {GOOD}\n"));
    zone.push_str(&format!("_25._tcp.mx.host TLSA 3 1 1 {NO_DIGEST}\n"));
    zone
}

/// The zone below a host, with its TLSA record, to which no proof leads.
pub(crate) fn below(digest: &str) -> String {
    format!("{}@ TLSA 3 1 1 {digest}\n", head("_25._tcp.mx.broken.example."))
}
