//! `sealpost rollover tick`

use std::{collections::BTreeMap, time::Duration};

use indicatif::ProgressBar;
use sealpost::rollover::{Span, SubjectId, alarm::Level, driver::TickReport, port::KeyStore};
use serde_json::{Value, json};

use super::{args, site::Site};
use crate::{
    failure::{At, Failure, Result},
    output::Output,
    table::{Table, grouped},
};

/// From so many subjects on, a terminal is told how many there were.
const MANY: u32 = 100;
/// How long is waited for the authority's rate before the next look.
const MOMENT: Duration = Duration::from_millis(250);
/// So many failures are told people one by one.
const SHOWN: usize = 10;

pub(super) async fn run(args: args::Tick, output: Output) -> Result {
    let site = Site::open(&args.at).await?;
    let worker = site.worker(args.node.as_deref())?;
    let at = site.name.text();
    if args.accept_clock {
        let now = site.store.now().await.at(&at)?;
        site.store.look(now, Span::seconds(i64::MAX)).await.at(&at)?;
    }
    let mut sum = TickReport::default();
    let mut bar = ProgressBar::hidden();
    loop {
        let report = worker.tick().await.at(&at)?;
        let quiet = report.claimed == 0 && report.replacing == 0;
        add(&mut sum, report);
        if !args.until_quiet || (quiet && !site.fills_up().await?) {
            break;
        }
        if quiet {
            tokio::time::sleep(MOMENT).await;
        }
        if sum.claimed >= MANY && bar.is_hidden() && output == Output::Text {
            bar = ProgressBar::new_spinner();
        }
        bar.set_message(format!("{} subjects", grouped(sum.claimed.into())));
        bar.tick();
    }
    bar.finish_and_clear();
    let failed = failed(&site, &sum).await;
    output.result(&json(&sum, &failed), &text(&sum, &failed));
    if failed.is_empty() { Ok(()) } else { Err(Failure::some_failed(failed.len())) }
}

/// Takes in what a further tick did.
fn add(sum: &mut TickReport, more: TickReport) {
    for (sum, more) in [
        (&mut sum.replacing, more.replacing),
        (&mut sum.claimed, more.claimed),
        (&mut sum.generated, more.generated),
        (&mut sum.asked, more.asked),
        (&mut sum.issued, more.issued),
        (&mut sum.ready, more.ready),
        (&mut sum.refused, more.refused),
        (&mut sum.surplus, more.surplus),
        (&mut sum.ambiguous, more.ambiguous),
        (&mut sum.waiting, more.waiting),
        (&mut sum.fenced, more.fenced),
    ] {
        *sum = sum.saturating_add(more);
    }
    for (level, count) in more.alarms {
        *sum.alarms.entry(level).or_default() += count;
    }
    sum.first_affected = [sum.first_affected, more.first_affected].into_iter().flatten().min();
    sum.failures.extend(more.failures);
}

/// What failed, by the addresses of the subjects.
async fn failed(site: &Site, sum: &TickReport) -> BTreeMap<String, Vec<String>> {
    let mut whats: BTreeMap<SubjectId, Vec<String>> = BTreeMap::new();
    for failure in &sum.failures {
        whats.entry(failure.subject).or_default().push(failure.what.clone());
    }
    let mut failed = BTreeMap::new();
    for (subject, what) in whats {
        // A subject whose row is damaged has no address to be read.
        let listed = site.store.load(subject).await.ok().flatten();
        failed.insert(listed.map_or_else(|| subject.to_string(), |listed| listed.subject.address), what);
    }
    failed
}

/// What there is to count, in the order in which it happens.
fn counts(sum: &TickReport) -> [(&'static str, &'static str, u32); 11] {
    [
        ("replacing", "handed over by replacements", sum.replacing),
        ("claimed", "subjects worked on", sum.claimed),
        ("generated", "keys made", sum.generated),
        ("asked", "requests to the authority", sum.asked),
        ("issued", "certificates that came", sum.issued),
        ("ready", "certificates found fit", sum.ready),
        ("refused", "refused, or unfit", sum.refused),
        ("surplus", "orders made twice", sum.surplus),
        ("ambiguous", "answers that never came", sum.ambiguous),
        ("waiting", "waiting for the authority's rate", sum.waiting),
        ("fenced", "taken over by other nodes", sum.fenced),
    ]
}

fn json(sum: &TickReport, failed: &BTreeMap<String, Vec<String>>) -> Value {
    let mut object: serde_json::Map<String, Value> =
        counts(sum).into_iter().map(|(name, _, count)| (name.to_owned(), count.into())).collect();
    object.insert("alarms".to_owned(), alarms(&sum.alarms));
    object.insert("first_affected".to_owned(), sum.first_affected.map(|time| time.to_string()).into());
    object.insert("failures".to_owned(), json!(failed));
    object.into()
}

/// How many alarms there are of each level.
pub(super) fn alarms(alarms: &BTreeMap<Level, u32>) -> Value {
    alarms
        .iter()
        .map(|(level, &count)| (level.word().to_owned(), Value::from(count)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn text(sum: &TickReport, failed: &BTreeMap<String, Vec<String>>) -> String {
    let told = counts(sum).into_iter().filter(|(name, _, count)| *count > 0 || *name == "claimed");
    let rows: Vec<_> = told.map(|(_, words, count)| (words.to_owned(), grouped(count.into()))).collect();
    let mut table = Table::new(&["this tick", "count"]);
    rows.into_iter().for_each(|(words, count)| table.row([words, count]));
    for (level, count) in &sum.alarms {
        table.row([format!("alarms: {}", level.word()), count.to_string()]);
    }
    let mut text = table.text();
    if let Some(first) = sum.first_affected {
        text += &format!("the first user is affected at {first}\n");
    }
    for (name, whats) in failed.iter().take(SHOWN) {
        text += &format!("{name}: {}\n", whats.join("; "));
    }
    if failed.len() > SHOWN {
        text += &format!("and {} more\n", failed.len() - SHOWN);
    }
    text
}
