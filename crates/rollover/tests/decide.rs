//! What is decided, over whole lives of subjects: the presets, and what must hold whatever the world answers.

#![cfg(test)]

use proptest::prelude::*;
use sealpost_rollover::{
    Act, CaHealth, Cause, Event, GenerationId, Happened, Layout, Policy, RevocationReason, Slot, Span, Stage, Subject,
    SubjectKind, SubjectState, Time, apply, decide,
};

const START: Time = Time::from_unix(2_208_988_800); // 2040-01-01: ten years on, UTCTime is over.
const YEAR: Span = Span::days(365);

fn subject(kind: SubjectKind, layout: Layout) -> Subject {
    let address = if kind == SubjectKind::Domain { "example.org" } else { "anna@example.org" };
    Subject::new(kind, address, layout, START).unwrap()
}

/// A world that does everything at once and issues for `lifetime`.
struct World {
    policy: Policy,
    lifetime: Span,
    state: SubjectState,
    made: Vec<(Time, Slot, u32, Cause)>,
}

impl World {
    fn new(policy: Policy, kind: SubjectKind, layout: Layout) -> Self {
        Self { policy, lifetime: YEAR, state: SubjectState::new(&subject(kind, layout)), made: Vec::new() }
    }

    /// Does all that is due at `now`; when to look again.
    fn settle(&mut self, now: Time) -> Time {
        for _ in 0..100 {
            let decision = decide(now, &self.state, &self.policy, &CaHealth::READY);
            if decision.effects.is_empty() {
                return decision.wake.at;
            }
            for effect in decision.effects {
                let (slot, number) = (effect.slot, effect.number);
                for what in self.answer(now, slot, number, effect.act) {
                    apply(&mut self.state, &Event::new(slot, number, now, what));
                }
            }
        }
        panic!("it does not come to rest");
    }

    fn answer(&mut self, now: Time, slot: Slot, number: u32, act: Act) -> Vec<Happened> {
        let id = GenerationId::new(self.state.id, slot, number);
        let not_after = now + self.lifetime - Span::seconds(1);
        let kind = self.state.kind;
        match act {
            Act::Generate { cause } => {
                self.made.push((now, slot, number, cause));
                vec![Happened::KeyDurable { cause }]
            }
            Act::BackUp => vec![Happened::BackedUp],
            Act::Submit => {
                let ask = self.state.generation(slot, number).unwrap().asked + 1;
                vec![Happened::Asking { ask }, Happened::Issued { not_before: now, not_after }]
            }
            Act::Inspect => {
                let generation = self.state.generation(slot, number).unwrap();
                let (from, to) = (generation.not_before.unwrap(), generation.not_after.unwrap());
                let activate_at = self.policy.activate_at(kind, from, now);
                vec![Happened::Ready { activate_at, renew_at: self.policy.renew_at(kind, id, from, to) }]
            }
            Act::Publish => {
                let from = self.state.generation(slot, number).unwrap().not_before.unwrap();
                vec![Happened::Published { activate_at: self.policy.activate_published_at(kind, from, now) }]
            }
            Act::Raise { level } => vec![Happened::Alarmed { level }],
            other => panic!("{other:?} of a world that answers at once"),
        }
    }

    /// Lives until `end`.
    fn live(&mut self, mut now: Time, end: Time) {
        while now < end {
            let next = self.settle(now);
            assert!(next > now, "it looks again at once, for ever");
            now = next;
        }
    }

    fn want(&mut self, at: Time, slot: Slot, number: u32, cause: Cause) {
        apply(&mut self.state, &Event::new(slot, number, at, Happened::Wanted { cause }));
    }
}

/// A080 to A083: one week before the end, the new key signs at once, the old one decrypts on.
#[test]
fn secumail_rolls_one_week_before_the_end_and_signs_with_the_new_key_at_once() {
    let mut world = World::new(Policy::secumail_7d(), SubjectKind::Mailbox, Layout::Dual);
    assert_eq!(world.settle(START), Time::NEVER, "without a mail nothing is ordered");
    world.want(START, Slot::Dual, 1, Cause::FirstMail);
    world.settle(START);
    assert_eq!(world.state.signer(START).unwrap().number, 1);
    world.live(START, START + YEAR + YEAR);
    let first_end = START + YEAR - Span::seconds(1);
    let made: Vec<_> = world.made.iter().map(|&(at, _, number, cause)| (at, number, cause)).collect();
    assert_eq!(made[..2], [(START, 1, Cause::FirstMail), (first_end - Span::days(7), 2, Cause::Due)]);
    let rolled = first_end - Span::days(7);
    assert_eq!(world.state.signer(rolled - Span::seconds(1)).unwrap().number, 1);
    assert_eq!(world.state.signer(rolled).unwrap().number, 2);
    assert_eq!(world.state.decrypters().filter(|generation| generation.number == 1).count(), 1, "for ever");
}

/// A079: yearly, also where certificates are valid for longer.
#[test]
fn yearly_rolls_each_year_though_certificates_are_valid_for_825_days() {
    let mut world = World::new(Policy::yearly(), SubjectKind::Mailbox, Layout::Dual);
    world.lifetime = Span::days(825);
    world.live(START, START + YEAR * 10);
    let ages: Vec<Span> = world.made.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(ages.len() >= 9 && ages.iter().all(|&age| age <= YEAR && age >= YEAR - Span::days(10)), "{ages:?}");
}

/// T28: partners enter it by hand.
#[test]
fn a_domain_is_announced_for_a_month_before_its_new_certificate_is_used() {
    let mut world = World::new(Policy::safe(), SubjectKind::Domain, Layout::Dual);
    world.live(START, START + YEAR);
    let [first, second] = world.state.generations() else { panic!("{:?}", world.state) };
    assert_eq!(second.activate_at.unwrap() - second.published.unwrap(), Span::days(30));
    let used = second.activate_at.unwrap();
    assert!(used < first.not_after.unwrap() - Span::days(29));
    assert_eq!(world.state.holder(Slot::Dual, used - Span::seconds(1)).unwrap().number, 1);
    assert_eq!(world.state.holder(Slot::Dual, used).unwrap().number, 2);
    // If the one in use ends early, the announced one stands in.
    let revoked = Happened::Revoked { reason: RevocationReason::KeyCompromise };
    apply(&mut world.state, &Event::new(Slot::Dual, 1, used - Span::days(2), revoked));
    assert_eq!(world.state.holder(Slot::Dual, used - Span::days(1)).unwrap().number, 2);
}

#[test]
fn signing_and_decrypting_keys_roll_on_their_own() {
    let mut world = World::new(Policy::safe(), SubjectKind::Mailbox, Layout::Split);
    world.settle(START);
    world.want(START + Span::days(9), Slot::Sign, 2, Cause::Click);
    world.live(START + Span::days(9), START + Span::days(10));
    let numbers = |slot| world.state.of_slot(slot).map(|generation| generation.number).collect::<Vec<_>>();
    assert_eq!((numbers(Slot::Sign), numbers(Slot::Encrypt)), (vec![1, 2], vec![1]));
    assert!(world.state.decrypters().all(|generation| generation.slot == Slot::Encrypt));
}

/// T27.
#[test]
fn a_revoked_key_signs_nothing_from_then_on_and_decrypts_for_ever() {
    let mut world = World::new(Policy::safe(), SubjectKind::Mailbox, Layout::Dual);
    world.settle(START);
    let day = START + Span::days(50);
    let revoked = Happened::Revoked { reason: RevocationReason::KeyCompromise };
    apply(&mut world.state, &Event::new(Slot::Dual, 1, day, revoked));
    assert!(world.state.signer(day).is_none());
    let decision = decide(day, &world.state, &world.policy, &CaHealth::READY);
    assert_eq!(decision.wake.deadline, day, "before all that is only due");
    assert!(decision.effects.iter().any(|effect| effect.act == Act::Generate { cause: Cause::Revoked }));
    world.settle(day);
    assert_eq!(world.state.signer(day).unwrap().number, 2);
    assert_eq!(world.state.decrypters().count(), 2);
}

#[test]
fn nothing_that_decrypts_is_asked_for_before_the_second_place_has_it() {
    let mut policy = Policy::safe();
    policy.second_place = sealpost_rollover::SecondPlace::Required;
    let state = SubjectState::new(&subject(SubjectKind::Mailbox, Layout::Split));
    let mut world = World { policy, lifetime: YEAR, state, made: Vec::new() };
    for slot in [Slot::Sign, Slot::Encrypt] {
        apply(&mut world.state, &Event::new(slot, 1, START, Happened::KeyDurable { cause: Cause::Enrolled }));
    }
    let acts = |world: &World| {
        let decision = decide(START, &world.state, &world.policy, &CaHealth::READY);
        decision.effects.iter().map(|effect| (effect.slot, effect.act)).collect::<Vec<_>>()
    };
    assert_eq!(acts(&world), [(Slot::Sign, Act::Submit), (Slot::Encrypt, Act::BackUp)]);
    apply(&mut world.state, &Event::new(Slot::Encrypt, 1, START, Happened::BackedUp));
    assert_eq!(acts(&world), [(Slot::Sign, Act::Submit), (Slot::Encrypt, Act::Submit)]);
}

/// T7, T16: neither a missing answer nor a refusal leads to order after order.
#[test]
fn an_ambiguous_request_is_cleared_up_first_and_a_refusal_is_not_repeated_at_once() {
    let mut world = World::new(Policy::safe(), SubjectKind::Mailbox, Layout::Dual);
    for what in [Happened::KeyDurable { cause: Cause::Enrolled }, Happened::Asking { ask: 1 }] {
        apply(&mut world.state, &Event::new(Slot::Dual, 1, START, what));
    }
    let acts = |world: &World, now| {
        let decision = decide(now, &world.state, &world.policy, &CaHealth::READY);
        (decision.effects.iter().map(|effect| effect.act).collect::<Vec<_>>(), decision.wake.at)
    };
    assert_eq!(acts(&world, START).0, [Act::Reconcile]);
    let retry_at = START + Span::minutes(1);
    apply(&mut world.state, &Event::new(Slot::Dual, 1, START, Happened::Unanswered { ask: 1, retry_at }));
    assert_eq!(acts(&world, START), (vec![], retry_at));
    assert_eq!(acts(&world, retry_at).0, [Act::Submit]);
    apply(&mut world.state, &Event::new(Slot::Dual, 1, START, Happened::Refused));
    assert_eq!(acts(&world, START), (vec![], START + Span::days(1)));
    for number in 2..6 {
        for what in [Happened::KeyDurable { cause: Cause::Refused }, Happened::Refused] {
            apply(&mut world.state, &Event::new(Slot::Dual, number, START, what));
        }
    }
    let late = START + Span::days(15);
    let next = decide(late, &world.state, &world.policy, &CaHealth::READY).effects;
    assert!(!next.iter().any(|effect| matches!(effect.act, Act::Generate { .. })), "16 days after the fifth refusal");
}

/// An outage tells itself early, and louder and louder, before anybody is affected (I10).
#[test]
fn alarms_ring_before_the_first_user_is_affected() {
    let mut world = World::new(Policy::safe(), SubjectKind::Mailbox, Layout::Dual);
    world.settle(START);
    let out = CaHealth::from(Time::NEVER);
    let (mut now, mut rung) = (START, Vec::new());
    let end = world.state.covered_until(Slot::Dual, START).unwrap();
    while now <= end {
        let decision = decide(now, &world.state, &world.policy, &out);
        for effect in &decision.effects {
            let what = match effect.act {
                Act::Raise { level } => {
                    rung.push((end - now, level));
                    Happened::Alarmed { level }
                }
                Act::Generate { cause } => Happened::KeyDurable { cause },
                other => panic!("{other:?}"),
            };
            apply(&mut world.state, &Event::new(effect.slot, effect.number, now, what));
        }
        if decision.effects.is_empty() {
            now = decision.wake.at;
        }
    }
    assert_eq!(rung, sealpost_rollover::alarm::LADDER);
}

/// Whoever sends the first mail long after enrolment is no alarm; an authority that leaves him waiting is.
#[test]
fn a_first_certificate_is_late_a_day_after_somebody_wanted_it() {
    let mut world = World::new(Policy::secumail_7d(), SubjectKind::Mailbox, Layout::Dual);
    let (mail, out) = (START + Span::days(200), CaHealth::from(Time::NEVER));
    world.want(mail, Slot::Dual, 1, Cause::FirstMail);
    let acts = |world: &World, now| decide(now, &world.state, &world.policy, &out).effects;
    assert_eq!(acts(&world, mail).len(), 1, "the key is made");
    apply(&mut world.state, &Event::new(Slot::Dual, 1, mail, Happened::KeyDurable { cause: Cause::FirstMail }));
    assert_eq!(acts(&world, mail), []);
    let late = decide(mail, &world.state, &world.policy, &out).wake.at;
    assert_eq!(late, mail + Span::days(1));
    let level = sealpost_rollover::alarm::Level::Warning;
    assert_eq!(acts(&world, late).first().map(|effect| effect.act), Some(Act::Raise { level }));
}

prop_compose! {
    fn happened()(kind in 0..15_u8, ask in 0..4_u16, day in 0..900_i64, cause in 0..3_u8, level in 0..3_usize) -> Happened {
        let at = START + Span::days(day);
        let cause = [Cause::Enrolled, Cause::Due, Cause::Click][usize::from(cause)];
        let level = sealpost_rollover::alarm::LADDER[level].1;
        match kind {
            0 => Happened::KeyDurable { cause },
            1 => Happened::BackedUp,
            2 => Happened::Asking { ask },
            3 => Happened::Unanswered { ask, retry_at: at },
            4 => Happened::Accepted { poll_at: at },
            5 => Happened::Pending { poll_at: at },
            6 => Happened::Issued { not_before: at, not_after: at + YEAR },
            7 => Happened::Ready { activate_at: at, renew_at: at + YEAR },
            8 => Happened::Refused,
            9 => Happened::Published { activate_at: at },
            10 => Happened::Hinted { renew_at: at },
            11 => Happened::ReplaceBy { by: at },
            12 => Happened::Revoked { reason: RevocationReason::Superseded },
            13 => Happened::Alarmed { level },
            _ => Happened::Wanted { cause },
        }
    }
}

prop_compose! {
    fn event()(number in 1..4_u32, day in 0..900_i64, what in happened()) -> Event {
        Event::new(Slot::Dual, number, START + Span::days(day), what)
    }
}

fn after(events: &[Event]) -> SubjectState {
    let mut state = SubjectState::new(&subject(SubjectKind::Mailbox, Layout::Dual));
    for number in 1..4 {
        let durable = Happened::KeyDurable { cause: Cause::Due };
        apply(&mut state, &Event::new(Slot::Dual, number, START, durable));
    }
    events.iter().for_each(|event| apply(&mut state, event));
    state
}

fn merged(one: &SubjectState, other: &SubjectState) -> SubjectState {
    let mut merged = one.clone();
    merged.merge(other);
    merged
}

proptest! {
    /// I5: merging is commutative, associative and idempotent.
    #[test]
    fn states_are_a_lattice(
        one in prop::collection::vec(event(), 0..12),
        two in prop::collection::vec(event(), 0..12),
        three in prop::collection::vec(event(), 0..12),
    ) {
        let (one, two, three) = (after(&one), after(&two), after(&three));
        prop_assert_eq!(merged(&one, &two), merged(&two, &one));
        prop_assert_eq!(merged(&merged(&one, &two), &three), merged(&one, &merged(&two, &three)));
        prop_assert_eq!(merged(&one, &one), one);
    }

    /// I5: no event takes a stage back, and taking one in twice is taking it in once.
    #[test]
    fn stages_only_move_forward(events in prop::collection::vec(event(), 1..30)) {
        let mut state = after(&[]);
        for event in &events {
            let before = state.clone();
            apply(&mut state, event);
            let once = state.clone();
            apply(&mut state, event);
            prop_assert_eq!(&state, &once);
            for old in before.generations() {
                prop_assert!(state.generation(old.slot, old.number).unwrap().stage() >= old.stage());
            }
            prop_assert_eq!(&merged(&before, &state), &state, "what it knew it still knows");
        }
    }

    /// I6: looking before the wake finds nothing to do, and a later look finds no less.
    #[test]
    fn an_early_look_changes_nothing(events in prop::collection::vec(event(), 0..30), early in 0..1000_i64) {
        let mut world = World::new(Policy::safe(), SubjectKind::Mailbox, Layout::Dual);
        world.state = after(&events);
        let decision = decide(START, &world.state, &world.policy, &CaHealth::from(Time::NEVER));
        prop_assume!(decision.effects.is_empty() && decision.wake.at < Time::NEVER);
        let between = (decision.wake.at - START).as_seconds() / 1000 * early;
        let look = START + Span::seconds(between);
        prop_assume!(look < decision.wake.at);
        let again = decide(look, &world.state, &world.policy, &CaHealth::from(Time::NEVER));
        prop_assert!(again.effects.is_empty(), "{:?} before {}", again.effects, decision.wake.at);
    }

    /// Whatever is known of a generation, at most one signs, and it is fit and valid (I1, I2).
    #[test]
    fn who_signs_is_fit_and_valid(events in prop::collection::vec(event(), 0..30), day in 0..900_i64) {
        let state = after(&events);
        let now = START + Span::days(day);
        if let Some(signer) = state.signer(now) {
            prop_assert_eq!(signer.stage(), Stage::Ready);
            prop_assert!(signer.not_before.unwrap() <= now && now <= signer.not_after.unwrap());
        }
        prop_assert_eq!(state.decrypters().count(), 3, "the schedule destroys no key");
    }
}
