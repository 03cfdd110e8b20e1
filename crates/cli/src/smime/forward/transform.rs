//! `sealpost smime forward transform`

use std::path::PathBuf;

use sealpost::smime_forwarding::{self, Outcome, Policy, RecipientReport, Report};
use serde_json::{Value, json};

use super::{args, read_instance};
use crate::{
    args::Disposition,
    failure::{At, Failure, Result},
    files::{Access, Place, write_to},
    forward::now,
    output::Output,
    table::Table,
};

/// No more instances, or recipients, are named in one line for people.
const NAMED: usize = 4;

pub(super) fn run(args: args::Transform, output: Output) -> Result {
    let instances: Vec<_> = args.instances.iter().map(|path| read_instance(path)).collect::<Result<_>>()?;
    let mut policy = Policy::default();
    policy.others = match args.others {
        Disposition::Keep => smime_forwarding::Disposition::Keep,
        Disposition::Drop => smime_forwarding::Disposition::Drop,
    };
    let limit = policy.limits.mail;
    let transform = smime_forwarding::Transform::new(&instances, now()?).policy(policy);
    let (from, to) = (Place::from(args.files.input), Place::from(args.files.output));
    let mut mail = from.mail(limit)?;
    let report = write_to(&to, Access::Public, |writer| {
        let report = transform.mail(&mut mail, writer).at(from.input_name())?;
        if report.transformed() > 0 { Ok(report) } else { Err(nothing(&from, &report)) }
    })?;
    output.beside_data(&report_json(&report, &args.instances), &text(&report, &args.instances));
    Ok(())
}

/// The failure if nothing was transformed: the refusals, then for whom the mail is. A mail may have a thousand recipients.
fn nothing(from: &Place, report: &Report) -> Failure {
    let why = |recipient: &RecipientReport| match &recipient.outcome {
        Outcome::Refused(refusal) => format!("{}: refused: {refusal}", recipient.recipient),
        _ => format!("{}: no instance is for it", recipient.recipient),
    };
    let is_refused = |recipient: &&RecipientReport| matches!(recipient.outcome, Outcome::Refused(_));
    let (refused, others): (Vec<_>, Vec<_>) = report.recipients.iter().partition(is_refused);
    let mut each: Vec<_> = refused.into_iter().chain(others).take(NAMED).map(why).collect();
    match report.recipients.len() {
        0 => each.push("it is not encrypted".to_owned()),
        all if all > NAMED => each.push(format!("and {} more", all - NAMED)),
        _ => {}
    }
    Failure::nothing(format!("{}: nothing to transform: {}", from.input_name().display(), each.join("; ")))
}

fn report_json(report: &Report, instances: &[PathBuf]) -> Value {
    let recipient = |recipient: &RecipientReport| {
        let (reason, refusal) = match &recipient.outcome {
            Outcome::Refused(refusal) => (Some(refusal.to_string()), Some(refusal.code())),
            _ => (None, None),
        };
        json!({
            "part": recipient.part,
            "recipient": recipient.recipient.to_string(),
            "outcome": recipient.outcome.code(),
            "refusal": refusal,
            "reason": reason,
            "instances": used(&recipient.outcome, instances),
        })
    };
    json!({
        "transformed": report.transformed(),
        "breaks_signature": report.breaks_signature,
        "recipients": report.recipients.iter().map(recipient).collect::<Vec<_>>(),
    })
}

fn text(report: &Report, instances: &[PathBuf]) -> String {
    let mut table = Table::new(&["part", "recipient", "outcome"]);
    for recipient in &report.recipients {
        let outcome = match &recipient.outcome {
            Outcome::Refused(refusal) => format!("refused: {refusal}"),
            Outcome::Transformed(places) if places.len() > NAMED => {
                format!("transformed with {} instances", places.len())
            }
            outcome @ Outcome::Transformed(_) => format!("transformed with {}", used(outcome, instances).join(", ")),
            outcome => outcome.code().to_owned(),
        };
        let part = if recipient.part.is_empty() { "the mail" } else { &recipient.part };
        table.row([part.to_owned(), recipient.recipient.to_string(), outcome]);
    }
    let warning = "A signature around an encrypted part is not valid any more. Those inside are.\n";
    table.text() + if report.breaks_signature { warning } else { "" }
}

/// The files of the instances that were used.
fn used(outcome: &Outcome, instances: &[PathBuf]) -> Vec<String> {
    let Outcome::Transformed(places) = outcome else { return Vec::new() };
    places.iter().filter_map(|place| instances.get(*place)).map(|path| path.display().to_string()).collect()
}
