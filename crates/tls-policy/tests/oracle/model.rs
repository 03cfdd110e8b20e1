//! The decision for one host as tables, written down from the notes and not from the engine, with nothing of the
//! engine's types. Names are those of the oracle's cases.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// What a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Channel {
    /// `no_starttls`, `refused`, `too_old`, `hs_fail`, `ok`.
    pub(crate) kind: &'static str,
    /// The certificate is valid by PKIX, for the host's name.
    pub(crate) pkix: bool,
    /// REQUIRETLS is offered.
    pub(crate) rtls: bool,
}

/// One combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Case {
    /// The guarantee.
    pub(crate) g: &'static str,
    /// The mail's origin.
    pub(crate) o: &'static str,
    /// `TLS-Required: No`.
    pub(crate) trn: bool,
    /// REQUIRETLS.
    pub(crate) rt: bool,
    /// The administrator's floor.
    pub(crate) adm: &'static str,
    /// MTA-STS.
    pub(crate) sts: &'static str,
    /// DANE.
    pub(crate) dn: &'static str,
    /// DNSSEC of the MX record.
    pub(crate) mxd: &'static str,
    /// The connection.
    pub(crate) ch: Channel,
    /// The alternate route.
    pub(crate) alt: &'static str,
}

/// The values of each dimension, in the oracle's order.
pub(crate) const G: [&str; 3] = ["off", "on", "strict"];
pub(crate) const O: [&str; 3] = ["user", "auto_reply", "forward"];
pub(crate) const B: [bool; 2] = [false, true];
pub(crate) const ADM: [&str; 5] = ["unset", "may", "encrypt", "secure", "dane_only"];
pub(crate) const STS: [&str; 4] = ["none", "testing", "enf_match", "enf_nomatch"];
pub(crate) const DN: [&str; 5] = ["none", "error", "unusable", "match", "nomatch"];
pub(crate) const MXD: [&str; 2] = ["secure", "insecure"];
pub(crate) const CH: [Channel; 8] = [
    Channel { kind: "no_starttls", pkix: false, rtls: false },
    Channel { kind: "refused", pkix: false, rtls: false },
    Channel { kind: "too_old", pkix: false, rtls: false },
    Channel { kind: "hs_fail", pkix: false, rtls: false },
    Channel { kind: "ok", pkix: false, rtls: false },
    Channel { kind: "ok", pkix: false, rtls: true },
    Channel { kind: "ok", pkix: true, rtls: false },
    Channel { kind: "ok", pkix: true, rtls: true },
];
pub(crate) const ALT: [&str; 3] = ["none", "secure", "insecure"];

/// All of them, the last dimension turning fastest, as the oracle does.
pub(crate) fn all(mut each: impl FnMut(Case)) {
    for g in G {
        for o in O {
            for trn in B {
                for rt in B {
                    for adm in ADM {
                        for sts in STS {
                            facts(Case { g, o, trn, rt, adm, sts, dn: "", mxd: "", ch: CH[0], alt: "" }, &mut each);
                        }
                    }
                }
            }
        }
    }
}

fn facts(case: Case, each: &mut impl FnMut(Case)) {
    for dn in DN {
        for mxd in MXD {
            for ch in CH {
                for alt in ALT {
                    each(Case { dn, mxd, ch, alt, ..case });
                }
            }
        }
    }
}

type When = fn(&Case) -> bool;

/// Who asks for what, and when. An atom may be asked for by several.
const ASKS: [(&str, When, &[&str]); 12] = [
    ("guarantee", |c| guaranteed(c), &["enc", "tls12"]),
    ("guarantee", |c| guaranteed(c) && c.g == "strict", &["auth", "mx_auth"]),
    ("admin", |c| ["encrypt", "secure", "dane_only"].contains(&c.adm), &["enc", "tls12"]),
    ("admin", |c| c.adm == "secure", &["auth"]),
    ("admin", |c| c.adm == "dane_only", &["dane", "mx_dnssec"]),
    ("requiretls", |c| c.rt, &["enc", "tls12", "auth", "mx_auth", "rtls"]),
    ("mta-sts", |c| enforced(c) && !waived(c), &["enc", "tls12", "mx_sts"]),
    ("mta-sts", |c| enforced(c) && !waived(c) && !usable(c), &["pkix"]),
    ("dane", |c| c.dn == "unusable" && !waived(c), &["enc"]),
    ("dane", |c| c.dn == "match" && !waived(c), &["enc", "dane"]),
    ("dane", |c| c.dn == "nomatch" && !waived(c), &["enc", "dane"]),
    ("dane", |c| c.dn == "error" && !waived(c), &["tlsa_lookup"]),
];

/// What is held, and when.
const HOLDS: [(&str, When); 13] = [
    ("mx_dnssec", |c| c.mxd == "secure"),
    ("mx_auth", |c| c.mxd == "secure"),
    ("mx_auth", |c| c.sts == "enf_match"),
    ("mx_sts", |c| c.sts == "enf_match"),
    ("tlsa_lookup", |c| c.dn != "error"),
    ("enc", |c| c.ch.kind == "ok"),
    ("tls12", |c| c.ch.kind == "ok"),
    ("pkix", |c| c.ch.pkix),
    ("auth", |c| c.ch.pkix),
    ("auth", |c| c.ch.kind == "ok" && c.dn == "match"),
    ("dane", |c| c.ch.kind == "ok" && c.dn == "match"),
    ("rtls", |c| c.ch.rtls),
    ("nothing", |c| c.sts == "testing"),
];

fn guaranteed(c: &Case) -> bool {
    c.g != "off" && c.o == "user"
}

fn waived(c: &Case) -> bool {
    c.trn && !c.rt
}

fn enforced(c: &Case) -> bool {
    c.sts.starts_with("enf_")
}

fn usable(c: &Case) -> bool {
    ["match", "nomatch"].contains(&c.dn)
}

/// The verdict, and the way or the code.
pub(crate) type Outcome = (&'static str, &'static str);

/// The last table: the first row that holds is the verdict.
pub(crate) fn verdict(c: &Case) -> Outcome {
    let mut asked: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (who, _, atoms) in ASKS.iter().filter(|(_, when, _)| when(c)) {
        for atom in *atoms {
            asked.entry(atom).or_default().insert(who);
        }
    }
    let held: BTreeSet<&str> = HOLDS.iter().filter(|(_, when)| when(c)).map(|(atom, _)| *atom).collect();
    let missing: BTreeSet<&str> = asked.keys().copied().filter(|atom| !held.contains(atom)).collect();
    let by: BTreeSet<&str> = missing.iter().flat_map(|atom| asked[atom].iter().copied()).collect();
    let no_tls = missing.contains("enc");
    let recipients = by.contains("dane") || by.contains("mta-sts");
    let unroutable =
        recipients || by.contains("requiretls") || asked.contains_key("dane") || asked.contains_key("rtls");
    let plain_or_tls = if c.ch.kind == "ok" { "tls" } else { "plain" };
    let rows: [(bool, Outcome); 7] = [
        (missing.is_empty(), ("deliver", plain_or_tls)),
        (
            c.alt == "secure" && no_tls && ["no_starttls", "too_old"].contains(&c.ch.kind) && !unroutable,
            ("reroute", "tls"),
        ),
        (by.contains("requiretls") && !recipients && missing.iter().eq(&["rtls"]), ("bounce", "5.7.30")),
        (by.contains("requiretls") && !recipients, ("bounce", "5.7.10")),
        (no_tls && c.ch.kind != "hs_fail" && by.iter().eq(&["guarantee"]), ("bounce", "5.7.10")),
        (no_tls, ("defer", "4.7.10")),
        (true, ("defer", "4.7.5")),
    ];
    rows.into_iter().find(|(holds, _)| *holds).unwrap().1
}

/// One of the oracle's own cases, with its verdict.
#[derive(Debug, Deserialize)]
pub(crate) struct Sample {
    g: String,
    o: String,
    trn: bool,
    rt: bool,
    adm: String,
    sts: String,
    dn: String,
    mxd: String,
    ch: SampleChannel,
    alt: String,
    pub(crate) verdict: (String, String),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SampleChannel {
    Tls(String, bool, bool),
    Other(String),
}

impl Sample {
    pub(crate) fn case(&self) -> Case {
        let (kind, pkix, rtls) = match &self.ch {
            SampleChannel::Tls(kind, pkix, rtls) => (kind, *pkix, *rtls),
            SampleChannel::Other(kind) => (kind, false, false),
        };
        let known = |value: &str, values: &[&'static str]| *values.iter().find(|known| **known == value).unwrap();
        Case {
            g: known(&self.g, &G),
            o: known(&self.o, &O),
            trn: self.trn,
            rt: self.rt,
            adm: known(&self.adm, &ADM),
            sts: known(&self.sts, &STS),
            dn: known(&self.dn, &DN),
            mxd: known(&self.mxd, &MXD),
            ch: Channel { kind: CH.iter().find(|known| known.kind == kind).unwrap().kind, pkix, rtls },
            alt: known(&self.alt, &ALT),
        }
    }
}
