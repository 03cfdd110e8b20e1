//! Three nodes over one store, for years, while all goes wrong that can: what must hold all the same.
//!
//! Each schedule follows from its seed, so that one that fails can be run again alone.

#![cfg(test)]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use sealpost_rollover::{
    Layout, Policy, SecondPlace, Span, Stage, Subject, SubjectKind, Time,
    alarm::Level,
    testing::{authority::Faults, crashing::Blow},
};

mod schedules {
    pub(crate) mod draw;
    pub(crate) mod watch;
    pub(crate) mod world;
}
use schedules::{
    draw::draw,
    world::{Plan, World},
};

const START: Time = Time::from_unix(2_208_988_800);
const YEAR: Span = Span::days(365);

/// I1, I3, I4, I5, I7, I9, I10. Where the policy's window is longer than what can go wrong within it
/// ([`draw::needed`](schedules::draw::needed)), no second passes without a valid signer.
#[test]
fn in_ten_thousand_schedules_no_key_is_lost_and_no_second_passes_without_a_signer() {
    const SCHEDULES: u64 = 10_000;
    let next = AtomicU64::new(0);
    let work = || {
        let mut figures = Figures::default();
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= SCHEDULES {
                return figures;
            }
            figures.add(&schedule(seed));
        }
    };
    let total = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..thread::available_parallelism().map_or(2, usize::from)).map(|_| scope.spawn(work)).collect();
        let mut total = Figures::default();
        workers.into_iter().for_each(|worker| total.add(&worker.join().unwrap()));
        total
    });
    println!("{total:#?}");
    assert_eq!(total.schedules, SCHEDULES);
    assert!(total.promised > SCHEDULES / 2, "the window of most policies is long enough");
    assert!(total.gaps_of_others > 0, "an outage that is too long is seen");
    let happened = [total.crashes, total.failures, total.fenced, total.ambiguous, total.surplus, total.refused];
    assert!(happened.iter().all(|&count| count > 1_000), "{happened:?}: this tests nothing");
}

fn schedule(seed: u64) -> Figures {
    let plan = draw(seed);
    let mut world = World::new(&plan);
    world.live(START + YEAR * 2);
    let figures = world.verify();
    if plan.is_promised() {
        assert_eq!(world.watch.gap_seconds(), 0, "seed {seed}: {:?} without a signer, {plan:?}", world.watch.gaps());
        assert!(world.all_served(), "seed {seed}: somebody has no signer at last");
    }
    if let Some(unheard) = world.unheard_gap() {
        panic!("seed {seed}: no alarm before {unheard:?}");
    }
    Figures {
        schedules: 1,
        promised: u64::from(plan.is_promised()),
        outages: u64::try_from(plan.faults.outages.len()).unwrap(),
        gaps_of_others: u64::from(world.watch.gap_seconds() > 0),
        ..figures
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) schedules: u64,
    /// Those whose policy's window is long enough.
    pub(crate) promised: u64,
    /// The others that had a gap.
    pub(crate) gaps_of_others: u64,
    pub(crate) ticks: u64,
    pub(crate) crashes: u64,
    /// Nodes that stood still in the middle of their work and went on.
    pub(crate) pauses: u64,
    pub(crate) failures: u64,
    pub(crate) outages: u64,
    pub(crate) keys: u64,
    pub(crate) orders: u64,
    pub(crate) issued: u64,
    pub(crate) asked: u64,
    pub(crate) ambiguous: u64,
    pub(crate) surplus: u64,
    pub(crate) refused: u64,
    pub(crate) fenced: u64,
    pub(crate) alarms: u64,
}

impl Figures {
    fn add(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.schedules, other.schedules),
            (&mut self.promised, other.promised),
            (&mut self.gaps_of_others, other.gaps_of_others),
            (&mut self.ticks, other.ticks),
            (&mut self.crashes, other.crashes),
            (&mut self.pauses, other.pauses),
            (&mut self.failures, other.failures),
            (&mut self.outages, other.outages),
            (&mut self.keys, other.keys),
            (&mut self.orders, other.orders),
            (&mut self.issued, other.issued),
            (&mut self.asked, other.asked),
            (&mut self.ambiguous, other.ambiguous),
            (&mut self.surplus, other.surplus),
            (&mut self.refused, other.refused),
            (&mut self.fenced, other.fenced),
            (&mut self.alarms, other.alarms),
        ] {
            *mine += theirs;
        }
    }
}

/// A world in which only what is struck goes wrong.
fn quiet(layout: Layout, second_place: SecondPlace, delay: Span) -> Plan {
    let mut policy = Policy::safe();
    policy.second_place = second_place;
    let subject = Subject::new(SubjectKind::Mailbox, "anna@example.org", layout, START).unwrap();
    let faults = Faults { delay, ..Faults::none() };
    Plan {
        seed: 5,
        policy,
        subjects: vec![subject],
        faults,
        skews: vec![Span::ZERO],
        per_hour: 3_600,
        lifetime: YEAR,
        chaos: 0,
    }
}

/// The renewal of `plan`, struck at each of `strokes`; how many calls it took. Whatever it was struck by, one key
/// and one order come of it.
fn renewal(plan: &Plan, strokes: &[(u64, Blow)]) -> u64 {
    let mut world = World::new(plan);
    world.live(START + YEAR - Span::days(41));
    let (before, fate) = (world.authority.orders().len(), world.nodes[0].fate.clone());
    let calls = fate.calls();
    for &(call, blow) in strokes {
        let at = call.saturating_sub(fate.calls() - calls);
        fate.strike(at, blow);
        world.live(world.clock.now() + Span::days(6));
    }
    fate.spare();
    world.live(START + YEAR - Span::days(15));
    let state = world.state(0);
    for &slot in state.layout.slots() {
        let stages: Vec<Stage> = state.of_slot(slot).map(sealpost_rollover::Generation::stage).collect();
        assert_eq!(stages, [Stage::Ready; 2], "{strokes:?}");
    }
    assert_eq!(world.authority.orders().len(), before * 2, "{strokes:?}: an order twice");
    assert_eq!(world.watch.gap_seconds(), 0, "{strokes:?}");
    world.verify();
    fate.calls() - calls
}

/// T5, T7: whatever is carried out last.
#[test]
fn a_node_may_stop_at_every_call_of_a_renewal() {
    let hour = Span::hours(1);
    for plan in [
        quiet(Layout::Dual, SecondPlace::None, Span::ZERO),
        quiet(Layout::Dual, SecondPlace::Required, hour),
        quiet(Layout::Split, SecondPlace::Required, hour),
    ] {
        let calls = renewal(&plan, &[]);
        let mut runs = 0;
        for (call, blow) in (0..calls).flat_map(|call| Blow::ALL.map(|blow| (call, blow))) {
            renewal(&plan, &[(call, blow)]);
            runs += 1;
        }
        println!("{runs} renewals, each struck at one of {calls} calls");
    }
}

/// The same twice: whoever takes over may stop as well.
#[test]
fn a_node_may_stop_twice_in_a_renewal() {
    let plan = quiet(Layout::Dual, SecondPlace::Required, Span::hours(1));
    let calls = renewal(&plan, &[]);
    let mut runs = 0;
    for first in (0..calls).step_by(3) {
        for second in first + 1..calls + 20 {
            renewal(&plan, &[(first, Blow::StopAfter), (second, Blow::StopBefore)]);
            runs += 1;
        }
    }
    println!("{runs} renewals, each struck twice");
}

/// I10: a gap that can't be prevented is told of long before, louder each time.
#[test]
fn an_outage_of_forty_days_rings_all_alarms_before_the_first_gap() {
    for seed in 0..50 {
        let mut plan = draw(seed);
        plan.policy = Policy::safe();
        plan.lifetime = YEAR;
        plan.subjects.retain(|subject| subject.kind != SubjectKind::Domain);
        if plan.subjects.is_empty() {
            continue;
        }
        // Renewal begins 40 days before the end at the earliest; domains begin earlier.
        plan.faults =
            Faults { outages: vec![(START + YEAR - Span::days(41), START + YEAR + Span::days(5))], ..Faults::none() };
        plan.faults.seed = seed;
        let mut world = World::new(&plan);
        world.live(START + YEAR + Span::days(20));
        assert!(!world.watch.gaps().is_empty(), "seed {seed}: this outage is too long for anybody");
        for gap in world.watch.gaps() {
            let heard = world.alarms_of(gap.subject, gap.slot);
            for level in [Level::Notice, Level::Warning, Level::Error, Level::Page, Level::LastCall] {
                let rung = heard.iter().find(|heard| heard.level == level);
                assert!(
                    rung.is_some_and(|heard| heard.at < gap.from),
                    "seed {seed}: {level:?} before {gap:?}: {heard:?}"
                );
            }
            assert!(
                heard.iter().filter(|heard| heard.at < gap.from).all(|heard| heard.affected_at < gap.from),
                "seed {seed}"
            );
        }
        assert!(world.all_served(), "seed {seed}: after the outage all goes on");
        world.verify();
    }
}

/// One schedule holds all kinds of subjects and layouts at some seed.
#[test]
fn the_schedules_cover_all_kinds_layouts_and_policies() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let plan = draw(seed);
        for subject in &plan.subjects {
            seen.insert((subject.kind.word(), subject.layout.word(), plan.policy.name.clone()));
        }
    }
    assert_eq!(seen.len(), 4 * 2 * 3);
}
