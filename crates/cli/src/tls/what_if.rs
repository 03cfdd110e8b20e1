//! `sealpost tls what-if`

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
};

use sealpost::{
    mail::Address,
    tls_policy::{
        Attempt, HostPlan, Reason, Recorded, Verdict, decide,
        explain::{Language, Row, rows},
        plan, requirements,
        settings::Settings,
        verdict::Finding,
    },
};
use serde::Serialize;
use serde_json::json;

use super::{
    args,
    settings::{self, Rules},
};
use crate::{
    failure::{At, Failure, Result},
    files::Place,
    output::Output,
    table::{Table, grouped},
};

/// No line of a record is longer.
const LINE: u64 = 1 << 20;
/// Of so many domains each is counted by itself; what is sent to others is counted together.
const DOMAINS: usize = 20_000;
/// Of a domain, so many reasons are counted each by itself.
const REASONS: usize = 8;
/// Characters of a domain, and of a reason.
const LONGEST: usize = 255;
/// So many broken lines are named.
const NAMED: u64 = 5;
/// What the others are called. No domain is called so.
const OTHERS: &str = "(others)";

pub(super) fn run(args: &args::WhatIf, output: Output) -> Result {
    let new = settings::read(Some(&args.policy))?;
    let old = settings::read(args.old.as_deref())?;
    let place = Place::from(Some(args.facts.clone()));
    let name = place.input_name().display();
    let mut reader = BufReader::new(place.reader()?);
    let mut day = Day::default();
    let mut line = Vec::new();
    for number in 1_u64.. {
        match next_line(&mut reader, &mut line).at(place.input_name())? {
            Line::End => break,
            Line::Empty => {}
            Line::Whole => match serde_json::from_slice::<Recorded>(&line) {
                Ok(recorded) => day.count(&recorded, &old, &new),
                Err(error) => day.broken(output, &format!("{name}: line {number}: {error}")),
            },
            Line::TooLong => day.broken(output, &format!("{name}: line {number}: longer than {LINE} octets")),
        }
    }
    let listed = day.listed(args.top);
    output.result(&json!({ "totals": day.totals, "broken_lines": day.broken, "domains": listed }), &day.text(&listed));
    match day.broken {
        0 => Ok(()),
        broken => Err(Failure::new(format!("{name}: lines that can't be read: {broken}; they are not counted"))),
    }
}

enum Line {
    Whole,
    Empty,
    TooLong,
    End,
}

/// Reads a line without ever keeping more of it than may be.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<Line> {
    line.clear();
    if reader.by_ref().take(LINE).read_until(b'\n', line)? == 0 {
        return Ok(Line::End);
    }
    if line.last() != Some(&b'\n') && u64::try_from(line.len()).is_ok_and(|len| len == LINE) {
        reader.skip_until(b'\n')?;
        return Ok(Line::TooLong);
    }
    Ok(if line.iter().all(u8::is_ascii_whitespace) { Line::Empty } else { Line::Whole })
}

/// What becomes of a mail, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Fate {
    Encrypted,
    Clear,
    Rerouted,
    Waits,
    Stopped,
    /// A host would have been tried of which the record says nothing.
    Unknown,
}

impl Fate {
    const ALL: [Self; 6] = [Self::Encrypted, Self::Clear, Self::Rerouted, Self::Waits, Self::Stopped, Self::Unknown];

    const fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Deliver { encrypted: true, .. } => Self::Encrypted,
            Verdict::Deliver { .. } => Self::Clear,
            Verdict::Reroute { .. } => Self::Rerouted,
            Verdict::Defer { .. } => Self::Waits,
            Verdict::Bounce { .. } => Self::Stopped,
            _ => Self::Unknown,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Encrypted => "sent over TLS",
            Self::Clear => "sent in clear",
            Self::Rerouted => "rerouted",
            Self::Waits => "waits",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown: another host would have been tried",
        }
    }

    /// Whether it is worth a line.
    const fn is_sent(self) -> bool {
        matches!(self, Self::Encrypted | Self::Clear)
    }
}

/// How many mails there were with one fate.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Count {
    before: u64,
    after: u64,
}

/// Mails to one domain that are not simply sent, and why.
#[derive(Debug, Default)]
struct Stops {
    /// By fate and reason: how many, and how many of them had another fate before.
    by_reason: BTreeMap<(Fate, String), (u64, u64)>,
}

/// A line of the result.
#[derive(Debug, Serialize)]
struct Listed {
    domain: String,
    fate: Fate,
    mails: u64,
    /// How many of them had another fate before.
    changed: u64,
    reason: String,
}

#[derive(Debug, Default)]
struct Day {
    totals: BTreeMap<&'static str, Count>,
    domains: BTreeMap<String, Stops>,
    broken: u64,
}

impl Day {
    fn count(&mut self, recorded: &Recorded, old: &Settings, new: &Settings) {
        let before = Fate::of(&verdict(recorded, old));
        let verdict = verdict(recorded, new);
        let after = Fate::of(&verdict);
        self.totals.entry(before.words()).or_default().before += 1;
        self.totals.entry(after.words()).or_default().after += 1;
        if after.is_sent() {
            return;
        }
        // No domain is longer, and so many of them are kept.
        let recipient = recorded.recipient.rsplit('@').next().unwrap_or_default();
        let recipient = recipient.chars().take(LONGEST).collect::<String>().to_lowercase();
        let known = self.domains.len() < DOMAINS || self.domains.contains_key(&recipient);
        let stops = self.domains.entry(if known { recipient } else { OTHERS.to_owned() }).or_default();
        let reason = reason(&verdict).chars().take(LONGEST).collect();
        let mut key = (after, reason);
        if stops.by_reason.len() >= REASONS && !stops.by_reason.contains_key(&key) {
            "other reasons".clone_into(&mut key.1);
        }
        let (mails, changed) = stops.by_reason.entry(key).or_default();
        *mails += 1;
        *changed += u64::from(before != after);
    }

    fn broken(&mut self, output: Output, what: &str) {
        self.broken += 1;
        if self.broken <= NAMED {
            output.line(what);
        }
    }

    /// The domains with the most mails that change first, then those with the most mails.
    fn listed(&self, top: usize) -> Vec<Listed> {
        let of_domain = |(domain, stops): (&String, &Stops)| {
            let line = |((fate, reason), (mails, changed)): (&(Fate, String), &(u64, u64))| Listed {
                domain: domain.clone(),
                fate: *fate,
                mails: *mails,
                changed: *changed,
                reason: reason.clone(),
            };
            let lines: Vec<Listed> = stops.by_reason.iter().map(line).collect();
            let sum = |number: fn(&Listed) -> u64| lines.iter().map(number).sum::<u64>();
            ((sum(|line| line.changed), sum(|line| line.mails)), lines)
        };
        let mut domains: Vec<_> = self.domains.iter().map(of_domain).collect();
        domains.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        domains.into_iter().take(top).flat_map(|(_, lines)| lines).collect()
    }

    fn text(&self, listed: &[Listed]) -> String {
        let mut totals = Table::new(&["mails", "before", "after"]);
        for fate in Fate::ALL {
            let Count { before, after } = self.totals.get(fate.words()).copied().unwrap_or_default();
            if before > 0 || after > 0 {
                totals.row([fate.words().to_owned(), grouped(before), grouped(after)]);
            }
        }
        if listed.is_empty() {
            return totals.text();
        }
        let mut table = Table::new(&["domain", "fate", "mails", "new", "why"]);
        for line in listed {
            let (fate, reason) = (line.fate.words().to_owned(), line.reason.clone());
            table.row([line.domain.clone(), fate, grouped(line.mails), grouped(line.changed), reason]);
        }
        let shown = listed.chunk_by(|line, next| line.domain == next.domain).count();
        let more = match self.domains.len().saturating_sub(shown) {
            0 => String::new(),
            left => format!("domains that are not shown: {left} (--top)\n"),
        };
        format!("{}\n{}{more}", totals.text(), table.text())
    }
}

fn verdict(recorded: &Recorded, settings: &Settings) -> Verdict {
    let address = |text: &str| text.parse::<Address>().ok();
    let rules =
        Rules::of(settings, address(&recorded.sender).as_ref(), address(&recorded.recipient).as_ref(), recorded.at);
    let wants = requirements(&recorded.message, rules.guarantee, &rules.destination, recorded.at);
    let planned = plan(&wants, &recorded.destination);
    let session = |host: &HostPlan<'_>| {
        let name = host.name().map(ToString::to_string).or_else(|| host.address().map(|ip| ip.to_string()))?;
        recorded.session(&name)
    };
    decide(&planned, session, rules.route.as_ref(), Attempt::default())
}

const fn is_missing(reason: &Reason) -> bool {
    !matches!(reason.finding, Finding::Held | Finding::Note(_))
}

/// The first thing that is missing, without the host's name: so that mails to many hosts come together.
fn reason(verdict: &Verdict) -> String {
    let english = rows(verdict, Language::English);
    let missing = verdict.reasons().iter().zip(english).find(|(reason, _)| is_missing(reason));
    let Some((_, Row { requirement, asked_by, found, .. })) = missing else { return String::new() };
    if requirement.is_empty() { found } else { format!("{requirement}, for {asked_by}: {found}") }
}
