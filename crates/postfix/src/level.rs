//! From the verdicts about the hosts of a destination to the one level of security that Postfix takes for all of them
//! (postconf(5), `smtp_tls_policy_maps`).
//!
//! Postfix's language knows one level per destination, the verdict is about each host. So a level is chosen under
//! which Postfix never delivers where the verdict would not: for each host, the worst connection over which Postfix
//! would deliver at that level is judged, and if one of them is refused, so is the level. Of the levels that are left,
//! the first one is taken of opportunistic, `encrypt`, `dane-only`, `secure` that can deliver to a host at all. If
//! none can, there is no answer but a doubt.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use sealpost_mail::Domain;
use sealpost_tls_policy::{
    engine::{HostPlan, Plan, judge, plan},
    facts::{
        Addresses, CertificateCheck, CertificateFacts, Channel, DestinationFacts, Dnssec, HostFacts, Mx, NextHop,
        SessionFacts, StsState, TlsVersion, Tlsa,
    },
    requirement::{Atom, Requirements},
};

use crate::{Error, Result, report::StsReport};

/// How many names of hosts a policy lists at most: of the most preferred ones.
const MAX_MATCHES: usize = 64;

/// A level of security of Postfix.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Level {
    /// TLS where it is offered.
    May,
    /// DANE where there are TLSA records, TLS where it is offered elsewhere.
    Dane,
    /// TLS, whoever answers.
    Encrypt,
    /// DANE, or nothing.
    DaneOnly,
    /// A certificate that is valid by PKIX for one of these hosts.
    Secure(Vec<Domain>),
}

/// The answer to a look-up for a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The level.
    pub level: Level,
    /// The oldest version of TLS, where TLS is a must. Where it is not, clear text would come in place of an old one.
    pub oldest: TlsVersion,
    /// What Postfix 3.10 and later write into reports about TLS (RFC 8460), where MTA-STS decided.
    pub report: Option<StsReport>,
}

/// The policy for a destination of which `facts` are known, for mail that asks for `wants`.
///
/// # Errors
///
/// [`Error::Outside`] if there is none under which a mail could be delivered: it must wait.
pub fn policy(wants: &Requirements, facts: &DestinationFacts) -> Result<Policy> {
    match &facts.mx {
        _ if matches!(facts.next_hop, NextHop::Address(_)) => {}
        Mx::Failed => return Err(Error::outside("DNS", "the look-up of MX records failed")),
        // Postfix gives the mail back by itself, if it sees the same. It may know internal names that DNS does not.
        Mx::Null | Mx::NoSuchDomain => {
            let open = wants.is_empty() && !matches!(facts.sts, StsState::Policy(_));
            return Ok(Policy::new(if open { Level::Dane } else { Level::DaneOnly }, wants));
        }
        _ => {}
    }
    let seen = as_postfix_sees(facts);
    let planned = plan(wants, seen.as_ref().unwrap_or(facts));
    let level = choose(&planned).ok_or_else(|| Error::outside("the verdict", "no host may be delivered to"))?;
    let by_sts = matches!(level, Level::Secure(_)) && !wants.sets_recipients_aside();
    let report = by_sts.then(|| StsReport::of(facts)).flatten();
    Ok(Policy { report, ..Policy::new(level, wants) })
}

impl Policy {
    fn new(level: Level, wants: &Requirements) -> Self {
        let oldest = if wants.requires(Atom::Tls13) { TlsVersion::Tls13 } else { TlsVersion::Tls12 };
        Self { level, oldest, report: None }
    }

    /// Without what only Postfix 3.10 and later understand.
    #[must_use]
    pub fn without_report(self) -> Self {
        Self { report: None, ..self }
    }
}

/// The facts without TLSA records if the MX records are not secured; `None` if they stay as they are.
///
/// There, DANE is nobody's duty (RFC 7672 §2.2.1), and Postfix can't do it with TLS as a must beside it: `dane-only`
/// refuses such a destination as a whole, and `dane` falls back to clear text at each host without records, of which an
/// attacker can name one. What else is required still is.
fn as_postfix_sees(facts: &DestinationFacts) -> Option<DestinationFacts> {
    let (NextHop::Domain(_), Mx::Hosts { dnssec: Dnssec::Insecure, hosts }) = (&facts.next_hop, &facts.mx) else {
        return None;
    };
    let plain = |host: &HostFacts| matches!(host.tlsa, Tlsa::NotAsked | Tlsa::Absent) && !is_unknown(host);
    if hosts.iter().all(plain) {
        return None;
    }
    let mut seen = facts.clone();
    if let Mx::Hosts { hosts, .. } = &mut seen.mx {
        for host in hosts {
            host.tlsa = Tlsa::NotAsked;
            if is_unknown(host) {
                // Postfix may find one, and no TLSA record counts then either.
                host.addresses = Addresses::Found(vec![IpAddr::V6(Ipv6Addr::UNSPECIFIED)]);
            }
        }
    }
    Some(seen)
}

/// Whether it is not known if the host has addresses, and so not, if it has TLSA records.
fn is_unknown(host: &HostFacts) -> bool {
    host.addresses == Addresses::Failed
}

fn choose(planned: &Plan<'_>) -> Option<Level> {
    let literal = matches!(planned.facts().next_hop, NextHop::Address(_));
    // At the level `dane` Postfix holds to TLSA records, whatever sets them aside here.
    let aside = planned.wants().sets_recipients_aside() || literal;
    let opportunistic = if aside { Level::May } else { Level::Dane };
    let single = [opportunistic, Level::Encrypt, Level::DaneOnly];
    single.into_iter().find(|level| fits(level, planned)).or_else(|| {
        let names: Vec<Domain> = listed(planned).take(MAX_MATCHES).cloned().collect();
        (!names.is_empty()).then_some(Level::Secure(names))
    })
}

/// Whether Postfix delivers at this level to no host where the verdict forbids it, and to one at least.
fn fits(level: &Level, planned: &Plan<'_>) -> bool {
    let mut useful = false;
    // Postfix looks for TLSA records by itself at the one, and does not care at the other.
    let by_itself = matches!(level, Level::May | Level::Dane);
    for host in planned.hosts().filter(|host| by_itself || is_there(host)) {
        let unknown = by_itself && host.host().is_some_and(|host| !has_address(host));
        if let Some(worst) = worst(level, &host) {
            if !(unknown || host.refused().is_none()) || !delivers(&host, worst) {
                return false;
            }
            useful = true;
        }
    }
    useful
}

/// The hosts for which PKIX is enough.
///
/// A certificate that is valid for one of these names is taken from whichever host has it. So the host that shows it is
/// one of these, as far as anybody can know.
fn listed<'a>(planned: &Plan<'a>) -> impl Iterator<Item = &'a Domain> {
    let enough = |host: &HostPlan<'a>| host.refused().is_none() && delivers(host, tls(host, Some(Atom::Pkix)));
    // Of a name without a dot Postfix may make something else: `hostname` and `nexthop` stand for other names there.
    planned
        .hosts()
        .filter(is_there)
        .filter(enough)
        .filter_map(|host| host.name())
        .filter(|name| name.parent().is_some())
}

/// Whether the verdict lets a mail go to a host over such a connection.
fn delivers(host: &HostPlan<'_>, channel: Channel) -> bool {
    judge(host, &SessionFacts::new(channel)).delivers()
}

/// Whether Postfix can find the host by DNS. One whose addresses could not be looked up counts: Postfix may have more
/// luck.
fn is_there(host: &HostPlan<'_>) -> bool {
    host.host().is_none_or(|host| has_address(host) || is_unknown(host))
}

fn has_address(host: &HostFacts) -> bool {
    matches!(&host.addresses, Addresses::Found(found) if !found.is_empty())
}

/// The worst connection over which Postfix delivers to a host at a level; `None` if over none.
fn worst(level: &Level, host: &HostPlan<'_>) -> Option<Channel> {
    let tlsa = host.host().map(|host| &host.tlsa);
    let opportunistic = matches!(level, Level::May | Level::Dane);
    match (level, tlsa) {
        (Level::Dane, Some(Tlsa::Failed)) | (Level::Secure(_), _) => None,
        // There, nothing is said about the version of TLS.
        _ if opportunistic && host.requirements().requires(Atom::Tls12) => Some(Channel::TooOld),
        (Level::Dane | Level::DaneOnly, Some(Tlsa::Usable { .. })) => Some(tls(host, Some(Atom::Dane))),
        (Level::DaneOnly, _) => None,
        (Level::Dane, Some(Tlsa::Unusable)) | (Level::Encrypt, _) => Some(tls(host, None)),
        (Level::May | Level::Dane, _) => Some(Channel::NotOffered),
    }
}

/// A connection of the oldest version that a policy for the host allows, whose certificate proves nothing but `proved`.
fn tls(host: &HostPlan<'_>, proved: Option<Atom>) -> Channel {
    let check = |atom| if proved == Some(atom) { CertificateCheck::Passed } else { CertificateCheck::NotMade };
    let certificate = CertificateFacts::new(check(Atom::Pkix), check(Atom::Dane));
    Channel::Tls { version: host.min_version(), certificate }
}

/// As Postfix reads it.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.level {
            Level::May => return f.write_str("may"),
            Level::Dane => return f.write_str("dane"),
            Level::Encrypt => f.write_str("encrypt")?,
            Level::DaneOnly => f.write_str("dane-only")?,
            Level::Secure(names) => {
                for (index, name) in names.iter().enumerate() {
                    write!(f, "{}{name}", if index == 0 { "secure match=" } else { ":" })?;
                }
                f.write_str(" servername=hostname")?;
            }
        }
        f.write_str(match self.oldest {
            TlsVersion::Tls13 => " protocols=>=TLSv1.3",
            _ => " protocols=>=TLSv1.2",
        })?;
        match &self.report {
            Some(report) => write!(f, " {report}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};
    use sealpost_time::Time;
    use sealpost_tls_policy::{
        engine::requirements,
        message::{self, DestinationPolicy, Guarantee, Message, Rule},
    };

    use super::*;
    use crate::testing::{destination, host, name, sts, usable};

    fn wants(guarantee: Guarantee) -> Requirements {
        requirements(&Message::default(), guarantee, &DestinationPolicy::default(), Time::from_unix(0))
    }

    /// Whether Postfix delivers over this connection, as its manual has it: written down once more, from the other side.
    fn postfix_delivers(policy: &Policy, facts: &DestinationFacts, host: &HostFacts, channel: &Channel) -> bool {
        let (tls, version, pkix, dane) = match channel {
            Channel::Unreachable { .. } => return false,
            Channel::Tls { version, certificate } => (
                true,
                *version,
                certificate.pkix == CertificateCheck::Passed,
                certificate.dane == CertificateCheck::Passed,
            ),
            _ => (false, TlsVersion::Tls12, false, false),
        };
        let new_enough = tls && version >= policy.oldest;
        let insecure = matches!(facts.mx, Mx::Hosts { dnssec: Dnssec::Insecure, .. });
        match (&policy.level, &host.tlsa) {
            (Level::Encrypt, _) => new_enough,
            (Level::Secure(names), _) => new_enough && pkix && names.contains(&host.name),
            (Level::Dane, Tlsa::Usable { .. }) => tls && dane,
            (Level::Dane, Tlsa::Unusable) => tls,
            (Level::DaneOnly, Tlsa::Usable { .. }) => new_enough && dane && !insecure,
            (Level::DaneOnly, _) | (Level::Dane, Tlsa::Failed) => false,
            (Level::May | Level::Dane, _) => true,
        }
    }

    fn tlsa() -> impl Strategy<Value = Tlsa> {
        select(vec![Tlsa::NotAsked, Tlsa::Absent, Tlsa::Failed, Tlsa::Unusable, usable("mx.example.org")])
    }

    fn facts() -> impl Strategy<Value = DestinationFacts> {
        let states = vec![
            StsState::Absent,
            StsState::Unknown,
            sts("testing", &["*.example.net"]),
            sts("enforce", &["mx0.example.org", "mx1.example.org"]),
            sts("enforce", &["*.example.org"]),
            sts("enforce", &["*.example.net"]),
        ];
        let addresses =
            select(vec![Addresses::Found(vec!["192.0.2.1".parse().unwrap()]), Addresses::None, Addresses::Failed]);
        (select(vec![Dnssec::Secure, Dnssec::Insecure]), vec((tlsa(), addresses), 0..4), select(states)).prop_map(
            |(dnssec, hosts, state)| {
                let hosts = hosts.into_iter().zip(0..).map(|((tlsa, addresses), index)| {
                    HostFacts::new(name(&format!("mx{index}.example.org")), index, addresses, tlsa)
                });
                destination(dnssec, hosts.collect()).with_sts(state)
            },
        )
    }

    fn channel() -> impl Strategy<Value = Channel> {
        let check = || select(vec![CertificateCheck::NotMade, CertificateCheck::Passed, CertificateCheck::Untrusted]);
        prop_oneof![
            Just(Channel::NotOffered),
            Just(Channel::TooOld),
            (select(vec![TlsVersion::Tls12, TlsVersion::Tls13]), check(), check()).prop_map(|(version, pkix, dane)| {
                Channel::Tls { version, certificate: CertificateFacts::new(pkix, dane) }
            }),
        ]
    }

    fn any_wants() -> impl Strategy<Value = Requirements> {
        let levels =
            [message::Level::Encrypted, message::Level::Authenticated, message::Level::DaneOnly, message::Level::Tls13];
        let exception = Rule::Exception { until: Time::NEVER, reason: "a test".into(), owner: "root".into() };
        let rules: Vec<_> =
            levels.into_iter().map(Rule::Floor).chain([exception]).map(Some).chain([None, None]).collect();
        (select(vec![Guarantee::Off, Guarantee::On, Guarantee::Strict]), select(rules)).prop_map(|(guarantee, rule)| {
            let policy = DestinationPolicy { rule, ..DestinationPolicy::default() };
            requirements(&Message::default(), guarantee, &policy, Time::from_unix(0))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn postfix_never_delivers_where_the_verdict_would_not(facts in facts(), wants in any_wants(), channel in channel()) {
            let Ok(policy) = policy(&wants, &facts) else { return Ok(()) };
            // What is documented: without secured MX records, TLSA records don't count.
            let seen = as_postfix_sees(&facts).unwrap_or_else(|| facts.clone());
            let planned = plan(&wants, &seen);
            for host in planned.hosts() {
                let of = host.host().unwrap();
                let opportunistic = matches!(policy.level, Level::May | Level::Dane);
                if (opportunistic || of.addresses != Addresses::None) && postfix_delivers(&policy, &seen, of, &channel) {
                    let unknown = opportunistic && !has_address(of);
                    prop_assert!(unknown || host.refused().is_none(), "{policy} at {:?}", of.name);
                    let verdict = judge(&host, &SessionFacts::new(channel.clone()));
                    prop_assert!(verdict.delivers(), "{policy} at {:?}: {:?}", of.name, verdict.missing());
                }
            }
        }

        #[test]
        fn a_guaranteed_mail_never_goes_out_in_clear(facts in facts(), strict: bool, channel in channel()) {
            let guarantee = if strict { Guarantee::Strict } else { Guarantee::On };
            if let (Ok(policy), Mx::Hosts { hosts, .. }) = (policy(&wants(guarantee), &facts), &facts.mx) {
                let clear = !matches!(channel, Channel::Tls { .. });
                prop_assert!(policy.to_string().contains(" protocols=>=TLSv1."));
                prop_assert!(!clear || hosts.iter().all(|host| !postfix_delivers(&policy, &facts, host, &channel)));
            }
        }

        #[test]
        fn without_requirements_there_is_always_a_way(facts in facts()) {
            let open = matches!(&facts.mx, Mx::Hosts { hosts, .. } if hosts.iter().any(|host| {
                host.addresses != Addresses::None && host.tlsa != Tlsa::Failed
            }));
            if open && !matches!(&facts.sts, StsState::Policy(policy) if policy.mode == sealpost_tls_policy::sts::Mode::Enforce) {
                let policy = policy(&wants(Guarantee::Off), &facts);
                prop_assert!(matches!(&policy, Ok(Policy { level: Level::Dane, .. })), "{policy:?}");
            }
        }
    }

    /// The answers that the manual for administrators names.
    #[test]
    fn the_table_of_the_manual() {
        use Dnssec::{Insecure, Secure};
        let (none, dane) = (|| Tlsa::Absent, || usable("mx0.example.org"));
        let wait = "wait";
        let enforce = || sts("enforce", &["*.example.org"]);
        let only_first = || sts("enforce", &["mx0.example.org"]);
        let secure_0 = "secure match=mx0.example.org servername=hostname protocols=>=TLSv1.2";
        let secure_01 = "secure match=mx0.example.org:mx1.example.org servername=hostname protocols=>=TLSv1.2";
        let (dane_only, encrypt) = ("dane-only protocols=>=TLSv1.2", "encrypt protocols=>=TLSv1.2");
        for (dnssec, hosts, state, everyone, guarantee, strict) in [
            (Insecure, [none(), none()], StsState::Absent, "dane", encrypt, wait),
            (Secure, [none(), none()], StsState::Absent, "dane", encrypt, secure_01),
            (Secure, [dane(), dane()], StsState::Absent, "dane", dane_only, dane_only),
            (Secure, [dane(), none()], StsState::Absent, "dane", dane_only, dane_only),
            (Secure, [none(), Tlsa::Failed], StsState::Absent, "dane", secure_0, secure_0),
            (Secure, [Tlsa::Unusable, none()], StsState::Absent, "dane", encrypt, secure_01),
            (Secure, [Tlsa::Failed, Tlsa::Failed], StsState::Absent, wait, wait, wait),
            (Insecure, [dane(), none()], StsState::Absent, "dane", encrypt, wait),
            (Insecure, [none(), none()], sts("testing", &["*.example.org"]), "dane", encrypt, wait),
            (Insecure, [none(), none()], enforce(), secure_01, secure_01, secure_01),
            (Insecure, [none(), none()], only_first(), secure_0, secure_0, secure_0),
            (Insecure, [none(), none()], sts("enforce", &["*.example.net"]), wait, wait, wait),
            (Secure, [dane(), dane()], enforce(), dane_only, dane_only, dane_only),
            (Secure, [dane(), none()], enforce(), dane_only, dane_only, dane_only),
            (Secure, [none(), dane()], only_first(), secure_0, secure_0, secure_0),
            (Insecure, [dane(), dane()], enforce(), secure_01, secure_01, secure_01),
        ] {
            let hosts =
                hosts.into_iter().zip(0..).map(|(tlsa, index)| host(&format!("mx{index}.example.org"), index, tlsa));
            let facts = destination(dnssec, hosts.collect()).with_sts(state);
            for (guarantee, wanted) in
                [(Guarantee::Off, everyone), (Guarantee::On, guarantee), (Guarantee::Strict, strict)]
            {
                let found = policy(&wants(guarantee), &facts);
                let found = found.map_or_else(|_| wait.to_owned(), |policy| policy.without_report().to_string());
                assert_eq!(found, wanted, "{guarantee:?}: {facts:?}");
            }
        }
    }

    /// A relay or a content filter inside may have a name that DNS does not know.
    #[test]
    fn an_internal_name_is_no_reason_to_wait() {
        let nowhere = HostFacts::new(name("filter.lan"), 0, Addresses::None, Tlsa::NotAsked);
        let mx = Mx::Hosts { dnssec: Dnssec::Secure, hosts: vec![nowhere] };
        let host = NextHop::Host { name: name("filter.lan"), port: 10024 };
        for facts in [
            DestinationFacts::new(host, mx),
            DestinationFacts::new(NextHop::Domain(name("filter.lan")), Mx::NoSuchDomain),
        ] {
            assert_eq!(policy(&wants(Guarantee::Off), &facts).unwrap().to_string(), "dane");
            let guaranteed = policy(&wants(Guarantee::On), &facts).map(|policy| policy.level);
            assert!(matches!(guaranteed, Err(_) | Ok(Level::DaneOnly)));
        }
    }

    #[test]
    fn an_address_knows_neither_dane_nor_mta_sts() {
        let facts = DestinationFacts::new(NextHop::Address("192.0.2.1".parse().unwrap()), Mx::NoSuchDomain);
        let found = |guarantee| policy(&wants(guarantee), &facts).map(|policy| policy.to_string());
        assert_eq!(found(Guarantee::Off).unwrap(), "may");
        assert_eq!(found(Guarantee::On).unwrap(), "encrypt protocols=>=TLSv1.2");
        assert!(found(Guarantee::Strict).is_err());
    }

    #[test]
    fn no_text_of_a_policy_gets_through_to_postfix() {
        for junk in ["mx.example.org } { policy_failure = x", "a b", "a\nb", "*.", "", "mx.example.org\0"] {
            let hosts = vec![host("mx0.example.org", 0, Tlsa::Absent)];
            let mut facts = destination(Dnssec::Insecure, hosts).with_sts(sts("enforce", &["mx0.example.org"]));
            if let StsState::Policy(policy) = &mut facts.sts {
                policy.mx.push(junk.into());
            }
            let found = policy(&wants(Guarantee::Off), &facts).unwrap();
            assert_eq!(found.to_string(), "secure match=mx0.example.org servername=hostname protocols=>=TLSv1.2");
        }
        let hosts = vec![host("mx0.example.org", 0, Tlsa::Absent)];
        let facts = destination(Dnssec::Insecure, hosts).with_sts(sts("enforce", &["*.Example.org"]));
        assert_eq!(
            policy(&wants(Guarantee::Off), &facts).unwrap().to_string(),
            "secure match=mx0.example.org servername=hostname protocols=>=TLSv1.2 policy_type=sts \
             policy_domain=example.org mx_host_pattern=*.example.org { policy_string = version: STSv1 } \
             { policy_string = mode: enforce } { policy_string = mx: *.example.org } { policy_string = max_age: 86400 }"
        );
    }

    #[test]
    fn no_name_of_a_host_means_something_else_to_postfix() {
        for word in ["hostname", "nexthop", "dot-nexthop"] {
            let hosts = |names: &[&str]| names.iter().map(|name| host(name, 10, Tlsa::Absent)).collect();
            let facts = |names: &[&str]| destination(Dnssec::Insecure, hosts(names)).with_sts(sts("enforce", names));
            assert!(policy(&wants(Guarantee::Off), &facts(&[word])).is_err(), "{word}");
            let both = policy(&wants(Guarantee::Off), &facts(&[word, "mx.example.org"])).unwrap();
            assert_eq!(both.level, Level::Secure(vec![name("mx.example.org")]));
        }
    }

    #[test]
    fn an_exception_sets_dane_aside_in_postfix_too() {
        let exception = Rule::Exception { until: Time::from_unix(10), reason: "a test".into(), owner: "root".into() };
        let rules = DestinationPolicy { rule: Some(exception), ..DestinationPolicy::default() };
        let facts = destination(Dnssec::Secure, vec![host("mx0.example.org", 0, usable("mx0.example.org"))]);
        for (now, guarantee, wanted) in [
            (9, Guarantee::Off, "may"),
            (9, Guarantee::On, "encrypt protocols=>=TLSv1.2"),
            (10, Guarantee::Off, "dane"),
            (10, Guarantee::On, "dane-only protocols=>=TLSv1.2"),
        ] {
            let wants = requirements(&Message::default(), guarantee, &rules, Time::from_unix(now));
            assert_eq!(policy(&wants, &facts).unwrap().to_string(), wanted);
        }
    }

    #[test]
    fn names_are_listed_in_their_order_and_not_without_end() {
        let hosts = (0..100).map(|index| host(&format!("mx{index}.example.org"), 200 - index, Tlsa::Absent)).collect();
        let found = policy(&wants(Guarantee::Strict), &destination(Dnssec::Secure, hosts)).unwrap();
        let Level::Secure(names) = found.level else { panic!() };
        assert_eq!(names.len(), MAX_MATCHES);
        assert_eq!(names.first(), Some(&name("mx99.example.org")));
    }
}
