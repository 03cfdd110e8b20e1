//! `sealpost rollover explain`

use sealpost::rollover::{
    Explanation, Time, explain as explained,
    explain::{SlotExplanation, Standing, Step},
    port::KeyStore,
};
use serde_json::{Value, json};

use super::{args, site::Site, subject::word};
use crate::{
    failure::{At, Result},
    output::Output,
};

pub(super) async fn run(args: args::Explain, output: Output) -> Result {
    let site = Site::open(&args.at).await?;
    let listed = site.subject(&args.address).await?;
    let now = site.store.now().await.at(site.name.text())?;
    let explanation = explained(&listed.state, &site.choices.policy, args.at_time.unwrap_or(now));
    let text = explanation.to_string().replace(&listed.subject.id.to_string(), &listed.subject.address);
    output.result(&json(&explanation, &listed.subject.address), &text);
    Ok(())
}

/// As the library says it, with the times as RFC 3339 writes them.
fn json(explanation: &Explanation, address: &str) -> Value {
    json!({
        "address": address,
        "subject": explanation.subject.to_string(),
        "kind": explanation.kind.word(),
        "at": explanation.at.to_string(),
        "policy": explanation.policy,
        "left": rfc3339(explanation.left),
        "slots": explanation.slots.iter().map(slot).collect::<Vec<_>>(),
        "text": explanation.to_string(),
    })
}

fn slot(slot: &SlotExplanation) -> Value {
    json!({
        "slot": slot.slot.word(),
        "holder": slot.holder.as_ref().map(|holder| json!({
            "number": holder.number,
            "until": rfc3339(holder.until),
            "why": holder.why,
        })),
        "generations": slot.generations.iter().map(standing).collect::<Vec<_>>(),
        "decrypts": slot.decrypts,
        "deadline": rfc3339(slot.deadline),
        "next": { "at": slot.next.at.to_string(), "step": step(slot.next.step) },
    })
}

fn standing(standing: &Standing) -> Value {
    json!({
        "number": standing.number,
        "cause": word(&standing.cause),
        "does": word(&standing.does),
        "time": rfc3339(standing.time),
    })
}

fn step(step: Step) -> Value {
    serde_json::to_value(step).unwrap_or_default()
}

fn rfc3339(time: Option<Time>) -> Option<String> {
    time.map(|time| time.to_string())
}
