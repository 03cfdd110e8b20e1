//! `sealpost rollover status`

use std::io::{self, BufWriter, Write};

use sealpost::rollover::port::{AuthorityState, KeyStore, Listed, Replacement};
use serde_json::json;

use super::{
    args, replace,
    site::Site,
    subject::{self, View},
};
use crate::{
    failure::{At, Result},
    output::Output,
    table::{Table, grouped},
};

/// How many subjects are read at once.
const PAGE: u32 = 500;

pub(super) async fn run(args: args::Status, output: Output) -> Result {
    let site = Site::open(&args.at).await?;
    let at = site.name.text();
    let now = site.store.now().await.at(&at)?;
    let mut view = View::new(site.choices.policy.clone(), now, args.limit);
    let mut json = (output == Output::Json).then(Stream::begin).transpose()?;
    if args.addresses.is_empty() {
        let mut after = None;
        loop {
            let page = site.store.list(after, PAGE).await.at(&at)?;
            let Some(last) = page.last() else { break };
            after = Some(last.subject.id);
            for listed in &page {
                let line = view.take(listed);
                json.iter_mut().try_for_each(|json| json.subject(&line, listed))?;
            }
        }
    } else {
        for listed in site.subjects(&args.addresses).await? {
            let line = view.take(&listed);
            json.iter_mut().try_for_each(|json| json.subject(&line, &listed))?;
        }
    }
    let replacements = site.store.replacements().await.at(&at)?;
    let authority = site.authority(now).await?;
    if let Some(json) = json {
        return json.end(&view, &replacements, authority);
    }
    output.line(&text(&view, &replacements, authority));
    Ok(())
}

/// One JSON object on stdout, written as it comes: there may be a million subjects.
struct Stream {
    to: BufWriter<io::Stdout>,
    separator: &'static str,
}

impl Stream {
    fn begin() -> Result<Self> {
        let mut to = BufWriter::new(io::stdout());
        write!(to, "{{\"subjects\":[").at("stdout")?;
        Ok(Self { to, separator: "\n" })
    }

    fn subject(&mut self, line: &subject::Line, listed: &Listed) -> Result {
        write!(self.to, "{}{}", self.separator, subject::json(line, listed)).at("stdout")?;
        self.separator = ",\n";
        Ok(())
    }

    fn end(mut self, view: &View, replacements: &[Replacement], authority: Option<AuthorityState>) -> Result {
        let rest = json!({
            "now": view.now().to_string(),
            "totals": view.totals_json(),
            "alarms": view.alarms_json(),
            "first_affected": view.first_affected().map(|time| time.to_string()),
            "replacements": replacements.iter().map(replace::json).collect::<Vec<_>>(),
            "authority": authority.map(|authority| json!({
                "permits": authority.permits,
                "failures": authority.failures,
                "ask_from": authority.ask_from.to_string(),
            })),
        })
        .to_string();
        // The rest of the same object.
        writeln!(self.to, "],{}", rest.strip_prefix('{').unwrap_or_default())
            .and_then(|()| self.to.flush())
            .at("stdout")
    }
}

fn text(view: &View, replacements: &[Replacement], authority: Option<AuthorityState>) -> String {
    let mut text = view.text();
    if !replacements.is_empty() {
        text += &format!("\n{}", replace::table(replacements).text());
    }
    let Some(authority) = authority else { return text };
    let mut table = Table::new(&["authority", ""]);
    table.row(["requests that it takes now".to_owned(), grouped(authority.permits.into())]);
    if authority.failures > 0 {
        table.row(["failures in a row".to_owned(), authority.failures.to_string()]);
        table.row(["asked again from".to_owned(), authority.ask_from.to_string()]);
    }
    text + "\n" + &table.text()
}
