//! `sealpost rollover init`

use sealpost::{
    ca::local::LocalAuthority,
    rollover::{Fleet, Margin, Span, authority::CertificateAuthority},
    store::second_place::FolderPlace,
};
use serde_json::json;

use super::{
    args, authority,
    choices::Choices,
    site::{Site, actor},
};
use crate::{
    failure::{At, Failure, Result},
    output::Output,
    table::{Table, grouped},
};

pub(super) async fn run(args: args::Init, output: Output) -> Result {
    let site = Site::open_or_make(&args.at).await?;
    let mut choices = site.choices.clone().with(&args)?;
    if let Some(profile) = authority::profile(&choices.ca)?
        && args.profile.is_none()
    {
        choices.profile = profile;
    }
    if let Some(folder) = &choices.second_place {
        FolderPlace::open(folder).at(folder)?;
    }
    let authority = authority::open_or_make(&choices, args.at.clock, args.ca_rate)?;
    let margin = check(&site, &choices, &authority, &args).await?;
    let changed = choices.keep(&*site.store, &site.name, &actor()).await?;
    let rate = authority.capabilities().requests_per_hour;
    let second = choices.second_place.as_ref().map(|folder| folder.display().to_string());
    let mut table = Table::new(&["store", &site.name.text()]);
    table.row(["key-encryption key".to_owned(), site.source.clone()]);
    table
        .row(["authority".to_owned(), format!("{} ({} requests an hour)", choices.ca.display(), grouped(rate.into()))]);
    table.row(["policy".to_owned(), choices.policy.name.clone()]);
    table.row(["spare time".to_owned(), format!("{} beyond an outage of {}", margin.spare, outage(&args))]);
    table.row(["keys".to_owned(), choices.key_type.word().to_owned()]);
    table.row(["certificates".to_owned(), choices.profile.word().to_owned()]);
    table.row(["second place".to_owned(), second.clone().unwrap_or_else(|| "none".to_owned())]);
    let json = json!({
        "store": site.name.text(),
        "key_source": site.source,
        "ca": choices.ca.display().to_string(),
        "requests_per_hour": rate,
        "policy": choices.policy,
        "margin": margin,
        "key_type": choices.key_type.word(),
        "profile": choices.profile.word(),
        "second_place": second,
        "changed": changed,
    });
    output.result(&json, &table.text());
    Ok(())
}

/// Whether the authority's rate allows the policy: refused here, not when the first key is late.
async fn check(site: &Site, choices: &Choices, authority: &LocalAuthority, args: &args::Init) -> Result<Margin> {
    let subjects = site.size().await?.max(args.users.unwrap_or(0));
    let mut fleet = Fleet::new(subjects, authority.capabilities().certificates_per_hour());
    fleet.planned_outage = outage(args);
    fleet.lifetime = Span::days(authority.settings().days.into());
    choices.policy.check(&fleet).map_err(|why| Failure::infeasible(format!("policy {}: {why}", choices.policy.name)))
}

fn outage(args: &args::Init) -> Span {
    Span::days(args.ca_outage.into())
}
