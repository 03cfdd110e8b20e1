//! Engines that break one rule each.

use std::{borrow::Cow, cell::Cell};

use sealpost_mail::Domain;
use sealpost_tls_policy::{
    AlternateRoute, Atom, Guarantee, MessageOrigin, Requirements, Verdict,
    facts::{CertificateCheck, Channel, DestinationFacts, Mx, SessionFacts, Tlsa},
    verdict::{Finding, Status},
};

use crate::{
    engine::{Engine, Real},
    world::World,
};

/// A mutant: what it changes of the world before each step sees it, and of the verdict after.
pub(crate) struct Mutant {
    /// The law that it breaks, and how.
    pub(crate) law: &'static str,
    pub(crate) name: &'static str,
    asks: Option<fn(&mut World)>,
    forgets: Option<fn(&World) -> Option<Atom>>,
    plans: Option<fn(&mut DestinationFacts, &World)>,
    judges: Option<fn(&mut SessionFacts, &World, &Domain)>,
    routes: Option<fn(&World) -> Option<AlternateRoute>>,
    concludes: Option<fn(&World, Verdict) -> Verdict>,
    /// How often it was asked.
    asked: Cell<u32>,
    /// It changes its mind.
    fickle: bool,
}

impl Mutant {
    fn new(law: &'static str, name: &'static str) -> Self {
        Self {
            law,
            name,
            asks: None,
            forgets: None,
            plans: None,
            judges: None,
            routes: None,
            concludes: None,
            asked: Cell::new(0),
            fickle: false,
        }
    }

    fn asks(law: &'static str, name: &'static str, change: fn(&mut World)) -> Self {
        Self { asks: Some(change), ..Self::new(law, name) }
    }

    fn forgets(law: &'static str, name: &'static str, atom: fn(&World) -> Option<Atom>) -> Self {
        Self { forgets: Some(atom), ..Self::new(law, name) }
    }

    fn plans(law: &'static str, name: &'static str, change: fn(&mut DestinationFacts, &World)) -> Self {
        Self { plans: Some(change), ..Self::new(law, name) }
    }

    fn judges(law: &'static str, name: &'static str, change: fn(&mut SessionFacts, &World, &Domain)) -> Self {
        Self { judges: Some(change), ..Self::new(law, name) }
    }

    fn routes(law: &'static str, name: &'static str, change: fn(&World) -> Option<AlternateRoute>) -> Self {
        Self { routes: Some(change), ..Self::new(law, name) }
    }

    fn concludes(law: &'static str, name: &'static str, change: fn(&World, Verdict) -> Verdict) -> Self {
        Self { concludes: Some(change), ..Self::new(law, name) }
    }
}

impl Engine for Mutant {
    fn requirements(&self, world: &World) -> Requirements {
        let mut seen = world.clone();
        self.asks.iter().for_each(|change| change(&mut seen));
        let wants = Real.requirements(&seen);
        match self.forgets.and_then(|forgets| forgets(world)) {
            Some(atom) => without(&wants, atom),
            None => wants,
        }
    }

    fn facts<'w>(&self, world: &'w World) -> Cow<'w, DestinationFacts> {
        let mut facts = world.facts.clone();
        self.plans.iter().for_each(|change| change(&mut facts, world));
        Cow::Owned(facts)
    }

    fn session<'w>(&self, world: &'w World, name: Option<&Domain>) -> Option<Cow<'w, SessionFacts>> {
        let mut session = world.session(name)?.clone();
        self.judges.iter().zip(name).for_each(|(change, name)| change(&mut session, world, name));
        Some(Cow::Owned(session))
    }

    fn route<'w>(&self, world: &'w World) -> Option<Cow<'w, AlternateRoute>> {
        match self.routes {
            Some(change) => change(world).map(Cow::Owned),
            None => Real.route(world),
        }
    }

    fn concluded(&self, world: &World, verdict: Verdict) -> Verdict {
        self.asked.set(self.asked.get() + 1);
        if self.fickle && self.asked.get().is_multiple_of(7) {
            return Verdict::TryNext { reasons: vec![] };
        }
        match self.concludes {
            Some(change) => change(world, verdict),
            None => verdict,
        }
    }
}

fn without(wants: &Requirements, forgotten: Atom) -> Requirements {
    let mut fewer = Requirements::NONE;
    wants.notes().for_each(|note| fewer.note(note));
    for (atom, origins) in wants.iter().filter(|(atom, _)| *atom != forgotten) {
        fewer.add_all(atom, origins);
    }
    fewer
}

fn stops(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Bounce { .. } | Verdict::Defer { .. })
}

/// Delivers in clear to the first host with such a connection, where the real one stops.
fn clear_if(world: &World, verdict: Verdict, is: fn(&Channel) -> bool) -> Verdict {
    let host =
        world.hosts().iter().find(|host| world.session(Some(&host.name)).is_some_and(|facts| is(&facts.channel)));
    match host {
        Some(host) if stops(&verdict) => {
            Verdict::Deliver { host: Some(host.name.clone()), encrypted: false, reasons: vec![] }
        }
        _ => verdict,
    }
}

fn hosts(facts: &mut DestinationFacts) -> impl Iterator<Item = &mut sealpost_tls_policy::facts::HostFacts> {
    match &mut facts.mx {
        Mx::Hosts { hosts, .. } => hosts.as_mut_slice().iter_mut(),
        _ => [].iter_mut(),
    }
}

fn route_like(world: &World, change: impl FnOnce(AlternateRoute) -> AlternateRoute) -> Option<AlternateRoute> {
    world.route.clone().map(change)
}

/// All of them; at least one for each law.
pub(crate) fn all() -> Vec<Mutant> {
    let mut all = of_delivery();
    all.extend(of_routes());
    all.extend(of_policy());
    all.extend(of_facts());
    all
}

fn of_delivery() -> Vec<Mutant> {
    vec![
        Mutant::forgets("L1", "the organisation's level needs no certificate", |world| {
            world.policy.compliance.map(|_| Atom::PeerAuthenticated)
        }),
        Mutant::concludes("L1", "an unreachable host takes mail", |world, verdict| {
            clear_if(world, verdict, |channel| matches!(channel, Channel::Unreachable { .. }))
        }),
        Mutant::concludes("L2", "clear where STARTTLS is refused", |world, verdict| {
            clear_if(world, verdict, |channel| matches!(channel, Channel::Refused { .. }))
        }),
        Mutant::asks("L3", "the header beats the guarantee", |world| {
            if world.message.tls_required_no {
                world.guarantee = Guarantee::Off;
            }
        }),
        Mutant::asks("L3", "an empty sender is exempt", |world| {
            if world.message.null_sender {
                world.message.origin = MessageOrigin::VacationReply;
            }
        }),
        Mutant::judges("L4", "any certificate matches", |session, _, _| {
            if let Channel::Tls { certificate, .. } = &mut session.channel {
                certificate.dane = CertificateCheck::Passed;
            }
        }),
        Mutant::plans("L5", "no answer about TLSA records is none", |facts, _| {
            hosts(facts).filter(|host| host.tlsa == Tlsa::Failed).for_each(|host| host.tlsa = Tlsa::Absent);
        }),
        Mutant::judges("L6", "MTA-STS rescues DANE", |session, world, name| {
            let listed = world.enforced().is_some_and(|policy| policy.lists(name));
            if let Channel::Tls { certificate, .. } = &mut session.channel
                && listed
                && certificate.pkix == CertificateCheck::Passed
            {
                certificate.dane = CertificateCheck::Passed;
            }
        }),
        Mutant::forgets("L7", "REQUIRETLS trusts any MX record", |world| {
            world.asks_requiretls().then_some(Atom::MxAuthenticated)
        }),
        Mutant::forgets("L7", "REQUIRETLS need not be offered", |_| Some(Atom::RequireTls)),
        Mutant::concludes("L10", "DANE bounces at once", |_, verdict| match verdict {
            Verdict::Defer { reasons, .. } => {
                let status = Status::new([5, 7, 5], "Server certificate not verified");
                Verdict::Bounce { status, headers_only: false, reasons }
            }
            other => other,
        }),
        Mutant::concludes("L10", "the administrator's floor bounces at once", |world, verdict| match verdict {
            Verdict::Defer { status, reasons } if world.policy.rule.is_some() && world.hosts().len() == 1 => {
                Verdict::Bounce { status, headers_only: false, reasons }
            }
            other => other,
        }),
    ]
}

fn of_routes() -> Vec<Mutant> {
    vec![
        Mutant::concludes("L8", "any route is good enough", |world, verdict| match (&world.route, verdict) {
            (Some(route), Verdict::Bounce { reasons, .. }) => Verdict::Reroute { route: route.clone(), reasons },
            (_, verdict) => verdict,
        }),
        Mutant::concludes("L8", "rerouted twice", |world, verdict| match (&world.route, verdict) {
            (Some(route), Verdict::Bounce { reasons, .. }) if world.attempt.rerouted => {
                Verdict::Reroute { route: route.clone(), reasons }
            }
            (_, verdict) => verdict,
        }),
        Mutant::concludes("L8", "rerouted to the host that failed", |world, verdict| match (&world.route, verdict) {
            (Some(route), Verdict::Bounce { reasons, .. })
                if world.hosts().iter().any(|host| host.name == route.host) =>
            {
                Verdict::Reroute { route: route.clone(), reasons }
            }
            (_, verdict) => verdict,
        }),
        Mutant::routes("L8", "a route that hides a failure of DANE", |world| {
            route_like(world, |route| route.enforcing_recipient_policy(true))
        }),
        Mutant::routes("L8", "a route is what it says", |world| {
            let proved = Atom::ALL.into_iter().collect();
            route_like(world, |route| route.with_proved(proved))
        }),
    ]
}

fn of_policy() -> Vec<Mutant> {
    vec![
        Mutant::asks("L9", "an answer by the server is exempt from REQUIRETLS", |world| {
            if world.message.origin.is_exempt() {
                world.message.requiretls = false;
            }
        }),
        Mutant::asks("L9", "the override is for the organisation's rule too", |world| {
            if world.message.one_time {
                world.policy.compliance = None;
            }
        }),
        Mutant::forgets("M1", "strict instead of TLS, not on top of it", |world| {
            (world.guarantee == Guarantee::Strict).then_some(Atom::Tls12)
        }),
        Mutant::asks("M2", "strict is not known, so it is off", |world| {
            if world.guarantee == Guarantee::Strict {
                world.guarantee = Guarantee::Off;
            }
        }),
        Mutant::asks("M3", "the organisation's rule instead of the user's", |world| {
            if world.policy.compliance.is_some() {
                world.guarantee = Guarantee::Off;
            }
        }),
    ]
}

fn of_facts() -> Vec<Mutant> {
    vec![
        Mutant::judges("F1", "who offers REQUIRETLS gets nothing else", |session, world, _| {
            if session.requiretls && !world.message.requiretls {
                session.channel = Channel::Unreachable { reason: String::new() };
            }
        }),
        Mutant::concludes("A1", "again without TLS after a reset", |world, verdict| {
            clear_if(world, verdict, |channel| matches!(channel, Channel::HandshakeFailed { .. }))
        }),
        Mutant::plans("A1", "no answer about TLSA records is none", |facts, _| {
            hosts(facts).filter(|host| host.tlsa == Tlsa::Failed).for_each(|host| host.tlsa = Tlsa::Absent);
        }),
        Mutant::plans("C1", "hosts with DANE come first", |facts, _| {
            for host in hosts(facts) {
                host.preference = if matches!(host.tlsa, Tlsa::Usable { .. }) { 0 } else { 10 };
            }
        }),
        Mutant::plans("C1", "in the order of the answer", |facts, _| {
            hosts(facts).for_each(|host| host.preference = 10);
        }),
        Mutant { fickle: true, ..Mutant::new("D1", "it changes its mind") },
        Mutant::concludes("E1", "one reason is left out", |_, verdict| {
            with_reasons(verdict, |reasons| {
                reasons.pop();
            })
        }),
        Mutant::concludes("E1", "something else is said to be found", |_, verdict| {
            with_reasons(verdict, |reasons| {
                for reason in reasons.iter_mut().filter(|reason| reason.atom.is_some()) {
                    reason.finding = Finding::NoTlsa;
                }
            })
        }),
        Mutant::concludes("E1", "somebody else is said to ask", |_, verdict| {
            with_reasons(verdict, |reasons| {
                for reason in reasons.iter_mut().filter(|reason| !reason.origins.is_empty()) {
                    reason.origins =
                        sealpost_tls_policy::requirement::Origins::only(sealpost_tls_policy::Origin::AdminMap);
                }
            })
        }),
    ]
}

fn with_reasons(mut verdict: Verdict, change: fn(&mut Vec<sealpost_tls_policy::Reason>)) -> Verdict {
    match &mut verdict {
        Verdict::Deliver { reasons, .. }
        | Verdict::TryNext { reasons }
        | Verdict::Defer { reasons, .. }
        | Verdict::Reroute { reasons, .. }
        | Verdict::Bounce { reasons, .. } => change(reasons),
        _ => {}
    }
    verdict
}
