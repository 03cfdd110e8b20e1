//! `sealpost tls set`: changes of settings, each with a record in an audit chain.

use std::path::Path;

use sealpost::tls_policy::{
    Guarantee, Rule,
    explain::{self, Language},
    settings::{Actor, Change, RelayHost, Role, Settings},
};
use serde_json::json;

use super::{
    args::{self, Setting},
    audit::{Log, beside},
    settings,
};
use crate::{
    failure::{At, Result},
    files::{Access, Place, write_to},
    output::Output,
    time::now,
};

pub(super) fn run(args: args::Set, output: Output) -> Result {
    let now = args.clock.clock.unwrap_or_else(now);
    let audit = args.audit.unwrap_or_else(|| beside(&args.settings));
    // Whoever changes them at the same time waits here.
    let mut log = Log::open(&audit)?;
    let mut settings = if args.settings.exists() { settings::read(Some(&args.settings))? } else { Settings::default() };
    log.catch_up(&mut settings)?;
    let actor = Actor::new(&args.by, role(args.role));
    let from = args.effective_from.unwrap_or(now);
    let change = change(args.setting);
    let changed = settings.apply_from(&change, &actor, now, from).at(&args.settings)?;
    let text = toml::to_string(&changed.settings).at(&args.settings)?;
    // First the record: there may be one of a change that was not made, which is made next time, but none is missing.
    log.append(&changed.event)?;
    write(&args.settings, &text)?;
    let event = serde_json::to_value(&changed.event).at(&audit)?;
    let version = changed.settings.version;
    let told = told(&change);
    let json = json!({ "event": event, "settings": args.settings, "told": told });
    let lines = [Some(format!("version {version}: {event}")), told.map(str::to_owned)];
    output.result(&json, &lines.into_iter().flatten().collect::<Vec<_>>().join("\n"));
    Ok(())
}

/// What whoever makes this change must know.
const fn told(change: &Change) -> Option<&'static str> {
    match change {
        Change::SetGuarantee { guarantee: Guarantee::Off, .. } => None,
        Change::SetGuarantee { .. } | Change::SwitchOn { .. } => Some(explain::exempt(Language::English)),
        _ => None,
    }
}

/// Writes settings: whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result {
    let to = Place::from(Some(path.to_owned()));
    write_to(&to, Access::Private, |writer| writer.write_all(text.as_bytes()).at(to.output_name()))
}

const fn role(role: args::Role) -> Role {
    match role {
        args::Role::User => Role::User,
        args::Role::Administrator => Role::Administrator,
        args::Role::TopAdministrator => Role::TopAdministrator,
    }
}

fn change(setting: Setting) -> Change {
    match setting {
        Setting::Guarantee { user, guarantee } => Change::SetGuarantee { user, guarantee: guarantee.into() },
        Setting::Off { user, until } => Change::SwitchOff { user, until },
        Setting::On { user } => Change::SwitchOn { user },
        Setting::Compliance { party, level } => Change::SetCompliance { party, level: level.into() },
        Setting::Floor { destination, level } => {
            let level = Option::from(level).map(Rule::Floor);
            Change::SetRule { destination, rule: level }
        }
        Setting::Exception { destination, until, reason, owner } => {
            Change::SetRule { destination, rule: Some(Rule::Exception { until, reason, owner }) }
        }
        Setting::NoRule { destination } => Change::SetRule { destination, rule: None },
        Setting::Host { name, host, port, tls13, enforces_recipient_policy } => {
            let mut relay = RelayHost::new(host);
            relay.port = port;
            relay.enforces_recipient_policy = enforces_recipient_policy;
            if tls13 {
                relay.min_tls = sealpost::tls_policy::facts::TlsVersion::Tls13;
            }
            Change::SetHost { name, host: Some(relay) }
        }
        Setting::NoHost { name } => Change::SetHost { name, host: None },
        Setting::Route { name } => Change::SetRoute { name: Some(name) },
        Setting::NoRoute => Change::SetRoute { name: None },
    }
}
