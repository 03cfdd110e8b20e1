//! The laws. Each looks at an engine from outside, and knows by itself what a world holds and asks for.

use sealpost_mail::Domain;
use sealpost_tls_policy::{
    Atom, Guarantee, MessageOrigin, Requirements, Verdict,
    facts::{CertificateCheck, Channel, SessionFacts, Tlsa},
    verdict::Status,
};

use crate::{engine::Engine, explained::explanation_decides, steps, world::World};

pub(crate) type Law = fn(&dyn Engine, &World) -> Result<(), String>;

/// All laws of this crate's engine.
pub(crate) const LAWS: [(&str, Law); 18] = [
    ("L1", delivered_holds_all),
    ("L2", required_encryption_is_never_clear),
    ("L3", guaranteed_is_never_clear),
    ("L4", dane_mismatch_is_never_delivered),
    ("L5", tlsa_failure_is_never_delivered),
    ("L6", sts_never_rescues_dane),
    ("L7", requiretls_is_held_to),
    ("L8", route_is_as_good),
    ("L9", exemption_removes_only_the_guarantee),
    ("L10", bounced_only_for_the_senders_side),
    ("M1", more_policy_more_requirements),
    ("M2", more_policy_never_weakens_the_channel),
    ("M3", more_policy_never_lets_go),
    ("F1", better_facts_never_stop),
    ("A1", attacker_gets_nothing),
    ("C1", order_does_not_count),
    ("D1", same_input_same_output),
    ("E1", explanation_decides),
];

pub(crate) fn law(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

/// Where it is delivered to, and whether over TLS.
fn delivered(verdict: &Verdict) -> Option<(Option<&Domain>, bool)> {
    match verdict {
        Verdict::Deliver { host, encrypted, .. } => Some((host.as_ref(), *encrypted)),
        _ => None,
    }
}

fn is_clear(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Deliver { encrypted: false, .. })
}

pub(crate) fn planned_at(engine: &dyn Engine, world: &World, name: Option<&Domain>) -> Requirements {
    engine.planned(world).into_iter().find(|(host, _)| host.as_ref() == name).unwrap().1
}

fn reached(session: Option<&SessionFacts>) -> bool {
    session.is_some_and(|session| !matches!(session.channel, Channel::Unreachable { .. }))
}

fn delivered_holds_all(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let verdict = engine.verdict(world);
    let Some((host, encrypted)) = delivered(&verdict) else { return Ok(()) };
    let held = world.held(host);
    let required = planned_at(engine, world, host).atoms();
    let senders = world.senders_atoms();
    let lacking = required.iter().chain(senders).find(|atom| !held.contains(atom));
    law(lacking.is_none(), || format!("{host:?} lacks {lacking:?}"))?;
    law(reached(world.session(host)), || format!("{host:?} is not there"))?;
    law(encrypted == held.contains(&Atom::Encrypted), || "encrypted or not?".into())
}

fn required_encryption_is_never_clear(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let verdict = engine.verdict(world);
    let Some((host, false)) = delivered(&verdict) else { return Ok(()) };
    law(!planned_at(engine, world, host).requires(Atom::Encrypted), || format!("in clear to {host:?}"))
}

fn guaranteed_is_never_clear(engine: &dyn Engine, world: &World) -> Result<(), String> {
    law(!(world.is_guaranteed() && is_clear(&engine.verdict(world))), || "a guaranteed mail in clear".into())
}

/// The TLSA records of the host that is delivered to, and how the check by them ended, if it may not be passed over.
fn dane_at_delivery(engine: &dyn Engine, world: &World) -> Option<(Domain, Tlsa, Option<CertificateCheck>)> {
    let verdict = engine.verdict(world);
    let (Some(host), _) = delivered(&verdict)? else { return None };
    let check = match &world.session(Some(host))?.channel {
        Channel::Tls { certificate, .. } => Some(certificate.dane),
        _ => None,
    };
    let binding = !world.sets_recipients_aside();
    binding.then(|| (host.clone(), world.host(host).tlsa.clone(), check))
}

fn dane_mismatch_is_never_delivered(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let Some((host, Tlsa::Usable { .. }, check)) = dane_at_delivery(engine, world) else { return Ok(()) };
    law(check == Some(CertificateCheck::Passed), || format!("delivered to {host} with {check:?}"))
}

fn tlsa_failure_is_never_delivered(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let Some((host, tlsa, _)) = dane_at_delivery(engine, world) else { return Ok(()) };
    law(tlsa != Tlsa::Failed, || format!("delivered to {host} without an answer about TLSA records"))
}

fn sts_never_rescues_dane(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let Some((host, Tlsa::Usable { .. }, check)) = dane_at_delivery(engine, world) else { return Ok(()) };
    let listed = world.enforced().is_some_and(|policy| policy.lists(&host));
    law(!listed || check == Some(CertificateCheck::Passed), || format!("rescued at {host}"))
}

fn requiretls_is_held_to(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let verdict = engine.verdict(world);
    let Some((host, _)) = delivered(&verdict).filter(|_| world.asks_requiretls()) else { return Ok(()) };
    let held = world.held(host);
    let needed = [Atom::Encrypted, Atom::Tls12, Atom::PeerAuthenticated, Atom::MxAuthenticated, Atom::RequireTls];
    law(needed.iter().all(|atom| held.contains(atom)), || format!("only {held:?}"))
}

fn route_is_as_good(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let Verdict::Reroute { route, .. } = engine.verdict(world) else { return Ok(()) };
    let Some(real) = world.route.as_ref() else { return Err("there is no route".into()) };
    law(route == *real, || "another route".into())?;
    law(!world.attempt.rerouted, || "twice".into())?;
    law(!world.hosts().iter().any(|host| host.name == route.host), || "to the host that failed".into())?;
    let senders = world.senders_atoms();
    let weaker = senders.iter().find(|atom| !real.proved().contains(**atom));
    law(weaker.is_none(), || format!("a route without {weaker:?}"))?;
    law(real.proved().contains(Atom::Encrypted), || "a route in clear".into())?;
    for (host, required) in engine.planned(world) {
        let session = world.session(host.as_ref());
        law(reached(session), || format!("{host:?} was not tried"))?;
        let held = world.held(host.as_ref());
        let failed = required.iter().find(|(atom, origins)| origins.has_recipients() && !held.contains(atom));
        law(real.enforces_recipient_policy || failed.is_none(), || format!("hides a failure: {failed:?}"))?;
    }
    Ok(())
}

fn exemption_removes_only_the_guarantee(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let list = |world: &World| engine.requirements(world).iter().collect::<Vec<_>>();
    let off = World { guarantee: Guarantee::Off, ..world.clone() };
    for origin in [MessageOrigin::VacationReply, MessageOrigin::UserForward, MessageOrigin::Dsn] {
        let of = |world: &World| {
            let mut exempt = world.clone();
            exempt.message.origin = origin;
            exempt
        };
        let submitted = |world: &World| {
            let mut submitted = world.clone();
            submitted.message.origin = MessageOrigin::Submitted;
            submitted
        };
        law(list(&of(world)) == list(&submitted(&off)), || format!("{origin:?} removes more, or less"))?;
    }
    let mut once = world.clone();
    once.message.one_time = true;
    law(list(&once) == list(&off), || "the override removes more, or less".into())
}

fn bounced_only_for_the_senders_side(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let Verdict::Bounce { status: Status { code, .. }, .. } = engine.verdict(world) else { return Ok(()) };
    if world.attempt.last || code == [5, 1, 10] || code == [5, 1, 2] {
        return Ok(());
    }
    let senders = world.is_guaranteed() || world.asks_requiretls() || world.policy.compliance.is_some();
    law(senders, || "nobody on the sender's side asked".into())?;
    for (host, required) in engine.planned(world) {
        let (session, held) = (world.session(host.as_ref()), world.held(host.as_ref()));
        // Without a connection only these are known to be missing.
        let before = [Atom::TlsaAnswered, Atom::MxListed];
        let counts = |atom: &Atom| session.is_some() || before.contains(atom);
        let recipients =
            required.iter().find(|(atom, origins)| origins.has_recipients() && !held.contains(atom) && counts(atom));
        law(recipients.is_none(), || format!("{host:?}: the recipient's policy: {recipients:?}"))?;
        law(session.is_none() || reached(session), || format!("{host:?} was not reached"))?;
    }
    Ok(())
}

fn more_policy_more_requirements(engine: &dyn Engine, world: &World) -> Result<(), String> {
    for (name, more) in steps::more_policy(world) {
        let (few, many) = (engine.requirements(world).atoms(), engine.requirements(&more).atoms());
        law(few.intersection(many) == few, || format!("{name}: {few:?} is not in {many:?}"))?;
        for ((host, few), (_, many)) in engine.planned(world).iter().zip(engine.planned(&more)) {
            let (few, many) = (few.atoms(), many.atoms());
            law(few.intersection(many) == few, || format!("{name}, {host:?}: {few:?} is not in {many:?}"))?;
        }
    }
    Ok(())
}

/// The policy of the recipient's side alone may send a mail without a guarantee from a host with TLS, whose DANE fails,
/// to one without (RFC 7672 §2.2): there the law is about one host.
fn more_policy_never_weakens_the_channel(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let before = engine.verdict(world);
    let safe = matches!(before, Verdict::Reroute { .. } | Verdict::Deliver { encrypted: true, .. });
    for (name, more) in steps::more_policy(world).into_iter().filter(|_| safe) {
        let after = engine.verdict(&more);
        let same_host = delivered(&before).zip(delivered(&after)).is_some_and(|(one, other)| one.0 == other.0);
        let senders = !more.senders_atoms().is_empty();
        law(!(is_clear(&after) && (same_host || senders)), || format!("{name}: {after:?}"))?;
    }
    Ok(())
}

fn more_policy_never_lets_go(engine: &dyn Engine, world: &World) -> Result<(), String> {
    if !matches!(engine.verdict(world), Verdict::Bounce { .. } | Verdict::Defer { .. }) {
        return Ok(());
    }
    for (name, more) in steps::more_policy(world) {
        let after = engine.verdict(&more);
        law(delivered(&after).is_none(), || format!("{name}: {after:?}"))?;
    }
    Ok(())
}

fn better_facts_never_stop(engine: &dyn Engine, world: &World) -> Result<(), String> {
    if delivered(&engine.verdict(world)).is_none() {
        return Ok(());
    }
    for (name, better) in steps::better_facts(world) {
        let after = engine.verdict(&better);
        law(delivered(&after).is_some(), || format!("{name}: {after:?}"))?;
    }
    Ok(())
}

fn attacker_gets_nothing(engine: &dyn Engine, world: &World) -> Result<(), String> {
    for (name, attacked) in steps::attacks(world) {
        let verdict = engine.verdict(&attacked);
        law(!(world.is_guaranteed() && is_clear(&verdict)), || format!("{name}: a guaranteed mail in clear"))?;
        let Some((Some(host), encrypted)) = delivered(&verdict) else { continue };
        let had_dane = matches!(world.host(host).tlsa, Tlsa::Usable { .. }) && !world.sets_recipients_aside();
        law(!had_dane || encrypted && attacked.host(host).tlsa != Tlsa::Failed, || {
            format!("{name}: delivered to {host}, whose TLSA records are known")
        })?;
    }
    Ok(())
}

fn order_does_not_count(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let order = |world: &World| engine.planned(world).into_iter().filter_map(|(host, _)| host).collect::<Vec<_>>();
    let mut by_preference: Vec<_> = world.hosts().iter().map(|host| (host.preference, host.name.clone())).collect();
    by_preference.sort_by_key(|(preference, _)| *preference);
    let names: Vec<_> = by_preference.iter().map(|(_, name)| name.clone()).collect();
    law(order(world) == names, || format!("{:?} and not {names:?}", order(world)))?;
    by_preference.dedup_by_key(|(preference, _)| *preference);
    if by_preference.len() < world.hosts().len() {
        return Ok(());
    }
    let other = steps::turned(world);
    law(order(&other) == names, || "another order".into())?;
    law(engine.verdict(&other) == engine.verdict(world), || "another verdict".into())
}

fn same_input_same_output(engine: &dyn Engine, world: &World) -> Result<(), String> {
    let octets = || serde_json::to_vec(&engine.verdict(world)).unwrap();
    let (once, again) = (octets(), octets());
    law(once == again, || "another verdict for the same".into())
}
