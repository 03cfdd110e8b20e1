//! Every order in which nodes, crashes, lost answers and ending leases can meet, with the real `decide` and `apply`.
//!
//! The world is small: one subject, one key, three nodes. What holds in all of its states holds whatever the timing.
//! The same world without the guards shows that the model can fail.

#![cfg(test)]

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use sealpost_rollover::{
    Act, CaHealth, Cause, Effect, Event, GenerationId, Happened, Layout, Policy, Slot, Stage, Subject, SubjectKind,
    SubjectState, Time, apply, decide,
};
use stateright::{Checker, HasDiscoveries, Model, Property};

const NOW: Time = Time::from_unix(2_208_988_800);
const LAST: Time = Time::from_unix(2_208_988_800 + 365 * 86_400 - 1);
const NODES: usize = 3;

/// What keeps keys from getting lost.
#[derive(Clone, Copy, Debug)]
struct Guards {
    /// The key is committed before the authority is asked.
    write_ahead: bool,
    /// A write fails once another node took over.
    fence: bool,
    /// A key is inserted only where there is none.
    compare_and_set: bool,
}

const ALL: Guards = Guards { write_ahead: true, fence: true, compare_and_set: true };

struct Protocol {
    guards: Guards,
    policy: Policy,
    /// How often nodes crash, answers get lost, and leases end while their node is at work, at most.
    crashes: u8,
    losses: u8,
    endings: u8,
}

/// A key, counted from 1.
type Key = u8;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    /// What is durable.
    state: SubjectState,
    keys: BTreeMap<u32, Key>,
    /// Who holds the lease, by the epoch.
    epoch: u8,
    is_leased: bool,
    nodes: [Node; NODES],
    /// The orders that the authority made: for which generation and key.
    orders: Vec<(u32, Key)>,
    made: Key,
    crashes: u8,
    losses: u8,
    endings: u8,
    was_taken_back: bool,
    was_fenced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    /// It holds no lease.
    Idle,
    /// It holds one, and this is what it knows.
    AtWork { epoch: u8, knows: SubjectState, doing: Doing },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Doing {
    Deciding,
    /// It made a key, in memory.
    Made {
        number: u32,
        cause: Cause,
        key: Key,
    },
    /// Its request is to leave, with that key.
    Asking {
        number: u32,
        key: Key,
    },
    /// An answer is here, to be written down.
    Answered {
        number: u32,
        key: Key,
        what: Happened,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Claim(usize),
    Step(usize),
    /// The authority takes the order and decides later.
    Accept(usize),
    /// The request gets lost, before it arrives.
    LoseRequest(usize),
    /// The order is made, the answer gets lost.
    LoseAnswer(usize),
    Crash(usize),
}

impl World {
    /// Whether the node of the current lease is still there.
    fn is_held(&self) -> bool {
        let holds = |node: &Node| matches!(node, Node::AtWork { epoch, .. } if *epoch == self.epoch);
        self.is_leased && self.nodes.iter().any(holds)
    }

    fn write(&mut self, number: u32, what: Happened) {
        let before = self.state.clone();
        let event = Event::new(Slot::Dual, number, NOW, what);
        apply(&mut self.state, &event);
        let mut merged = self.state.clone();
        merged.merge(&before);
        self.was_taken_back |= merged != self.state;
        let mut twice = self.state.clone();
        apply(&mut twice, &event);
        self.was_taken_back |= twice != self.state;
    }

    fn stage(&self) -> Option<Stage> {
        self.state.generation(Slot::Dual, 1).map(sealpost_rollover::Generation::stage)
    }
}

impl Protocol {
    fn new(guards: Guards) -> Self {
        Self { guards, policy: Policy::safe(), crashes: 2, losses: 1, endings: 2 }
    }

    fn effects(&self, state: &SubjectState) -> Vec<Effect> {
        decide(NOW, state, &self.policy, &CaHealth::READY).effects
    }

    /// The next thing that node `index` does by itself.
    fn step(&self, world: &mut World, index: usize) {
        let Node::AtWork { epoch, knows, doing } = world.nodes[index].clone() else { return };
        let next = match doing {
            Doing::Deciding => self.act(world, (epoch, &knows)),
            Doing::Made { number, cause, key } => self.commit(world, epoch, (number, cause, key)),
            Doing::Asking { number, key } => {
                world.orders.push((number, key));
                let what = Happened::Issued { not_before: NOW, not_after: LAST };
                Some((knows, Doing::Answered { number, key, what }))
            }
            Doing::Answered { number, key, what } => {
                let naive = !self.guards.write_ahead;
                self.written(world, epoch, |world| {
                    if naive {
                        world.write(number, Happened::KeyDurable { cause: Cause::Enrolled });
                        world.keys.entry(number).or_insert(key);
                    }
                    world.write(number, what);
                })
            }
        };
        world.nodes[index] = match next {
            Some((knows, doing)) => Node::AtWork { epoch, knows, doing },
            None => Node::Idle,
        };
    }

    /// Writes, unless another node took over: then the work ends.
    fn written(&self, world: &mut World, epoch: u8, write: impl FnOnce(&mut World)) -> Option<(SubjectState, Doing)> {
        if self.guards.fence && epoch != world.epoch {
            world.was_fenced = true;
            return None;
        }
        write(world);
        Some((world.state.clone(), Doing::Deciding))
    }

    fn commit(
        &self,
        world: &mut World,
        epoch: u8,
        (number, cause, key): (u32, Cause, Key),
    ) -> Option<(SubjectState, Doing)> {
        if !self.guards.write_ahead {
            let asking = Doing::Asking { number, key };
            return Some((world.state.clone(), asking));
        }
        let keep = self.guards.compare_and_set;
        self.written(world, epoch, |world| {
            if !keep || !world.keys.contains_key(&number) {
                world.keys.insert(number, key);
                world.write(number, Happened::KeyDurable { cause });
            }
        })
    }

    /// Decides, and begins what was decided.
    fn act(&self, world: &mut World, (epoch, knows): (u8, &SubjectState)) -> Option<(SubjectState, Doing)> {
        let Some(&Effect { number, act, .. }) = self.effects(knows).first() else {
            world.is_leased &= epoch != world.epoch;
            return None;
        };
        let key = world.keys.get(&number).copied().unwrap_or_default();
        let asked = knows.generation(Slot::Dual, number).map_or(0, |generation| generation.asked);
        let answered = |what| Some((knows.clone(), Doing::Answered { number, key, what }));
        // Stopping before what is done here and before it is written down comes to the same.
        let local =
            |model: &Self, world: &mut World, what| model.written(world, epoch, |world| world.write(number, what));
        match act {
            Act::Generate { cause } => {
                world.made += 1;
                Some((knows.clone(), Doing::Made { number, cause, key: world.made }))
            }
            Act::Submit => {
                let written =
                    self.written(world, epoch, |world| world.write(number, Happened::Asking { ask: asked + 1 }));
                written.map(|(knows, _)| (knows, Doing::Asking { number, key }))
            }
            Act::Reconcile if world.orders.iter().any(|order| order.1 == key) => {
                answered(Happened::Accepted { poll_at: NOW })
            }
            Act::Reconcile => answered(Happened::Unanswered { ask: asked, retry_at: NOW }),
            Act::Poll => answered(Happened::Issued { not_before: NOW, not_after: LAST }),
            Act::Inspect => {
                let id = GenerationId::new(knows.id, Slot::Dual, number);
                let renew_at = self.policy.renew_at(knows.kind, id, NOW, LAST);
                local(self, world, Happened::Ready { activate_at: NOW, renew_at })
            }
            Act::Publish => local(self, world, Happened::Published { activate_at: NOW }),
            Act::Raise { level } => local(self, world, Happened::Alarmed { level }),
            other => panic!("{other:?} in a world without a second place"),
        }
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let subject = Subject::new(SubjectKind::Mailbox, "anna@example.org", Layout::Dual, NOW).unwrap();
        vec![World {
            state: SubjectState::new(&subject),
            keys: BTreeMap::new(),
            epoch: 0,
            is_leased: false,
            nodes: [Node::Idle, Node::Idle, Node::Idle],
            orders: Vec::new(),
            made: 0,
            crashes: self.crashes,
            losses: self.losses,
            endings: self.endings,
            was_taken_back: false,
            was_fenced: false,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let is_due = !self.effects(&world.state).is_empty();
        for (index, node) in world.nodes.iter().enumerate() {
            match node {
                // One idle node is like another.
                Node::Idle if world.nodes[..index].contains(&Node::Idle) => {}
                Node::Idle if is_due && (!world.is_held() || world.endings > 0) => actions.push(Action::Claim(index)),
                Node::Idle => {}
                Node::AtWork { doing, .. } => {
                    actions.push(Action::Step(index));
                    if world.crashes > 0 {
                        actions.push(Action::Crash(index));
                    }
                    if let Doing::Asking { .. } = doing {
                        actions.push(Action::Accept(index));
                        if world.losses > 0 {
                            actions.extend([Action::LoseRequest(index), Action::LoseAnswer(index)]);
                        }
                    }
                }
            }
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Claim(index) => {
                world.endings -= u8::from(world.is_held());
                world.epoch += 1;
                world.is_leased = true;
                let (epoch, knows) = (world.epoch, world.state.clone());
                world.nodes[index] = Node::AtWork { epoch, knows, doing: Doing::Deciding };
            }
            Action::Step(index) => self.step(&mut world, index),
            Action::Crash(index) => {
                world.crashes -= 1;
                world.nodes[index] = Node::Idle;
            }
            Action::Accept(index) | Action::LoseRequest(index) | Action::LoseAnswer(index) => {
                let Node::AtWork { doing, .. } = &mut world.nodes[index] else { return None };
                let Doing::Asking { number, key } = *doing else { return None };
                let what = Happened::Accepted { poll_at: NOW };
                let accepted = action == Action::Accept(index);
                *doing = if accepted { Doing::Answered { number, key, what } } else { Doing::Deciding };
                world.losses -= u8::from(!accepted);
                if action != Action::LoseRequest(index) {
                    world.orders.push((number, key));
                }
            }
        }
        // Which node is which makes no difference.
        world.nodes.sort_by_cached_key(|node| {
            let mut hasher = DefaultHasher::new();
            node.hash(&mut hasher);
            hasher.finish()
        });
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(LOST, |_, world: &World| {
                world.orders.iter().all(|(number, key)| world.keys.get(number) == Some(key))
            }),
            Property::always(TWO, |_, world: &World| {
                world
                    .orders
                    .iter()
                    .all(|(number, key)| world.orders.iter().all(|other| other.0 != *number || other.1 == *key))
            }),
            Property::always("no step is taken back", |_, world: &World| !world.was_taken_back),
            Property::always(
                "whenever nothing is left to do there is a fit certificate",
                |model: &Self, world: &World| {
                    let mut actions = Vec::new();
                    model.actions(world, &mut actions);
                    !actions.is_empty() || world.stage() == Some(Stage::Ready)
                },
            ),
            Property::eventually("there is a fit certificate", |_, world: &World| world.stage() == Some(Stage::Ready)),
            Property::sometimes(DUPLICATE, |_, world: &World| world.orders.len() > 1),
            Property::sometimes(FENCED, |_, world: &World| world.was_fenced),
        ]
    }
}

const LOST: &str = "each certificate's key is durable (I3)";
const TWO: &str = "each generation has one key (I7)";
/// Nothing can prevent that at an authority that does not know of leases; it does no harm.
const DUPLICATE: &str = "two orders are made for one key";
const FENCED: &str = "a late write is fenced off";

/// I3, I5, I7; T5, T7, T14.
#[test]
fn in_no_state_is_a_key_lost_or_doubled_or_a_step_taken_back() {
    let checker = Protocol::new(ALL).checker().spawn_bfs().join();
    checker.assert_properties();
    println!("{} states, the longest path has {} steps", checker.unique_state_count(), checker.max_depth());
    assert!(checker.unique_state_count() > 10_000, "a world this small shows nothing");
    for seen in [DUPLICATE, FENCED] {
        checker.assert_any_discovery(seen);
    }
}

/// The steps to a state that must not be, if there is one.
fn path_to(guards: Guards, property: &'static str) -> Vec<Action> {
    let first = HasDiscoveries::AnyOf([property].into());
    let checker = Protocol::new(guards).checker().finish_when(first).spawn_bfs().join();
    let path = checker.assert_any_discovery(property).into_actions();
    println!("{guards:?}, not \"{property}\": {} steps: {path:?}", path.len());
    path
}

/// T5: the key in memory until the authority answers.
#[test]
fn the_naive_design_is_found_bad() {
    for property in [LOST, TWO] {
        assert!(path_to(Guards { write_ahead: false, ..ALL }, property).len() < 12);
    }
}

/// Of the fence and compare-and-set each one alone suffices; without both, keys get lost.
#[test]
fn without_fence_and_compare_and_set_a_key_is_lost_and_with_either_none_is() {
    for guards in [Guards { fence: false, ..ALL }, Guards { compare_and_set: false, ..ALL }] {
        let mut protocol = Protocol::new(guards);
        (protocol.crashes, protocol.losses, protocol.endings) = (1, 0, 1);
        let checker = protocol.checker().spawn_bfs().join();
        for property in [LOST, TWO] {
            checker.assert_no_discovery(property);
        }
        println!("{guards:?}: {} states", checker.unique_state_count());
    }
    path_to(Guards { fence: false, compare_and_set: false, ..ALL }, LOST);
}
