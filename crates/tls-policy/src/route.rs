//! The alternate secure route: a host that takes what must travel securely and can't on the direct way.

use sealpost_mail::Domain;
use serde::Serialize;

use crate::{
    engine::HostVerdict,
    requirement::{Atom, Atoms},
};

/// The alternate secure route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct AlternateRoute {
    /// The host.
    #[serde(serialize_with = "crate::text::serialize")]
    pub host: Domain,
    /// Its port.
    pub port: u16,
    /// Whether it holds to the policies of the recipients' domains itself: only then mail whose DANE or MTA-STS failed
    /// may take it.
    pub enforces_recipient_policy: bool,
    proved: Atoms,
}

/// Why the alternate secure route is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Refusal {
    /// The mail was rerouted once.
    Twice,
    /// It is the host that failed.
    SameHost,
    /// It is not known to be secure itself.
    NotProved,
    /// It does not hold what the sender's side requires.
    Weaker(Atom),
    /// The recipient's policy failed, which the route does not enforce: it would hide an attack.
    RecipientPolicy,
    /// The direct way does not lack TLS: it is another thing that failed, or it may pass.
    OtherFailure,
}

impl AlternateRoute {
    /// What a route can hold for a mail. What concerns the recipient's own MX records and TLSA records is never among
    /// it.
    const PROVABLE: [Atom; 7] = [
        Atom::Encrypted,
        Atom::Tls12,
        Atom::Tls13,
        Atom::PeerAuthenticated,
        Atom::Pkix,
        Atom::MxAuthenticated,
        Atom::RequireTls,
    ];

    /// A route that nothing is known about yet: no mail takes it until it is [`proved_by`](Self::proved_by) a look at
    /// it.
    #[must_use]
    pub const fn new(host: Domain, port: u16) -> Self {
        Self { host, port, enforces_recipient_policy: false, proved: Atoms::NONE }
    }

    /// The same route, which holds what a connection to it held: judged by its own DANE and MTA-STS, with the route as
    /// its own policy domain (RFC 8461 §3.4). It holds nothing if they failed.
    ///
    /// A verdict about another host proves nothing.
    #[must_use]
    pub fn proved_by(self, verdict: &HostVerdict<'_>) -> Self {
        let same = verdict.name() == Some(&self.host) && verdict.port() == self.port;
        let held = if same && verdict.delivers() { verdict.held() } else { Atoms::NONE };
        self.with_proved(held)
    }

    /// The same route, which is known to hold `proved`.
    #[must_use]
    pub fn with_proved(self, proved: Atoms) -> Self {
        Self { proved: proved.intersection(Self::PROVABLE.into_iter().collect()), ..self }
    }

    /// The same route, which holds to the policies of the recipients' domains itself, or does not.
    #[must_use]
    pub fn enforcing_recipient_policy(self, enforces: bool) -> Self {
        Self { enforces_recipient_policy: enforces, ..self }
    }

    /// What it is known to hold.
    #[must_use]
    pub const fn proved(&self) -> Atoms {
        self.proved
    }
}
