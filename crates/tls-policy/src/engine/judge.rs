//! After the handshake, before MAIL FROM: what a connection holds.

use std::{borrow::Cow, net::IpAddr};

use sealpost_mail::Domain;

use super::plan::HostPlan;
use crate::{
    facts::{CertificateCheck, Channel, SessionFacts, TlsVersion},
    requirement::{Atom, Atoms, Requirements},
    verdict::Reason,
};

/// What a connection to a host is worth for one mail.
#[derive(Clone, Debug)]
pub struct HostVerdict<'a> {
    pub(super) plan: HostPlan<'a>,
    pub(super) session: Option<Cow<'a, SessionFacts>>,
    held: Atoms,
    missing: Requirements,
}

/// Judges a connection by what a mail's delivery to the host must hold to. For one mail only: where the connection is
/// used again, judge again.
#[must_use]
pub fn judge<'a>(plan: &HostPlan<'a>, session: &SessionFacts) -> HostVerdict<'a> {
    HostVerdict::of(*plan, Cow::Owned(session.clone()))
}

impl<'a> HostVerdict<'a> {
    pub(super) fn of(plan: HostPlan<'a>, session: Cow<'a, SessionFacts>) -> Self {
        let held = held(&plan, &session);
        Self { missing: plan.requirements.beyond(held), plan, session: Some(session), held }
    }

    /// Without a connection.
    pub(super) fn unconnected(plan: HostPlan<'a>) -> Self {
        Self { missing: plan.missing_beforehand(), plan, session: None, held: plan.known }
    }

    /// Whether the mail may be sent over this connection.
    #[must_use]
    pub fn delivers(&self) -> bool {
        self.is_reached() && self.missing.is_empty()
    }

    /// Whether the host answered its EHLO.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.channel().is_some_and(|channel| !matches!(channel, Channel::Unreachable { .. }))
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.held.contains(Atom::Encrypted)
    }

    /// The host's name; `None` if the next hop is an address.
    #[must_use]
    pub fn name(&self) -> Option<&'a Domain> {
        self.plan.name()
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.plan.port()
    }

    /// The address that was connected to, if it is known.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.session().and_then(|session| session.address).or_else(|| self.plan.address())
    }

    /// What was planned.
    #[must_use]
    pub const fn plan(&self) -> &HostPlan<'a> {
        &self.plan
    }

    /// What the connection showed; `None` if there was none to be made.
    #[must_use]
    pub fn session(&self) -> Option<&SessionFacts> {
        self.session.as_deref()
    }

    pub(super) fn channel(&self) -> Option<&Channel> {
        self.session().map(|session| &session.channel)
    }

    /// What the connection holds, whether it is required or not.
    #[must_use]
    pub const fn held(&self) -> Atoms {
        self.held
    }

    /// What is required and not held. Where no connection was made, only what is known without one.
    #[must_use]
    pub const fn missing(&self) -> &Requirements {
        &self.missing
    }

    /// Why the mail may be sent over the connection, or why it may not.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        self.add_reasons(&mut reasons);
        reasons
    }
}

fn held(plan: &HostPlan<'_>, session: &SessionFacts) -> Atoms {
    let Channel::Tls { version, certificate } = &session.channel else { return plan.known };
    // An address has no name that a certificate could be valid for.
    let pkix = plan.host.is_some() && certificate.pkix == CertificateCheck::Passed;
    let dane = !plan.tlsa().is_empty() && certificate.dane == CertificateCheck::Passed;
    plan.known
        .with(Atom::Encrypted)
        .with(Atom::Tls12)
        .with_if(Atom::Tls13, *version >= TlsVersion::Tls13)
        .with_if(Atom::Pkix, pkix)
        .with_if(Atom::Dane, dane)
        .with_if(Atom::PeerAuthenticated, pkix || dane)
        .with_if(Atom::RequireTls, session.requiretls)
}
