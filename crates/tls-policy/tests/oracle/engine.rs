//! A combination as the engine's facts, and its verdict as the oracle writes it.

use sealpost_mail::Domain;
use sealpost_time::Time;
use sealpost_tls_policy::{
    AlternateRoute, Atom, Attempt, DestinationPolicy, Guarantee, HostPlan, Level, Message, MessageOrigin, Rule,
    Verdict, conclude,
    dane::TlsaRecord,
    decide,
    facts::{
        Addresses, CertificateCheck, CertificateFacts, Channel, DestinationFacts, Dnssec, HostFacts, Mx, NextHop,
        SessionFacts, StsState, TlsVersion, Tlsa,
    },
    judge, plan, requirements,
    sts::{Mode, Policy},
};

use super::model::{Case, Outcome};

/// All facts that combinations have in common, made once.
pub(crate) struct Bench {
    destinations: Vec<(&'static str, &'static str, &'static str, DestinationFacts)>,
    secure: AlternateRoute,
    insecure: AlternateRoute,
}

pub(crate) fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

impl Bench {
    pub(crate) fn new() -> Self {
        let mut destinations = Vec::new();
        for sts in super::model::STS {
            for dn in super::model::DN {
                for mxd in super::model::MXD {
                    destinations.push((sts, dn, mxd, destination(sts, dn, mxd)));
                }
            }
        }
        let route = || AlternateRoute::new(domain("relay.example.net"), 25);
        let held = [
            Atom::Encrypted,
            Atom::Tls12,
            Atom::Tls13,
            Atom::PeerAuthenticated,
            Atom::Pkix,
            Atom::Dane,
            Atom::MxAuthenticated,
            Atom::MxSecure,
        ];
        Self { destinations, secure: route().with_proved(held.into_iter().collect()), insecure: route() }
    }

    pub(crate) fn decide(&self, case: &Case) -> Outcome {
        let facts = self.facts(case);
        let wants = requirements(&message(case), guarantee(case), &policy(case), Time::from_unix(1_795_780_800));
        let plan = plan(&wants, facts);
        let session = session(case);
        let route = match case.alt {
            "secure" => Some(&self.secure),
            "insecure" => Some(&self.insecure),
            _ => None,
        };
        let verdict = decide(&plan, |_| Some(&session), route, Attempt::default());
        let tried: Vec<_> = plan.hosts().map(|host: HostPlan<'_>| judge(&host, &session)).collect();
        assert_eq!(conclude(&plan, &tried, route, Attempt::default()), verdict, "two ways, two verdicts: {case:?}");
        outcome(&verdict)
    }

    fn facts(&self, case: &Case) -> &DestinationFacts {
        let of_case = |(sts, dn, mxd, _): &&(&str, &str, &str, _)| (*sts, *dn, *mxd) == (case.sts, case.dn, case.mxd);
        &self.destinations.iter().find(of_case).unwrap().3
    }
}

fn outcome(verdict: &Verdict) -> Outcome {
    match verdict {
        Verdict::Deliver { encrypted: true, .. } => ("deliver", "tls"),
        Verdict::Deliver { encrypted: false, .. } => ("deliver", "plain"),
        Verdict::Reroute { .. } => ("reroute", "tls"),
        Verdict::Defer { status, .. } => ("defer", code(status.code)),
        Verdict::Bounce { status, .. } => ("bounce", code(status.code)),
        other => panic!("{other:?}"),
    }
}

fn code(code: [u16; 3]) -> &'static str {
    match code {
        [4, 7, 5] => "4.7.5",
        [4, 7, 10] => "4.7.10",
        [5, 7, 10] => "5.7.10",
        [5, 7, 30] => "5.7.30",
        other => panic!("{other:?}"),
    }
}

fn message(case: &Case) -> Message {
    let origin = match case.o {
        "user" => MessageOrigin::Submitted,
        "auto_reply" => MessageOrigin::VacationReply,
        _ => MessageOrigin::UserForward,
    };
    Message { origin, tls_required_no: case.trn, requiretls: case.rt, ..Message::default() }
}

fn guarantee(case: &Case) -> Guarantee {
    match case.g {
        "off" => Guarantee::Off,
        "on" => Guarantee::On,
        _ => Guarantee::Strict,
    }
}

fn policy(case: &Case) -> DestinationPolicy {
    let level = match case.adm {
        "encrypt" => Some(Level::Encrypted),
        "secure" => Some(Level::Authenticated),
        "dane_only" => Some(Level::DaneOnly),
        // No floor is a floor of nothing.
        _ => None,
    };
    DestinationPolicy { compliance: None, rule: level.map(Rule::Floor) }
}

pub(crate) fn destination(sts: &str, dn: &str, mxd: &str) -> DestinationFacts {
    let tlsa = match dn {
        "none" => Tlsa::Absent,
        "error" => Tlsa::Failed,
        "unusable" => Tlsa::Unusable,
        _ => usable(),
    };
    let addresses = Addresses::Found(vec!["192.0.2.1".parse().unwrap()]);
    let host = HostFacts::new(domain("mx.example.org"), 10, addresses, tlsa);
    let dnssec = if mxd == "secure" { Dnssec::Secure } else { Dnssec::Insecure };
    let state = match sts {
        "none" => StsState::Absent,
        "testing" => StsState::Policy(Policy::new(Mode::Testing, &["mx.example.org"], 86_400).unwrap()),
        "enf_match" => StsState::Policy(Policy::new(Mode::Enforce, &["mx.example.org"], 86_400).unwrap()),
        _ => StsState::Policy(Policy::new(Mode::Enforce, &["other.example.org"], 86_400).unwrap()),
    };
    let mx = Mx::Hosts { dnssec, hosts: vec![host] };
    DestinationFacts::new(NextHop::Domain(domain("example.org")), mx).with_sts(state)
}

fn usable() -> Tlsa {
    let record = TlsaRecord::new(3, 1, 1, vec![7; 32]).unwrap();
    Tlsa::Usable { base: domain("mx.example.org"), records: vec![record] }
}

pub(crate) fn session(case: &Case) -> SessionFacts {
    let channel = match case.ch.kind {
        "no_starttls" => Channel::NotOffered,
        "refused" => Channel::Refused { reply: "502 5.5.1 not here".into() },
        "too_old" => Channel::TooOld,
        "hs_fail" => Channel::HandshakeFailed { reason: "connection reset".into() },
        _ => {
            let pkix = if case.ch.pkix { CertificateCheck::Passed } else { CertificateCheck::Untrusted };
            let dane = match case.dn {
                "match" => CertificateCheck::Passed,
                "nomatch" => CertificateCheck::NoMatch,
                _ => CertificateCheck::NotMade,
            };
            Channel::Tls { version: TlsVersion::Tls12, certificate: CertificateFacts::new(pkix, dane) }
        }
    };
    SessionFacts::new(channel).at("192.0.2.1".parse().unwrap()).offering_requiretls(case.ch.rtls)
}
