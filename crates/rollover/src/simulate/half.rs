//! One half of the users, tick by tick.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    Onboarding, Simulation, TICK,
    authority::Authority,
    calendar::{Calendar, index},
    resting::{Held, Resting, name},
    share,
    tally::Tally,
    turn::{Turn, covered},
};
use crate::{
    CaHealth, Cause, Decision, Event, Generation, GenerationId, Happened, RevocationReason, Subject, SubjectState,
    Time, Wake, alarm::Level, apply, decide,
};

/// What a look at a user needs, in one line of memory.
#[derive(Debug)]
struct User {
    held: Held,
    /// Whether the user waits for the authority.
    waits: bool,
    /// Whether the user had a gap.
    gapped: bool,
}

impl User {
    const NEW: Self = Self { held: Held::Resting(Resting::NEW), waits: false, gapped: false };
}

/// The users whose number leaves `half` when divided by `halves`.
#[derive(Debug)]
pub(super) struct Half<'a> {
    setup: &'a Simulation,
    /// Which half, and of how many.
    of: (u32, u32),
    users: Vec<User>,
    /// The one that is looked at, and one to compare it with.
    state: SubjectState,
    spare: SubjectState,
    decision: Decision,
    /// Whether what is retired is kept, to be shown.
    keeps: bool,
    calendar: Calendar,
    /// Those that wait for the authority, the earliest deadline first. Whoever does not wait any more, or again with
    /// another deadline, may still stand here a second time.
    queue: BinaryHeap<Reverse<(Time, u32)>>,
    authority: Authority<'a>,
    tally: Tally,
    tick: u32,
    now: Time,
}

impl<'a> Half<'a> {
    pub(super) fn new(setup: &'a Simulation, half: u32, halves: u32) -> Self {
        let count = share(setup.users, half, halves);
        let state = enrolled(setup, half);
        let mut new = Self {
            setup,
            of: (half, halves),
            users: (0..count).map(|_| User::NEW).collect(),
            spare: state.clone(),
            state,
            decision: Decision { effects: Vec::new(), wake: Wake::NEVER },
            keeps: false,
            calendar: Calendar::new(count, setup.ticks()),
            queue: BinaryHeap::new(),
            authority: Authority::new(setup, half, halves),
            tally: Tally::new(setup),
            tick: 0,
            now: setup.start,
        };
        for user in 0..count {
            let number = new.number(user);
            new.calendar.put(user, setup.tick(setup.enrolled(number)));
            if setup.onboarding == Onboarding::InStep {
                let mut state = enrolled(setup, number);
                if let Some(user) = new.users.get_mut(index(user)) {
                    user.held.lay(setup, number, &mut state, &mut new.spare);
                }
            }
        }
        new
    }

    /// The number of a user of this half among all of them.
    fn number(&self, user: u32) -> u32 {
        user * self.of.1 + self.of.0
    }

    /// The whole time. Gives what was counted.
    pub(super) fn run(mut self) -> Tally {
        self.live();
        self.finish();
        self.tally
    }

    /// The whole time of the first user, with all of his keys. Gives them, and his alarms.
    pub(super) fn life(mut self) -> (SubjectState, Vec<(Time, Level)>) {
        self.keeps = true;
        self.live();
        let mut state = self.state;
        if let Some(User { held, .. }) = self.users.first_mut() {
            held.wake(self.setup, self.of.0, &mut state);
        }
        (state, self.tally.rung)
    }

    fn live(&mut self) {
        let mut due = Vec::new();
        for tick in 0..self.setup.ticks() {
            self.tick = tick;
            self.now = self.setup.start + TICK * i64::from(tick);
            self.authority.tick(self.now);
            self.incidents();
            self.calendar.take(tick, &mut due);
            self.look_at(&due);
            due.clear();
        }
    }

    /// Looks at those that are `due`, then at those whose turn it is at the authority.
    fn look_at(&mut self, due: &[u32]) {
        let slots = self.setup.layout.slots().len();
        let enough = usize::try_from(self.authority.left()).is_ok_and(|left| due.len() * slots <= left);
        // All are fetched from memory at once, not each when its turn comes.
        let waiting = due.iter().filter(|&&user| self.users.get(index(user)).is_some_and(|user| user.waits)).count();
        // If not all can ask now, they queue, so that the earliest deadline comes first.
        let may_ask = enough && self.queue.is_empty() && waiting == 0;
        due.iter().for_each(|&user| self.look(user, may_ask));
        while self.authority.left() > 0
            && let Some(Reverse((_, user))) = self.queue.pop()
        {
            if self.users.get_mut(index(user)).is_some_and(|user| std::mem::take(&mut user.waits)) {
                self.look(user, true);
            }
        }
    }

    /// Does all that is to be done about `user` now, and notes when to look again.
    fn look(&mut self, user: u32, may_ask: bool) {
        let number = self.number(user);
        let Some(User { held, waits, gapped }) = self.users.get_mut(index(user)) else { return };
        held.wake(self.setup, number, &mut self.state);
        let mut turn = Turn {
            setup: self.setup,
            tick: self.tick,
            now: self.now,
            gap: false,
            keeps: self.keeps,
            state: &mut self.state,
            rate: &mut self.authority,
            tally: &mut self.tally,
            decision: &mut self.decision,
        };
        let wake = turn.take(may_ask);
        if turn.gap {
            self.tally.gap_users += u32::from(!std::mem::replace(gapped, true));
        }
        let waited = std::mem::replace(waits, wake.waits_for_authority);
        let mut at = wake.at;
        if wake.waits_for_authority {
            if !waited {
                self.queue.push(Reverse((wake.deadline, user)));
            }
            // Nobody is woken to find that it is not his turn; what rings meanwhile rings.
            at = decide(self.now, &self.state, &self.setup.policy, &CaHealth::from(Time::NEVER)).wake.at;
        }
        held.lay(self.setup, number, &mut self.state, &mut self.spare);
        self.calendar.put(user, self.setup.tick(at).max(self.tick + 1));
    }

    /// Announces what must be replaced from now on, and revokes what must have been replaced by now.
    fn incidents(&mut self) {
        let setup = self.setup;
        for (number, incident) in setup.incidents.iter().enumerate() {
            if setup.tick(incident.announced) == self.tick {
                let selected =
                    self.tell(Happened::ReplaceBy { by: incident.by }, |generation| incident.selects(generation));
                if let Some((count, _, _)) = self.tally.replaced.get_mut(number) {
                    *count += selected;
                }
            }
            if setup.tick(incident.by) == self.tick {
                let revoked = Happened::Revoked { reason: RevocationReason::Superseded };
                self.tell(revoked, |generation| generation.replace_by == Some(incident.by));
            }
        }
    }

    /// `what` happens to all generations, or the last one of each slot, that `meets`. They are looked at in this tick, and queue anew if
    /// need be: their deadline changed. Returns how many they are.
    fn tell(&mut self, what: Happened, meets: impl Fn(&Generation) -> bool) -> u64 {
        let mut told = 0;
        for user in (0..).take(self.users.len()) {
            let number = self.number(user);
            let Some(User { held, waits, .. }) = self.users.get_mut(index(user)) else { continue };
            held.wake(self.setup, number, &mut self.state);
            for &slot in self.setup.layout.slots() {
                let Some(last) = self.state.of_slot(slot).rfind(|generation| meets(generation)) else { continue };
                let event = Event::new(slot, last.number, self.now, what);
                apply(&mut self.state, &event);
                told += 1;
                *waits = false;
                self.calendar.put(user, self.tick);
            }
            held.lay(self.setup, number, &mut self.state, &mut self.spare);
        }
        self.tally.events += told;
        told
    }

    /// Gaps that last until the end.
    fn finish(&mut self) {
        let end = self.setup.end();
        for user in (0..).take(self.users.len()) {
            let number = self.number(user);
            let Some(User { held, gapped, .. }) = self.users.get_mut(index(user)) else { continue };
            held.wake(self.setup, number, &mut self.state);
            let mut gap = false;
            for &slot in self.setup.layout.slots() {
                match covered(&self.state, slot) {
                    Some(until) if until < end => {
                        self.tally.gap(end - until);
                        gap = true;
                    }
                    Some(_) => {}
                    None => self.tally.without_any += 1,
                }
            }
            self.tally.gap_users += u32::from(gap && !*gapped);
        }
    }
}

/// The user with that number before the first look.
fn enrolled(setup: &Simulation, number: u32) -> SubjectState {
    let mut state = SubjectState::new(&Subject {
        id: name(setup.seed, number),
        kind: setup.kind,
        address: String::new(),
        layout: setup.layout,
        enrolled: setup.enrolled(number),
    });
    if setup.onboarding == Onboarding::InStep {
        for &slot in setup.layout.slots() {
            let id = GenerationId::new(state.id, slot, 1);
            let (not_before, not_after) = setup.validity(setup.start);
            let activate_at = setup.policy.activate_at(setup.kind, not_before, setup.start);
            let renew_at = setup.policy.renew_at(setup.kind, id, not_before, not_after);
            for what in [
                Happened::KeyDurable { cause: Cause::Imported },
                Happened::Issued { not_before, not_after },
                Happened::Ready { activate_at, renew_at },
            ] {
                apply(&mut state, &Event::new(slot, 1, setup.start, what));
            }
        }
    }
    state
}
