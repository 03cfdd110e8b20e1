//! From requirements to a verdict, with three hosts: how long it takes, and how often memory is asked for.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a bench stops where its material is not as it should be")]

use std::time::Duration;

use sealpost_benches::time;
use sealpost_mail::Domain;
use sealpost_measure::Comparison;
use sealpost_testkit::memory::{Meter, allocations};
use sealpost_time::Time;
use sealpost_tls_policy::{
    Attempt, DestinationPolicy, Guarantee, HostPlan, Level, Message, Rule, Verdict,
    dane::TlsaRecord,
    decide,
    facts::{
        Addresses, CertificateCheck, CertificateFacts, Channel, DestinationFacts, Dnssec, HostFacts, Mx, NextHop,
        SessionFacts, StsState, TlsVersion, Tlsa,
    },
    plan, requirements,
    sts::{Mode, Policy},
};

#[global_allocator]
static ALLOCATOR: Meter = Meter;

const NOW: Time = Time::from_unix(1_795_780_800);
/// What the slowest may take, in seconds.
const MOST: f64 = 2e-6;

/// All that a decision is made from.
struct Case {
    name: &'static str,
    message: Message,
    guarantee: Guarantee,
    policy: DestinationPolicy,
    facts: DestinationFacts,
    sessions: [SessionFacts; 3],
}

impl Case {
    fn decide(&self) -> Verdict {
        let wants = requirements(&self.message, self.guarantee, &self.policy, NOW);
        let plan = plan(&wants, &self.facts);
        let session = |host: &HostPlan<'_>| self.sessions.get(usize::from(host.host()?.preference));
        decide(&plan, session, None, Attempt::default())
    }
}

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

fn facts(sts: StsState, tlsa: fn(&Domain) -> Tlsa) -> DestinationFacts {
    let hosts = (0..3).map(|preference| {
        let name = domain(&format!("mx{preference}.example.org"));
        let tlsa = tlsa(&name);
        HostFacts::new(name, preference, Addresses::Found(vec!["192.0.2.1".parse().unwrap()]), tlsa)
    });
    let mx = Mx::Hosts { dnssec: Dnssec::Secure, hosts: hosts.collect() };
    DestinationFacts::new(NextHop::Domain(domain("example.org")), mx).with_sts(sts)
}

fn session(channel: Channel) -> SessionFacts {
    SessionFacts::new(channel).at("192.0.2.1".parse().unwrap())
}

fn tls(pkix: CertificateCheck, dane: CertificateCheck) -> SessionFacts {
    session(Channel::Tls { version: TlsVersion::Tls13, certificate: CertificateFacts::new(pkix, dane) })
}

fn usable(name: &Domain) -> Tlsa {
    Tlsa::Usable { base: name.clone(), records: vec![TlsaRecord::new(3, 1, 1, vec![7; 32]).unwrap()] }
}

fn case(name: &'static str, guarantee: Guarantee, facts: DestinationFacts, sessions: [SessionFacts; 3]) -> Case {
    let (message, policy) = (Message::default(), DestinationPolicy::default());
    Case { name, message, guarantee, policy, facts, sessions }
}

fn cases() -> Vec<Case> {
    let policy = Policy::new(Mode::Enforce, &["*.example.org"], 604_800).unwrap();
    let enforced = || StsState::Policy(policy.clone());
    let absent = |_: &Domain| Tlsa::Absent;
    let clear = || session(Channel::NotOffered);
    let good = || tls(CertificateCheck::Passed, CertificateCheck::Passed);
    let wrong = || tls(CertificateCheck::Untrusted, CertificateCheck::NoMatch);
    let mut all = case(
        "all that can be asked for, and all fails",
        Guarantee::Strict,
        facts(enforced(), usable),
        [wrong(), wrong(), wrong()],
    );
    all.message.requiretls = true;
    all.policy.compliance = Some(Level::DaneOnly);
    all.policy.rule = Some(Rule::Floor(Level::Tls13));
    vec![
        case(
            "nothing is asked for: the first takes it",
            Guarantee::Off,
            facts(StsState::Absent, absent),
            [good(), clear(), clear()],
        ),
        case(
            "guarantee: the third takes it",
            Guarantee::On,
            facts(StsState::Absent, absent),
            [clear(), clear(), good()],
        ),
        case(
            "strict guarantee, DANE and MTA-STS: the third takes it",
            Guarantee::Strict,
            facts(enforced(), usable),
            [wrong(), wrong(), good()],
        ),
        case(
            "guarantee: back to its sender",
            Guarantee::On,
            facts(StsState::Absent, absent),
            [clear(), clear(), clear()],
        ),
        case("MTA-STS: it waits", Guarantee::Off, facts(enforced(), absent), [wrong(), wrong(), wrong()]),
        all,
    ]
}

fn main() {
    let cases = cases();
    println!("### From requirements to a verdict, with three hosts\n");
    println!("| | median | fastest | reasons | allocations |");
    println!("|---|---|---|---|---|");
    let mut candidates = cases.iter();
    let first = candidates.next().unwrap();
    // Many short turns: what else the machine does meets few of them.
    let comparison = Comparison::against(first.name, 1, || first.decide()).rounds(2001).turn(Duration::from_micros(50));
    let comparison = candidates.fold(comparison, |comparison, case| comparison.with(case.name, 1, || case.decide()));
    let measured = comparison.run(|_, _| {});
    for (case, measured) in cases.iter().zip(&measured) {
        let (verdict, times) = allocations(|| case.decide());
        let (median, fastest, reasons) = (time(measured.median), time(measured.fastest), verdict.reasons().len());
        println!("| {} | {median} | {fastest} | {reasons} | {times} |", case.name);
    }
    println!();
    let slowest = measured.iter().map(|measured| measured.median).fold(0.0, f64::max);
    assert!(slowest < MOST, "the slowest takes {}", time(slowest));
}
