//! What a chain is worth by DANE-TA and by PKIX: one that is good, and the same with one thing wrong.

use std::sync::Arc;

use rustls::{RootCertStore, pki_types::CertificateDer};
use sealpost_mail::Domain;
use sealpost_time::Span;
use sealpost_tls_policy::{
    dane::TlsaRecord,
    facts::{
        CertificateCheck::{self, Expired, NoMatch, NotMade, OtherName, Passed, Unsound, Untrusted},
        DestinationFacts, Mx,
    },
    tls::{Conditions, TlsaConditions},
};
use serde_json::json;
use sha2::{Digest, Sha256, Sha512};

use crate::made::{Key, Spec, basic_constraints, dns_names, for_clients, now, only_below, signs_no_certificates};

const HOST: &str = "mail.example.org";

/// A root, an authority below it, and a host: what each certificate says, and who signs.
struct Chain {
    root: Spec,
    middle: Spec,
    leaf: Spec,
    keys: [Key; 3],
}

impl Chain {
    fn new() -> Self {
        Self {
            root: Spec::authority("root", "root"),
            middle: Spec::authority("root", "middle"),
            leaf: Spec::host("middle", &[HOST]),
            keys: [Key::new(), Key::new(), Key::new()],
        }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut chain = Self::new();
        change(&mut chain);
        chain
    }

    /// The host's certificate first.
    fn made(&self) -> [CertificateDer<'static>; 3] {
        let [root, middle, leaf] = &self.keys;
        [self.leaf.sign(leaf, middle), self.middle.sign(middle, root), self.root.sign(root, root)]
    }
}

fn record(certificate: &CertificateDer<'_>, key: &Key, selector: u8, matching: u8) -> TlsaRecord {
    let selected = if selector == 0 { certificate.to_vec() } else { key.public() };
    let data = match matching {
        0 => selected,
        1 => Sha256::digest(selected).to_vec(),
        _ => Sha512::digest(selected).to_vec(),
    };
    TlsaRecord::new(2, selector, matching, data).unwrap()
}

const FORMS: [(u8, u8); 6] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)];

fn check(record: TlsaRecord, chain: &[CertificateDer<'_>], names: &[&str]) -> CertificateCheck {
    let mut names = names.iter().map(|name| name.parse().unwrap());
    let mut dane = TlsaConditions::new(names.next().unwrap(), vec![record]);
    dane.names = names.collect();
    let found = Conditions::new("other.example.org".parse().unwrap(), now()).with_dane(dane).check(chain);
    assert_eq!(found.pkix, NotMade);
    found.dane
}

/// By a record of the root in each form, with the whole chain sent: what they say, once if it is the same.
fn by_dane(chain: &Chain) -> Vec<CertificateCheck> {
    let made = chain.made();
    let forms = FORMS.map(|(selector, matching)| record(&made[2], &chain.keys[0], selector, matching));
    let mut found = forms.map(|record| check(record, &made, &[HOST])).to_vec();
    found.dedup();
    found
}

fn by_pkix(chain: &Chain) -> CertificateCheck {
    let made = chain.made();
    let mut roots = RootCertStore::empty();
    roots.add(made[2].clone()).unwrap();
    Conditions::new(HOST.parse().unwrap(), now()).with_roots(Arc::new(roots)).check(&made[..2]).pkix
}

#[test]
fn each_form_of_record_finds_its_anchor() {
    let chain = Chain::new();
    let made = chain.made();
    for (selector, matching) in FORMS {
        let root = record(&made[2], &chain.keys[0], selector, matching);
        let middle = record(&made[1], &chain.keys[1], selector, matching);
        assert_eq!(check(root.clone(), &made, &[HOST]), Passed, "{root}");
        assert_eq!(check(middle.clone(), &made, &[HOST]), Passed, "{middle}");
        // In any order, and with what does not belong there.
        let stray = Spec::authority("stray", "stray").sign(&Key::new(), &Key::new());
        let shuffled = [made[0].clone(), stray, made[2].clone(), made[1].clone()];
        assert_eq!(check(root.clone(), &shuffled, &[HOST]), Passed, "{root}");
        // An anchor that was not sent is known only if the record holds it, or its key (RFC 7672 §3.1.2).
        let expected = if matching == 0 { Passed } else { NoMatch };
        assert_eq!(check(root, &made[..2], &[HOST]), expected);
        assert_eq!(check(middle, &made[..1], &[HOST]), expected);
        // The host's own certificate is no anchor.
        let own = record(&made[0], &chain.keys[2], selector, matching);
        assert_ne!(check(own, &made, &[HOST]), Passed);
    }
    assert_eq!(by_pkix(&chain), Passed);
}

#[test]
fn one_thing_wrong_and_it_does_not_pass() {
    type Change = fn(&mut Chain);
    let cases: &[(&str, Change, &[CertificateCheck], CertificateCheck)] = &[
        ("the host's is too old", |c| c.leaf.valid = (-9, -1), &[Expired], Expired),
        ("the host's is too young", |c| c.leaf.valid = (1, 9), &[Expired], Expired),
        ("the authority's is too old", |c| c.middle.valid = (-9, -1), &[Expired], Expired),
        // PKIX takes its anchors for good, since they are settings.
        ("the root's is too old", |c| c.root.valid = (-9, -1), &[Expired], Passed),
        ("for another name", |c| c.leaf = Spec::host("middle", &["example.org"]), &[OtherName], OtherName),
        ("a wildcard too short", |c| c.leaf = Spec::host("middle", &["*.mail.example.org"]), &[OtherName], OtherName),
        ("part of a label", |c| c.leaf = Spec::host("middle", &["m*.example.org"]), &[OtherName], OtherName),
        ("only for clients", |c| c.leaf.extensions.push(for_clients()), &[Unsound], Unsound),
        ("no authority between", |c| c.middle.extensions = vec![dns_names(&["x.example"])], &[Unsound], Unsound),
        ("signed by another key", |c| c.keys[1] = Key::new(), &[Passed], Passed),
        ("another issuer's name", |c| c.leaf.issuer = "nobody", &[Untrusted], Untrusted),
        ("no room for another", |c| c.root.extensions = vec![basic_constraints(Some(0))], &[Unsound], Passed),
        ("room for one", |c| c.root.extensions = vec![basic_constraints(Some(1))], &[Passed], Passed),
        ("no room below", |c| c.middle.extensions = vec![basic_constraints(Some(0))], &[Passed], Passed),
        ("the root is none", |c| c.root.extensions = vec![dns_names(&["root.example"])], &[Untrusted], Passed),
        ("the root signs nothing", |c| c.root.extensions.push(signs_no_certificates()), &[Untrusted], Passed),
        ("limited to others", |c| c.root.extensions.push(only_below("example.com")), &[OtherName], OtherName),
        ("limited to these", |c| c.root.extensions.push(only_below("example.org")), &[Passed], Passed),
        ("a root of version 1", |c| c.root.extensions.clear(), &[Passed], Passed),
    ];
    for (what, change, dane, pkix) in cases {
        let chain = Chain::with(change);
        assert_eq!(by_dane(&chain), *dane, "{what}");
        assert_eq!(by_pkix(&chain), *pkix, "{what}");
    }
}

/// A certificate with the right names all the way up, and a wrong signature.
#[test]
fn a_forged_signature_does_not_pass() {
    let chain = Chain::new();
    let mut made = chain.made();
    let root = record(&made[2], &chain.keys[0], 0, 1);
    made[0] = chain.leaf.sign(&chain.keys[2], &Key::new());
    for forms in [root, record(&made[1], &chain.keys[1], 1, 0), record(&made[1], &chain.keys[1], 1, 1)] {
        assert_ne!(check(forms, &made, &[HOST]), Passed);
    }
    let stranger = Key::new();
    let bare = record(&made[2], &stranger, 1, 0);
    assert_ne!(check(bare, &chain.made(), &[HOST]), Passed);
}

#[test]
fn names_are_those_that_the_rfc_lists() {
    let names = |names: &[&str], common: Option<&'static str>, asked: &[&str]| {
        let chain = Chain::with(|chain| {
            chain.leaf = Spec::host("middle", names);
            if names.is_empty() {
                chain.leaf.extensions = vec![signs_no_certificates()];
            }
            chain.leaf.subject = common.unwrap_or("the host");
        });
        let made = chain.made();
        let found = check(record(&made[2], &chain.keys[0], 1, 1), &made, asked);
        // For PKIX there is only the host's name.
        (found, by_pkix(&chain))
    };
    assert_eq!(names(&["example.org"], None, &[HOST, "example.org"]), (Passed, OtherName));
    assert_eq!(names(&["example.net"], None, &[HOST, "example.org", "example.net"]), (Passed, OtherName));
    assert_eq!(names(&["example.net"], None, &[HOST, "example.org"]), (OtherName, OtherName));
    assert_eq!(names(&["*.example.org"], None, &[HOST]), (Passed, Passed));
    assert_eq!(names(&["MAIL.Example.ORG"], None, &[HOST]), (Passed, Passed));
    assert_eq!(names(&["mx_1.example.org"], None, &["mx_1.example.org"]), (Passed, OtherName));
    // The common name counts only where there is no DNS-ID, and never for PKIX.
    assert_eq!(names(&[], Some(HOST), &[HOST]), (Passed, OtherName));
    assert_eq!(names(&[], Some("*.example.org"), &[HOST]), (Passed, OtherName));
    assert_eq!(names(&[], Some("example.org"), &[HOST]), (OtherName, OtherName));
    assert_eq!(names(&["example.net"], Some(HOST), &[HOST]), (OtherName, OtherName));
}

/// webpki limits DNS-IDs only.
#[test]
fn a_common_name_does_not_get_around_limits() {
    let chain = Chain::with(|chain| {
        chain.middle.extensions.push(only_below("example.com"));
        chain.leaf.extensions = vec![signs_no_certificates()];
        chain.leaf.subject = HOST;
    });
    assert_eq!(by_dane(&chain), [OtherName]);
    let limited = Chain::with(|chain| chain.root.extensions.push(only_below("example.com")));
    let made = limited.made();
    assert_eq!(check(record(&made[2], &limited.keys[0], 0, 0), &made[..2], &[HOST]), OtherName);
}

#[test]
fn other_anchors_and_other_times_do_not_pass() {
    let chain = Chain::new();
    let mut roots = RootCertStore::empty();
    roots.add(Chain::new().made()[2].clone()).unwrap();
    let conditions = Conditions::new(HOST.parse().unwrap(), now()).with_roots(Arc::new(roots));
    let found = conditions.check(&chain.made());
    // Another root of the same name: its key did not sign this.
    assert!(matches!(found.pkix, Untrusted | Unsound), "{found:?}");
    assert_eq!(found.dane, NotMade);
    let empty = Conditions::new(HOST.parse().unwrap(), now()).with_roots(Arc::new(RootCertStore::empty()));
    assert_eq!(empty.check(&chain.made()).pkix, Untrusted);
    assert_eq!(empty.check(&[]).pkix, Unsound);
    let made = chain.made();
    let dane = TlsaConditions::new(HOST.parse().unwrap(), vec![record(&made[2], &chain.keys[0], 0, 1)]);
    for (days, expected) in [(-2, Expired), (0, Passed), (2, Expired)] {
        let conditions = Conditions::new(HOST.parse().unwrap(), now() + Span::days(days)).with_dane(dane.clone());
        assert_eq!(conditions.check(&made).dane, expected);
    }
}

/// The names that RFC 7672 §3.2.2 lists, by how the host was found.
#[test]
fn the_names_follow_from_how_the_host_was_found() {
    let facts = |next_hop: serde_json::Value, expanded: Option<&str>, dnssec: &str, host: &str, base: &str| {
        let record = TlsaRecord::new(2, 1, 1, vec![7; 32]).unwrap();
        let facts: DestinationFacts = serde_json::from_value(json!({
            "next-hop": next_hop,
            "expanded": expanded,
            "mx": { "hosts": { "dnssec": dnssec, "hosts": [{
                "name": host, "preference": 10, "port": 25, "addresses": "none",
                "tlsa": { "usable": { "base": base, "records": [record] } },
            }] } },
        }))
        .unwrap();
        let Mx::Hosts { hosts, .. } = &facts.mx else { panic!() };
        let conditions = Conditions::of(&facts, &hosts[0], now());
        assert_eq!(conditions.host.as_ref().map(Domain::as_str), Some(host));
        assert_eq!(conditions.server_name().map(Domain::as_str), Some(base));
        conditions.dane.unwrap().names.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let domain = || json!({ "domain": "example.org" });
    assert_eq!(facts(domain(), None, "secure", HOST, HOST), ["example.org"]);
    assert_eq!(facts(domain(), Some("example.net"), "secure", HOST, HOST), ["example.org", "example.net"]);
    // An MX record that is not secured could lead anywhere.
    assert_eq!(facts(domain(), Some("example.net"), "insecure", HOST, HOST), [""; 0]);
    // Without MX records the domain is its own host, also under the name that it is an alias of.
    assert_eq!(facts(domain(), None, "insecure", "example.org", "example.net"), ["example.org"]);
    let host = json!({ "host": { "name": HOST, "port": 25 } });
    assert_eq!(facts(host, None, "secure", HOST, "mx.example.net"), [HOST]);
}

/// What needs no TLSA record needs no check: records that are absent, unusable or could not be looked up.
#[test]
fn only_usable_records_are_checked() {
    let made = Chain::new().made();
    for tlsa in ["absent", "unusable", "failed", "not-asked"] {
        let facts: DestinationFacts = serde_json::from_value(json!({
            "next-hop": { "domain": "example.org" },
            "mx": { "hosts": { "dnssec": "secure", "hosts": [
                { "name": HOST, "preference": 10, "port": 25, "addresses": "none", "tlsa": tlsa },
            ] } },
        }))
        .unwrap();
        let Mx::Hosts { hosts, .. } = &facts.mx else { panic!() };
        let conditions = Conditions::of(&facts, &hosts[0], now());
        assert_eq!(conditions.server_name().map(Domain::as_str), Some(HOST));
        assert_eq!(conditions.check(&made).dane, NotMade);
    }
    let unusable = TlsaRecord::new(2, 0, 3, made[2].to_vec()).unwrap();
    assert_eq!(check(unusable, &made, &[HOST]), NotMade);
}
