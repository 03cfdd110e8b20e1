//! From one world to others: with more policy, with better facts, under attack.

use std::net::IpAddr;

use sealpost_tls_policy::{
    Guarantee, Level, MessageOrigin, Rule,
    facts::{Addresses, CertificateCheck, Channel, Dnssec, Mx, SessionFacts, TlsVersion, Tlsa},
};

use crate::{explained::perfect, world::World};

type Named = (String, World);

type Change = fn(&mut SessionFacts);

fn step(all: &mut Vec<Named>, name: &str, world: &World, change: impl FnOnce(&mut World)) {
    let mut other = world.clone();
    change(&mut other);
    all.push((name.into(), other));
}

/// One thing more is asked for, or one thing less is set aside.
pub(crate) fn more_policy(world: &World) -> Vec<Named> {
    let mut all = Vec::new();
    for guarantee in [Guarantee::On, Guarantee::Strict] {
        if world.guarantee < guarantee {
            step(&mut all, "guarantee", world, |world| world.guarantee = guarantee);
        }
    }
    if world.message.origin.is_exempt() {
        step(&mut all, "submitted", world, |world| world.message.origin = MessageOrigin::Submitted);
    }
    if world.message.one_time {
        step(&mut all, "no override", world, |world| world.message.one_time = false);
    }
    if world.message.tls_required_no {
        step(&mut all, "no header", world, |world| world.message.tls_required_no = false);
    }
    step(&mut all, "REQUIRETLS", world, |world| world.message.requiretls = true);
    step(&mut all, "a sender", world, |world| world.message.null_sender = false);
    let levels = [Level::Encrypted, Level::Authenticated, Level::DaneOnly, Level::Tls13];
    for level in levels {
        if matches!(world.policy.compliance, None | Some(Level::Encrypted)) {
            step(&mut all, "compliance", world, |world| world.policy.compliance = Some(level));
        }
        if matches!(world.policy.rule, None | Some(Rule::Exception { .. } | Rule::Floor(Level::Encrypted))) {
            step(&mut all, "floor", world, |world| world.policy.rule = Some(Rule::Floor(level)));
        }
    }
    all
}

/// One fact is better.
pub(crate) fn better_facts(world: &World) -> Vec<Named> {
    let mut all = Vec::new();
    step(&mut all, "DNSSEC", world, |world| {
        if let Mx::Hosts { dnssec, .. } = &mut world.facts.mx {
            *dnssec = Dnssec::Secure;
        }
    });
    for place in 0..world.hosts().len() {
        step(&mut all, "addresses", world, |world| {
            world.hosts_mut()[place].addresses = Addresses::Found(vec![IpAddr::from([192, 0, 2, 1])]);
        });
        if world.hosts()[place].tlsa == Tlsa::Failed {
            step(&mut all, "an answer", world, |world| world.hosts_mut()[place].tlsa = Tlsa::Absent);
        }
    }
    for place in 0..world.sessions.len() {
        step(&mut all, "perfect", world, |world| world.sessions[place] = Some(perfect()));
        let changes: [(&str, Change); 4] = [
            ("REQUIRETLS", |session| session.requiretls = true),
            ("PKIX", |session| {
                if let Channel::Tls { certificate, .. } = &mut session.channel {
                    certificate.pkix = CertificateCheck::Passed;
                }
            }),
            ("DANE", |session| {
                if let Channel::Tls { certificate, .. } = &mut session.channel {
                    certificate.dane = CertificateCheck::Passed;
                }
            }),
            ("TLS 1.3", |session| {
                if let Channel::Tls { version, .. } = &mut session.channel {
                    *version = TlsVersion::Tls13;
                }
            }),
        ];
        for (name, change) in changes {
            step(&mut all, name, world, |world| world.sessions[place].iter_mut().for_each(change));
        }
    }
    all
}

/// Somebody on the way strips STARTTLS, breaks or resets the handshake, offers old versions, cuts the line, or keeps
/// the answers about TLSA records back: at one host, or at all.
pub(crate) fn attacks(world: &World) -> Vec<Named> {
    let channels = [
        Channel::NotOffered,
        Channel::Refused { reply: "502 5.5.1 no".into() },
        Channel::Refused { reply: "454 4.7.0 no".into() },
        Channel::TooOld,
        Channel::HandshakeFailed { reason: "connection reset".into() },
        Channel::Unreachable { reason: "Connection refused".into() },
    ];
    let places = world.sessions.len();
    let mut all = Vec::new();
    for (from, to) in (0..places).map(|place| (place, place + 1)).chain([(0, places)]) {
        for channel in &channels {
            step(&mut all, &format!("{channel:?}"), world, |world| {
                world.sessions[from..to].iter_mut().for_each(|session| {
                    *session = Some(SessionFacts::new(channel.clone()));
                });
            });
        }
        step(&mut all, "TLSA", world, |world| {
            let hosts = world.hosts_mut();
            let to = to.min(hosts.len());
            hosts[from.min(to)..to].iter_mut().for_each(|host| host.tlsa = Tlsa::Failed);
        });
    }
    all
}

/// The hosts the other way round.
pub(crate) fn turned(world: &World) -> World {
    let mut other = world.clone();
    let count = other.hosts().len();
    other.hosts_mut().reverse();
    other.sessions[..count].reverse();
    other
}
