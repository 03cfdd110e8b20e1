//! What a schedule is made of, drawn from its seed, and what its policy can promise.

use sealpost_rollover::{
    Layout, Policy, SecondPlace, Span, Subject, SubjectKind, Time,
    testing::{authority::Faults, dice::Dice},
};

use super::world::Plan;
use crate::{START, YEAR};

pub(crate) fn draw(seed: u64) -> Plan {
    let mut dice = Dice::new(seed);
    let presets = ["default", "default", "secumail-7d", "yearly"];
    let mut policy = Policy::preset(dice.pick(&presets).unwrap()).unwrap();
    if dice.hits(25) {
        policy.second_place = SecondPlace::Required;
    }
    let subjects = (0..=dice.below(3)).map(|index| subject(index, &mut dice)).collect();
    let days = dice.pick(&[90, 200, 365, 825]).unwrap();
    let skewed = dice.hits(66);
    let skew = |dice: &mut Dice| if skewed { dice.span(Span::hours(2)) - Span::hours(1) } else { Span::ZERO };
    Plan {
        seed,
        faults: faults(seed, &policy, &mut dice),
        policy,
        subjects,
        skews: (0..3).map(|_| skew(&mut dice)).collect(),
        per_hour: dice.pick(&[20, 60, 600, 3_600]).unwrap(),
        lifetime: Span::days(days),
        chaos: 15,
    }
}

fn subject(index: u64, dice: &mut Dice) -> Subject {
    let kind = dice.pick(&SubjectKind::ALL).unwrap();
    let address = match kind {
        SubjectKind::Domain => format!("example{index}.org"),
        SubjectKind::CaCredential => format!("credential {index}").replace(' ', "-"),
        _ => format!("user{index}@example.org"),
    };
    let layout = dice.pick(&[Layout::Dual, Layout::Split]).unwrap();
    Subject::new(kind, &address, layout, START).unwrap()
}

fn faults(seed: u64, policy: &Policy, dice: &mut Dice) -> Faults {
    // Half of the outages fit into the short window of a week.
    let longest = if policy.start < Span::days(10) && dice.hits(70) { Span::days(2) } else { Span::days(20) };
    let mut outages = Vec::new();
    let mut from = START + dice.span(Span::days(60));
    while from < START + YEAR * 2 {
        let until = from + dice.span(longest);
        outages.push((from, until));
        from = until + Span::days(20) + dice.span(Span::days(200));
    }
    Faults {
        seed: seed ^ 0xfa17,
        outages,
        ambiguous: dice.pick(&[0, 10, 40]).unwrap(),
        duplicate: dice.pick(&[0, 20]).unwrap(),
        rate_limited: dice.pick(&[0, 20]).unwrap(),
        silent: dice.pick(&[0, 15]).unwrap(),
        refused: dice.pick(&[0, 15]).unwrap(),
        wrong: dice.pick(&[0, 15]).unwrap(),
        in_a_row: dice.pick(&[0, 1, 2]).unwrap(),
        delay: dice.pick(&[Span::ZERO, Span::days(1)]).unwrap(),
    }
}

impl Plan {
    /// Whether the policy's window is long enough for what can go wrong within it.
    pub(crate) fn is_promised(&self) -> bool {
        needed(self) <= self.policy.start
    }
}

/// The longest time that a renewal takes in that world. It is the sum of
///
/// - the outages that lie within one window of the policy;
/// - for each order in a row that is silent, refused or wrong: the silence and the last wait for news (6 h), or the
///   answer, half as late again (news is asked for after half the time that passed), and the wait for a new key;
/// - the last order's answer, half as late again;
/// - a day and a half for the rest: the breaker's last wait (6 h), nodes that are down (6 h each), lost answers,
///   leases that must end (10 min each), clocks that differ (2 h), an authority that wants to be left alone (30 min).
pub(crate) fn needed(plan: &Plan) -> Span {
    let window = plan.policy.start;
    let outage = plan.faults.outages.iter().map(|&(from, _)| outage_within(&plan.faults.outages, from, from + window));
    let answer = Span::seconds(plan.faults.delay.as_seconds() * 3 / 2);
    let silent = plan.policy.silence + Span::hours(6);
    let unlucky = (1..=plan.faults.in_a_row).map(|row| silent.max(answer + plan.policy.retry_refused_after(row)));
    let unlucky = unlucky.fold(Span::ZERO, |sum, one| sum + one);
    outage.max().unwrap_or(Span::ZERO) + unlucky + answer + Span::hours(36)
}

fn outage_within(outages: &[(Time, Time)], from: Time, until: Time) -> Span {
    let clipped = outages.iter().map(|&(start, end)| (start.max(from), end.min(until)));
    clipped.filter(|(start, end)| start < end).fold(Span::ZERO, |sum, (start, end)| sum + (end - start))
}
