//! `sealpost tls report`: other people's reports about TLS (RFC 8460), as tables.

use std::io::Read;

use sealpost::tls_policy::tlsrpt::{PolicyReport, PolicyType, ReadLimits, Report};

use super::args;
use crate::{
    failure::{At, Result},
    files::Place,
    output::Output,
    table::{Table, grouped, plain},
};

/// A mail with the largest report that is read is no larger.
const MOST: u64 = 16 << 20;

pub(super) fn run(args: args::Report, output: Output) -> Result {
    let place = Place::from(args.report);
    let mut octets = Vec::new();
    place.mail(MOST)?.read_to_end(&mut octets).at(place.input_name())?;
    let limits = ReadLimits::default();
    let text = octets.trim_ascii_start();
    let bare = text.starts_with(b"{") || text.starts_with(b"\xef\xbb\xbf") || octets.starts_with(&[0x1f, 0x8b]);
    let report = if bare { Report::read(&octets, &limits) } else { Report::read_mail(&octets, &limits) };
    let report = report.at(place.input_name())?;
    output.result(&serde_json::to_value(&report).at(place.input_name())?, &self::text(&report));
    Ok(())
}

fn text(report: &Report) -> String {
    let mut policies = Table::new(&["policy of", "kind", "went well", "failed"]);
    let mut failures = Table::new(&["policy of", "failed", "why", "host", "more"]);
    let mut any = false;
    for PolicyReport { policy, summary, failure_details, .. } in &report.policies {
        let kind = match &policy.policy_type {
            PolicyType::Tlsa => "DANE".to_owned(),
            PolicyType::Sts => "MTA-STS".to_owned(),
            PolicyType::NoPolicyFound => "none".to_owned(),
            PolicyType::Other(other) => shown(other),
            _ => String::new(),
        };
        let [well, failed] = [summary.total_successful_session_count, summary.total_failure_session_count].map(grouped);
        policies.row([shown(&policy.policy_domain), kind, well, failed]);
        for detail in failure_details {
            any = true;
            let failure = &detail.failure;
            let more = [&failure.failure_reason_code, &failure.additional_information].into_iter().flatten();
            let more: Vec<String> = more.map(|text| shown(text)).collect();
            let host = failure.receiving_mx_hostname.as_deref().map(shown).unwrap_or_default();
            let why = shown(failure.result_type.as_str());
            let count = grouped(detail.failed_session_count);
            failures.row([shown(&policy.policy_domain), count, why, host, more.join("; ")]);
        }
    }
    let range = report.date_range;
    let from = format!(
        "{} ({}), {} to {}, {}\n",
        shown(&report.organization_name),
        shown(&report.contact_info),
        range.start_datetime,
        range.end_datetime,
        shown(&report.report_id)
    );
    let failures = if any { format!("\n{}", failures.text()) } else { String::new() };
    format!("{from}\n{}{failures}", policies.text())
}

/// What others wrote, without what a terminal would obey, and not too long.
fn shown(text: &str) -> String {
    plain(&text.chars().take(200).collect::<String>())
}
