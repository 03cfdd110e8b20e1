//! Changes: who may make them, and what they come to.

use sealpost_mail::Address;
use sealpost_time::{Span, Time};

use super::{Actor, AuditEvent, Destination, Mailbox, Party, RelayHost, Role, Settings, User, What};
use crate::{
    Error, Result,
    message::{Guarantee, Level, Rule},
};

/// For how long a guarantee may be switched off so that it comes back by itself.
pub const LONGEST_OFF: Span = Span::hours(24);

/// Characters of a name or a reason.
const LONGEST_TEXT: usize = 1000;

/// A change that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Sets a user's guarantee until it is changed again.
    SetGuarantee {
        /// Whose.
        user: Address,
        /// To what.
        guarantee: Guarantee,
    },
    /// Switches a user's guarantee off for some time. It comes back by itself.
    SwitchOff {
        /// Whose.
        user: Address,
        /// The first time at which it is back.
        until: Time,
    },
    /// Switches a user's guarantee on again before its time.
    SwitchOn {
        /// Whose.
        user: Address,
    },
    /// Says how secure the organisation wants the way to somebody to be; `None`: says nothing any more.
    SetCompliance {
        /// To whom.
        party: Party,
        /// How.
        level: Option<Level>,
    },
    /// Sets a rule for a destination: a floor, or an exception; `None` takes it out.
    SetRule {
        /// For which.
        destination: Destination,
        /// Which.
        rule: Option<Rule>,
    },
    /// Registers a host that may become the alternate secure route (step 1); `None` takes it out.
    SetHost {
        /// The organisation's name for it.
        name: String,
        /// Which.
        host: Option<RelayHost>,
    },
    /// Binds the alternate secure route to a registered host (step 2); `None` takes the route away.
    SetRoute {
        /// The organisation's name for the host.
        name: Option<String>,
    },
}

/// Settings after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// The next version.
    pub settings: Settings,
    /// What to write into the audit log.
    pub event: AuditEvent,
}

impl Settings {
    /// Makes a change that is in force at once.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] if the actor may not make it, [`Error::Change`] if it makes no sense or changes nothing.
    pub fn apply(&self, change: &Change, actor: &Actor, now: Time) -> Result<Changed> {
        self.apply_from(change, actor, now, now)
    }

    /// Makes a change that is in force from a time on, but not before the change before it is.
    ///
    /// # Errors
    ///
    /// What [`Self::apply`] returns.
    pub fn apply_from(&self, change: &Change, actor: &Actor, now: Time, effective_from: Time) -> Result<Changed> {
        let event = self.event(change, actor, now, effective_from)?;
        let mut settings = self.clone();
        settings.replay(&event)?;
        Ok(Changed { settings, event })
    }

    /// The event of a change, which is not made yet: [`Self::replay`] makes it, without a copy of all settings.
    ///
    /// # Errors
    ///
    /// What [`Self::apply`] returns.
    pub fn event(&self, change: &Change, actor: &Actor, now: Time, effective_from: Time) -> Result<AuditEvent> {
        allow(change, actor)?;
        let version = self.version.checked_add(1).ok_or(Error::Change("there are no more versions"))?;
        if effective_from < now {
            return Err(Error::Change("nothing is in force before it is decided"));
        }
        let what = self.what(change, now)?;
        if what.changes_nothing() {
            return Err(Error::Change("that is so already"));
        }
        let effective_from = effective_from.max(self.effective_from);
        Ok(AuditEvent { version, at: now, actor: actor.clone(), effective_from, what })
    }

    fn what(&self, change: &Change, now: Time) -> Result<What> {
        Ok(match change {
            Change::SetGuarantee { user, guarantee } => {
                let new = Some(User::with(*guarantee)).filter(|user| user.guarantee != Guarantee::Off);
                self.guarantee(user, new)
            }
            Change::SwitchOff { user, until } => self.switched_off(user, *until, now)?,
            Change::SwitchOn { user } => {
                let mailbox = Mailbox::new(user.clone());
                let old = self.users.get(&mailbox).ok_or(Error::Change("the user has no guarantee"))?;
                self.guarantee(user, Some(User::with(old.guarantee)))
            }
            Change::SetCompliance { party, level } => {
                let old = self.compliance.get(party).copied();
                What::Compliance { party: party.clone(), old, new: *level }
            }
            Change::SetRule { destination, rule } => {
                rule.iter().try_for_each(|rule| check_rule(rule, now))?;
                let old = self.rules.get(destination).cloned();
                What::Rule { destination: destination.clone(), old, new: rule.clone() }
            }
            Change::SetHost { name, host } => {
                check_text(name)?;
                if host.is_none() && self.route.as_ref() == Some(name) {
                    return Err(Error::Change("the route is bound to that host: take the route away first"));
                }
                What::Host { name: name.clone(), old: self.hosts.get(name).cloned(), new: host.clone() }
            }
            Change::SetRoute { name } => {
                if name.as_ref().is_some_and(|name| !self.hosts.contains_key(name)) {
                    return Err(Error::Change("no such host is registered"));
                }
                What::Route { old: self.route.clone(), new: name.clone() }
            }
        })
    }

    fn guarantee(&self, user: &Address, new: Option<User>) -> What {
        let user = Mailbox::new(user.clone());
        What::Guarantee { old: self.users.get(&user).copied(), user, new }
    }

    fn switched_off(&self, user: &Address, until: Time, now: Time) -> Result<What> {
        let old = self.users.get(&Mailbox::new(user.clone())).filter(|user| user.guarantee != Guarantee::Off);
        let old = old.ok_or(Error::Change("the user has no guarantee to switch off"))?;
        if until <= now || until > now + LONGEST_OFF {
            return Err(Error::Change("it is switched off for a second at least, and for a day at most"));
        }
        Ok(self.guarantee(user, Some(User { off_until: Some(until), ..*old })))
    }
}

impl What {
    fn changes_nothing(&self) -> bool {
        match self {
            Self::Guarantee { old, new, .. } => old == new,
            Self::Compliance { old, new, .. } => old == new,
            Self::Rule { old, new, .. } => old == new,
            Self::Host { old, new, .. } => old == new,
            Self::Route { old, new } => old == new,
            Self::OneTime { .. } => false,
        }
    }
}

fn allow(change: &Change, actor: &Actor) -> Result<()> {
    check_text(&actor.name)?;
    let not_allowed = |problem| Err(Error::NotAllowed { actor: actor.name.clone(), problem });
    match change {
        Change::SetGuarantee { user, .. } | Change::SwitchOff { user, .. } | Change::SwitchOn { user } => {
            let own = actor.name.parse().is_ok_and(|name: Address| name == *user);
            if actor.role == Role::User && !own {
                return not_allowed("a user may change the own guarantee and no others");
            }
        }
        Change::SetCompliance { .. } | Change::SetRule { .. } => {
            if actor.role < Role::Administrator {
                return not_allowed("it takes an administrator");
            }
        }
        Change::SetHost { .. } | Change::SetRoute { .. } => {
            if actor.role < Role::TopAdministrator {
                return not_allowed("it takes an administrator of the organisation's top unit");
            }
        }
    }
    Ok(())
}

fn check_rule(rule: &Rule, now: Time) -> Result<()> {
    let Rule::Exception { until, reason, owner } = rule else { return Ok(()) };
    if *until <= now || *until == Time::NEVER {
        return Err(Error::Change("an exception has an end, and that is to come"));
    }
    check_text(reason)?;
    check_text(owner)
}

fn check_text(text: &str) -> Result<()> {
    if text.trim().is_empty() || text.len() > LONGEST_TEXT || text.chars().any(char::is_control) {
        return Err(Error::Change("a name or a reason is blank, longer than 1000 octets, or has control characters"));
    }
    Ok(())
}
