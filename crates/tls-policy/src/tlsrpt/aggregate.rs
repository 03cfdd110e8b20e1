//! Sessions, counted per day of UTC, per domain and per policy (RFC 8460 §4).

use std::collections::BTreeMap;

use sealpost_mail::Domain;
use sealpost_time::{Span, Time};

use super::{
    Addressed, DateRange, Event, Failure, FailureDetail, PolicyDescription, PolicyReport, Report, Reporter, Summary,
};

/// Counts sessions.
///
/// Of each policy of a report, those that went well and those that failed are together all sessions under it; the
/// numbers beside the causes say how many sessions had that one, and a session may have several.
///
/// It holds what it may hold ([`AggregateLimits`]). What does not fit is left out, and counted ([`Self::dropped`]).
#[derive(Clone, Debug, Default)]
pub struct Aggregate {
    days: BTreeMap<i64, BTreeMap<Domain, Policies>>,
    limits: AggregateLimits,
    octets: usize,
    dropped: u64,
}

/// How much an [`Aggregate`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AggregateLimits {
    /// How many octets, about.
    pub octets: usize,
    /// How many policies of a domain in a day.
    pub policies: usize,
    /// How many causes under a policy; of more only the kind is counted.
    pub failures: usize,
}

impl Default for AggregateLimits {
    /// 256 MiB, 100 policies, 1000 causes.
    fn default() -> Self {
        Self { octets: 256 * 1024 * 1024, policies: 100, failures: 1000 }
    }
}

type Policies = BTreeMap<PolicyDescription, Tally>;

#[derive(Clone, Debug, Default)]
struct Tally {
    summary: Summary,
    failures: BTreeMap<Failure, u64>,
}

const DAY: i64 = 86_400;

impl Aggregate {
    /// One that holds so much.
    #[must_use]
    pub const fn new(limits: AggregateLimits) -> Self {
        Self { days: BTreeMap::new(), limits, octets: 0, dropped: 0 }
    }

    /// How many outcomes were left out, since there was no room.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Counts a session that ended at that time. One that carried a report is not counted (RFC 8460 §3).
    pub fn add(&mut self, event: &Event, at: Time) {
        if event.carries_report {
            return;
        }
        let day = at.unix().div_euclid(DAY);
        for outcome in &event.outcomes {
            let policies = self.days.get(&day).and_then(|domains| domains.get(&event.domain));
            let known = policies.is_some_and(|policies| policies.contains_key(&outcome.policy));
            let weight = weight(&event.domain, &outcome.policy);
            let is_full = policies.is_some_and(|policies| policies.len() >= self.limits.policies);
            if !known && (is_full || self.octets.saturating_add(weight) > self.limits.octets) {
                self.dropped = self.dropped.saturating_add(1);
                continue;
            }
            if !known {
                self.octets = self.octets.saturating_add(weight);
            }
            let policies = self.days.entry(day).or_default().entry(event.domain.clone()).or_default();
            let tally = policies.entry(outcome.policy.clone()).or_default();
            tally.count(outcome.failed);
            let room = self.limits.octets.saturating_sub(self.octets);
            let taken = tally.blame(&outcome.failures, self.limits.failures, room);
            self.octets = self.octets.saturating_add(taken);
        }
    }

    /// Takes out the days that are over, oldest first, as a report for each domain.
    pub fn take(&mut self, now: Time, reporter: &Reporter) -> Vec<Addressed> {
        let today = now.unix().div_euclid(DAY);
        let open = self.days.split_off(&today);
        let over = std::mem::replace(&mut self.days, open);
        let mut reports = Vec::new();
        for (day, domains) in over {
            for (domain, policies) in domains {
                let weights = policies.iter().map(|(policy, tally)| weight(&domain, policy) + tally.weight());
                self.octets = self.octets.saturating_sub(weights.sum());
                let report = report(day, &domain, policies, reporter);
                reports.push(Addressed { domain, report });
            }
        }
        reports
    }
}

impl Tally {
    fn count(&mut self, failed: bool) {
        let Summary { total_failure_session_count: bad, total_successful_session_count: good } = &mut self.summary;
        let count = if failed { bad } else { good };
        *count = count.saturating_add(1);
    }

    /// Counts causes, and gives back how many octets that took.
    fn blame(&mut self, failures: &[Failure], most: usize, room: usize) -> usize {
        let mut taken = 0;
        for failure in failures {
            let known = self.failures.contains_key(failure);
            let fits = self.failures.len() < most && failure_weight(failure) <= room.saturating_sub(taken);
            let kind = Failure::new(failure.result_type.clone());
            let failure = if known || fits { failure } else { &kind };
            // There are a dozen kinds: of them there is always room.
            if !self.failures.contains_key(failure) {
                taken += failure_weight(failure);
            }
            let count = self.failures.entry(failure.clone()).or_default();
            *count = count.saturating_add(1);
        }
        taken
    }

    fn weight(&self) -> usize {
        self.failures.keys().map(failure_weight).sum()
    }
}

fn report(day: i64, domain: &Domain, policies: Policies, reporter: &Reporter) -> Report {
    let start = Time::from_unix(day.saturating_mul(DAY));
    let policies = policies.into_iter().map(|(policy, tally)| {
        let detail = |(failure, failed_session_count)| FailureDetail { failure, failed_session_count };
        PolicyReport {
            policy,
            summary: tally.summary,
            failure_details: tally.failures.into_iter().map(detail).collect(),
        }
    });
    Report {
        organization_name: reporter.organization().to_owned(),
        date_range: DateRange { start_datetime: start, end_datetime: start + Span::seconds(DAY - 1) },
        contact_info: reporter.contact().to_string(),
        report_id: reporter.report_id(start, domain),
        policies: policies.collect(),
    }
}

/// About how many octets it takes.
fn weight(domain: &Domain, policy: &PolicyDescription) -> usize {
    let texts = policy.policy_string.iter().chain(&policy.mx_host).map(|text| text.len() + 24);
    domain.as_str().len() + policy.policy_domain.len() + texts.sum::<usize>() + 256
}

fn failure_weight(failure: &Failure) -> usize {
    let texts = [
        &failure.sending_mta_ip,
        &failure.receiving_mx_hostname,
        &failure.receiving_mx_helo,
        &failure.receiving_ip,
        &failure.additional_information,
        &failure.failure_reason_code,
    ];
    texts.into_iter().flatten().map(String::len).sum::<usize>() + 256
}
