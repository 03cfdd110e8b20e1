//! `sealpost rollover simulate`

use std::time::Instant;

use sealpost::rollover::{
    Span,
    simulate::{Report, Simulation},
    timeline::Timeline,
};
use serde_json::{Value, json};

use super::{args, choices::policy, subject::word};
use crate::{
    failure::{At, Failure, Result},
    files::{Access, Place, write_to},
    output::Output,
};

pub(super) fn run(args: args::Simulate, output: Output) -> Result {
    let mut simulation = Simulation::new(args.users, policy(args.policy)).years(args.years);
    simulation.rate_per_hour = args.rate;
    if let Some(days) = args.ca_outage {
        simulation = simulation.with_yearly_outage(Span::days(days.into()));
    }
    if args.svg.is_some() && args.users > 1 {
        return Err(Failure::new("--svg shows the life of one user: --users 1"));
    }
    let start = Instant::now();
    let report = simulation.run();
    let wall = start.elapsed().as_secs_f64();
    let mut text = format!("{report}wall seconds       {wall:.2}");
    let mut json = json(&report, wall);
    if args.users == 1 {
        let title = format!("The keys of one user under the policy {}", report.policy);
        let timeline = simulation.timeline(&title);
        if let Some(path) = args.svg {
            let to = Place::from(Some(path));
            write_to(&to, Access::Public, |writer| {
                writer.write_all(timeline.to_svg().as_bytes()).at(to.output_name())
            })?;
        }
        json.as_object_mut().map(|json| json.insert("timeline".to_owned(), self::timeline(&timeline)));
        text = format!("{timeline}\n{text}");
    }
    output.result(&json, &text);
    Ok(())
}

fn json(report: &Report, wall: f64) -> Value {
    json!({
        "policy": report.policy,
        "start": report.start.to_string(),
        "end": report.end.to_string(),
        "users": report.users,
        "events": report.events,
        "renewals": report.renewals,
        "requests": report.requests,
        "gap_users": report.gap_users,
        "gap_seconds": report.gap_seconds,
        "longest_gap_seconds": report.longest_gap.as_seconds(),
        "longest_first_seconds": report.longest_first.as_seconds(),
        "without_any": report.without_any,
        "peak_per_hour": report.peak_per_hour,
        "peak_per_hour_last_year": report.peak_per_hour_last_year,
        "mean_per_hour": report.mean_per_hour,
        "alarms": report.alarms,
        "wall_seconds": wall,
    })
}

fn timeline(timeline: &Timeline) -> Value {
    let keys = timeline.rows.iter().map(|row| {
        json!({
            "slot": row.slot.word(),
            "number": row.number,
            "cause": word(&row.cause),
            "made": row.made.to_string(),
            "used_from": row.used_from.to_string(),
            "used_to": row.used_to.to_string(),
            "valid_to": row.valid_to.to_string(),
        })
    });
    let gaps = timeline.gaps.iter().map(|(from, to)| json!({ "from": from.to_string(), "to": to.to_string() }));
    json!({ "keys": keys.collect::<Vec<_>>(), "gaps": gaps.collect::<Vec<_>>() })
}
