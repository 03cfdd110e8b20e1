//! Years of many users in seconds: what a policy comes to, with the real [`decide`](crate::decide) and
//! [`apply`](crate::apply) in a time that nobody waits for.
//!
//! Time goes in ticks of ten minutes, as a driver looks at its store. Deciding late comes to the same as deciding
//! in time, so what falls due within a tick is looked at at its end. Only the authority's rate joins the users:
//! whoever waits for it is not woken before it is his turn, and it is spent by the earliest deadline.
//!
//! A thousand users and more are two halves, the users with even and with odd numbers, each with half of the rate.
//! They run in two threads and know nothing of each other. The report is the sum of both, so it does not depend on
//! how many processors there are, nor on who is faster.

use std::thread;

use crate::{Layout, Policy, Span, SubjectKind, Time, policy::split_mix, timeline::Timeline};

mod authority;
mod calendar;
mod half;
mod incident;
mod report;
mod resting;
mod tally;
mod turn;

pub use calendar::Calendar;
pub use incident::Incident;
pub(crate) use report::grouped;
pub use report::{Replaced, Report};

use half::Half;

/// How long a tick is.
pub const TICK: Span = Span::minutes(10);

/// From so many users on there are two halves.
const HALVED: u32 = 1_000;

/// When the users come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Onboarding {
    /// All at the start, on one Monday.
    AtOnce,
    /// Evenly over that span.
    Over(Span),
    /// All are there at the start with a certificate of that second from elsewhere, as after a move from another
    /// gateway. Nobody was asked for it: a fleet can't be more in step.
    InStep,
}

/// What is simulated. The same values give the same report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Simulation {
    /// How many users.
    pub users: u32,
    /// What they are.
    pub kind: SubjectKind,
    /// Which slots they have.
    pub layout: Layout,
    /// When keys roll.
    pub policy: Policy,
    /// From when on.
    pub start: Time,
    /// For how long.
    pub span: Span,
    /// When the users come.
    pub onboarding: Onboarding,
    /// How long certificates are valid.
    pub lifetime: Span,
    /// How many requests the authority takes an hour.
    pub rate_per_hour: u32,
    /// When the authority does not answer, and for how long.
    pub outages: Vec<(Time, Span)>,
    /// What must be replaced before a deadline.
    pub incidents: Vec<Incident>,
    /// Names of the users, and so all that looks like drawn by lot, follow from it.
    pub seed: u64,
}

impl Simulation {
    /// Ten years of `users` mailboxes under `policy`, from 2027 on: certificates of a year, an authority that takes
    /// 12,000 requests an hour and never fails, all enrolled on the first Monday.
    #[must_use]
    pub fn new(users: u32, policy: Policy) -> Self {
        Self {
            users,
            kind: SubjectKind::Mailbox,
            layout: Layout::Dual,
            policy,
            // 2027-01-04T08:00:00Z.
            start: Time::from_unix(1_799_049_600),
            span: Span::ZERO,
            onboarding: Onboarding::AtOnce,
            lifetime: Span::days(365),
            rate_per_hour: 12_000,
            outages: Vec::new(),
            incidents: Vec::new(),
            seed: 0,
        }
        .years(10)
    }

    /// The same for so many years of 365 days, each of which takes 2 MiB of memory, however many users there are.
    #[must_use]
    pub fn years(self, years: u16) -> Self {
        Self { span: Span::days(365) * i64::from(years), ..self }
    }

    /// The same with an authority that does not answer for `outage` once in each year, at a day that follows from the
    /// seed. At the same day each year it would meet the same users, or nobody.
    #[must_use]
    pub fn with_yearly_outage(mut self, outage: Span) -> Self {
        const YEAR: Span = Span::days(365);
        let free = u64::try_from((YEAR - outage).as_seconds()).unwrap_or(0).max(1);
        let years = self.span.as_seconds() / YEAR.as_seconds();
        let (start, seed) = (self.start, split_mix(self.seed));
        self.outages.extend((0..years).zip(seed..).map(|(year, salt)| {
            let into = i64::try_from(split_mix(salt) % free).unwrap_or(0);
            (start + YEAR * year + Span::seconds(into), outage)
        }));
        self
    }

    /// What comes of it.
    #[must_use]
    pub fn run(&self) -> Report {
        let halves: u32 = if self.users < HALVED { 1 } else { 2 };
        let run = |half| Half::new(self, half, halves).run();
        let mut tallies = thread::scope(|scope| {
            let threads: Vec<_> = (1..halves).map(|half| scope.spawn(move || run(half))).collect();
            let first = run(0);
            // A half whose thread can't be started or stops short is run again here.
            let others = threads.into_iter().zip(1..).map(|(thread, half)| thread.join().unwrap_or_else(|_| run(half)));
            [first].into_iter().chain(others).collect::<Vec<_>>()
        });
        let mut sum = tallies.remove(0);
        tallies.iter().for_each(|tally| sum.add(tally));
        sum.report(self)
    }

    /// The life of the first user, if there were no others.
    #[must_use]
    pub fn timeline(&self, title: &str) -> Timeline {
        let one = Self { users: 1, ..self.clone() };
        let (state, alarms) = Half::new(&one, 0, 1).life();
        Timeline::new(title, &state, (self.start, self.end())).with_outages(&self.outages).with_alarms(&alarms)
    }

    /// The tick that ends at `time` or holds it; at most the one after the last.
    fn tick(&self, time: Time) -> u32 {
        let tick = TICK.as_seconds();
        let since = (time - self.start).as_seconds().max(0);
        u32::try_from(since.saturating_add(tick - 1) / tick).unwrap_or(u32::MAX - 1).min(self.ticks())
    }

    /// How many ticks there are.
    fn ticks(&self) -> u32 {
        let ticks = self.span.as_seconds().max(0) / TICK.as_seconds();
        u32::try_from(ticks).unwrap_or(u32::MAX - 1)
    }

    /// When the user with that number comes.
    fn enrolled(&self, number: u32) -> Time {
        match self.onboarding {
            Onboarding::Over(span) => {
                self.start
                    + Span::seconds(span.as_seconds().saturating_mul(number.into()) / i64::from(self.users.max(1)))
            }
            Onboarding::AtOnce | Onboarding::InStep => self.start,
        }
    }

    /// The first and the last second of a certificate issued at `now`.
    fn validity(&self, now: Time) -> (Time, Time) {
        (now, now + self.lifetime - Span::seconds(1))
    }

    fn end(&self) -> Time {
        self.start + self.span
    }
}

/// What the `half`-th of `halves` has of `whole`.
fn share(whole: u32, half: u32, halves: u32) -> u32 {
    whole / halves + u32::from(whole % halves > half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_matter_whether_the_halves_run_at_once() {
        let simulation = Simulation::new(2_001, Policy::safe()).years(3).with_yearly_outage(Span::days(10));
        let [mut one, other] = [0, 1].map(|half| Half::new(&simulation, half, 2).run());
        one.add(&other);
        assert_eq!(one.report(&simulation), simulation.run());
    }

    #[test]
    fn nobody_and_no_time_and_no_rate_are_simulated_too() {
        let empty = Simulation::new(0, Policy::safe()).years(1).run();
        assert_eq!((empty.events, empty.gap_users), (0, 0));
        assert_eq!(Simulation::new(5_000, Policy::safe()).years(0).run().events, 0);
        let mut idle = Simulation::new(5, Policy::safe()).years(1);
        idle.rate_per_hour = 0;
        assert_eq!(idle.run().without_any, 5);
        idle.rate_per_hour = u32::MAX;
        assert_eq!(idle.run().without_any, 0);
    }

    #[test]
    fn the_halves_are_the_whole() {
        for whole in [0, 1, 2, 7, u32::MAX] {
            assert_eq!(share(whole, 0, 2) + share(whole, 1, 2), whole);
            assert_eq!(share(whole, 0, 1), whole);
        }
    }
}
