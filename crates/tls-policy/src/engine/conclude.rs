//! What becomes of the mail.

use std::borrow::Cow;

use super::{
    HostPlan, HostVerdict, Plan,
    reason::{add_notes, destination},
    status,
};
use crate::{
    facts::{Channel, Mx, NextHop, SessionFacts, StsState, TlsVersion},
    requirement::{Atom, Atoms, Origin},
    route::{AlternateRoute, Refusal},
    verdict::{Finding, Reason, Status, Verdict},
};

/// What the queue knows about a try to deliver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "three facts, that a queue has to find out each")]
pub struct Attempt {
    /// Whether the mail is too old to be tried again.
    pub last: bool,
    /// Whether the id of the recipient's policy of MTA-STS was looked up for this very try: a mail must not be given
    /// up before (RFC 8461 §5).
    pub sts_rechecked: bool,
    /// Whether the mail goes over the alternate secure route already.
    pub rerouted: bool,
}

/// What becomes of a mail for one recipient, by the connections that were made. The order of `tried` does not count;
/// of several connections to one host, the last one does.
#[must_use]
pub fn conclude(
    plan: &Plan<'_>,
    tried: &[HostVerdict<'_>],
    route: Option<&AlternateRoute>,
    attempt: Attempt,
) -> Verdict {
    let session = |host: &HostPlan<'_>| {
        tried.iter().rev().find(|verdict| verdict.plan().is_same_host(host)).and_then(HostVerdict::session)
    };
    decide(plan, session, route, attempt)
}

/// The same by facts that are all there: `session` gives what the connection to a host showed, or `None` if none was
/// made.
#[must_use]
pub fn decide<'s>(
    plan: &Plan<'s>,
    session: impl Fn(&HostPlan<'s>) -> Option<&'s SessionFacts>,
    route: Option<&AlternateRoute>,
    attempt: Attempt,
) -> Verdict {
    if let Some((status, finding)) = without_hosts(plan) {
        return Stop { plan, reasons: vec![destination(finding)], attempt }.now(status);
    }
    let tries = || plan.hosts().map(|host| verdict_of(host, session(&host)));
    if let Some(verdict) = tries().flatten().find(HostVerdict::delivers) {
        let mut reasons = Vec::new();
        verdict.add_reasons(&mut reasons);
        add_notes(&plan.wants, &mut reasons);
        return Verdict::Deliver { host: verdict.name().cloned(), encrypted: verdict.is_encrypted(), reasons };
    }
    let mut reasons = Vec::new();
    let mut sum = Sum::new(route.and_then(|route| route.refuses(plan, attempt)));
    for verdict in tries() {
        match verdict {
            Some(verdict) => {
                verdict.add_reasons(&mut reasons);
                sum.add(verdict, route);
            }
            None => sum.untried = true,
        }
    }
    add_notes(&plan.wants, &mut reasons);
    if sum.untried {
        return Verdict::TryNext { reasons };
    }
    match (route, sum.refusal) {
        (Some(route), None) => return Verdict::Reroute { route: route.clone(), reasons },
        (Some(_), Some(refusal)) => reasons.push(destination(Finding::NotRerouted(refusal))),
        (None, _) => {}
    }
    let stop = Stop { plan, reasons, attempt };
    match sum.last {
        Some(last) if sum.clean => stop.bounce(sum.lacks_requiretls.unwrap_or(last).stopped()),
        Some(last) => stop.wait(last.waiting(), sum.by_sts),
        // There is a host, else it would have been found out above.
        None => stop.wait(status::no_hosts(plan), false),
    }
}

/// What is known about a host: by a connection, or without one; `None` if it is yet to be tried.
fn verdict_of<'s>(host: HostPlan<'s>, session: Option<&'s SessionFacts>) -> Option<HostVerdict<'s>> {
    match session {
        Some(session) => Some(HostVerdict::of(host, Cow::Borrowed(session))),
        None => host.refused(),
    }
}

/// Why there is no host to be tried, if so.
fn without_hosts(plan: &Plan<'_>) -> Option<(Status, Finding)> {
    match &plan.facts.mx {
        _ if matches!(plan.facts.next_hop, NextHop::Address(_)) => None,
        Mx::Null => Some((status::null_mx(plan), Finding::NullMx)),
        Mx::NoSuchDomain => Some((status::no_such_domain(plan), Finding::NoSuchDomain)),
        Mx::Failed => Some((status::mx_failed(plan), Finding::MxFailed)),
        Mx::Hosts { hosts, .. } if hosts.is_empty() => Some((status::no_hosts(plan), Finding::NoHosts)),
        Mx::Hosts { .. } => None,
    }
}

/// What all hosts together come to, none of which can be delivered to.
struct Sum<'s> {
    untried: bool,
    /// Each of them gave a clean no to what the sender's side asks for.
    clean: bool,
    /// Why the alternate route can't make up for them.
    refusal: Option<Refusal>,
    /// Whether MTA-STS stopped one of them.
    by_sts: bool,
    /// The last one that lacks REQUIRETLS only.
    lacks_requiretls: Option<HostVerdict<'s>>,
    last: Option<HostVerdict<'s>>,
}

impl<'s> Sum<'s> {
    const fn new(refusal: Option<Refusal>) -> Self {
        Self { untried: false, clean: true, refusal, by_sts: false, lacks_requiretls: None, last: None }
    }

    fn add(&mut self, verdict: HostVerdict<'s>, route: Option<&AlternateRoute>) {
        self.clean &= says_no(&verdict);
        self.refusal = self.refusal.or_else(|| route.and_then(|route| route.refuses_host(&verdict)));
        self.by_sts |= verdict.missing().all_origins().contains(Origin::MtaSts);
        if verdict.lacks_only_requiretls() {
            self.lacks_requiretls = Some(verdict.clone());
        }
        self.last = Some(verdict);
    }
}

/// Whether a host gave a clean no to something that only the sender's side asks for: another try won't change it, and
/// the sender is to be told at once.
fn says_no(verdict: &HostVerdict<'_>) -> bool {
    let missing = verdict.missing();
    let origins = missing.all_origins();
    // The recipient's policies may be those of an attacker who is gone tomorrow (RFC 7672 §2.2, RFC 8461 §5).
    if origins.has_recipients() || verdict.no_connection().is_some() {
        return false;
    }
    let unknown = missing.requires(Atom::MxAuthenticated) && verdict.plan().facts.sts == StsState::Unknown;
    if origins.contains(Origin::RequireTls) {
        // RFC 8689 §4.2.1: after the last host the sender is to be told, whatever is missing.
        return !unknown;
    }
    if !origins.all_senders() {
        return false;
    }
    match verdict.channel() {
        Some(Channel::NotOffered | Channel::TooOld) => missing.requires(Atom::Encrypted),
        // 454 may pass (RFC 3207 §4).
        Some(Channel::Refused { reply }) => missing.requires(Atom::Encrypted) && reply.starts_with('5'),
        Some(Channel::Tls { version: TlsVersion::Tls12, .. }) => missing.atoms() == Atoms::NONE.with(Atom::Tls13),
        Some(_) => false,
        // No host has a name there, and none ever will.
        None => verdict.plan().host().is_none(),
    }
}

struct Stop<'p, 's> {
    plan: &'p Plan<'s>,
    reasons: Vec<Reason>,
    attempt: Attempt,
}

impl Stop<'_, '_> {
    /// By the class of the code.
    fn now(self, status: Status) -> Verdict {
        if status.code.first() == Some(&5) { self.bounce(status) } else { self.wait(status, false) }
    }

    fn bounce(self, status: Status) -> Verdict {
        let headers_only = self.plan.wants.requires(Atom::RequireTls);
        Verdict::Bounce { status, headers_only, reasons: self.reasons }
    }

    fn wait(mut self, status: Status, by_sts: bool) -> Verdict {
        if !self.attempt.last {
            return Verdict::Defer { status, reasons: self.reasons };
        }
        if by_sts && !self.attempt.sts_rechecked {
            self.reasons.push(destination(Finding::PolicyToRecheck));
            return Verdict::Defer { status, reasons: self.reasons };
        }
        self.reasons.push(destination(Finding::Expired));
        self.bounce(status::finally(status))
    }
}
