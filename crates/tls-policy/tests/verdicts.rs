//! Codes, texts and corners: what no law and no table of one host says.
#![cfg(test)]

use std::{collections::HashMap, net::IpAddr};

use proptest::prelude::*;
use sealpost_mail::Domain;
use sealpost_time::{Span, Time};
use sealpost_tls_policy::{
    AlternateRoute, Atom, Attempt, DestinationPolicy, Guarantee, Level, Message, MessageOrigin, Origin, Requirements,
    Rule, Status, Verdict, conclude,
    dane::TlsaRecord,
    decide,
    facts::{
        Addresses, CertificateCheck, CertificateFacts, Channel, DestinationFacts, Dnssec, HostFacts, Mx, NextHop,
        Recorded, SessionFacts, StsState, TlsVersion, Tlsa,
    },
    judge, plan,
    requirement::{Atoms, Note},
    requirements,
    route::Refusal,
    sts::{Mode, Policy},
    verdict::Finding,
};

const NOW: Time = Time::from_unix(1_795_780_800);

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

fn address() -> IpAddr {
    IpAddr::from([192, 0, 2, 1])
}

fn host(number: u8) -> HostFacts {
    let name = domain(&format!("mx{number}.example.org"));
    HostFacts::new(name, u16::from(number), Addresses::Found(vec![address()]), Tlsa::Absent)
}

fn to(hosts: Vec<HostFacts>) -> DestinationFacts {
    let mx = Mx::Hosts { dnssec: Dnssec::Insecure, hosts };
    DestinationFacts::new(NextHop::Domain(domain("example.org")), mx)
}

fn session(channel: Channel) -> SessionFacts {
    SessionFacts::new(channel).at(address())
}

fn tls(version: TlsVersion, pkix: CertificateCheck) -> Channel {
    Channel::Tls { version, certificate: CertificateFacts::new(pkix, CertificateCheck::NotMade) }
}

fn refused(reply: &str) -> Channel {
    Channel::Refused { reply: reply.into() }
}

fn reset() -> Channel {
    Channel::HandshakeFailed { reason: "connection reset".into() }
}

fn unreachable() -> Channel {
    Channel::Unreachable { reason: "Connection timed out".into() }
}

fn guaranteed() -> Requirements {
    requirements(&Message::default(), Guarantee::On, &DestinationPolicy::default(), NOW)
}

fn strict() -> Requirements {
    requirements(&Message::default(), Guarantee::Strict, &DestinationPolicy::default(), NOW)
}

fn by_requiretls() -> Requirements {
    let message = Message { requiretls: true, ..Message::default() };
    requirements(&message, Guarantee::Off, &DestinationPolicy::default(), NOW)
}

fn compliant(level: Level) -> Requirements {
    let policy = DestinationPolicy { compliance: Some(level), rule: None };
    requirements(&Message::default(), Guarantee::Off, &policy, NOW)
}

/// The verdict where each host shows this, in their order.
fn shown(wants: &Requirements, facts: &DestinationFacts, channels: &[Channel]) -> Verdict {
    shown_with(wants, facts, channels, None, Attempt::default())
}

fn shown_with(
    wants: &Requirements,
    facts: &DestinationFacts,
    channels: &[Channel],
    route: Option<&AlternateRoute>,
    attempt: Attempt,
) -> Verdict {
    let plan = plan(wants, facts);
    let tried: Vec<_> =
        plan.hosts().zip(channels).map(|(host, channel)| judge(&host, &session(channel.clone()))).collect();
    conclude(&plan, &tried, route, attempt)
}

fn status(verdict: &Verdict) -> String {
    let (kind, status) = match verdict {
        Verdict::Defer { status, .. } => ("defer", status),
        Verdict::Bounce { status, .. } => ("bounce", status),
        other => panic!("{other:?}"),
    };
    format!("{kind} {status}")
}

/// One host that shows this.
fn stopped(wants: &Requirements, channel: Channel) -> String {
    status(&shown(wants, &to(vec![host(0)]), &[channel]))
}

#[test]
fn a_guaranteed_mail_comes_back_with_the_text_that_people_know() {
    let on = guaranteed();
    assert_eq!(
        stopped(&on, Channel::NotOffered),
        "bounce 5.7.10 TLS is required, but was not offered by host mx0.example.org[192.0.2.1]"
    );
    assert_eq!(
        stopped(&on, refused("502 5.5.1 no")),
        "bounce 5.7.10 TLS is required, but host mx0.example.org[192.0.2.1] refused to start TLS: 502 5.5.1 no"
    );
    assert_eq!(
        stopped(&on, Channel::TooOld),
        "bounce 5.7.10 TLS is required, but host mx0.example.org[192.0.2.1] offers only TLS versions older than 1.2"
    );
}

#[test]
fn what_may_pass_is_waited_for() {
    let on = guaranteed();
    assert!(stopped(&on, refused("454 4.7.0 not now")).starts_with("defer 4.7.10 TLS is required, but host mx0"));
    assert_eq!(
        stopped(&on, reset()),
        "defer 4.7.10 Cannot start TLS: handshake failure with host mx0.example.org[192.0.2.1]: connection reset"
    );
    assert_eq!(stopped(&on, unreachable()), "defer 4.4.1 connect to mx0.example.org[192.0.2.1]: Connection timed out");
    // One of two hosts gave no clean answer.
    let two = to(vec![host(0), host(1)]);
    for (channels, kind) in [
        ([Channel::NotOffered, Channel::TooOld], "bounce"),
        ([Channel::NotOffered, reset()], "defer"),
        ([unreachable(), Channel::NotOffered], "defer"),
    ] {
        assert!(status(&shown(&on, &two, &channels)).starts_with(kind), "{channels:?}");
    }
}

#[test]
fn requiretls_says_what_is_missing() {
    let secure = || {
        let mut facts = to(vec![host(0)]);
        facts.mx = Mx::Hosts { dnssec: Dnssec::Secure, hosts: vec![host(0)] };
        facts
    };
    let wants = by_requiretls();
    let good = shown(&wants, &secure(), &[tls(TlsVersion::Tls12, CertificateCheck::Passed)]);
    assert_eq!(
        status(&good),
        "bounce 5.7.30 Sender requested REQUIRETLS, but no server was found that supports REQUIRETLS. The last \
         attempted server was mx0.example.org[192.0.2.1]"
    );
    assert!(matches!(good, Verdict::Bounce { headers_only: true, .. }));
    let untrusted = shown(&wants, &secure(), &[tls(TlsVersion::Tls12, CertificateCheck::Untrusted)]);
    assert!(status(&untrusted).starts_with("bounce 5.7.10 Sender requested REQUIRETLS, but no (trusted or matching)"));
    let clear = shown(&wants, &secure(), &[Channel::NotOffered]);
    assert!(status(&clear).starts_with("bounce 5.7.10 TLS is required, but was not offered by host mx0.example.org"));
    // Whether the name is vouched for is not known yet.
    let unknown = to(vec![host(0)]).with_sts(StsState::Unknown);
    let verdict = shown(&wants, &unknown, &[tls(TlsVersion::Tls12, CertificateCheck::Passed)]);
    assert!(status(&verdict).starts_with("defer 4.7.5 the name of host mx0.example.org"), "{verdict:?}");
    // A bounce has nobody to be told.
    let null = Message { requiretls: true, null_sender: true, ..Message::default() };
    let wants = requirements(&null, Guarantee::Off, &DestinationPolicy::default(), NOW);
    assert!(wants.is_empty() && wants.has_note(Note::NullSender));
}

#[test]
fn a_domain_without_mail_comes_first() {
    let of = |mx| DestinationFacts::new(NextHop::Domain(domain("example.org")), mx);
    let route = proved_route();
    for wants in [Requirements::NONE, guaranteed(), by_requiretls()] {
        let at_once = |mx| status(&shown_with(&wants, &of(mx), &[], Some(&route), Attempt::default()));
        assert_eq!(at_once(Mx::Null), "bounce 5.1.10 Domain example.org does not accept mail (nullMX)");
        assert!(at_once(Mx::NoSuchDomain).starts_with("bounce 5.1.2 Host or domain name not found."));
        assert!(at_once(Mx::Failed).starts_with("defer 4.4.3 Host or domain name not found."));
        assert!(at_once(Mx::Hosts { dnssec: Dnssec::Secure, hosts: vec![] }).starts_with("defer 4.4.4 "));
    }
}

#[test]
fn an_address_has_no_name_to_be_authenticated() {
    let facts = DestinationFacts::new(NextHop::Address(address()), Mx::Failed);
    let good = tls(TlsVersion::Tls13, CertificateCheck::Passed);
    let delivered = shown(&guaranteed(), &facts, std::slice::from_ref(&good));
    assert!(matches!(delivered, Verdict::Deliver { host: None, encrypted: true, .. }), "{delivered:?}");
    let clear = shown(&guaranteed(), &facts, &[Channel::NotOffered]);
    assert_eq!(status(&clear), "bounce 5.7.10 TLS is required, but was not offered by host 192.0.2.1[192.0.2.1]");
    // Neither a try nor an alternate route would change it.
    let wants = strict();
    let route = proved_route();
    let no_session = shown_with(&wants, &facts, &[], Some(&route), Attempt::default());
    let text = "bounce 5.7.10 TLS is required, but host 192.0.2.1[192.0.2.1] has no name to be authenticated by";
    assert_eq!(status(&no_session), text);
    assert!(no_session.reasons().iter().any(|reason| reason.finding == Finding::AddressLiteral));
    assert!(plan(&wants, &facts).hosts().all(|host| host.sni().is_none() && host.refused().is_some()));
}

#[test]
fn hosts_that_a_policy_does_not_list_are_passed_over() {
    let policy = Policy::new(Mode::Enforce, &["mx1.example.org"], 86_400).unwrap();
    let facts = to(vec![host(0), host(1)]).with_sts(StsState::Policy(policy));
    let plan = plan(&Requirements::NONE, &facts);
    let hosts: Vec<_> = plan.hosts().collect();
    assert!(hosts[0].refused().is_some() && hosts[1].refused().is_none());
    let nothing = conclude(&plan, &[], None, Attempt::default());
    assert!(matches!(nothing, Verdict::TryNext { .. }), "{nothing:?}");
    let good = session(tls(TlsVersion::Tls12, CertificateCheck::Passed));
    let verdict = conclude(&plan, &[judge(&hosts[1], &good)], None, Attempt::default());
    assert!(matches!(&verdict, Verdict::Deliver { host: Some(host), .. } if host.as_str() == "mx1.example.org"));
    let bad = session(tls(TlsVersion::Tls12, CertificateCheck::Expired));
    let verdict = conclude(&plan, &[judge(&hosts[1], &bad)], None, Attempt::default());
    assert!(status(&verdict).starts_with("defer 4.7.5 Server certificate not verified: host mx1.example.org"));
}

#[test]
fn a_failed_look_up_keeps_away_from_one_host_only() {
    let mut hosts = vec![host(0), host(1)];
    hosts[0].tlsa = Tlsa::Failed;
    let facts = to(hosts);
    let verdict = shown(&Requirements::NONE, &facts, &[]);
    assert!(matches!(verdict, Verdict::TryNext { .. }));
    let plan = plan(&Requirements::NONE, &facts);
    let second = plan.hosts().nth(1).unwrap();
    let tried = [judge(&second, &session(Channel::NotOffered))];
    let verdict = conclude(&plan, &tried, None, Attempt::default());
    assert!(matches!(verdict, Verdict::Deliver { encrypted: false, .. }), "{verdict:?}");
}

#[test]
fn the_last_try_ends_the_wait() {
    let last = Attempt { last: true, ..Attempt::default() };
    let end = |wants: &Requirements, facts: &DestinationFacts, channel: Channel, attempt| {
        shown_with(wants, facts, &[channel], None, attempt)
    };
    let plain = to(vec![host(0)]);
    assert!(status(&end(&guaranteed(), &plain, reset(), last)).starts_with("bounce 5.7.10 Cannot start TLS"));
    assert!(status(&end(&guaranteed(), &plain, unreachable(), last)).starts_with("bounce 5.4.7 connect to mx0"));
    let expired = end(&strict(), &plain, tls(TlsVersion::Tls12, CertificateCheck::Untrusted), last);
    assert!(status(&expired).starts_with("bounce 5.7.5 Server certificate not verified"));
    assert!(expired.reasons().iter().any(|reason| reason.finding == Finding::Expired));
    // Not before the recipient's policy was looked at again (RFC 8461 §5).
    let policy = Policy::new(Mode::Enforce, &["mx0.example.org"], 86_400).unwrap();
    let enforced = to(vec![host(0)]).with_sts(StsState::Policy(policy));
    let early = end(&Requirements::NONE, &enforced, Channel::NotOffered, last);
    assert!(status(&early).starts_with("defer 4.7.10"));
    assert!(early.reasons().iter().any(|reason| reason.finding == Finding::PolicyToRecheck));
    let rechecked = Attempt { sts_rechecked: true, ..last };
    let late = end(&Requirements::NONE, &enforced, Channel::NotOffered, rechecked);
    assert!(status(&late).starts_with("bounce 5.7.10"));
}

#[test]
fn the_organisations_rule_stops_at_once_for_everybody() {
    for origin in [MessageOrigin::Submitted, MessageOrigin::VacationReply, MessageOrigin::UserForward] {
        let message = Message { origin, tls_required_no: true, one_time: true, ..Message::default() };
        let policy = DestinationPolicy { compliance: Some(Level::Encrypted), rule: None };
        let wants = requirements(&message, Guarantee::On, &policy, NOW);
        assert!(stopped(&wants, Channel::NotOffered).starts_with("bounce 5.7.10"), "{origin:?}");
    }
    assert!(
        stopped(&compliant(Level::Tls13), tls(TlsVersion::Tls12, CertificateCheck::Passed))
            .starts_with("bounce 5.7.10 TLS is required, but host mx0.example.org[192.0.2.1] offers only TLS versions")
    );
    let floor = DestinationPolicy { compliance: None, rule: Some(Rule::Floor(Level::Encrypted)) };
    let wants = requirements(&Message::default(), Guarantee::Off, &floor, NOW);
    assert!(stopped(&wants, Channel::NotOffered).starts_with("defer 4.7.10"));
}

#[test]
fn the_guarantee_stays_beside_the_header_until_an_override_is_redeemed() {
    let header = Message { tls_required_no: true, ..Message::default() };
    let wants = requirements(&header, Guarantee::On, &DestinationPolicy::default(), NOW);
    let verdict = shown(&wants, &to(vec![host(0)]), &[Channel::NotOffered]);
    assert!(status(&verdict).starts_with("bounce 5.7.10"));
    assert!(verdict.reasons().iter().any(|reason| reason.finding == Finding::Note(Note::GuaranteeStays)));

    let once = Message { one_time: true, ..Message::default() };
    let wants = requirements(&once, Guarantee::Strict, &DestinationPolicy::default(), NOW);
    let verdict = shown(&wants, &to(vec![host(0)]), &[Channel::NotOffered]);
    assert!(matches!(verdict, Verdict::Deliver { encrypted: false, .. }));
    assert!(verdict.reasons().iter().any(|reason| reason.finding == Finding::Note(Note::OneTime)));
    // It is no word about the recipient's policy.
    let mut facts = to(vec![host(0)]);
    facts.sts = StsState::Policy(Policy::new(Mode::Enforce, &["mx0.example.org"], 86_400).unwrap());
    assert!(status(&shown(&wants, &facts, &[Channel::NotOffered])).starts_with("defer 4.7.10"));
    let both = Message { tls_required_no: true, ..once };
    let wants = requirements(&both, Guarantee::Strict, &DestinationPolicy::default(), NOW);
    assert!(matches!(shown(&wants, &facts, &[Channel::NotOffered]), Verdict::Deliver { encrypted: false, .. }));
}

#[test]
fn an_exception_ends_when_it_says() {
    let exception = |until| DestinationPolicy {
        compliance: None,
        rule: Some(Rule::Exception { until, reason: "their server is old".into(), owner: "admin".into() }),
    };
    let mut facts = to(vec![host(0)]);
    facts.sts = StsState::Policy(Policy::new(Mode::Enforce, &["mx0.example.org"], 86_400).unwrap());
    let verdict = |guarantee, until| {
        let wants = requirements(&Message::default(), guarantee, &exception(until), NOW);
        shown(&wants, &facts, &[Channel::NotOffered])
    };
    let second = Span::seconds(1);
    assert!(matches!(verdict(Guarantee::Off, NOW + second), Verdict::Deliver { encrypted: false, .. }));
    let over = verdict(Guarantee::Off, NOW);
    assert!(matches!(over, Verdict::Defer { .. }));
    assert!(over.reasons().iter().any(|reason| reason.finding == Finding::Note(Note::ExceptionOver)));
    assert!(status(&verdict(Guarantee::On, NOW + second)).starts_with("bounce 5.7.10"));
}

fn proved_route() -> AlternateRoute {
    let held = [Atom::Encrypted, Atom::Tls12, Atom::Tls13, Atom::PeerAuthenticated, Atom::MxAuthenticated];
    AlternateRoute::new(domain("relay.example.net"), 25).with_proved(held.into_iter().collect())
}

#[test]
fn a_route_is_what_a_look_at_it_proved() {
    let relay = domain("relay.example.net");
    let hop = NextHop::Host { name: relay.clone(), port: 25 };
    let mut relay_facts = HostFacts::new(relay.clone(), 0, Addresses::Found(vec![address()]), Tlsa::Absent);
    let look = |host: &HostFacts, channel: Channel| {
        let mx = Mx::Hosts { dnssec: Dnssec::Insecure, hosts: vec![host.clone()] };
        let facts = DestinationFacts::new(hop.clone(), mx);
        let plan = plan(&Requirements::NONE, &facts);
        let judged = judge(&plan.hosts().next().unwrap(), &session(channel));
        AlternateRoute::new(relay.clone(), 25).proved_by(&judged)
    };
    let good = look(&relay_facts, tls(TlsVersion::Tls13, CertificateCheck::Passed));
    let untrusted = look(&relay_facts, tls(TlsVersion::Tls13, CertificateCheck::Untrusted));
    let clear = look(&relay_facts, Channel::NotOffered);
    // Its own TLSA records fail.
    relay_facts.tlsa =
        Tlsa::Usable { base: relay.clone(), records: vec![TlsaRecord::new(3, 1, 1, vec![7; 32]).unwrap()] };
    let failing = look(&relay_facts, tls(TlsVersion::Tls13, CertificateCheck::Passed));
    assert_eq!(failing.proved(), Atoms::NONE);

    let refusal = |wants: &Requirements, route: &AlternateRoute, attempt| match shown_with(
        wants,
        &to(vec![host(0)]),
        &[Channel::NotOffered],
        Some(route),
        attempt,
    ) {
        Verdict::Reroute { .. } => None,
        other => other.reasons().iter().find_map(|reason| match reason.finding {
            Finding::NotRerouted(refusal) => Some(refusal),
            _ => None,
        }),
    };
    let first = Attempt::default();
    let rerouted = Attempt { rerouted: true, ..first };
    assert_eq!(refusal(&guaranteed(), &good, first), None);
    assert_eq!(refusal(&guaranteed(), &untrusted, first), None);
    assert_eq!(refusal(&guaranteed(), &good, rerouted), Some(Refusal::Twice));
    assert_eq!(refusal(&guaranteed(), &clear, first), Some(Refusal::NotProved));
    assert_eq!(refusal(&guaranteed(), &failing, first), Some(Refusal::NotProved));
    assert_eq!(refusal(&strict(), &good, first), None);
    assert_eq!(refusal(&strict(), &untrusted, first), Some(Refusal::Weaker(Atom::PeerAuthenticated)));
    assert_eq!(refusal(&by_requiretls(), &good, first), Some(Refusal::Weaker(Atom::RequireTls)));
    let offers = good.clone().with_proved(Atom::ALL.into_iter().collect());
    assert_eq!(refusal(&by_requiretls(), &offers, first), None);
    assert_eq!(refusal(&compliant(Level::DaneOnly), &offers, first), Some(Refusal::Weaker(Atom::Dane)));
    let same = AlternateRoute::new(domain("mx0.example.org"), 587).with_proved(offers.proved());
    assert_eq!(refusal(&guaranteed(), &same, first), Some(Refusal::SameHost));
}

#[test]
fn a_route_does_not_hide_a_failing_policy_of_the_recipient() {
    let policy = Policy::new(Mode::Enforce, &["mx0.example.org"], 86_400).unwrap();
    let facts = to(vec![host(0)]).with_sts(StsState::Policy(policy));
    let (on, route) = (guaranteed(), proved_route());
    let with = |route| shown_with(&on, &facts, &[Channel::NotOffered], Some(&route), Attempt::default());
    let refused = with(route.clone());
    assert!(matches!(refused, Verdict::Defer { .. }));
    assert!(refused.reasons().iter().any(|reason| reason.finding == Finding::NotRerouted(Refusal::RecipientPolicy)));
    assert!(matches!(with(route.enforcing_recipient_policy(true)), Verdict::Reroute { .. }));
    // A host that only breaks its handshakes may be under attack.
    let broken = shown_with(&on, &to(vec![host(0)]), &[reset()], Some(&proved_route()), Attempt::default());
    assert!(broken.reasons().iter().any(|reason| reason.finding == Finding::NotRerouted(Refusal::OtherFailure)));
}

#[test]
fn recipients_of_equal_requirements_are_a_group() {
    let mut groups: HashMap<Requirements, Vec<&str>> = HashMap::new();
    let once = Message { one_time: true, ..Message::default() };
    for (recipient, message) in
        [("anna", Message::default()), ("bert", once), ("carl", Message::default()), ("dora", once)]
    {
        let wants = requirements(&message, Guarantee::On, &DestinationPolicy::default(), NOW);
        groups.entry(wants).or_default().push(recipient);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_unstable();
    assert_eq!(groups, [["anna", "carl"], ["bert", "dora"]]);
}

#[test]
fn a_verdict_of_another_mail_is_not_taken_over() {
    let facts = to(vec![host(0)]);
    let opportunistic = plan(&Requirements::NONE, &facts);
    let judged = judge(&opportunistic.hosts().next().unwrap(), &session(Channel::NotOffered));
    assert!(judged.delivers());
    let on = guaranteed();
    let verdict = conclude(&plan(&on, &facts), &[judged], None, Attempt::default());
    assert!(status(&verdict).starts_with("bounce 5.7.10"));
}

#[test]
fn names_and_versions_for_the_handshake() {
    let mut dane = host(0);
    dane.tlsa = Tlsa::Usable {
        base: domain("base.example.net"),
        records: vec![TlsaRecord::new(2, 0, 1, vec![7; 32]).unwrap()],
    };
    let mut facts = to(vec![dane, host(1)]);
    let names = |facts: &DestinationFacts| {
        let host = plan(&Requirements::NONE, facts).hosts().next().unwrap();
        let names: Vec<String> = host.dane_names().map(ToString::to_string).collect();
        (host.sni().unwrap().to_string(), names, host.pkix_name().unwrap().to_string())
    };
    let (sni, dane_names, pkix) = names(&facts);
    assert_eq!((sni.as_str(), pkix.as_str()), ("base.example.net", "mx0.example.org"));
    assert_eq!(dane_names, ["base.example.net"]);
    if let Mx::Hosts { dnssec, .. } = &mut facts.mx {
        *dnssec = Dnssec::Secure;
    }
    facts.expanded = Some(domain("alias.example.com"));
    assert_eq!(names(&facts).1, ["base.example.net", "example.org", "alias.example.com"]);
    let second = plan(&Requirements::NONE, &facts).hosts().nth(1).unwrap();
    assert_eq!(second.sni().map(Domain::as_str), Some("mx1.example.org"));
    assert_eq!(second.dane_names().count(), 0);
    assert_eq!(second.min_version(), TlsVersion::Tls12);
    let newest = compliant(Level::Tls13);
    assert_eq!(plan(&newest, &facts).hosts().next().unwrap().min_version(), TlsVersion::Tls13);
}

#[test]
fn what_was_recorded_is_decided_again() {
    let facts = to(vec![host(0)]);
    let mut recorded = Recorded::new(NOW, "bob@example.org".into(), Message::default(), facts);
    recorded.push("MX0.example.org.".into(), session(Channel::NotOffered));
    let line = serde_json::to_string(&recorded).unwrap();
    let again: Recorded = serde_json::from_str(&line).unwrap();
    assert_eq!(again, recorded);
    let on = guaranteed();
    let plan = plan(&on, &again.destination);
    let session = |host: &sealpost_tls_policy::HostPlan<'_>| again.session(host.name()?.as_str());
    let verdict = decide(&plan, session, None, Attempt::default());
    assert!(
        status(&verdict).starts_with("bounce 5.7.10 TLS is required, but was not offered by host mx0.example.org[")
    );
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["bounce"]["status"]["code"], serde_json::json!([5, 7, 10]));
    assert_eq!(json["bounce"]["reasons"][0]["atom"], "encrypted");
    assert_eq!(json["bounce"]["reasons"][0]["origins"], serde_json::json!(["user-guarantee"]));
    assert_eq!(json["bounce"]["reasons"][0]["host"], "mx0.example.org");
    assert_eq!(json["bounce"]["reasons"][0]["rules"], serde_json::json!(["guarantee"]));
}

proptest! {
    /// A server on the other side writes into what goes into logs and mails.
    #[test]
    fn the_text_is_one_line_of_ascii(reply in ".{0,600}", reason in "[\\x00-\\xff]{0,600}") {
        let on = guaranteed();
        for channel in [
            Channel::Refused { reply },
            Channel::HandshakeFailed { reason: reason.clone() },
            Channel::Unreachable { reason },
        ] {
            let verdict = shown(&on, &to(vec![host(0)]), &[channel]);
            let Status { text, .. } = verdict.status().unwrap();
            prop_assert!(text.len() <= 400);
            prop_assert!(text.bytes().all(|c| c == b' ' || c.is_ascii_graphic()), "{}", text);
        }
    }

    /// Whatever the levels are, the sender's side and the administrator's are told apart.
    #[test]
    fn origins_are_told_apart(on in any::<bool>(), floor in any::<bool>()) {
        let guarantee = if on { Guarantee::On } else { Guarantee::Off };
        let rule = floor.then_some(Rule::Floor(Level::Encrypted));
        let policy = DestinationPolicy { compliance: None, rule };
        let wants = requirements(&Message::default(), guarantee, &policy, NOW);
        let origins = wants.origins(Atom::Encrypted);
        prop_assert_eq!(origins.contains(Origin::UserGuarantee), on);
        prop_assert_eq!(origins.contains(Origin::AdminMap), floor);
        prop_assert_eq!(origins.all_senders(), !floor);
    }
}
