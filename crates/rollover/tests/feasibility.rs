//! Whether a set can be replaced in time, and whether a policy can be met: said at once, with the arithmetic.

#![cfg(test)]

use proptest::prelude::*;
use sealpost_rollover::{
    Bottleneck, Feasibility, Fleet, Infeasible, Policy, Rehearsal, Span, Time, Verdict,
    simulate::{Onboarding, Simulation},
};

#[test]
fn a_million_certificates_in_five_days() {
    let fast = Rehearsal::swisssign_2026(1_000_000, 12_000);
    assert_eq!(
        fast.feasibility().to_string(),
        "It can be done: 12,000 requests are taken an hour, so 1,000,000 certificates take 3 d 11 h. \
         The last one is replaced at 2026-04-21T02:20:00Z, 1 d 12 h before the deadline."
    );
    let slow = Rehearsal::swisssign_2026(1_000_000, 2_000);
    assert_eq!(
        slow.feasibility().to_string(),
        "It cannot be done: 2,000 requests are taken an hour, so by 2026-04-22T15:00:00Z only 240,000 of 1,000,000 \
         certificates are replaced. It would take 8,334 an hour in the 120 h that are left; at this pace the last one \
         is replaced at 2026-05-08T11:00:00Z."
    );
}

/// T19: one core makes 3,000 RSA keys an hour.
#[test]
fn keys_can_be_what_is_too_slow() {
    let rehearsal = Rehearsal::d_trust_2026(1_000_000, 12_000).with_keys_per_hour(3_000);
    let verdict = rehearsal.feasibility();
    let Verdict::Infeasible { in_time, bottleneck, .. } = verdict.verdict else { panic!("{verdict}") };
    assert_eq!((in_time, bottleneck), (360_000, Bottleneck::Keys));
    assert!(verdict.to_string().contains("3,000 keys are made an hour"), "{verdict}");
}

#[test]
fn nothing_is_always_feasible_and_no_time_or_no_rate_never() {
    let now = Time::from_unix(1_000_000);
    let of = |selected, before, rate| Feasibility::new(selected, (now, before), rate, rate);
    assert!(of(0, now, 1).is_feasible());
    for (before, rate) in [(now, 100), (now - Span::days(1), 100), (now + Span::days(1), 0)] {
        let verdict = of(5, before, rate);
        assert!(matches!(verdict.verdict, Verdict::Infeasible { in_time: 0, .. }), "{verdict}");
        assert!(verdict.to_string().starts_with("It cannot be done"));
    }
    assert!(of(u64::MAX, Time::from_unix(i64::MAX - 5), u32::MAX).to_string().starts_with("It"));
}

proptest! {
    /// One certificate more or one second less makes the feasible infeasible, at the edge.
    #[test]
    fn the_verdict_turns_exactly_where_the_last_one_is_late(selected in 1_u64..1_000_000, rate in 1_u32..20_000) {
        let now = Time::from_unix(0);
        let end = |verdict| match verdict {
            Verdict::Feasible { ends_at, .. } | Verdict::Infeasible { ends_at, .. } => ends_at,
            _ => Time::NEVER,
        };
        let ends_at = end(Feasibility::new(selected, (now, now), rate, u32::MAX).verdict);
        prop_assert!(Feasibility::new(selected, (now, ends_at), rate, u32::MAX).is_feasible());
        let late = Feasibility::new(selected, (now, ends_at - Span::seconds(1)), rate, u32::MAX);
        let Verdict::Infeasible { in_time, needed_per_hour, .. } = late.verdict else { panic!("{late}") };
        prop_assert!(in_time < selected);
        prop_assert!(needed_per_hour >= u64::from(rate));
    }
}

#[test]
fn the_presets_say_what_they_can_do() {
    let fleet = Fleet::new(1_000_000, 12_000);
    let margin = Policy::safe().check(&fleet).unwrap();
    assert_eq!(margin.mean_per_hour, 129);
    assert_eq!(
        Policy::secumail_7d().check(&fleet).unwrap_err().to_string(),
        "renewal starts 7 d before the end, but the authority may be away for 10 d: whoever is due when it goes away \
         has no key before it is back. Start at least 10 d 1 h before the end"
    );
    assert_eq!(
        Policy::safe().check(&Fleet::new(1_000_000, 1_000)).unwrap_err().to_string(),
        "1,000,000 keys that end together take 41 d 16 h at 1,000 requests an hour, and the authority may be away for \
         10 d, but renewal starts only 40 d before the end. 1,391 requests an hour would do"
    );
    assert_eq!(
        Policy::safe().check(&Fleet::new(1_000_000, 100)).unwrap_err().to_string(),
        "1,000,000 keys renewed each 325 d are 129 requests an hour, but the authority takes 100"
    );
    assert!(matches!(Policy::safe().check(&Fleet::new(1, 0)), Err(Infeasible::Overloaded { .. })));
}

/// A key that must be young is renewed before the middle of its certificate's life, and not before it begins.
#[test]
fn the_age_of_keys_counts_as_it_is_lived() {
    let mut policy = Policy::yearly();
    policy.jitter = Span::ZERO;
    policy.max_age = Some(Span::days(60));
    let margin = policy.check(&Fleet::new(100_000, 2_000)).unwrap();
    assert_eq!(margin.mean_per_hour, 70, "100,000 each 60 days");
    // The draw takes up all of the age: each key would be due when it is new, and the next one, for ever.
    (policy.jitter, policy.max_age) = (Span::days(10), Some(Span::days(5)));
    assert!(matches!(policy.check(&Fleet::new(1, u32::MAX)), Err(Infeasible::Unusable { field: "max_age" })));
}

/// What is asked of a policy, as a simulation: `outage` begins `into` after the first certificate.
fn simulation(policy: &Policy, fleet: &Fleet, onboarding: Onboarding, into: Span) -> Simulation {
    let mut simulation = Simulation::new(fleet.subjects, policy.clone()).years(2);
    simulation.onboarding = onboarding;
    simulation.rate_per_hour = fleet.rate_per_hour;
    simulation.lifetime = fleet.lifetime;
    simulation.outages = vec![(simulation.start + into, fleet.planned_outage)];
    simulation
}

fn policy(start: i64, jitter: i64) -> Policy {
    let mut policy = Policy::safe();
    (policy.start, policy.jitter) = (Span::days(start), Span::days(jitter));
    policy
}

fn fleet(subjects: u32, rate: u32, outage: Span, lifetime: i64) -> Fleet {
    let mut fleet = Fleet::new(subjects, rate);
    (fleet.planned_outage, fleet.lifetime) = (outage, Span::days(lifetime));
    fleet
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Wherever the outage lies, and however much the fleet is in step.
    #[test]
    fn what_the_check_accepts_has_no_gap(
        (start, jitter, lifetime) in (1_i64..40, 0_i64..15, 60_i64..400),
        (subjects, rate, outage) in (1_u32..300, 1_u32..6, 0_i64..30),
        per_mille in 0_i64..1_000,
        step in 0_u8..3,
    ) {
        let policy = policy(start, jitter);
        let fleet = fleet(subjects, rate, Span::days(outage), lifetime);
        if policy.check(&fleet).is_ok() {
            let onboarding = match step {
                0 => Onboarding::InStep,
                1 => Onboarding::AtOnce,
                _ => Onboarding::Over(Span::days(lifetime)),
            };
            // Around the time when a fleet in step is due: that is where it hurts.
            let due = lifetime - start - jitter;
            let hours = ((start + jitter) * 24 + 48) * per_mille / 1_000;
            let into = Span::days(due.max(0)) + Span::hours(hours - 24);
            let report = simulation(&policy, &fleet, onboarding, into).run();
            prop_assert_eq!(report.gap_users, 0, "{}", report);
        }
    }

    /// The check is not stricter than it must be: a day of outage beyond what it accepts, and a fleet in step has
    /// a gap if they lie where it hurts.
    #[test]
    fn a_little_more_than_the_check_accepts_has_gaps(
        (start, jitter) in (5_i64..30, 0_i64..10),
        (subjects, rate) in (100_u32..300, 1_u32..6),
    ) {
        let policy = policy(start, jitter);
        let Ok(margin) = policy.check(&fleet(subjects, rate, Span::ZERO, 365)) else { return Ok(()) };
        let most = margin.spare;
        prop_assert!(policy.check(&fleet(subjects, rate, most, 365)).is_ok());
        let refused = fleet(subjects, rate, most + Span::hours(26), 365);
        let into = match policy.check(&refused) {
            // It goes away when the last one is due, or when the first one is.
            Err(Infeasible::OutageTooLong { .. }) => Span::days(365 - start) - Span::hours(24),
            Err(Infeasible::DrainTooSlow { .. }) => Span::days(365 - start - jitter),
            other => panic!("{other:?}"),
        };
        let report = simulation(&policy, &refused, Onboarding::InStep, into).run();
        prop_assert!(report.gap_users > 0, "{:?} {}", refused, report);
    }
}

/// Nothing rolls with these, or one key after the other.
#[test]
fn a_policy_that_can_not_work_is_refused_by_the_name_of_its_field() {
    type Break = (&'static str, fn(&mut Policy));
    let breaks: [Break; 8] = [
        ("start", |policy| policy.start = Span::ZERO),
        ("jitter", |policy| policy.jitter = Span::seconds(-1)),
        ("max_age", |policy| policy.max_age = Some(Span::days(10))),
        ("skew", |policy| policy.skew = Span::days(400)),
        ("announce", |policy| policy.announce = Span::seconds(-1)),
        ("retry_refused", |policy| policy.retry_refused = Span::ZERO),
        ("silence", |policy| policy.silence = Span::ZERO),
        ("max_jump", |policy| policy.max_jump = Span::ZERO),
    ];
    for (name, break_it) in breaks {
        let mut policy = Policy::safe();
        break_it(&mut policy);
        let refused = policy.check(&Fleet::new(1, 12_000)).unwrap_err();
        assert_eq!(refused, Infeasible::Unusable { field: name });
        assert!(refused.to_string().contains(name));
    }
}
