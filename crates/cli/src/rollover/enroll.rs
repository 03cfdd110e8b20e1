//! `sealpost rollover enroll`, `issue` and `leave`

use std::io::Read;

use sealpost::rollover::{Subject, Time, port::KeyStore};
use serde_json::json;

use super::{
    args,
    site::{Site, actor, called},
};
use crate::{
    failure::{At, Failure, Result},
    files::{Place, counted},
    output::Output,
    table::grouped,
};

/// No list of addresses is larger.
const LIST: u64 = 1 << 30;

/// An address, and where it stands.
struct Named {
    address: String,
    place: Option<String>,
}

pub(super) async fn run(args: args::Enroll, output: Output) -> Result {
    let mut named: Vec<Named> = Vec::new();
    named.extend(args.addresses.into_iter().map(|address| Named { address, place: None }));
    if let Some(from) = args.from {
        named.extend(listed(&Place::from(Some(from)))?);
    }
    let subject = |named: &Named, enrolled: Time| {
        Subject::new(args.kind, &named.address, args.layout, enrolled).map_err(|error| match &named.place {
            Some(place) => Failure::new(format!("{place}: {error}")),
            None => Failure::new(error.to_string()),
        })
    };
    // Each is looked at before the first one is enrolled, and before there is a store.
    named.iter().try_for_each(|named| subject(named, Time::NEVER).map(drop))?;
    let site = Site::open(&args.at).await?;
    let (at, actor) = (site.name.text(), actor());
    let now = site.store.now().await.at(&at)?;
    let (mut enrolled, mut already) = (0_u64, 0_u64);
    for named in counted(named) {
        let subject = subject(&named, now)?;
        if site.store.load(subject.id).await.at(&at)?.is_some() {
            already += 1;
        } else {
            site.store.enroll(&subject, &actor).await.at(&at)?;
            enrolled += 1;
        }
    }
    let before = if already > 0 { format!("; {} were enrolled before", grouped(already)) } else { String::new() };
    output.result(
        &json!({ "enrolled": enrolled, "enrolled_before": already, "store": at }),
        &format!("Enrolled {} in {at}{before}.", grouped(enrolled)),
    );
    Ok(())
}

/// The addresses in a file, one a line.
fn listed(from: &Place) -> Result<Vec<Named>> {
    let mut text = String::new();
    from.reader()?.take(LIST).read_to_string(&mut text).at(from.input_name())?;
    let lines = (1..).zip(text.lines().map(str::trim));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let name = from.input_name().display().to_string();
    Ok(lines.map(|(n, line)| Named { address: line.to_owned(), place: Some(format!("{name}, line {n}")) }).collect())
}

pub(super) async fn issue(args: args::Addresses, output: Output) -> Result {
    let site = Site::open(&args.at).await?;
    let worker = site.worker(None)?;
    let listed = site.subjects(&args.addresses).await?;
    for listed in &listed {
        worker.issue_now(listed.subject.id, &actor()).await.at(site.name.text())?;
    }
    let names: Vec<String> = listed.iter().map(|listed| called(&listed.subject)).collect();
    output.result(
        &json!({ "issue": args.addresses }),
        &format!("New keys are wanted for {}: rollover tick makes them.", names.join(", ")),
    );
    Ok(())
}

pub(super) async fn leave(args: args::Addresses, output: Output) -> Result {
    let site = Site::open(&args.at).await?;
    let worker = site.worker(None)?;
    let listed = site.subjects(&args.addresses).await?;
    for listed in &listed {
        worker.leave(listed.subject.id, &actor()).await.at(site.name.text())?;
    }
    let names: Vec<String> = listed.iter().map(|listed| called(&listed.subject)).collect();
    output.result(
        &json!({ "left": args.addresses }),
        &format!("Keys roll no more for {}. What is there still decrypts.", names.join(", ")),
    );
    Ok(())
}
