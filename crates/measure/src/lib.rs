#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

use std::{
    fmt,
    hint::black_box,
    time::{Duration, Instant},
};

/// Candidates that do the same thing, the first of which is the reference.
pub struct Comparison<'a> {
    candidates: Vec<Candidate<'a>>,
    rounds: u32,
    turn: Duration,
}

struct Candidate<'a> {
    name: String,
    /// How many operations a call does.
    operations: u32,
    call: Box<dyn FnMut() + 'a>,
    /// How many calls a turn has.
    calls: u32,
    /// Seconds per operation, one entry per round.
    times: Vec<f64>,
}

/// What was measured of a candidate.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Seconds per operation in its fastest round.
    pub fastest: f64,
    /// Seconds per operation, the median of all rounds.
    pub median: f64,
    /// How many times as fast as the reference: the median over all rounds of the reference's time per operation in
    /// that round divided by the candidate's.
    pub ratio: f64,
}

impl<'a> Comparison<'a> {
    /// A comparison with this reference, whose calls do so many operations each.
    pub fn against<T>(name: impl Into<String>, operations: u32, call: impl FnMut() -> T + 'a) -> Self {
        Self { candidates: Vec::new(), rounds: 101, turn: Duration::from_millis(2) }.with(name, operations, call)
    }

    /// The same with one more candidate, whose calls do so many operations each.
    #[must_use]
    pub fn with<T>(mut self, name: impl Into<String>, operations: u32, mut call: impl FnMut() -> T + 'a) -> Self {
        self.candidates.push(Candidate {
            name: name.into(),
            operations: operations.max(1),
            call: Box::new(move || drop(black_box(call()))),
            calls: 1,
            times: Vec::new(),
        });
        self
    }

    /// How many rounds there are; 101 unless told otherwise, at least 1.
    #[must_use]
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds.max(1);
        self
    }

    /// How long a turn is at least, 2 ms unless told otherwise. All turns are equally long, so that what disturbs the
    /// machine meets all candidates alike: the candidate with the longest call calls once, others as often as fits in.
    #[must_use]
    pub fn turn(mut self, turn: Duration) -> Self {
        self.turn = turn;
        self
    }

    /// Warms up, measures, and gives what was measured in the order of the candidates. `progress` is told after each
    /// round how many of them are done, and of how many.
    pub fn run(mut self, mut progress: impl FnMut(u32, u32)) -> Vec<Measured> {
        let least = self.turn;
        let calls: Vec<Duration> = self.candidates.iter_mut().map(|candidate| candidate.warm_up(least)).collect();
        let turn = calls.iter().copied().fold(least, Duration::max).as_nanos();
        for (candidate, call) in self.candidates.iter_mut().zip(calls) {
            candidate.calls = u32::try_from(turn / call.as_nanos().max(1)).unwrap_or(u32::MAX).max(1);
        }
        for round in 0..self.rounds {
            let first = usize::try_from(round).unwrap_or_default() % self.candidates.len();
            let (behind, from) = self.candidates.split_at_mut(first);
            from.iter_mut().chain(behind).for_each(Candidate::take_turn);
            progress(round + 1, self.rounds);
        }
        let reference = self.candidates.first().map(|first| first.times.clone()).unwrap_or_default();
        self.candidates.into_iter().map(|candidate| candidate.measured(&reference)).collect()
    }
}

impl Candidate<'_> {
    /// Calls until a turn is over, and learns how long the fastest of the calls takes.
    fn warm_up(&mut self, turn: Duration) -> Duration {
        let start = Instant::now();
        let mut fastest = Duration::MAX;
        loop {
            let call = Instant::now();
            (self.call)();
            fastest = fastest.min(call.elapsed());
            if start.elapsed() >= turn {
                return fastest;
            }
        }
    }

    /// Measures one turn. Where it has several calls, one in front of them finds caches and clock as the others left
    /// them, and does not count.
    fn take_turn(&mut self) {
        if self.calls > 1 {
            (self.call)();
        }
        let start = Instant::now();
        (0..self.calls).for_each(|_| (self.call)());
        let time = start.elapsed().as_secs_f64();
        self.times.push(time / f64::from(self.calls) / f64::from(self.operations));
    }

    fn measured(self, reference: &[f64]) -> Measured {
        let ratios = reference.iter().zip(&self.times).map(|(reference, time)| reference / time).collect();
        Measured {
            name: self.name,
            fastest: self.times.iter().copied().fold(f64::INFINITY, f64::min),
            ratio: median(ratios),
            median: median(self.times),
        }
    }
}

/// The median: of an even number of values the upper one of the two in the middle. 0 if there are none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

impl fmt::Debug for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.candidates.iter().map(|candidate| &candidate.name);
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn each_round_starts_with_the_next_candidate() {
        let calls = RefCell::new(String::new());
        let call = |name| {
            let calls = &calls;
            move || calls.borrow_mut().push(name)
        };
        let comparison = Comparison::against("a", 1, call('a')).with("b", 1, call('b')).with("c", 1, call('c'));
        let mut progress = Vec::new();
        let measured = comparison.rounds(4).turn(Duration::ZERO).run(|done, of| progress.push((done, of)));
        // What is called several times in a turn is so without a break; the first three warm up.
        let mut turns: Vec<char> = calls.borrow().chars().collect();
        turns.drain(..3);
        turns.dedup();
        assert_eq!(turns.iter().collect::<String>(), "abcbcacababc");
        assert_eq!(progress, [(1, 4), (2, 4), (3, 4), (4, 4)]);
        assert_eq!(measured.iter().map(|measured| measured.name.as_str()).collect::<String>(), "abc");
    }

    #[test]
    fn ratios_are_those_of_each_round() {
        // Another clock in each round: only the ratios stay.
        let candidate = |times: &[f64]| Candidate {
            name: String::new(),
            operations: 1,
            call: Box::new(|| ()),
            calls: 1,
            times: times.to_vec(),
        };
        let reference = [4.0, 8.0, 12.0];
        let measured = candidate(&[2.0, 4.0, 3.0]).measured(&reference);
        let expected = Measured { name: String::new(), fastest: 2.0, median: 3.0, ratio: 2.0 };
        assert_eq!(measured, expected);
    }

    #[test]
    fn medians() {
        let medians = [median(vec![3.0, 1.0, 2.0]), median(vec![2.0, 1.0]), median(vec![])];
        assert_eq!(medians.map(f64::to_bits), [2.0, 2.0, 0.0].map(f64::to_bits));
    }
}
