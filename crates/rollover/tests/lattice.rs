//! States only move forward, and copies of one subject merge into what both know (invariants I4, I5, I6).
//!
//! Each case has a world: what is true of each generation (its key, its certificate) is one and the same in all
//! copies, as a store with compare and set sees to. In which order, and how often, events come is drawn by lot.
#![cfg(test)]

use proptest::{prelude::*, sample::Index};
use sealpost_rollover::{
    CaHealth, Cause, Event, GenerationId, Happened, Layout, Policy, RevocationReason, SecondPlace, Slot, Span, Stage,
    Subject, SubjectKind, SubjectState, Time,
    alarm::Level,
    apply, decide,
    port::{Attachment, Entry},
};

const START: i64 = 1_795_780_800;

fn time() -> impl Strategy<Value = Time> {
    // Few different ones, so that some meet; and some that are far apart.
    prop_oneof![0..20_i64, (0..800_i64).prop_map(|days| days * 86_400)]
        .prop_map(|seconds| Time::from_unix(START + seconds))
}

fn what() -> impl Strategy<Value = Happened> {
    let time = || time();
    prop_oneof![
        Just(Happened::BackedUp),
        (1..4_u16).prop_map(|ask| Happened::Asking { ask }),
        (1..4_u16, time()).prop_map(|(ask, retry_at)| Happened::Unanswered { ask, retry_at }),
        time().prop_map(|poll_at| Happened::Accepted { poll_at }),
        time().prop_map(|poll_at| Happened::Pending { poll_at }),
        (prop_oneof![time(), Just(Time::NEVER)], time())
            .prop_map(|(activate_at, renew_at)| Happened::Ready { activate_at, renew_at }),
        Just(Happened::Refused),
        time().prop_map(|activate_at| Happened::Published { activate_at }),
        time().prop_map(|renew_at| Happened::Hinted { renew_at }),
        time().prop_map(|by| Happened::ReplaceBy { by }),
        prop_oneof![Just(RevocationReason::Unspecified), Just(RevocationReason::KeyCompromise)]
            .prop_map(|reason| Happened::Revoked { reason }),
        prop_oneof![Just(Level::Notice), Just(Level::Page)].prop_map(|level| Happened::Alarmed { level }),
        prop_oneof![Just(Cause::Click), Just(Cause::FirstMail)].prop_map(|cause| Happened::Wanted { cause }),
        Just(Happened::Left),
        Just(Happened::Destroyed),
    ]
}

/// What is true, and what happened.
#[derive(Clone, Debug)]
struct World {
    subject: Subject,
    /// The keys.
    keys: Vec<Event>,
    /// All else.
    events: Vec<Event>,
}

prop_compose! {
    fn world()(
        kind in prop::sample::select(SubjectKind::ALL.to_vec()),
        layout in prop::sample::select(vec![Layout::Dual, Layout::Split]),
        certificates in prop::collection::vec((time(), time(), 1..800_i64, any::<bool>()), 6),
        count in 1..4_u32,
        happened in prop::collection::vec((any::<Index>(), time(), what()), 0..24),
    ) -> World {
        let address = if kind == SubjectKind::Domain { "example.org" } else { "ann@example.org" };
        let subject = Subject::new(kind, address, layout, Time::from_unix(START)).unwrap();
        let ids: Vec<(Slot, u32)> =
            layout.slots().iter().flat_map(|&slot| (1..=count).map(move |number| (slot, number))).collect();
        let cause = |number| if number == 1 { Cause::Enrolled } else { Cause::Due };
        let keys = ids.iter().zip(&certificates).map(|(&(slot, number), &(made, ..))| {
            Event::new(slot, number, made, Happened::KeyDurable { cause: cause(number) })
        });
        let issued = ids.iter().zip(&certificates).filter(|(_, certificate)| certificate.3).map(
            |(&(slot, number), &(at, not_before, days, _))| {
                let not_after = not_before + Span::days(days);
                Event::new(slot, number, at, Happened::Issued { not_before, not_after })
            },
        );
        let others = happened.into_iter().map(|(id, at, what)| {
            let (slot, number) = ids[id.index(ids.len())];
            Event::new(slot, number, at, what)
        });
        World { keys: keys.collect(), events: issued.chain(others).collect(), subject }
    }
}

impl World {
    fn fresh(&self) -> SubjectState {
        SubjectState::new(&self.subject)
    }

    /// With all keys, and those events.
    fn after<'a>(&'a self, events: impl IntoIterator<Item = &'a Event>) -> SubjectState {
        let mut state = self.fresh();
        self.keys.iter().chain(events).for_each(|event| apply(&mut state, event));
        state
    }

    /// A copy that saw only some of it: which ones, the bits of `seen` say.
    fn copy(&self, seen: u64) -> SubjectState {
        let mut state = self.fresh();
        for (place, event) in self.keys.iter().chain(&self.events).enumerate() {
            if (seen >> (place % 64)) & 1 == 1 {
                apply(&mut state, event);
            }
        }
        state
    }
}

fn merged(one: &SubjectState, other: &SubjectState) -> SubjectState {
    let mut merged = one.clone();
    merged.merge(other);
    merged
}

fn applied(state: &SubjectState, event: &Event) -> SubjectState {
    let mut applied = state.clone();
    apply(&mut applied, event);
    applied
}

/// Whether `later` knows all that `earlier` knows.
fn is_behind(earlier: &SubjectState, later: &SubjectState) -> bool {
    merged(later, earlier) == *later
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn merging_is_commutative_associative_and_idempotent(world in world(), seen in any::<[u64; 3]>()) {
        let [one, two, three] = seen.map(|seen| world.copy(seen));
        prop_assert_eq!(merged(&one, &two), merged(&two, &one));
        prop_assert_eq!(merged(&merged(&one, &two), &three), merged(&one, &merged(&two, &three)));
        prop_assert_eq!(merged(&one, &one), one.clone());
        let both = merged(&one, &two);
        prop_assert!(is_behind(&one, &both) && is_behind(&two, &both));
        // And it is the least that knows both.
        let more = merged(&both, &three);
        prop_assert!(!(is_behind(&one, &more) && is_behind(&two, &more)) || is_behind(&both, &more));
    }

    /// Invariant I5: also if it comes again after others.
    #[test]
    fn an_event_twice_is_an_event_once(world in world(), again in any::<Index>()) {
        let once = world.after(&world.events);
        let all: Vec<&Event> = world.keys.iter().chain(&world.events).collect();
        let again = all[again.index(all.len())];
        prop_assert_eq!(&applied(&once, again), &once);
        let twice = world.after(world.events.iter().flat_map(|event| [event, event]));
        prop_assert_eq!(&twice, &once);
    }

    #[test]
    fn the_order_of_events_does_not_matter(
        (world, order) in world().prop_flat_map(|world| {
            let order = Just(world.events.clone()).prop_shuffle();
            (Just(world), order)
        }),
    ) {
        prop_assert_eq!(world.after(&order), world.after(&world.events));
    }

    #[test]
    fn an_event_only_moves_forward(world in world(), seen in any::<u64>()) {
        let mut state = world.copy(seen);
        for event in world.keys.iter().chain(&world.events) {
            let next = applied(&state, event);
            prop_assert!(is_behind(&state, &next), "{:?}", event);
            for generation in state.generations() {
                let after = next.generation(generation.slot, generation.number).unwrap();
                prop_assert!(generation.stage() <= after.stage(), "{:?}", event);
            }
            state = next;
        }
    }

    #[test]
    fn applying_and_merging_commute(world in world(), seen in any::<[u64; 2]>(), event in any::<Index>()) {
        let [one, other] = seen.map(|seen| world.copy(seen));
        let all: Vec<&Event> = world.keys.iter().chain(&world.events).collect();
        let event = all[event.index(all.len())];
        let both = merged(&applied(&one, event), &applied(&other, event));
        prop_assert_eq!(applied(&merged(&one, &other), event), both);
    }

    /// Two nodes that know all keys and saw a part of the rest each know all of it together.
    #[test]
    fn what_was_seen_apart_merges_into_all(world in world(), seen in any::<u64>()) {
        let part = |bit| {
            let seen = world.events.iter().enumerate().filter(move |(place, _)| (seen >> place) & 1 == bit);
            world.after(seen.map(|(_, event)| event))
        };
        prop_assert_eq!(merged(&part(0), &part(1)), world.after(&world.events));
    }

    /// What comes later for the same key is spare: a mail was perhaps signed with the first one already.
    #[test]
    fn the_first_certificate_is_adopted(world in world(), at in time(), not_before in time()) {
        let state = world.after(&world.events);
        for generation in state.generations().iter().filter(|generation| generation.issued.is_some()) {
            let spare = Happened::Issued { not_before, not_after: not_before + Span::days(30) };
            let after = applied(&state, &Event::new(generation.slot, generation.number, at, spare));
            prop_assert_eq!(&after, &state);
        }
    }

    /// Invariant I4: nothing but an explicit order takes a key away from old mail.
    #[test]
    fn only_destroying_stops_decrypting(world in world()) {
        let ids = |state: &SubjectState| -> Vec<_> {
            state.decrypters().map(|generation| (generation.slot, generation.number)).collect()
        };
        let mut state = world.after(&[]);
        for event in &world.events {
            let (before, after) = (ids(&state), ids(&applied(&state, event)));
            let gone: Vec<_> = before.iter().filter(|id| !after.contains(id)).collect();
            let destroyed = event.what == Happened::Destroyed;
            prop_assert!(gone.is_empty() || destroyed && gone == [&(event.slot, event.number)], "{:?}", event);
            apply(&mut state, event);
        }
    }

    /// Invariant I5: the order of the stages is that in which steps are taken.
    #[test]
    fn a_destroyed_generation_stays_destroyed(world in world()) {
        let mut state = world.after(&[]);
        world.keys.iter().for_each(|key| {
            apply(&mut state, &Event::new(key.slot, key.number, key.at, Happened::Destroyed));
        });
        world.events.iter().for_each(|event| apply(&mut state, event));
        prop_assert!(state.generations().iter().all(|generation| generation.stage() == Stage::Destroyed));
    }

    /// Invariant I6: until the wake there is nothing to do, and the wake is later than now.
    #[test]
    fn looking_early_changes_nothing(
        world in world(), now in time(), part in 0..1_000_i64, required in any::<bool>(), later in 0..100_000_i64,
    ) {
        let state = world.after(&world.events);
        let mut policy = Policy::safe();
        policy.second_place = if required { SecondPlace::Required } else { SecondPlace::None };
        let ca = CaHealth::from(now + Span::seconds(later));
        let decision = decide(now, &state, &policy, &ca);
        prop_assert_eq!(&decide(now, &state, &policy, &ca), &decision);
        if decision.effects.is_empty() {
            let at = decision.wake.at;
            prop_assert!(at > now, "it would be looked at again and again");
            let wait = if at == Time::NEVER { Span::days(4_000) } else { at - now };
            // Somewhere between, or shortly before.
            let wait = wait.as_seconds() - 1;
            let early = now + Span::seconds(if part < 500 { wait / 500 * part } else { (wait - part + 500).max(0) });
            prop_assert_eq!(&decide(early, &state, &policy, &ca).effects, &decision.effects, "at {}", early);
        }
    }

    /// Stores keep states and events as JSON.
    #[test]
    fn states_and_entries_are_read_as_they_are_written(world in world(), reason in "\\PC{0,9}") {
        let state = world.after(&world.events);
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<SubjectState>(&text).unwrap(), state);
        for event in world.keys.iter().chain(&world.events) {
            for attachment in [Attachment::None, Attachment::Order(reason.clone()), Attachment::Reason(reason.clone())] {
                let entry = Entry::happened(event, &attachment);
                prop_assert_eq!(Entry::read(&entry.text().unwrap()).unwrap(), entry);
            }
        }
        let id = GenerationId::new(world.subject.id, Slot::Dual, 1);
        prop_assert_eq!(serde_json::from_str::<GenerationId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }
}
