//! `sealpost tls allow`

use sealpost::tls_policy::{Span, one_time::Redemption, settings::AuditEvent};
use serde_json::json;

use super::{
    args,
    audit::{Log, beside},
    permissions, set, settings,
};
use crate::{
    failure::{At, Result},
    output::Output,
    time::now,
};

pub(super) fn run(args: &args::Allow, output: Output) -> Result {
    let now = args.clock.clock.unwrap_or_else(now);
    let audit = args.audit.clone().unwrap_or_else(|| beside(&args.settings));
    let mut log = Log::open(&audit)?;
    let mut settings = settings::read(Some(&args.settings))?;
    let version = settings.version;
    log.catch_up(&mut settings)?;
    if settings.version != version {
        // A change that was only recorded is made now: behind the next record nobody looks for it.
        set::write(&args.settings, &toml::to_string(&settings).at(&args.settings)?)?;
    }
    let until = now + Span::minutes(args.minutes);
    let redemption = Redemption::Granted { mail: args.mail.clone() };
    // First the record: none is missing.
    log.append(&AuditEvent::one_time(&settings, &args.sender, &args.to, &redemption, now))?;
    let user = args.user.clone().unwrap_or_else(|| args.sender.to_string());
    permissions::grant(&args.permissions, &user, &args.to, (now, until))?;
    let (to, until) = (args.to.to_string(), until.to_string());
    let text = format!("{user} may send one mail to {to} without the guarantee until {until}");
    output.result(&json!({ "user": user, "to": to, "until": until }), &text);
    Ok(())
}
