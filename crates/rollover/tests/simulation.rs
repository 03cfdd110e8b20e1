//! Years of many users, in virtual time.

#![cfg(test)]

use sealpost_rollover::{
    GenerationId, Layout, Policy, Rehearsal, Slot, Span, SubjectId, SubjectKind, Time, Verdict,
    alarm::Level,
    simulate::{Incident, Onboarding, Simulation},
};

const USERS: u32 = 10_000;

fn under(policy: Policy) -> Simulation {
    let mut simulation = Simulation::new(USERS, policy);
    simulation.onboarding = Onboarding::Over(Span::days(365));
    simulation.rate_per_hour = 120;
    simulation
}

#[test]
fn ten_years_with_an_outage_of_ten_days_in_each_leave_nobody_without_a_key() {
    let report = under(Policy::safe()).with_yearly_outage(Span::days(10)).run();
    assert_eq!((report.gap_users, report.gap_seconds, report.without_any), (0, 0, 0), "{report}");
    assert!(report.renewals >= u64::from(USERS) * 9, "{report}");
    // I10: nobody was closer to it than twenty days. The warnings are of first keys that were late.
    assert_eq!(report.alarms.keys().max(), Some(&Level::Warning), "{report}");
    assert!(report.alarms.contains_key(&Level::Notice), "{report}");
}

#[test]
fn a_week_is_enough_for_five_days_without_an_authority_but_not_for_ten() {
    let report = under(Policy::secumail_7d()).with_yearly_outage(Span::days(5)).run();
    assert_eq!(report.gap_users, 0, "{report}");
    let report = under(Policy::secumail_7d()).with_yearly_outage(Span::days(10)).run();
    // About a sixth of the users in ten years, for three days and a bit.
    assert!((USERS / 20..USERS / 4).contains(&report.gap_users), "{report}");
    assert!((Span::days(3)..=Span::days(5)).contains(&report.longest_gap), "{report}");
    assert!(report.gap_seconds > 0);
    // I10: it rang as loudly as it can before that.
    assert!(report.alarms.get(&Level::LastCall).is_some_and(|&calls| calls >= u64::from(report.gap_users)), "{report}");
}

#[test]
fn an_outage_within_the_overlap_of_the_default_rings_before_anybody_is_affected() {
    let report = under(Policy::safe()).years(3).with_yearly_outage(Span::days(29)).run();
    assert_eq!(report.gap_users, 0, "{report}");
    for level in [Level::Notice, Level::Warning, Level::Error, Level::Page] {
        assert!(report.alarms.contains_key(&level), "{level:?}: {report}");
    }
    let report = under(Policy::safe()).years(3).with_yearly_outage(Span::days(45)).run();
    assert!(report.gap_users > 0, "{report}");
}

#[test]
fn no_hour_has_more_requests_than_the_authority_takes() {
    let mut simulation = under(Policy::safe()).years(2).with_yearly_outage(Span::days(10));
    simulation.onboarding = Onboarding::AtOnce;
    let report = simulation.run();
    assert!((100..=120).contains(&report.peak_per_hour), "{report}");
    // 10,000 at 120 an hour.
    assert_eq!(report.longest_first.as_seconds() / 3_600, 10_000 / 120, "{report}");
    assert_eq!(report.requests, report.renewals + u64::from(USERS), "{report}");
}

#[test]
fn those_who_came_on_one_monday_drift_apart() {
    let mut simulation = under(Policy::safe());
    simulation.onboarding = Onboarding::AtOnce;
    simulation.rate_per_hour = 5_000;
    let report = simulation.run();
    assert!(report.peak_per_hour > 4_900, "{report}");
    assert!(report.peak_per_hour_last_year < 50, "{report}");
}

/// T10: what counts seconds of UTC knows nothing of the year 2050.
#[test]
fn a_fleet_that_starts_in_2040_crosses_2050_as_any_other_year() {
    let mut simulation = under(Policy::safe()).years(15);
    simulation.users = 2_000;
    // 2040-01-02T08:00:00Z.
    simulation.start = Time::from_unix(2_209_104_000);
    let late = simulation.run();
    assert_eq!(late.gap_users, 0, "{late}");
    assert!(late.end.to_string().starts_with("2054"), "{late}");
    simulation.start = Time::from_unix(1_799_049_600);
    let early = simulation.run();
    assert_eq!((early.events, early.renewals), (late.events, late.renewals));
}

#[test]
fn signing_and_encrypting_keys_roll_on_their_own() {
    let mut simulation = under(Policy::safe()).years(3).with_yearly_outage(Span::days(10));
    let dual = simulation.run();
    simulation.layout = Layout::Split;
    let split = simulation.run();
    assert_eq!(split.gap_users, 0, "{split}");
    assert!(split.renewals.abs_diff(2 * dual.renewals) < dual.renewals / 20, "{split}");
}

#[test]
fn domains_announce_and_have_no_gap_either() {
    let mut simulation = under(Policy::safe()).years(5).with_yearly_outage(Span::days(10));
    simulation.users = 1_000;
    simulation.kind = SubjectKind::Domain;
    let report = simulation.run();
    assert_eq!(report.gap_users, 0, "{report}");
    assert!(report.renewals > 4_000, "{report}");
}

/// I9: after an outage of 20 days, 2,000 certificates must be replaced within two days, and 550 others wait that have
/// at least ten days left. The authority takes 2,160 in that time.
#[test]
fn who_has_two_days_left_goes_before_who_has_ten() {
    let mut simulation = under(Policy::safe()).years(2);
    simulation.rate_per_hour = 45;
    let back = simulation.start + Span::days(500);
    simulation.outages = vec![(back - Span::days(20), Span::days(20))];
    // Not due before day 525.
    let issued = (simulation.start + Span::days(200), simulation.start + Span::days(273));
    let by = back + Span::days(2);
    simulation.incidents = vec![Incident::new("withdrawn", issued, back - Span::days(1), by)];
    let report = simulation.run();
    let [replaced] = report.replaced.as_slice() else { panic!("{report}") };
    assert!((1_900..2_100).contains(&replaced.selected), "{report}");
    assert_eq!((replaced.in_time, report.gap_users), (replaced.selected, 0), "{report}");
    // They needed nearly all of it.
    assert!(by - replaced.last.unwrap() < Span::hours(8), "{report}");
}

/// What `--json` prints.
#[test]
fn a_report_is_read_by_programs_too() {
    let report = under(Policy::secumail_7d()).years(2).with_yearly_outage(Span::days(10)).run();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["users"], USERS);
    assert_eq!(json["longest_gap"], report.longest_gap.as_seconds());
    assert_eq!(json["alarms"]["page"], report.alarms[&Level::Page]);
}

/// Subjects' names are hashes, and what is drawn from them is spread evenly, for each generation anew.
#[test]
fn what_looks_like_drawn_by_lot_is_spread_evenly() {
    let policy = Policy::safe();
    let (from, to) = (Time::from_unix(0), Time::from_unix(0) + Span::days(365));
    let day = |user: u32, number: u32| {
        let id = SubjectId::of(SubjectKind::Mailbox, &format!("user{user}@example.com"));
        let at = policy.renew_at(SubjectKind::Mailbox, GenerationId::new(id, Slot::Dual, number), from, to);
        usize::try_from((to - policy.start - at).as_seconds() / 86_400).unwrap()
    };
    let mut days = [[0_u32; 10]; 10];
    (0..USERS).for_each(|user| days[day(user, 1)][day(user, 2)] += 1);
    // Of a hundred each: six standard deviations.
    assert!(days.iter().flatten().all(|count| (40..160).contains(count)), "{days:?}");
    assert!(days.iter().all(|row| (820..1_180).contains(&row.iter().sum::<u32>())), "{days:?}");
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_one_another() {
    let mut simulation = under(Policy::safe()).years(3).with_yearly_outage(Span::days(10));
    let once = simulation.run();
    assert_eq!(once, simulation.run());
    simulation.seed = 1;
    assert_ne!(once, simulation.run());
}

/// A hundredth of them, with a hundredth of the rate: the benchmark has a million.
#[test]
fn the_mass_revocations_of_2026_are_survived_at_12000_an_hour() {
    for rehearsal in [Rehearsal::swisssign_2026(USERS, 120), Rehearsal::d_trust_2026(USERS, 120)] {
        let verdict = rehearsal.feasibility();
        let Verdict::Feasible { spare, .. } = verdict.verdict else { panic!("{verdict}") };
        let report = rehearsal.run(Policy::safe());
        let [replaced] = report.replaced.as_slice() else { panic!("{report}") };
        assert_eq!((replaced.selected, replaced.in_time), (10_000, 10_000), "{report}");
        assert_eq!((report.gap_users, report.gap_seconds), (0, 0), "{report}");
        // The last one is replaced when the verdict said.
        let early = rehearsal.incident.by - replaced.last.unwrap();
        assert!((early - spare).as_seconds().abs() <= 1_200, "{early} {spare}");
    }
}

#[test]
fn at_2000_an_hour_the_verdict_says_cannot_and_what_is_run_anyway_comes_to_its_figures() {
    for rehearsal in [Rehearsal::swisssign_2026(USERS, 20), Rehearsal::d_trust_2026(USERS, 20)] {
        let verdict = rehearsal.feasibility();
        let Verdict::Infeasible { in_time, needed_per_hour, .. } = verdict.verdict else { panic!("{verdict}") };
        assert_eq!((in_time, needed_per_hour), (2_400, 84));
        let report = rehearsal.run(Policy::safe());
        assert_eq!((report.replaced[0].selected, report.replaced[0].in_time), (10_000, in_time), "{report}");
        // Those revoked before their turn have no signer, and the last call came before that.
        // Whoever's turn was in the second of the deadline had no gap of a second.
        assert!((7_590..=7_600).contains(&report.gap_users), "{report}");
        assert!(report.alarms[&Level::LastCall] >= 10_000 - in_time, "{report}");
    }
}
