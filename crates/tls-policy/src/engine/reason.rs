//! What is said about each requirement.

use super::{HostPlan, HostVerdict};
use crate::{
    facts::{Addresses, Channel, StsState},
    requirement::{Atom, Origins, Requirements},
    verdict::{Finding, Reason},
};

impl HostVerdict<'_> {
    pub(super) fn add_reasons(&self, reasons: &mut Vec<Reason>) {
        let host = || self.name().cloned();
        if self.delivers() {
            let held = self.plan.requirements.iter();
            reasons.reserve_exact(held.clone().count() + self.plan.requirements.notes().count());
            reasons.extend(held.map(|(atom, origins)| Reason {
                host: host(),
                atom: Some(atom),
                origins,
                finding: Finding::Held,
            }));
            return;
        }
        let without = |finding| Reason { host: host(), atom: None, origins: Origins::NONE, finding };
        reasons.extend(self.no_connection().map(without));
        if matches!(self.channel(), Some(Channel::Unreachable { .. })) {
            // Nothing is known about what the host would have held.
            return;
        }
        reasons.reserve(self.missing().iter().count());
        reasons.extend(self.missing().iter().map(|(atom, origins)| Reason {
            host: host(),
            atom: Some(atom),
            origins,
            finding: self.finding(atom),
        }));
    }

    /// Why there is no connection, if it is for another reason than a requirement.
    pub(super) fn no_connection(&self) -> Option<Finding> {
        match (self.session(), self.plan.host) {
            (Some(session), _) if matches!(session.channel, Channel::Unreachable { .. }) => {
                Some(Finding::Channel(session.channel.clone()))
            }
            (None, Some(host)) => match &host.addresses {
                Addresses::Found(found) if !found.is_empty() => None,
                Addresses::Found(_) | Addresses::None => Some(Finding::NoAddress),
                Addresses::Failed => Some(Finding::AddressesFailed),
            },
            _ => None,
        }
    }

    /// What was found about an atom that is missing.
    pub(super) fn finding(&self, atom: Atom) -> Finding {
        let literal = self.plan.host.is_none();
        match atom {
            Atom::TlsaAnswered => Finding::TlsaFailed,
            Atom::MxListed => Finding::NotListed,
            Atom::MxAuthenticated | Atom::MxSecure | Atom::PeerAuthenticated | Atom::Pkix | Atom::Dane if literal => {
                Finding::AddressLiteral
            }
            Atom::MxSecure => Finding::MxInsecure,
            Atom::MxAuthenticated => not_vouched_for(&self.plan),
            Atom::Dane if self.plan.tlsa().is_empty() => Finding::NoTlsa,
            Atom::Encrypted
            | Atom::Tls12
            | Atom::Tls13
            | Atom::PeerAuthenticated
            | Atom::Pkix
            | Atom::Dane
            | Atom::RequireTls => self.found_by_connection(atom),
        }
    }

    fn found_by_connection(&self, atom: Atom) -> Finding {
        match self.channel() {
            None => Finding::NotTried,
            Some(Channel::Tls { version, .. }) if atom == Atom::Tls13 => Finding::Version(*version),
            Some(Channel::Tls { .. }) if atom == Atom::RequireTls => Finding::NotAdvertised,
            Some(Channel::Tls { certificate, .. }) => Finding::Certificate(*certificate),
            Some(channel) => Finding::Channel(channel.clone()),
        }
    }
}

fn not_vouched_for(plan: &HostPlan<'_>) -> Finding {
    if plan.facts.sts == StsState::Unknown { Finding::PolicyUnknown } else { Finding::NotVouchedFor }
}

/// What else is to be said about how the requirements came about.
pub(super) fn add_notes(wants: &Requirements, reasons: &mut Vec<Reason>) {
    reasons.extend(wants.notes().map(|note| destination(Finding::Note(note))));
}

/// A reason that concerns the destination as a whole.
pub(super) const fn destination(finding: Finding) -> Reason {
    Reason { host: None, atom: None, origins: Origins::NONE, finding }
}
