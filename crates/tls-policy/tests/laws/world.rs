//! All that a decision is made from, at random: up to four hosts, any of which may be anything.

use std::net::IpAddr;

use proptest::{collection::vec, option, prelude::*};
use sealpost_mail::Domain;
use sealpost_time::Time;
use sealpost_tls_policy::{
    AlternateRoute, Atom, Attempt, DestinationPolicy, Guarantee, Level, Message, MessageOrigin, Rule,
    dane::TlsaRecord,
    facts::{
        Addresses, CertificateCheck, CertificateFacts, Channel, DestinationFacts, Dnssec, HostFacts, Mx, NextHop,
        SessionFacts, StsState, TlsVersion, Tlsa,
    },
    requirement::Atoms,
    sts::{Mode, Policy},
};

/// Everything that a decision is made from.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) message: Message,
    pub(crate) guarantee: Guarantee,
    pub(crate) policy: DestinationPolicy,
    pub(crate) facts: DestinationFacts,
    /// By the place of the host among the facts; the first one is that of the address, if the next hop is one.
    pub(crate) sessions: Vec<Option<SessionFacts>>,
    pub(crate) route: Option<AlternateRoute>,
    pub(crate) attempt: Attempt,
}

pub(crate) const NOW: Time = Time::from_unix(1_795_780_800);

pub(crate) fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

fn name(number: usize) -> Domain {
    domain(&format!("mx{number}.example.org"))
}

impl World {
    pub(crate) fn hosts(&self) -> &[HostFacts] {
        match &self.facts.mx {
            Mx::Hosts { hosts, .. } if !self.is_literal() => hosts,
            _ => &[],
        }
    }

    pub(crate) fn hosts_mut(&mut self) -> &mut [HostFacts] {
        match &mut self.facts.mx {
            Mx::Hosts { hosts, .. } => hosts,
            _ => &mut [],
        }
    }

    pub(crate) fn is_literal(&self) -> bool {
        matches!(self.facts.next_hop, NextHop::Address(_))
    }

    /// The connection to a host; to the address if there is no name.
    pub(crate) fn session(&self, name: Option<&Domain>) -> Option<&SessionFacts> {
        let place = name.map_or(Some(0), |name| self.hosts().iter().position(|host| host.name == *name));
        place.and_then(|place| self.sessions[place].as_ref())
    }

    pub(crate) fn host(&self, name: &Domain) -> &HostFacts {
        self.hosts().iter().find(|host| host.name == *name).unwrap()
    }

    /// With one of its hosts only.
    pub(crate) fn alone(&self, place: usize) -> Self {
        let mut alone = self.clone();
        if let Mx::Hosts { hosts, .. } = &mut alone.facts.mx {
            *hosts = vec![hosts[place].clone()];
        }
        alone.sessions = vec![self.sessions[place].clone()];
        alone
    }

    /// `TLS-Required: No`, or an exception that holds, sets the recipient's policies aside.
    pub(crate) fn sets_recipients_aside(&self) -> bool {
        let exception = matches!(&self.policy.rule, Some(Rule::Exception { until, .. }) if NOW < *until);
        exception || self.message.tls_required_no && !self.message.requiretls
    }

    /// The user's guarantee holds for it.
    pub(crate) fn is_guaranteed(&self) -> bool {
        let origins = [MessageOrigin::Submitted, MessageOrigin::Other];
        self.guarantee != Guarantee::Off && origins.contains(&self.message.origin) && !self.message.one_time
    }

    pub(crate) fn asks_requiretls(&self) -> bool {
        self.message.requiretls && !self.message.null_sender
    }

    pub(crate) fn enforced(&self) -> Option<&Policy> {
        match &self.facts.sts {
            StsState::Policy(policy) if policy.mode == Mode::Enforce && !self.is_literal() => Some(policy),
            _ => None,
        }
    }

    /// What the sender's side and the administrator ask for, as the rules say, and not as the engine says.
    pub(crate) fn senders_atoms(&self) -> Vec<Atom> {
        let mut atoms = Vec::new();
        let encrypted = [Atom::Encrypted, Atom::Tls12];
        let authenticated = [Atom::PeerAuthenticated, Atom::MxAuthenticated];
        if self.is_guaranteed() {
            atoms.extend(encrypted);
            if self.guarantee == Guarantee::Strict {
                atoms.extend(authenticated);
            }
        }
        if self.asks_requiretls() {
            atoms.extend(encrypted);
            atoms.extend(authenticated);
            atoms.push(Atom::RequireTls);
        }
        let floor = match self.policy.rule {
            Some(Rule::Floor(level)) => Some(level),
            _ => None,
        };
        for level in self.policy.compliance.into_iter().chain(floor) {
            atoms.extend(encrypted);
            match level {
                Level::Authenticated => atoms.push(Atom::PeerAuthenticated),
                Level::DaneOnly => atoms.extend([Atom::Dane, Atom::MxSecure]),
                Level::Tls13 => atoms.push(Atom::Tls13),
                _ => {}
            }
        }
        atoms
    }

    /// What a connection to a host holds, as the rules say, and not as the engine says.
    pub(crate) fn held(&self, name: Option<&Domain>) -> Vec<Atom> {
        let mut held = vec![];
        let host = name.map(|name| self.host(name));
        let fixed = matches!(self.facts.next_hop, NextHop::Host { .. });
        let secure = fixed || matches!(self.facts.mx, Mx::Hosts { dnssec: Dnssec::Secure, .. });
        let listed = name.is_some_and(|name| self.enforced().is_some_and(|policy| policy.lists(name)));
        held.extend(listed.then_some(Atom::MxListed));
        held.extend((secure && host.is_some()).then_some(Atom::MxSecure));
        held.extend((secure && host.is_some() || listed).then_some(Atom::MxAuthenticated));
        held.extend(host.is_none_or(|host| host.tlsa != Tlsa::Failed).then_some(Atom::TlsaAnswered));
        let session = self.session(name);
        if let Some(SessionFacts { channel: Channel::Tls { version, certificate }, requiretls, .. }) = session {
            held.extend([Atom::Encrypted, Atom::Tls12]);
            held.extend((*version == TlsVersion::Tls13).then_some(Atom::Tls13));
            held.extend(requiretls.then_some(Atom::RequireTls));
            let pkix = certificate.pkix == CertificateCheck::Passed && host.is_some();
            let usable = host.is_some_and(|host| matches!(host.tlsa, Tlsa::Usable { .. }));
            let dane = certificate.dane == CertificateCheck::Passed && usable;
            held.extend(pkix.then_some(Atom::Pkix));
            held.extend(dane.then_some(Atom::Dane));
            held.extend((pkix || dane).then_some(Atom::PeerAuthenticated));
        }
        held
    }
}

pub(crate) fn worlds() -> impl Strategy<Value = World> {
    (messages(), guarantees(), policies(), facts(), vec(sessions(), 4), option::of(routes()), attempts()).prop_map(
        |(message, guarantee, policy, facts, sessions, route, attempt)| World {
            message,
            guarantee,
            policy,
            facts,
            sessions,
            route,
            attempt,
        },
    )
}

fn guarantees() -> impl Strategy<Value = Guarantee> {
    prop_oneof![Just(Guarantee::Off), Just(Guarantee::On), Just(Guarantee::Strict)]
}

fn messages() -> impl Strategy<Value = Message> {
    let origins = prop_oneof![
        6 => Just(MessageOrigin::Submitted),
        1 => Just(MessageOrigin::VacationReply),
        1 => Just(MessageOrigin::UserForward),
        1 => Just(MessageOrigin::Dsn),
        1 => Just(MessageOrigin::Other),
    ];
    let [no, requiretls, null, once] = [3, 3, 8, 8].map(seldom);
    (origins, no, requiretls, null, once).prop_map(|(origin, tls_required_no, requiretls, null_sender, one_time)| {
        Message { origin, tls_required_no, requiretls, null_sender, one_time }
    })
}

/// Once in so many times.
fn seldom(times: u32) -> impl Strategy<Value = bool> {
    prop_oneof![times - 1 => Just(false), 1 => Just(true)]
}

fn levels() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Encrypted), Just(Level::Authenticated), Just(Level::DaneOnly), Just(Level::Tls13)]
}

fn policies() -> impl Strategy<Value = DestinationPolicy> {
    let exception = any::<bool>().prop_map(|over| {
        let until = Time::from_unix(NOW.unix() + i64::from(!over));
        Rule::Exception { until, reason: "their server is old".into(), owner: "admin".into() }
    });
    let rules = prop_oneof![4 => Just(None), 2 => levels().prop_map(|level| Some(Rule::Floor(level))), 1 => exception.prop_map(Some)];
    let compliance = prop_oneof![3 => Just(None), 1 => levels().prop_map(Some)];
    (compliance, rules).prop_map(|(compliance, rule)| DestinationPolicy { compliance, rule })
}

fn attempts() -> impl Strategy<Value = Attempt> {
    let [last, rechecked, rerouted] = [6, 2, 8].map(seldom);
    (last, rechecked, rerouted).prop_map(|(last, sts_rechecked, rerouted)| Attempt { last, sts_rechecked, rerouted })
}

fn facts() -> impl Strategy<Value = DestinationFacts> {
    let hops = prop_oneof![
        12 => Just(NextHop::Domain(domain("example.org"))),
        1 => Just(NextHop::Host { name: name(0), port: 25 }),
        1 => Just(NextHop::Address(IpAddr::from([192, 0, 2, 9]))),
    ];
    (hops, mx(), states()).prop_map(|(next_hop, mx, sts)| DestinationFacts::new(next_hop, mx).with_sts(sts))
}

fn mx() -> impl Strategy<Value = Mx> {
    let dnssec = prop_oneof![Just(Dnssec::Secure), Just(Dnssec::Insecure)];
    let hosts = (dnssec, vec((any::<u16>(), addresses(), tlsa()), 1..=4)).prop_map(|(dnssec, hosts)| {
        let hosts = hosts.into_iter().enumerate();
        let hosts = hosts.map(|(number, (preference, addresses, tlsa))| {
            let host = HostFacts::new(name(number), preference, addresses, tlsa);
            with_base(host)
        });
        Mx::Hosts { dnssec, hosts: hosts.collect() }
    });
    prop_oneof![
        40 => hosts,
        1 => Just(Mx::Null),
        1 => Just(Mx::NoSuchDomain),
        1 => Just(Mx::Failed),
        1 => Just(Mx::Hosts { dnssec: Dnssec::Secure, hosts: vec![] }),
    ]
}

fn with_base(mut host: HostFacts) -> HostFacts {
    if let Tlsa::Usable { base, .. } = &mut host.tlsa {
        *base = host.name.clone();
    }
    host
}

fn addresses() -> impl Strategy<Value = Addresses> {
    prop_oneof![
        20 => Just(Addresses::Found(vec![IpAddr::from([192, 0, 2, 1])])),
        1 => Just(Addresses::Found(vec![])),
        1 => Just(Addresses::None),
        1 => Just(Addresses::Failed),
    ]
}

fn tlsa() -> impl Strategy<Value = Tlsa> {
    prop_oneof![
        2 => Just(Tlsa::Absent),
        1 => Just(Tlsa::NotAsked),
        2 => Just(Tlsa::Failed),
        1 => Just(Tlsa::Unusable),
        3 => Just(usable()),
    ]
}

pub(crate) fn usable() -> Tlsa {
    let record = TlsaRecord::new(3, 1, 1, vec![7; 32]).unwrap();
    Tlsa::Usable { base: name(0), records: vec![record] }
}

pub(crate) fn enforcing(mx: &[&str]) -> StsState {
    StsState::Policy(Policy::new(Mode::Enforce, mx, 86_400).unwrap())
}

fn states() -> impl Strategy<Value = StsState> {
    prop_oneof![
        4 => Just(StsState::Absent),
        1 => Just(StsState::Unknown),
        1 => Just(StsState::Policy(Policy::new(Mode::Testing, &["*.example.org"], 86_400).unwrap())),
        2 => Just(enforcing(&["*.example.org"])),
        1 => Just(enforcing(&["mx1.example.org", "mx2.example.org"])),
        1 => Just(enforcing(&["elsewhere.example.net"])),
    ]
}

fn sessions() -> impl Strategy<Value = Option<SessionFacts>> {
    let session = (channels(), any::<bool>(), option::of(Just(IpAddr::from([192, 0, 2, 1])))).prop_map(
        |(channel, requiretls, address)| {
            let facts = SessionFacts::new(channel).offering_requiretls(requiretls);
            match address {
                Some(address) => facts.at(address),
                None => facts,
            }
        },
    );
    prop_oneof![12 => session.prop_map(Some), 1 => Just(None)]
}

fn channels() -> impl Strategy<Value = Channel> {
    let pkix = prop_oneof![
        4 => Just(CertificateCheck::Passed),
        1 => Just(CertificateCheck::OtherName),
        1 => Just(CertificateCheck::Expired),
        1 => Just(CertificateCheck::Untrusted),
    ];
    let dane = prop_oneof![
        3 => Just(CertificateCheck::Passed),
        2 => Just(CertificateCheck::NoMatch),
        1 => Just(CertificateCheck::NotMade),
    ];
    let version = prop_oneof![Just(TlsVersion::Tls12), Just(TlsVersion::Tls13)];
    let tls = (version, pkix, dane)
        .prop_map(|(version, pkix, dane)| Channel::Tls { version, certificate: CertificateFacts::new(pkix, dane) });
    prop_oneof![
        1 => Just(Channel::Unreachable { reason: "Connection timed out".into() }),
        3 => Just(Channel::NotOffered),
        1 => Just(Channel::Refused { reply: "502 5.5.1 not here".into() }),
        1 => Just(Channel::Refused { reply: "454 4.7.0 not now".into() }),
        2 => Just(Channel::TooOld),
        1 => Just(Channel::HandshakeFailed { reason: "connection reset".into() }),
        8 => tls,
    ]
}

fn routes() -> impl Strategy<Value = AlternateRoute> {
    let all: Atoms = Atom::ALL.into_iter().collect();
    let some = vec(any::<bool>(), Atom::ALL.len())
        .prop_map(|chosen| Atom::ALL.into_iter().zip(chosen).filter(|(_, is)| *is).map(|(atom, _)| atom).collect());
    let proved = prop_oneof![2 => Just(all), 2 => some, 1 => Just(Atoms::NONE)];
    let host = prop_oneof![8 => Just(domain("relay.example.net")), 1 => Just(name(0))];
    (host, proved, any::<bool>()).prop_map(|(host, proved, enforces)| {
        AlternateRoute::new(host, 25).with_proved(proved).enforcing_recipient_policy(enforces)
    })
}
