//! What users and administrators set: guarantees, rules for destinations, and the alternate secure route.
//!
//! Settings are plain data, read from TOML ([`Settings::from_toml`]), asked for each recipient
//! ([`Settings::policy`]), and changed by people whose changes leave a trace ([`Settings::apply`], [`AuditEvent`]).
//!
//! ```
//! use sealpost_mail::Address;
//! use sealpost_time::Time;
//! use sealpost_tls_policy::{Guarantee, Level, settings::{Actor, Change, Role, Settings}};
//!
//! let settings = Settings::from_toml(r#"
//! version = 3
//! effective-from = 2026-11-27T00:00:00Z
//! route = "relay"
//!
//! [users]
//! "u@sender.example" = { guarantee = "on" }
//!
//! ## Of the organisation: mail to (and, for whoever receives, from) these.
//! [compliance]
//! "partner.example" = "secure"
//! ".partner.example" = "secure"
//! "boss@other.example" = "encrypt"
//!
//! ## By the administrator.
//! [rules]
//! "example.net" = { floor = "encrypt" }
//! "[mx.example.com]:587" = { floor = "dane-only" }
//!
//! [rules."old.example".exception]
//! until = 2026-12-24T00:00:00Z
//! reason = "Their certificate ended; they know."
//! owner = "postmaster@sender.example"
//!
//! [hosts.relay]
//! name = "relay.sender.example"
//! min-tls = "1.3"
//! "#)?;
//! let now = Time::from_rfc3339("2026-11-27T12:00:00Z").unwrap();
//! let (sender, recipient): (Address, Address) = ("u@sender.example".parse()?, "a@partner.example".parse()?);
//! let policy = settings.policy(Some(&sender), &recipient, now);
//! assert_eq!((policy.guarantee, policy.destination.compliance), (Guarantee::On, Some(Level::Authenticated)));
//!
//! let user = Actor::new("u@sender.example", Role::User);
//! let off = Change::SetGuarantee { user: sender.clone(), guarantee: Guarantee::Off };
//! let changed = settings.apply(&off, &user, now)?;
//! assert_eq!(changed.settings.policy(Some(&sender), &recipient, now).guarantee, Guarantee::Off);
//! assert!(serde_json::to_string(&changed.event).is_ok_and(|event| event.contains("u@sender.example")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When they take effect
//!
//! Each change makes a new version, in force from a time on. A server that spreads settings slowly lets them take effect
//! later ([`Settings::apply_from`]) and asks for those in force ([`Settings::in_force`]). A user's guarantee is to be
//! looked up when the mail is submitted, and kept with the mail: who switches it off means the mails that follow. All
//! else is to be looked up at each try to deliver.
//!
//! # In an audit chain
//!
//! An event is JSON of one line. A chain that nobody can change unseen, such as that of sealpost's rollover
//! (`sealpost_rollover::audit`), takes it as a record's text, with the event's time and the actor's name as the
//! record's. What is replayed from the chain ([`Settings::replay`]) over the settings that it began with is the
//! settings now: who doubts them can verify both.

mod audit;
mod change;
mod matching;
mod read;
mod unique;

use std::collections::BTreeMap;

use sealpost_mail::{Address, Domain, Host};
use sealpost_time::Time;
use serde::{Deserialize, Serialize};

pub use self::{
    audit::{Actor, AuditEvent, Role, What},
    change::{Change, Changed, LONGEST_OFF},
    matching::{Destination, Mailbox, Party},
};
use crate::{
    facts::{NextHop, TlsVersion},
    message::{DestinationPolicy, Guarantee, Level, Rule},
    requirement::{Atom, Atoms},
    route::AlternateRoute,
};

/// All settings of one organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Counted up with each change.
    pub version: u64,
    /// From when on they are in force.
    #[serde(with = "crate::when")]
    pub effective_from: Time,
    /// The host that mail takes which must travel securely and can't on the direct way: one of [`Self::hosts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Users with a guarantee.
    #[serde(deserialize_with = "unique::map")]
    pub users: BTreeMap<Mailbox, User>,
    /// How secure the organisation wants the way to (and from) these to be; what can't be sent so comes back at once.
    #[serde(deserialize_with = "unique::map")]
    pub compliance: BTreeMap<Party, Level>,
    /// The administrator's rules for destinations.
    #[serde(deserialize_with = "unique::map")]
    pub rules: BTreeMap<Destination, Rule>,
    /// Hosts that may become the alternate secure route, by the organisation's names for them.
    #[serde(deserialize_with = "unique::map")]
    pub hosts: BTreeMap<String, RelayHost>,
}

/// What a user set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct User {
    /// The guarantee.
    pub guarantee: Guarantee,
    /// Until when it is switched off; it comes back by itself.
    #[serde(default, with = "crate::when::option", skip_serializing_if = "Option::is_none")]
    pub off_until: Option<Time>,
}

/// A host that may become the alternate secure route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct RelayHost {
    /// Its name.
    #[serde(with = "crate::text")]
    pub name: Domain,
    /// Its port.
    #[serde(default = "smtp")]
    pub port: u16,
    /// The oldest version of TLS that it may come with.
    #[serde(default = "oldest")]
    pub min_tls: TlsVersion,
    /// Whether it holds to the policies of the recipients' domains itself.
    #[serde(default)]
    pub enforces_recipient_policy: bool,
}

/// What the settings say about one sender's mail to one recipient: what [`requirements`](crate::requirements) needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy<'a> {
    /// The sender's guarantee.
    pub guarantee: Guarantee,
    /// The organisation's lists.
    pub destination: DestinationPolicy,
    /// The host of the alternate secure route.
    pub route: Option<&'a RelayHost>,
}

impl Settings {
    /// What is set for a mail to `recipient`, at `now`. `None` is the null reverse-path, which has no guarantee.
    ///
    /// Of a mail that a user submits, `sender` is the user's mailbox in the one form that the settings have, by who is
    /// logged in. Its envelope may say anything: `<>`, as with receipts, an alias, a subaddress, or other letters'
    /// case, and no guarantee is found under these.
    ///
    /// Of several entries the most specific counts: an address before its domain, a domain before its parents, and of
    /// these the nearest. An exception that is over does not count, so that another entry may.
    #[must_use]
    pub fn policy(&self, sender: Option<&Address>, recipient: &Address, now: Time) -> Policy<'_> {
        let hop = match recipient.host() {
            Host::Domain(domain) => NextHop::Domain(domain.clone()),
            Host::Literal(ip) => NextHop::Address(*ip),
        };
        self.policy_by(sender, recipient, &hop, now)
    }

    /// The same where mail for the recipient goes to another next hop than the recipient's domain.
    #[must_use]
    pub fn policy_by(&self, sender: Option<&Address>, recipient: &Address, hop: &NextHop, now: Time) -> Policy<'_> {
        let user = sender.and_then(|sender| self.users.get(&Mailbox::new(sender.clone())));
        Policy {
            guarantee: user.map_or(Guarantee::Off, |user| user.guarantee_at(now)),
            destination: DestinationPolicy {
                compliance: self.compliance(recipient),
                rule: self.rule(hop, now).cloned(),
            },
            route: self.route.as_ref().and_then(|name| self.hosts.get(name)),
        }
    }

    /// How secure the organisation wants the way to or from an address to be.
    #[must_use]
    pub fn compliance(&self, address: &Address) -> Option<Level> {
        Party::matching(address).find_map(|party| self.compliance.get(&party)).copied()
    }

    /// What is set for a next hop as a whole, for programs that know no recipient: entries for single addresses don't
    /// count.
    #[must_use]
    pub fn destination(&self, hop: &NextHop, now: Time) -> DestinationPolicy {
        let domain = match hop {
            NextHop::Domain(domain) | NextHop::Host { name: domain, .. } => Some(domain),
            NextHop::Address(_) => None,
        };
        let mut parties = domain.into_iter().flat_map(Party::around);
        let compliance = parties.find_map(|party| self.compliance.get(&party)).copied();
        DestinationPolicy { compliance, rule: self.rule(hop, now).cloned() }
    }

    /// The administrator's rule for a next hop at `now`.
    #[must_use]
    pub fn rule(&self, hop: &NextHop, now: Time) -> Option<&Rule> {
        Destination::matching(hop).find_map(|to| self.rules.get(&to).filter(|rule| !is_over(rule, now)))
    }

    /// Exceptions that are over at `now`: to be looked at, and taken out.
    pub fn expired(&self, now: Time) -> impl Iterator<Item = (&Destination, &Rule)> {
        self.rules.iter().filter(move |(_, rule)| is_over(rule, now))
    }

    /// Of several versions the one that is in force at `now`: the last one whose time has come.
    #[must_use]
    pub fn in_force(versions: &[Self], now: Time) -> Option<&Self> {
        let due = versions.iter().filter(|settings| settings.effective_from <= now);
        due.max_by_key(|settings| (settings.effective_from, settings.version))
    }
}

/// Nothing is set, since ever.
impl Default for Settings {
    fn default() -> Self {
        Self {
            version: 0,
            effective_from: Time::from_unix(0),
            route: None,
            users: BTreeMap::new(),
            compliance: BTreeMap::new(),
            rules: BTreeMap::new(),
            hosts: BTreeMap::new(),
        }
    }
}

impl User {
    /// With a guarantee.
    #[must_use]
    pub const fn with(guarantee: Guarantee) -> Self {
        Self { guarantee, off_until: None }
    }

    /// The guarantee at `now`.
    #[must_use]
    pub fn guarantee_at(&self, now: Time) -> Guarantee {
        if self.off_until.is_some_and(|until| now < until) { Guarantee::Off } else { self.guarantee }
    }
}

impl RelayHost {
    /// The host `name`, at port 25, with TLS 1.2 at least.
    #[must_use]
    pub fn new(name: Domain) -> Self {
        Self { name, port: smtp(), min_tls: oldest(), enforces_recipient_policy: false }
    }

    /// As a route that a connection to it `proved` to hold so much. It holds nothing if its version of TLS is too old for
    /// the organisation: then no mail takes it.
    #[must_use]
    pub fn route(&self, proved: Atoms) -> AlternateRoute {
        let needed = if self.min_tls >= TlsVersion::Tls13 { Atom::Tls13 } else { Atom::Tls12 };
        let proved = if proved.contains(needed) { proved } else { Atoms::NONE };
        AlternateRoute::new(self.name.clone(), self.port)
            .enforcing_recipient_policy(self.enforces_recipient_policy)
            .with_proved(proved)
    }
}

fn is_over(rule: &Rule, now: Time) -> bool {
    matches!(rule, Rule::Exception { until, .. } if *until <= now)
}

const fn smtp() -> u16 {
    25
}

const fn oldest() -> TlsVersion {
    TlsVersion::Tls12
}

#[cfg(test)]
mod tests;
