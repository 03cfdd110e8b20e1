//! A decision asks for memory for its reasons, and for nothing else.
#![cfg(test)]

use sealpost_mail::Domain;
use sealpost_testkit::memory::{Meter, allocations};
use sealpost_time::Time;
use sealpost_tls_policy::{
    Attempt, DestinationPolicy, Guarantee, HostPlan, Message, Verdict, decide,
    facts::{
        Addresses, CertificateCheck, CertificateFacts, Channel, DestinationFacts, Dnssec, HostFacts, Mx, NextHop,
        SessionFacts, TlsVersion, Tlsa,
    },
    judge, plan, requirements,
};

#[global_allocator]
static ALLOCATOR: Meter = Meter;

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

fn facts() -> DestinationFacts {
    let hosts = (0..3).map(|preference| {
        let name = domain(&format!("mx{preference}.example.org"));
        HostFacts::new(name, preference, Addresses::Found(vec!["192.0.2.1".parse().unwrap()]), Tlsa::Absent)
    });
    let mx = Mx::Hosts { dnssec: Dnssec::Secure, hosts: hosts.collect() };
    DestinationFacts::new(NextHop::Domain(domain("example.org")), mx)
}

/// One test alone, for the counter is shared.
#[test]
fn memory_is_asked_for_by_reasons_only() {
    let facts = facts();
    let certificate = CertificateFacts::new(CertificateCheck::Passed, CertificateCheck::NotMade);
    let good = SessionFacts::new(Channel::Tls { version: TlsVersion::Tls13, certificate });
    let clear = SessionFacts::new(Channel::NotOffered);
    let message = Message::default();
    let now = Time::from_unix(1_795_780_800);
    let policy = DestinationPolicy::default();

    let (plans, times) = allocations(|| {
        let wants = requirements(&message, Guarantee::Strict, &policy, now);
        let plan = plan(&wants, &facts);
        plan.hosts().filter(|host| judge(host, &good).delivers()).count()
    });
    assert_eq!((plans, times), (3, 0), "up to the verdict there is nothing to keep");

    let verdict = |guarantee, first: &SessionFacts, third: &SessionFacts| {
        let session = |host: &HostPlan<'_>| Some(if host.host()?.preference < 2 { first } else { third }).cloned();
        let sessions: Vec<_> = {
            let wants = requirements(&message, guarantee, &policy, now);
            plan(&wants, &facts).hosts().filter_map(|host| session(&host)).collect()
        };
        let (verdict, times) = allocations(|| {
            let wants = requirements(&message, guarantee, &policy, now);
            let by_preference = |host: &HostPlan<'_>| sessions.get(usize::from(host.host()?.preference));
            decide(&plan(&wants, &facts), by_preference, None, Attempt::default())
        });
        (verdict, times)
    };

    let (plain, times) = verdict(Guarantee::Off, &good, &good);
    assert!(matches!(&plain, Verdict::Deliver { reasons, .. } if reasons.is_empty()));
    assert_eq!(times, 1, "the host's name");

    let (held, times) = verdict(Guarantee::Strict, &clear, &good);
    assert!(matches!(&held, Verdict::Deliver { reasons, .. } if reasons.len() == 4));
    assert_eq!(times, 1 + 1 + 4, "the host's name, the list of reasons, and in each the host's name");

    let (bounced, times) = verdict(Guarantee::On, &clear, &clear);
    assert!(matches!(&bounced, Verdict::Bounce { reasons, .. } if reasons.len() == 6));
    // The list grows twice. The text is put together of the host, its address and a sentence.
    assert!((1 + 6..=1 + 6 + 10).contains(&times), "{times}");
}
