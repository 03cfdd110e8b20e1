//! Ten years of a million users, the two mass revocations of 2026, and what a look costs by the size of the fleet.
//!
//! Each simulation runs in a process of its own, so that the kernel says how much memory it needed at most.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench stops where its material is not as it should be"
)]

use std::{env, hint::black_box, process::Command, time::Instant};

use nix::sys::resource::UsageWho;
use sealpost_benches::{cpu, peak, size, time};
use sealpost_measure::median;
use sealpost_rollover::{
    Act, CaHealth, Cause, Effect, Event, GenerationId, Happened, Layout, Policy, Rehearsal, Slot, Span, Subject,
    SubjectKind, SubjectState, Time, apply, decide,
    simulate::{Calendar, Onboarding, Report, Simulation, TICK},
};

const USERS: u32 = 1_000_000;

/// A name, and how it comes about.
type Way = (&'static str, fn() -> Report);

/// What is simulated.
const SIMULATIONS: [Way; 7] = [
    ("default", || Simulation::new(USERS, Policy::safe()).run()),
    ("default, 10 days of outage a year", || outage(Policy::safe())),
    ("secumail-7d, 10 days of outage a year", || outage(Policy::secumail_7d())),
    ("SwissSign 2026 at 12,000 an hour", || Rehearsal::swisssign_2026(USERS, 12_000).run(Policy::safe())),
    ("SwissSign 2026 at 2,000 an hour", || Rehearsal::swisssign_2026(USERS, 2_000).run(Policy::safe())),
    ("D-Trust 2026 at 12,000 an hour", || Rehearsal::d_trust_2026(USERS, 12_000).run(Policy::safe())),
    ("D-Trust 2026 at 2,000 an hour", || Rehearsal::d_trust_2026(USERS, 2_000).run(Policy::safe())),
];

fn outage(policy: Policy) -> Report {
    let mut simulation = Simulation::new(USERS, policy).with_yearly_outage(Span::days(10));
    simulation.onboarding = Onboarding::Over(Span::days(365));
    simulation.run()
}

fn main() {
    // `cargo bench` gives arguments of its own.
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1..) {
        Some([way, which]) if way == "simulate" => {
            let (_, simulation) = SIMULATIONS[which.parse::<usize>().unwrap()];
            let start = Instant::now();
            let report = simulation();
            let seconds = start.elapsed().as_secs_f64();
            println!("{}", row(&report, [seconds, cpu(UsageWho::RUSAGE_SELF)]));
        }
        _ => {
            simulations();
            verdicts();
            ticks();
        }
    }
}

fn simulations() {
    println!("### A million users in virtual time\n");
    println!("Ten years, and for the mass revocations the months from the first certificate on; two threads.\n");
    println!("| | time | CPU time | most memory | events | renewals | users with a gap | longest gap | replaced |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for (which, (name, _)) in SIMULATIONS.iter().enumerate() {
        let child = Command::new(env::current_exe().unwrap()).args(["simulate", &which.to_string()]).output();
        let output = String::from_utf8(child.unwrap().stdout).unwrap();
        assert!(!output.is_empty(), "{name}: no result");
        println!("| {name} {}", output.trim());
    }
    println!();
}

fn row(report: &Report, seconds: [f64; 2]) -> String {
    let [wall, cpu] = seconds.map(time);
    let Report { events, renewals, gap_users, longest_gap, .. } = report;
    let replaced = report.replaced.iter().map(|replaced| replaced.in_time.to_string());
    let replaced = replaced.collect::<String>();
    let memory = size(peak());
    format!("| {wall} | {cpu} | {memory} | {events} | {renewals} | {gap_users} | {longest_gap} | {replaced} |")
}

fn verdicts() {
    println!("### What is said before it starts\n");
    for rate in [12_000, 2_000] {
        let rehearsal = Rehearsal::swisssign_2026(USERS, rate);
        println!("- {}", rehearsal.feasibility());
    }
    println!();
}

/// How many are due a day, whatever the fleet.
const DUE: u32 = 1_000;
const DAYS: u32 = 10;

fn ticks() {
    println!("### What ten minutes cost, with {DUE} renewals a day\n");
    println!("| users | a tick of the queue alone | a tick with all renewals in it | a renewal |");
    println!("|---|---|---|---|");
    for users in [10_000, 100_000, 1_000_000] {
        let ticks = 144 * users / DUE;
        let mut calendar = Calendar::new(users, 2 * ticks);
        let mut states: Vec<SubjectState> = (0..users).map(|user| subject(user, users)).collect();
        let at = |user: u32| ticks_until(renew_at(user, users));
        (0..users).for_each(|user| calendar.put(user, at(user)));
        let queue = days(|tick, due| {
            calendar.take(tick, due);
            due.iter().for_each(|&user| calendar.put(user, tick + ticks));
        });
        (0..users).for_each(|user| calendar.put(user, at(user)));
        let whole = days(|tick, due| {
            calendar.take(tick, due);
            let now = START + TICK * i64::from(tick);
            due.iter().for_each(|&user| {
                renew(&mut states[usize::try_from(user).unwrap()], now);
                calendar.put(user, tick + ticks);
            });
        });
        let renewal = whole * 144.0 / f64::from(DUE);
        println!("| {users} | {} | {} | {} |", time(queue), time(whole), time(renewal));
        black_box(states);
    }
    println!();
}

/// Seconds a tick, the median of ten days.
fn days(mut look: impl FnMut(u32, &mut Vec<u32>)) -> f64 {
    let mut due = Vec::new();
    let day = |day: u32| {
        let start = Instant::now();
        let mut count = 0;
        for tick in 144 * day..144 * (day + 1) {
            look(tick, &mut due);
            count += due.len();
            due.clear();
        }
        assert_eq!(count, usize::try_from(DUE).unwrap(), "day {day}");
        start.elapsed().as_secs_f64() / 144.0
    };
    median((0..DAYS).map(day).collect())
}

/// 2027-01-04T08:00:00Z.
const START: Time = Time::from_unix(1_799_049_600);

/// When `user` is due: as many a day as there are to be, far apart from each other in memory.
fn renew_at(user: u32, users: u32) -> Time {
    let (day, which) = (user % (users / DUE), user / (users / DUE));
    START + Span::days(day.into()) + TICK * i64::from(which % 144)
}

fn ticks_until(time: Time) -> u32 {
    u32::try_from((time - START).as_seconds() / TICK.as_seconds()).unwrap()
}

/// One with a key of which the successor is due then.
fn subject(user: u32, users: u32) -> SubjectState {
    let issued = START - Span::days(300);
    let subject = Subject::new(SubjectKind::Mailbox, &format!("{user}@example.com"), Layout::Dual, issued).unwrap();
    let mut state = SubjectState::new(&subject);
    for what in [
        Happened::KeyDurable { cause: Cause::Enrolled },
        Happened::Issued { not_before: issued, not_after: issued + Span::days(3_650) },
        Happened::Ready { activate_at: issued, renew_at: renew_at(user, users) },
        Happened::Published { activate_at: issued },
    ] {
        apply(&mut state, &Event::new(Slot::Dual, 1, issued, what));
    }
    state
}

/// All that is to be done about one who is due.
fn renew(state: &mut SubjectState, now: Time) {
    let policy = Policy::safe();
    let end = now + Span::days(365);
    loop {
        let decision = decide(now, state, &policy, &CaHealth::READY);
        if decision.effects.is_empty() {
            return state.leave_out_retired(now + policy.skew);
        }
        for Effect { slot, number, act, .. } in decision.effects {
            let mut happened = |what| apply(state, &Event::new(slot, number, now, what));
            match act {
                Act::Generate { cause } => happened(Happened::KeyDurable { cause }),
                Act::Submit => {
                    happened(Happened::Asking { ask: 1 });
                    happened(Happened::Issued { not_before: now, not_after: end });
                }
                Act::Inspect => {
                    let id = GenerationId::new(state.id, slot, number);
                    let renew_at = policy.renew_at(state.kind, id, now, end);
                    let activate_at = policy.activate_at(state.kind, now, now);
                    apply(state, &Event::new(slot, number, now, Happened::Ready { activate_at, renew_at }));
                }
                Act::Publish => happened(Happened::Published { activate_at: now }),
                other => panic!("{other:?}"),
            }
        }
    }
}
