//! What was changed: who, when, what, the old value and the new one.

use std::collections::{BTreeMap, btree_map::Entry};

use sealpost_mail::Address;
use sealpost_time::Time;
use serde::{Deserialize, Serialize};

use super::{Destination, Mailbox, Party, RelayHost, Settings, User};
use crate::{
    Error, Result,
    message::{Level, Rule},
    one_time::Redemption,
};

/// Who changes something, as the server that asks made sure.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Actor {
    /// The name; of a user the address.
    pub name: String,
    /// What the actor may do.
    pub role: Role,
}

/// What an actor may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// Change the own guarantee.
    User,
    /// Change guarantees, rules, exceptions and what the organisation demands.
    Administrator,
    /// Of the organisation's top unit: that, and the alternate secure route.
    TopAdministrator,
}

impl Actor {
    /// An actor, by name and role.
    #[must_use]
    pub fn new(name: &str, role: Role) -> Self {
        Self { name: name.to_owned(), role }
    }
}

/// One thing that happened. In JSON it is an object, with what was changed beside who and when:
/// `{"version":4,"at":"2026-11-27T12:00:00Z","actor":{"name":"u@a.example","role":"user"},
/// "effective-from":"2026-11-27T12:00:00Z","what":"guarantee","user":"u@a.example","old":{"guarantee":"on"},"new":null}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct AuditEvent {
    /// The version of the settings that it made; of what changes no settings the version at that time.
    pub version: u64,
    /// When.
    #[serde(with = "crate::when")]
    pub at: Time,
    /// Who did it.
    pub actor: Actor,
    /// From when on it is in force.
    #[serde(with = "crate::when")]
    pub effective_from: Time,
    /// What, with the old value and the new one; none where there was or is nothing.
    #[serde(flatten)]
    pub what: What,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
#[non_exhaustive]
pub enum What {
    /// A user's guarantee was changed.
    Guarantee {
        /// Whose.
        user: Mailbox,
        /// What it was.
        old: Option<User>,
        /// What it is.
        new: Option<User>,
    },
    /// What the organisation demands was changed.
    Compliance {
        /// For whom.
        party: Party,
        /// What it was.
        old: Option<Level>,
        /// What it is.
        new: Option<Level>,
    },
    /// An administrator's rule was changed: a floor, or an exception.
    Rule {
        /// For which destination.
        destination: Destination,
        /// What it was.
        old: Option<Rule>,
        /// What it is.
        new: Option<Rule>,
    },
    /// A host was registered, changed or taken out.
    Host {
        /// The organisation's name for it.
        name: String,
        /// What it was.
        old: Option<RelayHost>,
        /// What it is.
        new: Option<RelayHost>,
    },
    /// The alternate secure route was bound to a host, or taken away.
    Route {
        /// The host's name before.
        old: Option<String>,
        /// The host's name.
        new: Option<String>,
    },
    /// Somebody tried to send a mail once without the guarantee. That changes no settings.
    OneTime {
        /// To whom.
        #[serde(with = "crate::text")]
        recipient: Address,
        /// What came of it.
        new: Redemption,
    },
}

impl AuditEvent {
    /// That `sender`, who is logged in, tried to send a mail once without the guarantee, while `settings` were in force.
    #[must_use]
    pub fn one_time(
        settings: &Settings,
        sender: &Address,
        recipient: &Address,
        redemption: &Redemption,
        at: Time,
    ) -> Self {
        let what = What::OneTime { recipient: recipient.clone(), new: redemption.clone() };
        let actor = Actor::new(&sender.to_string(), Role::User);
        Self { version: settings.version, at, actor, effective_from: at, what }
    }
}

impl Settings {
    /// Does once more what an event says. Events must be replayed in their order and without gaps.
    ///
    /// # Errors
    ///
    /// [`Error::Audit`] if it does not follow these settings. Then they stay as they were.
    pub fn replay(&mut self, event: &AuditEvent) -> Result<()> {
        let version = event.version;
        let broken = |problem| Error::Audit { version, problem };
        if matches!(event.what, What::OneTime { .. }) {
            let follows = version == self.version;
            return follows.then_some(()).ok_or_else(|| broken("it does not follow the version before"));
        }
        if self.version.checked_add(1) != Some(version) {
            return Err(broken("it does not follow the version before"));
        }
        if event.effective_from < self.effective_from {
            return Err(broken("it is in force before the version before"));
        }
        let follows = match event.what.clone() {
            What::Guarantee { user, old, new } => replaced(&mut self.users, user, old.as_ref(), new),
            What::Compliance { party, old, new } => replaced(&mut self.compliance, party, old.as_ref(), new),
            What::Rule { destination, old, new } => replaced(&mut self.rules, destination, old.as_ref(), new),
            What::Host { name, new: None, .. } if self.route.as_ref() == Some(&name) => {
                return Err(broken("it takes the host of the route away"));
            }
            What::Host { name, old, new } => replaced(&mut self.hosts, name, old.as_ref(), new),
            What::Route { old, new } => {
                let is_known = new.as_ref().is_none_or(|name| self.hosts.contains_key(name));
                let follows = self.route == old && is_known;
                if follows {
                    self.route = new;
                }
                follows
            }
            What::OneTime { .. } => true,
        };
        if !follows {
            return Err(broken("its old value is not what was set"));
        }
        (self.version, self.effective_from) = (version, event.effective_from);
        Ok(())
    }
}

/// Puts `new` in the place of `old`; does nothing if `old` is not what is there.
fn replaced<K: Ord, V: PartialEq>(map: &mut BTreeMap<K, V>, key: K, old: Option<&V>, new: Option<V>) -> bool {
    match (map.entry(key), new) {
        (Entry::Occupied(entry), _) if Some(entry.get()) != old => false,
        (Entry::Vacant(_), _) if old.is_some() => false,
        (Entry::Occupied(mut entry), Some(new)) => {
            entry.insert(new);
            true
        }
        (Entry::Occupied(entry), None) => {
            entry.remove();
            true
        }
        (Entry::Vacant(entry), new) => {
            if let Some(new) = new {
                entry.insert(new);
            }
            true
        }
    }
}
