//! Whether a mail may take the alternate secure route.

use super::{Attempt, HostVerdict, Plan};
use crate::{
    facts::{Channel, TlsVersion},
    requirement::{Atom, Origin},
    route::{AlternateRoute, Refusal},
};

impl AlternateRoute {
    /// Why it is not for this mail at all, whatever its hosts showed.
    pub(super) fn refuses(&self, plan: &Plan<'_>, attempt: Attempt) -> Option<Refusal> {
        if attempt.rerouted {
            return Some(Refusal::Twice);
        }
        if plan.hosts().any(|host| host.name() == Some(&self.host)) {
            return Some(Refusal::SameHost);
        }
        (!self.proved().contains(Atom::Encrypted)).then_some(Refusal::NotProved)
    }

    /// Why it can't make up for what this host lacks.
    pub(super) fn refuses_host(&self, verdict: &HostVerdict<'_>) -> Option<Refusal> {
        let missing = verdict.missing();
        if missing.all_origins().has_recipients() && !self.enforces_recipient_policy {
            return Some(Refusal::RecipientPolicy);
        }
        if !lacks_tls(verdict) {
            return Some(Refusal::OtherFailure);
        }
        // What the sender's side requires, it must hold itself.
        let mut requirements = verdict.plan().requirements().iter();
        let weaker = requirements.find(|(atom, origins)| {
            let others = origins.without(Origin::Dane).without(Origin::MtaSts);
            !others.is_empty() && !self.proved().contains(*atom)
        });
        weaker.map(|(atom, _)| Refusal::Weaker(atom))
    }
}

/// Whether the sender's side needs TLS, and the host has none, or only a version that is too old.
fn lacks_tls(verdict: &HostVerdict<'_>) -> bool {
    let missing = verdict.missing();
    let senders = |atom| !missing.origins(atom).without(Origin::Dane).without(Origin::MtaSts).is_empty();
    match verdict.channel() {
        Some(Channel::NotOffered | Channel::TooOld) => senders(Atom::Encrypted),
        Some(Channel::Tls { version: TlsVersion::Tls12, .. }) => senders(Atom::Tls13),
        _ => false,
    }
}
