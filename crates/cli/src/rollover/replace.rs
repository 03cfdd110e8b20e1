//! `sealpost rollover replace`

use sealpost::rollover::{
    Feasibility, Selection, Time,
    port::{KeyStore, Pace, Replacement},
};
use serde_json::{Value, json};

use super::{
    args, certificate,
    site::{Site, actor},
};
use crate::{
    failure::{At, Failure, Result},
    files::read_small,
    output::Output,
    table::{Table, grouped},
};

pub(super) async fn run(args: args::Replace, output: Output) -> Result {
    let selection = selection(&args.which)?;
    let site = Site::open(&args.at).await?;
    match (args.pause, args.resume, args.before.zip(args.reason.clone())) {
        (Some(id), _, _) => pace(&site, id, Pace::Paused, output).await,
        (_, Some(id), _) => pace(&site, id, Pace::Running, output).await,
        (_, _, Some((before, reason))) => {
            start(&site, &Wanted { selection, before, reason, args: &args }, output).await
        }
        _ => list(&site, output).await,
    }
}

/// What is to be replaced.
struct Wanted<'a> {
    selection: Selection,
    before: Time,
    reason: String,
    args: &'a args::Replace,
}

/// Says how many there are and whether it can be done; then starts it, unless that was all that was wanted.
async fn start(site: &Site, wanted: &Wanted<'_>, output: Output) -> Result {
    let at = site.name.text();
    let now = site.store.now().await.at(&at)?;
    let selected = site.store.count(&wanted.selection).await.at(&at)?;
    let pace = site.pace().await?;
    let feasibility = Feasibility::new(selected, (now, wanted.before), pace.requests, pace.keys);
    let verdict = json!({ "selected": selected, "feasible": feasibility.is_feasible(), "verdict": feasibility.to_string(),
        "requests_per_hour": pace.requests, "keys_per_hour": pace.keys });
    if selected == 0 {
        return Err(Failure::new(format!("{at}: nothing is selected: no certificate in use is meant")));
    }
    if !feasibility.is_feasible() && !wanted.args.anyway {
        return Err(Failure::infeasible(feasibility.to_string()));
    }
    if wanted.args.rehearse {
        output.result(&verdict, &format!("{feasibility}\nNothing was started."));
        return Ok(());
    }
    let Wanted { selection, before, reason, .. } = wanted;
    let replacement = site.store.replace(selection, *before, reason, &actor()).await.at(&at)?;
    let told = json!({ "replacement": json(&replacement), "verdict": verdict });
    output.result(&told, &format!("{feasibility}\nReplacement {} starts with the next tick.", replacement.id));
    Ok(())
}

/// What the command line selects.
fn selection(which: &args::Which) -> Result<Selection> {
    let mut selection = Selection::default();
    selection.issuer = which.issuer.as_deref().map(certificate::issuer).transpose()?;
    selection.product.clone_from(&which.product);
    (selection.not_before_from, selection.not_before_to) = which.not_before.unwrap_or_default();
    if let Some(path) = &which.serials {
        let content = read_small(path)?;
        let text = std::str::from_utf8(&content).at(path)?;
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong =
                || Failure::new(format!("{}, line {number}: no serial number in hexadecimal digits", path.display()));
            selection.serials.push(certificate::serial(line).ok_or_else(wrong)?);
        }
        if selection.serials.is_empty() {
            return Err(Failure::new(format!("{}: there is no serial number in it", path.display())));
        }
    }
    Ok(selection)
}

async fn pace(site: &Site, id: u64, pace: Pace, output: Output) -> Result {
    site.store.pace(id, pace, &actor()).await.at(site.name.text())?;
    let (paused, words) = if pace == Pace::Paused { (true, "rests") } else { (false, "goes on") };
    output.result(&json!({ "replacement": id, "paused": paused }), &format!("Replacement {id} {words}."));
    Ok(())
}

async fn list(site: &Site, output: Output) -> Result {
    let replacements = site.store.replacements().await.at(site.name.text())?;
    let told = json!({ "replacements": replacements.iter().map(json).collect::<Vec<_>>() });
    let text = if replacements.is_empty() { "There are none.".to_owned() } else { table(&replacements).text() };
    output.result(&told, &text);
    Ok(())
}

pub(super) fn table(replacements: &[Replacement]) -> Table {
    let mut table = Table::new(&["replacement", "before", "selected", "started", "state", "reason"]);
    for one in replacements {
        table.row([
            one.id.to_string(),
            one.before.to_string(),
            grouped(one.selected),
            grouped(one.started),
            state(one).to_owned(),
            one.reason.clone(),
        ]);
    }
    table
}

fn state(replacement: &Replacement) -> &'static str {
    match (replacement.paused, replacement.started < replacement.selected) {
        (true, true) => "rests",
        (false, true) => "goes on",
        (_, false) => "all handed over",
    }
}

pub(super) fn json(replacement: &Replacement) -> Value {
    json!({
        "id": replacement.id,
        "before": replacement.before.to_string(),
        "reason": replacement.reason,
        "selected": replacement.selected,
        "started": replacement.started,
        "paused": replacement.paused,
    })
}
