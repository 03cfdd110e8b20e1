//! What is told of subjects: with what each signs, until when, and what comes next.

use std::collections::{BTreeMap, BinaryHeap};

use sealpost::rollover::{
    Act, Generation, Policy, Slot, Span, SubjectState, Time,
    alarm::{self, Level},
    explain,
    explain::Step,
    port::Listed,
};
use serde_json::{Value, json};

use crate::table::{Table, grouped};

/// What is told of a subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    /// When its user is affected if nothing is done: the order of the lines.
    deadline: Time,
    address: String,
    kind: &'static str,
    /// The generation of each slot that is used.
    uses: Vec<(Slot, u32)>,
    /// Until when each slot has one.
    until: Option<Time>,
    /// What comes next, and when.
    next: Option<(String, Time)>,
}

/// All subjects that were looked at: those that need a certificate first, and how many there are of each sort.
#[derive(Debug)]
pub(super) struct View {
    policy: Policy,
    now: Time,
    limit: usize,
    lines: BinaryHeap<Line>,
    subjects: u64,
    signing: u64,
    stages: BTreeMap<String, u64>,
    alarms: BTreeMap<Level, u32>,
    first_affected: Option<Time>,
}

impl View {
    pub(super) fn new(policy: Policy, now: Time, limit: usize) -> Self {
        let (lines, stages, alarms) = (BinaryHeap::new(), BTreeMap::new(), BTreeMap::new());
        Self { policy, now, limit, lines, subjects: 0, signing: 0, stages, alarms, first_affected: None }
    }

    pub(super) const fn now(&self) -> Time {
        self.now
    }

    pub(super) const fn first_affected(&self) -> Option<Time> {
        self.first_affected
    }

    /// Looks at a subject.
    pub(super) fn take(&mut self, listed: &Listed) -> Line {
        let state = &listed.state;
        let line = line(listed, &self.policy, self.now);
        self.subjects += 1;
        self.signing += u64::from(state.signer(self.now).is_some());
        *self.stages.entry(stage_of(state)).or_default() += 1;
        if state.left.is_none() {
            self.alarm(state);
        }
        self.lines.push(line.clone());
        if self.lines.len() > self.limit {
            self.lines.pop();
        }
        line
    }

    /// Counts the loudest alarm of a subject, and whom it affects first.
    fn alarm(&mut self, state: &SubjectState) {
        let ends = state.layout.slots().iter().map(|&slot| {
            let had = state.of_slot(slot).any(|generation| generation.ready.is_some());
            (had, state.covered_until(slot, self.now))
        });
        let level = |(had, until): (bool, Option<Time>)| match (had, until) {
            (_, Some(until)) => (alarm::level(self.now, until, self.policy.start).0, until),
            (true, None) => (Level::LastCall, self.now),
            (false, None) => {
                let due = state.enrolled + Span::days(1);
                (if state.generations().is_empty() || due >= self.now { Level::Quiet } else { Level::Warning }, due)
            }
        };
        let Some((level, at)) = ends.map(level).max_by_key(|&(level, _)| level) else { return };
        if level > Level::Quiet {
            *self.alarms.entry(level).or_default() += 1;
            self.first_affected = Some(self.first_affected.map_or(at, |first| first.min(at)));
        }
    }

    pub(super) fn totals_json(&self) -> Value {
        json!({ "subjects": self.subjects, "signing": self.signing, "stages": self.stages })
    }

    pub(super) fn alarms_json(&self) -> Value {
        let counts = self.alarms.iter().map(|(level, count)| (level.word().to_owned(), Value::from(*count)));
        counts.collect::<serde_json::Map<_, _>>().into()
    }

    /// The table of subjects, then the totals.
    pub(super) fn text(&self) -> String {
        let mut table = Table::new(&["address", "kind", "uses", "until", "next", "when"]);
        for line in self.lines.clone().into_sorted_vec() {
            let until = line.until.map_or_else(|| "—".to_owned(), |until| until.to_string());
            let (next, when) = match line.next {
                Some((next, Time::NEVER)) => (next, String::new()),
                Some((next, at)) => (next, away(at, self.now)),
                None => ("nothing".to_owned(), String::new()),
            };
            table.row([line.address, line.kind.to_owned(), uses(&line.uses), until, next, when]);
        }
        let mut text = table.text();
        let shown = u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        if self.subjects > shown {
            text += &format!("and {} more, whose certificates end later\n", grouped(self.subjects - shown));
        }
        let mut totals = Table::new(&["subjects", &grouped(self.subjects)]);
        totals.row(["with a valid signer".to_owned(), grouped(self.signing)]);
        for (stage, count) in &self.stages {
            totals.row([format!("newest key: {stage}"), grouped(*count)]);
        }
        for (level, count) in self.alarms.iter().rev() {
            totals.row([format!("alarm: {}", level.word().to_owned()), grouped((*count).into())]);
        }
        if let Some(first) = self.first_affected {
            totals.row(["first user affected".to_owned(), format!("{first} ({})", away(first, self.now))]);
        }
        text + "\n" + &totals.text()
    }
}

fn line(listed: &Listed, policy: &Policy, now: Time) -> Line {
    let (subject, state) = (&listed.subject, &listed.state);
    let slots = state.layout.slots();
    let uses = slots.iter().filter_map(|&slot| Some((slot, state.holder(slot, now)?.number))).collect();
    let until = slots.iter().map(|&slot| state.covered_until(slot, now)).min().flatten();
    let next = next(state, policy, now);
    // A subject that left comes last.
    let deadline = if state.left.is_some() { Time::NEVER } else { until.unwrap_or(state.enrolled) };
    Line { deadline, address: subject.address.clone(), kind: subject.kind.word(), uses, until, next }
}

/// The next step of any slot, and when it is taken.
fn next(state: &SubjectState, policy: &Policy, now: Time) -> Option<(String, Time)> {
    let next = explain(state, policy, now).slots.into_iter().map(|slot| slot.next).min_by_key(|next| next.at)?;
    let words = match next.step {
        Step::AskFor => "waits for the first mail".to_owned(),
        Step::Start { number, cause } => format!("key {number} ({})", word(&cause)),
        Step::Do { act, .. } => step(act),
        Step::AskAgain { .. } => "ask the authority again".to_owned(),
        Step::Ring { level } => format!("alarm: {}", level.word()),
        _ => return None,
    };
    Some((words, next.at))
}

/// A step in words.
fn step(act: Act) -> String {
    match act {
        Act::Generate { cause } => format!("a new key ({})", word(&cause)),
        Act::BackUp => "the second place".to_owned(),
        Act::Submit => "ask the authority".to_owned(),
        Act::Reconcile => "find out what came of asking".to_owned(),
        Act::Poll => "ask for news".to_owned(),
        Act::Inspect => "look at the certificate".to_owned(),
        Act::Publish => "publish the certificate".to_owned(),
        Act::Raise { level } => format!("alarm: {}", level.word()),
        _ => "another step".to_owned(),
    }
}

/// How far the newest key of the signing slot has come.
fn stage_of(state: &SubjectState) -> String {
    if state.left.is_some() {
        return "left".to_owned();
    }
    let slot = state.layout.slots().iter().find(|slot| slot.signs());
    let newest = slot.and_then(|&slot| state.of_slot(slot).next_back());
    newest.map_or_else(|| "none yet".to_owned(), |generation| word(&generation.stage()))
}

/// The name that a value has in the audit chain.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn uses(uses: &[(Slot, u32)]) -> String {
    let words = uses.iter().map(|(slot, number)| match slot {
        Slot::Dual => format!("key {number}"),
        slot => format!("{} key {number}", slot.word()),
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "—".to_owned() } else { words.join(", ") }
}

/// How far away a time is.
pub(super) fn away(time: Time, now: Time) -> String {
    match time - now {
        left if left <= Span::ZERO && left > Span::minutes(-1) => "now".to_owned(),
        left if left < Span::ZERO => format!("{} ago", Span::ZERO - left),
        left => format!("in {left}"),
    }
}

/// All that there is to say of a subject.
pub(super) fn json(line: &Line, listed: &Listed) -> Value {
    let (subject, state) = (&listed.subject, &listed.state);
    let uses: serde_json::Map<String, Value> =
        line.uses.iter().map(|(slot, number)| (slot.word().to_owned(), Value::from(*number))).collect();
    json!({
        "address": subject.address,
        "kind": subject.kind.word(),
        "layout": subject.layout.word(),
        "id": subject.id.to_string(),
        "enrolled": subject.enrolled.to_string(),
        "left": rfc3339(state.left),
        "uses": uses,
        "until": rfc3339(line.until),
        "next": line.next.as_ref().map(|(step, at)| json!({ "step": step, "at": at.to_string() })),
        "looked_at": listed.wake.at.to_string(),
        "generations": state.generations().iter().map(generation).collect::<Vec<_>>(),
    })
}

fn generation(generation: &Generation) -> Value {
    json!({
        "slot": generation.slot.word(),
        "number": generation.number,
        "cause": word(&generation.cause),
        "stage": word(&generation.stage()),
        "key_durable": generation.key_durable.to_string(),
        "backed_up": rfc3339(generation.backed_up),
        "asked": generation.asked,
        "not_before": rfc3339(generation.not_before),
        "not_after": rfc3339(generation.not_after),
        "activate_at": rfc3339(generation.activate_at),
        "published": rfc3339(generation.published),
        "renew_at": rfc3339(generation.renew_at),
        "replace_by": rfc3339(generation.replace_by),
        "refused": rfc3339(generation.refused),
        "revoked": rfc3339(generation.revoked),
        "revocation": generation.revocation.map(|reason| word(&reason)),
        "destroyed": rfc3339(generation.destroyed),
    })
}

fn rfc3339(time: Option<Time>) -> Option<String> {
    time.map(|time| time.to_string())
}
