//! Before a connection is made: which hosts, in which order, and what each must hold to.

use std::net::IpAddr;

use sealpost_mail::Domain;

use super::judge::HostVerdict;
use crate::{
    dane::TlsaRecord,
    facts::{Addresses, DestinationFacts, Dnssec, HostFacts, Mx, NextHop, StsState, TlsVersion, Tlsa},
    requirement::{Atom, Atoms, Origin, Requirements},
    sts::{Mode, Policy},
};

/// How a mail may go to one recipient's destination.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    pub(super) wants: Requirements,
    pub(super) facts: &'a DestinationFacts,
}

/// How a mail may go to one host.
#[derive(Clone, Copy, Debug)]
pub struct HostPlan<'a> {
    pub(super) facts: &'a DestinationFacts,
    /// `None` if the next hop is an address.
    pub(super) host: Option<&'a HostFacts>,
    pub(super) requirements: Requirements,
    /// What is held before a connection is made.
    pub(super) known: Atoms,
}

/// Plans a mail that asks for `wants`, by what is known about its destination. Plan again at each try: what DNS said
/// is not to be kept for longer than DNS says.
#[must_use]
pub const fn plan<'a>(wants: &Requirements, facts: &'a DestinationFacts) -> Plan<'a> {
    Plan { wants: *wants, facts }
}

impl<'a> Plan<'a> {
    /// What the mail asks for, whichever host it goes to.
    #[must_use]
    pub const fn wants(&self) -> &Requirements {
        &self.wants
    }

    /// What is known about the destination.
    #[must_use]
    pub const fn facts(&self) -> &'a DestinationFacts {
        self.facts
    }

    /// Each host in the order in which it is to be tried: by preference, and else as the facts have them. How secure
    /// a host is does not change its place (RFC 7672 §2.2.1). None if there is no host to try.
    pub fn hosts(&self) -> impl Iterator<Item = HostPlan<'a>> + Clone + use<'a> {
        let Self { wants, facts } = *self;
        let address = matches!(facts.next_hop, NextHop::Address(_));
        let hosts = match &facts.mx {
            Mx::Hosts { hosts, .. } if !address => hosts.as_slice(),
            _ => &[],
        };
        let literal = address.then(|| HostPlan::to_address(wants, facts));
        literal.into_iter().chain(by_preference(hosts).map(move |host| HostPlan::to_host(wants, facts, host)))
    }
}

/// The hosts by their preference. Facts have them in this order already; nothing is allocated if not.
fn by_preference(hosts: &[HostFacts]) -> impl Iterator<Item = &HostFacts> + Clone {
    let next = move |last: Option<(u16, usize)>| {
        let keys = hosts.iter().enumerate().map(|(index, host)| (host.preference, index));
        keys.filter(|key| last.is_none_or(|last| *key > last)).min()
    };
    let keys = std::iter::successors(next(None), move |last| next(Some(*last)));
    keys.filter_map(|(_, index)| hosts.get(index))
}

impl<'a> HostPlan<'a> {
    /// Neither DANE nor MTA-STS (RFC 7672 §2.2, RFC 8461 §3.4).
    fn to_address(wants: Requirements, facts: &'a DestinationFacts) -> Self {
        Self { facts, host: None, requirements: wants, known: Atoms::NONE.with(Atom::TlsaAnswered) }
    }

    fn to_host(wants: Requirements, facts: &'a DestinationFacts, host: &'a HostFacts) -> Self {
        let mut requirements = wants;
        let enforced = enforced(&facts.sts);
        let listed = enforced.is_some_and(|policy| policy.lists(&host.name));
        if !wants.sets_recipients_aside() {
            by_dane(&mut requirements, &host.tlsa);
            if enforced.is_some() {
                by_sts(&mut requirements, &host.tlsa);
            }
        }
        // Who configures a host by its name vouches for the name.
        let fixed = matches!(facts.next_hop, NextHop::Host { .. });
        let secure = fixed || matches!(facts.mx, Mx::Hosts { dnssec: Dnssec::Secure, .. });
        let known = Atoms::NONE
            .with_if(Atom::MxSecure, secure)
            .with_if(Atom::MxListed, listed)
            .with_if(Atom::MxAuthenticated, secure || listed)
            .with_if(Atom::TlsaAnswered, host.tlsa != Tlsa::Failed);
        Self { facts, host: Some(host), requirements, known }
    }

    /// The host's name, as the MX record has it: what to connect to, and to log. `None` if the next hop is an address.
    #[must_use]
    pub fn name(&self) -> Option<&'a Domain> {
        self.host.map(|host| &host.name)
    }

    /// The next hop, if it is an address.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        match (&self.facts.next_hop, self.host) {
            (NextHop::Address(address), None) => Some(*address),
            _ => None,
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.host.map_or(25, |host| host.port)
    }

    /// What is known about it; `None` if the next hop is an address.
    #[must_use]
    pub const fn host(&self) -> Option<&'a HostFacts> {
        self.host
    }

    /// What a delivery to it must hold to: what the mail asks for, and what the recipient's side asks for at this
    /// host, by DANE or else by MTA-STS.
    #[must_use]
    pub const fn requirements(&self) -> &Requirements {
        &self.requirements
    }

    /// Whether a mail must not go to it in clear.
    #[must_use]
    pub fn needs_tls(&self) -> bool {
        self.requirements.requires(Atom::Encrypted)
    }

    /// The oldest version of TLS to offer. Never one before 1.2 (RFC 9325 §3.1.1).
    #[must_use]
    pub fn min_version(&self) -> TlsVersion {
        if self.requirements.requires(Atom::Tls13) { TlsVersion::Tls13 } else { TlsVersion::Tls12 }
    }

    /// The name for SNI: the TLSA base domain if there are usable records (RFC 7672 §8.1), else the host's.
    #[must_use]
    pub fn sni(&self) -> Option<&'a Domain> {
        match self.host {
            Some(HostFacts { tlsa: Tlsa::Usable { base, .. }, .. }) => Some(base),
            host => host.map(|host| &host.name),
        }
    }

    /// The usable TLSA records, and those beside them; none if there is nothing to check against.
    #[must_use]
    pub fn tlsa(&self) -> &'a [TlsaRecord] {
        match self.host {
            Some(HostFacts { tlsa: Tlsa::Usable { records, .. }, .. }) => records,
            _ => &[],
        }
    }

    /// Which names a certificate may have below a trust anchor of DANE: the TLSA base domain, and those of
    /// [`DestinationFacts::names_beside`]. None if there are no usable records.
    pub fn dane_names(&self) -> impl Iterator<Item = &'a Domain> {
        let usable = self.host.filter(|host| matches!(host.tlsa, Tlsa::Usable { .. }));
        let facts = self.facts;
        let beside = usable.into_iter().flat_map(move |host| facts.names_beside(&host.name));
        self.sni().filter(|_| usable.is_some()).into_iter().chain(beside)
    }

    /// The name that a certificate must have for PKIX: the host's (RFC 8461 §4.2).
    #[must_use]
    pub fn pkix_name(&self) -> Option<&'a Domain> {
        self.name()
    }

    /// Why the host must not be connected to, if so: its TLSA records could not be looked up (RFC 7672 §2.1.2), an
    /// enforced policy does not list it (RFC 8461 §5), its MX record is not secured and must be, it has no address, or
    /// it is an address and something needs a name. The verdict is one of those that [`conclude`](super::conclude)
    /// takes, but it finds them by itself too.
    #[must_use]
    pub fn refused(&self) -> Option<HostVerdict<'a>> {
        let decisive: &[Atom] = match self.host {
            None => &[Atom::PeerAuthenticated, Atom::Pkix, Atom::Dane, Atom::MxAuthenticated, Atom::MxSecure],
            Some(_) => &[Atom::TlsaAnswered, Atom::MxListed, Atom::MxSecure],
        };
        let fails = |atom: &Atom| self.requirements.requires(*atom) && !self.known.contains(*atom);
        let refused = decisive.iter().any(fails) || !self.has_address();
        refused.then(|| HostVerdict::unconnected(*self))
    }

    /// What can be known to be missing without a connection.
    pub(super) fn missing_beforehand(&self) -> Requirements {
        let literal = self.host.is_none();
        let no_tlsa = !matches!(self.host, Some(HostFacts { tlsa: Tlsa::Usable { .. }, .. }));
        // Whatever only a connection tells counts as held here.
        let open = Atoms::NONE
            .with(Atom::Encrypted)
            .with(Atom::Tls12)
            .with(Atom::Tls13)
            .with(Atom::RequireTls)
            .with_if(Atom::PeerAuthenticated, !literal)
            .with_if(Atom::Pkix, !literal)
            .with_if(Atom::Dane, !no_tlsa);
        self.requirements.beyond(open).beyond(self.known)
    }

    fn has_address(&self) -> bool {
        match self.host {
            Some(HostFacts { addresses: Addresses::Found(found), .. }) => !found.is_empty(),
            Some(_) => false,
            None => true,
        }
    }

    pub(super) fn is_same_host(&self, other: &Self) -> bool {
        self.name() == other.name() && self.port() == other.port()
    }
}

fn by_dane(requirements: &mut Requirements, tlsa: &Tlsa) {
    match tlsa {
        Tlsa::NotAsked | Tlsa::Absent => {}
        Tlsa::Failed => requirements.add(Atom::TlsaAnswered, Origin::Dane),
        Tlsa::Unusable => requirements.add(Atom::Encrypted, Origin::Dane),
        Tlsa::Usable { .. } => {
            requirements.add(Atom::Encrypted, Origin::Dane);
            requirements.add(Atom::Dane, Origin::Dane);
        }
    }
}

/// Where DANE authenticates a host, MTA-STS does not ask for PKIX too; but it never makes up for a failure of DANE
/// (RFC 8461 §2).
fn by_sts(requirements: &mut Requirements, tlsa: &Tlsa) {
    requirements.add(Atom::Encrypted, Origin::MtaSts);
    requirements.add(Atom::Tls12, Origin::MtaSts);
    requirements.add(Atom::MxListed, Origin::MtaSts);
    if !matches!(tlsa, Tlsa::Usable { .. }) {
        requirements.add(Atom::Pkix, Origin::MtaSts);
    }
}

/// A policy of mode `testing` asks for nothing, and vouches for nothing.
fn enforced(sts: &StsState) -> Option<&Policy> {
    match sts {
        StsState::Policy(policy) if policy.mode == Mode::Enforce => Some(policy),
        _ => None,
    }
}
