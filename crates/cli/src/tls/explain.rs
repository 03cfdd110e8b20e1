//! `sealpost tls explain`

use sealpost::{
    mail::{Address, Host},
    tls_policy::{
        Attempt, Message, MessageOrigin, Requirements, Verdict, decide, explain,
        explain::{Language, heads, rows, sentence},
        facts::NextHop,
        plan, requirements,
    },
};
use serde_json::{Value, json};

use super::{
    args::{self, Origin},
    facts::Gathered,
    gather,
    settings::{self, Rules},
};
use crate::{
    failure::{Failure, Result},
    output::Output,
    table::{Table, plain},
    time::now,
};

pub(super) fn run(args: &args::Explain, output: Output) -> Result {
    let now = args.clock.clock.unwrap_or_else(now);
    let next_hop = next_hop(&args.to);
    let rules = Rules::of(&settings::read(args.policy.as_deref())?, args.from.as_ref(), Some(&args.to), now);
    let gathered = gather(args.facts.as_ref(), &args.network, next_hop, now, output)?;
    let guarantee = args.asked_guarantee().unwrap_or(rules.guarantee);
    let wants = requirements(&message(args), guarantee, &rules.destination, now);
    let planned = plan(&wants, &gathered.destination);
    let verdict = decide(&planned, |host| gathered.session(host), rules.route.as_ref(), Attempt::default());
    output.result(&json(args, &wants, &verdict, &gathered), &text(&args.to, &verdict, args.language));
    match &verdict {
        Verdict::Defer { status, .. } => Err(Failure::verdict(plain(&format!("it would wait: {status}")), 30)),
        Verdict::TryNext { .. } => Err(Failure::verdict("it would wait: a host was not tried".to_owned(), 30)),
        Verdict::Bounce { status, .. } => Err(Failure::verdict(plain(&format!("it would come back: {status}")), 31)),
        _ => Ok(()),
    }
}

/// Where mail to an address goes.
fn next_hop(to: &Address) -> NextHop {
    match to.host() {
        Host::Domain(domain) => NextHop::Domain(domain.clone()),
        Host::Literal(address) => NextHop::Address(*address),
    }
}

fn message(args: &args::Explain) -> Message {
    let origin = match args.origin {
        Origin::Submitted => MessageOrigin::Submitted,
        Origin::VacationReply => MessageOrigin::VacationReply,
        Origin::UserForward => MessageOrigin::UserForward,
        Origin::Dsn => MessageOrigin::Dsn,
        Origin::Other => MessageOrigin::Other,
    };
    // Answers of the server have no sender who could be told.
    let null_sender = matches!(args.origin, Origin::VacationReply | Origin::Dsn);
    let (tls_required_no, requiretls) = (args.tls_required_no, args.requiretls);
    Message { origin, tls_required_no, requiretls, null_sender, one_time: false }
}

fn text(to: &Address, verdict: &Verdict, language: Language) -> String {
    let mut table = Table::new(&heads(language));
    let rows = rows(verdict, language);
    let any = !rows.is_empty();
    for explain::Row { host, requirement, asked_by, found, rule, .. } in rows {
        table.row([host, requirement, asked_by, found, rule]);
    }
    let sentence = format!("{to}: {}\n", plain(&sentence(verdict, language)));
    if any { format!("{sentence}\n{}", table.text()) } else { sentence }
}

fn json(args: &args::Explain, wants: &Requirements, verdict: &Verdict, gathered: &Gathered) -> Value {
    json!({
        "to": args.to.to_string(),
        "verdict": verdict,
        "sentence": sentence(verdict, args.language),
        "rows": rows(verdict, args.language),
        "wants": wants,
        "facts": gathered,
    })
}
