//! E1: what a verdict says is what decides. Mend all that it names as missing and the mail goes; leave one out and it
//! stays. Take away who asks for it, and it goes too.

use sealpost_mail::Domain;
use sealpost_tls_policy::{
    Atom, Guarantee, Origin, Reason, Verdict,
    facts::{CertificateCheck, CertificateFacts, Channel, Dnssec, Mx, SessionFacts, StsState, TlsVersion, Tlsa},
    requirement::Origins,
    verdict::Finding,
};

use crate::{
    engine::Engine,
    laws::{law, planned_at},
    world::{World, enforcing, usable},
};

pub(crate) fn explanation_decides(engine: &dyn Engine, world: &World) -> Result<(), String> {
    for place in 0..world.hosts().len() {
        let mut alone = world.alone(place);
        alone.route = None;
        alone.attempt.last = false;
        at_host(engine, &alone, &world.hosts()[place].name)?;
    }
    Ok(())
}

fn at_host(engine: &dyn Engine, world: &World, host: &Domain) -> Result<(), String> {
    let verdict = engine.verdict(world);
    let reasons: Vec<&Reason> = verdict.reasons().iter().filter(|reason| reason.host.is_some()).collect();
    law(reasons.iter().all(|reason| reason.host.as_ref() == Some(host)), || "another host".into())?;
    let said: Vec<(Atom, Origins)> =
        reasons.iter().filter_map(|reason| reason.atom.map(|atom| (atom, reason.origins))).collect();
    let required = planned_at(engine, world, Some(host));
    let held = world.held(Some(host));
    if let Verdict::Deliver { .. } = verdict {
        let all_held = reasons.iter().all(|reason| reason.finding == Finding::Held);
        return law(all_held && said == required.iter().collect::<Vec<_>>(), || format!("delivered: {reasons:?}"));
    }
    if reasons.iter().any(|reason| reason.atom.is_none()) {
        // No connection came about: that is all there is to say, but for what is known without one.
        let unreachable = world.session(Some(host)).is_none_or(|session| session.channel.is_unreachable());
        return law(unreachable, || "the host was there".into());
    }
    law(reasons.iter().all(|reason| is_so(world, host, reason)), || format!("it is not as {reasons:?} say"))?;
    match world.session(Some(host)) {
        Some(_) => {
            let missing: Vec<_> = required.iter().filter(|(atom, _)| !held.contains(atom)).collect();
            law(said == missing, || format!("{said:?}, but it is {missing:?}"))?;
        }
        // It is yet to be tried, and nothing is said.
        None if said.is_empty() => return law(matches!(verdict, Verdict::TryNext { .. }), || format!("{verdict:?}")),
        None => {}
    }
    mended(engine, world, host, &said)?;
    unasked(engine, world, &said)
}

/// What was found about the atom is what the facts say.
fn is_so(world: &World, host: &Domain, reason: &Reason) -> bool {
    let (facts, session) = (world.host(host), world.session(Some(host)));
    let Some(atom) = reason.atom else { return false };
    match &reason.finding {
        Finding::NotTried => session.is_none(),
        Finding::Channel(channel) => session.is_some_and(|session| {
            session.channel == *channel && !matches!(channel, Channel::Tls { .. } | Channel::Unreachable { .. })
        }),
        Finding::Version(found) => {
            let of_session =
                |session: &SessionFacts| matches!(session.channel, Channel::Tls { version, .. } if version == *found);
            atom == Atom::Tls13 && session.is_some_and(of_session)
        }
        Finding::Certificate(found) => session.is_some_and(|session| {
            matches!(session.channel, Channel::Tls { certificate, .. } if certificate == *found)
                && [Atom::PeerAuthenticated, Atom::Pkix, Atom::Dane].contains(&atom)
        }),
        Finding::NoTlsa => atom == Atom::Dane && !matches!(facts.tlsa, Tlsa::Usable { .. }),
        Finding::TlsaFailed => atom == Atom::TlsaAnswered && facts.tlsa == Tlsa::Failed,
        Finding::NotListed => atom == Atom::MxListed && world.enforced().is_some_and(|policy| !policy.lists(host)),
        Finding::NotVouchedFor => atom == Atom::MxAuthenticated && world.facts.sts != StsState::Unknown,
        Finding::PolicyUnknown => atom == Atom::MxAuthenticated && world.facts.sts == StsState::Unknown,
        Finding::MxInsecure => {
            atom == Atom::MxSecure && matches!(world.facts.mx, Mx::Hosts { dnssec: Dnssec::Insecure, .. })
        }
        Finding::NotAdvertised => atom == Atom::RequireTls && session.is_some_and(|session| !session.requiretls),
        _ => false,
    }
}

fn mended(engine: &dyn Engine, world: &World, host: &Domain, said: &[(Atom, Origins)]) -> Result<(), String> {
    let atoms: Vec<Atom> = said.iter().map(|(atom, _)| *atom).collect();
    let delivers = |world: &World| matches!(engine.verdict(world), Verdict::Deliver { .. });
    let whole = mend(world, &atoms);
    law(delivers(&whole), || format!("mended {atoms:?}, and still {:?}", engine.verdict(&whole)))?;
    for left in &atoms {
        let others: Vec<Atom> = atoms.iter().copied().filter(|atom| atom != left).collect();
        let part = mend(world, &others);
        // Some come with others: TLS with a version of it. And TLSA records that are there now take PKIX's place.
        let comes_along =
            part.held(Some(host)).contains(left) || !planned_at(engine, &part, Some(host)).requires(*left);
        law(comes_along || !delivers(&part), || format!("{left:?} is still missing, but it goes"))?;
    }
    Ok(())
}

/// The same with these atoms held.
fn mend(world: &World, atoms: &[Atom]) -> World {
    let mut world = world.clone();
    let has = |atom: &Atom| atoms.contains(atom);
    if let Mx::Hosts { dnssec, hosts } = &mut world.facts.mx {
        if has(&Atom::MxSecure) || has(&Atom::MxAuthenticated) {
            *dnssec = Dnssec::Secure;
        }
        if has(&Atom::TlsaAnswered) {
            hosts[0].tlsa = Tlsa::Absent;
        }
        if has(&Atom::Dane) && !matches!(hosts[0].tlsa, Tlsa::Usable { .. }) {
            hosts[0].tlsa = usable();
        }
    }
    if has(&Atom::MxListed) {
        world.facts.sts = enforcing(&["*.example.org"]);
    }
    match &mut world.sessions[0] {
        Some(session) => mend_session(session, atoms),
        // Whatever it asks for, this connection holds it.
        none => *none = Some(perfect()),
    }
    world
}

fn mend_session(session: &mut SessionFacts, atoms: &[Atom]) {
    let has = |atom: &Atom| atoms.contains(atom);
    session.requiretls |= has(&Atom::RequireTls);
    if has(&Atom::Encrypted) && !matches!(session.channel, Channel::Tls { .. }) {
        let certificate = CertificateFacts::new(CertificateCheck::Untrusted, CertificateCheck::NotMade);
        session.channel = Channel::Tls { version: TlsVersion::Tls12, certificate };
    }
    if let Channel::Tls { version, certificate } = &mut session.channel {
        if has(&Atom::Tls13) {
            *version = TlsVersion::Tls13;
        }
        if has(&Atom::Pkix) || has(&Atom::PeerAuthenticated) {
            certificate.pkix = CertificateCheck::Passed;
        }
        if has(&Atom::Dane) {
            certificate.dane = CertificateCheck::Passed;
        }
    }
}

pub(crate) fn perfect() -> SessionFacts {
    let certificate = CertificateFacts::new(CertificateCheck::Passed, CertificateCheck::Passed);
    SessionFacts::new(Channel::Tls { version: TlsVersion::Tls13, certificate }).offering_requiretls(true)
}

fn unasked(engine: &dyn Engine, world: &World, said: &[(Atom, Origins)]) -> Result<(), String> {
    let asked = said.iter().fold(Origins::NONE, |all, (_, origins)| all.union(*origins));
    // Without TLSA records MTA-STS asks for more; without REQUIRETLS the header counts.
    let entangled = asked.contains(Origin::Dane) && world.enforced().is_some() || world.message.tls_required_no;
    if entangled || world.sessions[0].is_none() {
        return Ok(());
    }
    let delivers = |world: &World| matches!(engine.verdict(world), Verdict::Deliver { .. });
    let nobody = without(world, asked);
    law(delivers(&nobody), || format!("nobody asks, and still {:?}", engine.verdict(&nobody)))?;
    for origin in asked.iter() {
        let alone = without(world, asked.without(origin));
        law(!delivers(&alone), || format!("{origin:?} asks, but it goes"))?;
    }
    Ok(())
}

fn without(world: &World, origins: Origins) -> World {
    let mut world = world.clone();
    if origins.contains(Origin::UserGuarantee) {
        world.guarantee = Guarantee::Off;
    }
    if origins.contains(Origin::OrgCompliance) {
        world.policy.compliance = None;
    }
    if origins.contains(Origin::AdminMap) {
        world.policy.rule = None;
    }
    if origins.contains(Origin::RequireTls) {
        world.message.requiretls = false;
    }
    if origins.contains(Origin::MtaSts) {
        world.facts.sts = StsState::Absent;
    }
    if origins.contains(Origin::Dane) {
        world.hosts_mut()[0].tlsa = Tlsa::Absent;
    }
    world
}

trait Reached {
    fn is_unreachable(&self) -> bool;
}

impl Reached for Channel {
    fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}
