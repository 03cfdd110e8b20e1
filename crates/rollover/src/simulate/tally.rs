//! What one half of a simulation counts.

use std::collections::BTreeMap;

use super::{Replaced, Report, Simulation, calendar::index};
use crate::{Span, Time, alarm::Level};

/// Counts and sums, and the largest of some. Two halves add up.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) events: u64,
    pub(super) renewals: u64,
    requests: u64,
    /// Of each hour since the start.
    by_hour: Vec<u32>,
    pub(super) gap_users: u32,
    gap_seconds: u64,
    longest_gap: Span,
    pub(super) longest_first: Span,
    pub(super) without_any: u32,
    alarms: BTreeMap<Level, u64>,
    /// The alarms of one whose life is shown.
    pub(super) rung: Vec<(Time, Level)>,
    /// Of each incident: selected, replaced in time, the last one.
    pub(super) replaced: Vec<(u64, u64, Option<Time>)>,
}

impl Tally {
    pub(super) fn new(setup: &Simulation) -> Self {
        let hours = setup.tick(setup.end()) / 6 + 1;
        Self { by_hour: vec![0; index(hours)], replaced: vec![(0, 0, None); setup.incidents.len()], ..Self::default() }
    }

    pub(super) fn request(&mut self, tick: u32) {
        self.requests += 1;
        if let Some(hour) = self.by_hour.get_mut(index(tick / 6)) {
            *hour += 1;
        }
    }

    pub(super) fn gap(&mut self, gap: Span) {
        self.gap_seconds += u64::try_from(gap.as_seconds()).unwrap_or(0);
        self.longest_gap = self.longest_gap.max(gap);
    }

    pub(super) fn alarm(&mut self, level: Level) {
        *self.alarms.entry(level).or_default() += 1;
    }

    /// The other half's.
    pub(super) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.renewals += other.renewals;
        self.requests += other.requests;
        self.by_hour.iter_mut().zip(&other.by_hour).for_each(|(mine, theirs)| *mine += theirs);
        self.gap_users += other.gap_users;
        self.gap_seconds += other.gap_seconds;
        self.longest_gap = self.longest_gap.max(other.longest_gap);
        self.longest_first = self.longest_first.max(other.longest_first);
        self.without_any += other.without_any;
        other.alarms.iter().for_each(|(level, count)| *self.alarms.entry(*level).or_default() += count);
        for (mine, theirs) in self.replaced.iter_mut().zip(&other.replaced) {
            *mine = (mine.0 + theirs.0, mine.1 + theirs.1, mine.2.max(theirs.2));
        }
    }

    pub(super) fn report(self, setup: &Simulation) -> Report {
        let year = self.by_hour.len().saturating_sub(24 * 365);
        let peak = |hours: Option<&[u32]>| hours.and_then(|hours| hours.iter().max().copied()).unwrap_or(0);
        let replaced = setup.incidents.iter().zip(&self.replaced);
        Report {
            policy: setup.policy.name.clone(),
            users: setup.users,
            start: setup.start,
            end: setup.end(),
            events: self.events,
            renewals: self.renewals,
            requests: self.requests,
            peak_per_hour: peak(Some(&self.by_hour)),
            peak_per_hour_last_year: peak(self.by_hour.get(year..)),
            mean_per_hour: ratio(self.requests, setup.span.as_seconds() / 3_600),
            gap_users: self.gap_users,
            gap_seconds: self.gap_seconds,
            longest_gap: self.longest_gap,
            longest_first: self.longest_first,
            without_any: self.without_any,
            alarms: self.alarms,
            replaced: replaced
                .map(|(incident, &(selected, in_time, last))| Replaced {
                    name: incident.name.clone(),
                    selected,
                    in_time,
                    last,
                })
                .collect(),
        }
    }
}

fn ratio(count: u64, per: i64) -> f64 {
    let float = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let per = u64::try_from(per).unwrap_or(0).max(1);
    float(count / per) + float(count % per) / float(per)
}
