//! The life of one user: a row for each key, with what it does in each month. As text and as a picture.

use std::fmt;

use crate::{Cause, Generation, Slot, Span, SubjectState, Time, alarm::Level};

use month::Month;

mod month;
mod svg;
mod text;

/// The life of one subject between two times.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeline {
    /// Whose, or what it shows.
    pub title: String,
    /// The first second.
    pub from: Time,
    /// The last second.
    pub to: Time,
    /// A row for each generation, in the order of slots and numbers.
    pub rows: Vec<Row>,
    /// When the authority did not answer, and for how long.
    pub outages: Vec<(Time, Span)>,
    /// What was told, and when.
    pub alarms: Vec<(Time, Level)>,
    /// When nothing signed, from and to.
    pub gaps: Vec<(Time, Time)>,
}

/// The life of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// Of which slot.
    pub slot: Slot,
    /// The how many-th.
    pub number: u32,
    /// Why it was made.
    pub cause: Cause,
    /// When its key was made.
    pub made: Time,
    /// From when on it was used; never if it was not.
    pub used_from: Time,
    /// Until when it was used: its successor came into use, its certificate ended or was revoked.
    pub used_to: Time,
    /// The end of its certificate, or when it was revoked; from then on nobody should encrypt to it.
    pub valid_to: Time,
    /// Whether it was revoked.
    pub revoked: bool,
    /// When its key was destroyed, if it was.
    pub destroyed: Option<Time>,
}

/// What a key does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doing {
    /// There is none yet, or none any more.
    Nothing,
    /// It is made, and waits for its certificate or its turn.
    Made,
    /// It is the one that is used.
    Used,
    /// It decrypts, and its certificate is valid.
    Decrypts,
    /// It decrypts mail of those who did not learn its successor, though its certificate ended.
    DecryptsOn,
}

impl Timeline {
    /// That of `state`, which holds all of its generations, between the two times.
    #[must_use]
    pub fn new(title: &str, state: &SubjectState, (from, to): (Time, Time)) -> Self {
        let (mut rows, mut gaps) = (Vec::new(), Vec::new());
        for &slot in state.layout.slots() {
            let of_slot: Vec<&Generation> = state.of_slot(slot).collect();
            let held = held(&of_slot, to);
            rows.extend(of_slot.iter().map(|generation| row(generation, &held)));
            let first = held.iter().position(|piece| piece.holder.is_some()).unwrap_or(held.len());
            gaps.extend(held.iter().skip(first).filter(|piece| piece.holder.is_none()).map(|gap| (gap.from, gap.to)));
        }
        let gaps = joined(gaps);
        Self { title: title.to_owned(), from, to, rows, outages: Vec::new(), alarms: Vec::new(), gaps }
    }

    /// The same with outages of the authority.
    #[must_use]
    pub fn with_outages(mut self, outages: &[(Time, Span)]) -> Self {
        let seen = |&&(from, span): &&(Time, Span)| from < self.to && self.from < from + span;
        self.outages = outages.iter().filter(seen).copied().collect();
        self
    }

    /// The same with alarms.
    #[must_use]
    pub fn with_alarms(mut self, alarms: &[(Time, Level)]) -> Self {
        self.alarms = alarms.to_vec();
        self
    }

    /// What it shows, in one sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let keys = self.rows.len();
        let gap = self.gaps.iter().fold(Span::ZERO, |gap, &(from, to)| gap + (to - from));
        let gap = match gap {
            Span::ZERO => "no second without one in use".to_owned(),
            gap => format!("{gap} without one in use"),
        };
        format!("{keys} keys from {} to {}, {gap}.", Month::of(self.from), Month::of(self.to))
    }

    /// A picture in SVG, 960 wide, that needs nothing beside itself: no script, no font, no style sheet.
    #[must_use]
    pub fn to_svg(&self) -> String {
        svg::draw(self)
    }
}

/// One line a key.
impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(self, f)
    }
}

impl Row {
    /// What the key does at `t`.
    #[must_use]
    pub fn doing(&self, t: Time) -> Doing {
        if t < self.made || self.destroyed.is_some_and(|destroyed| destroyed <= t) {
            Doing::Nothing
        } else if t < self.used_from {
            Doing::Made
        } else if t < self.used_to {
            Doing::Used
        } else if !self.slot.decrypts() {
            Doing::Nothing
        } else if t < self.valid_to {
            Doing::Decrypts
        } else {
            Doing::DecryptsOn
        }
    }

    /// What it is called: `key 3`, of split slots `signing key 3`.
    fn name(&self) -> String {
        match self.slot {
            Slot::Dual => format!("key {}", self.number),
            Slot::Sign => format!("signing key {}", self.number),
            Slot::Encrypt => format!("encryption key {}", self.number),
        }
    }
}

/// The same times, each of them once.
fn joined(mut spans: Vec<(Time, Time)>) -> Vec<(Time, Time)> {
    spans.sort_unstable();
    let mut joined: Vec<(Time, Time)> = Vec::new();
    for (from, to) in spans {
        match joined.last_mut() {
            Some((_, until)) if from <= *until => *until = to.max(*until),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// Who is used for a while.
struct Piece {
    from: Time,
    to: Time,
    holder: Option<u32>,
}

/// Who is used when, until `to`: the same rule as [`SubjectState::holder`], but by what was so at each time.
fn held(of_slot: &[&Generation], to: Time) -> Vec<Piece> {
    let mut times: Vec<Time> = of_slot
        .iter()
        .flat_map(|generation| [generation.ready, generation.not_before, generation.activate_at, Some(end(generation))])
        .flatten()
        .filter(|&time| time < to)
        .chain([to])
        .collect();
    times.sort_unstable();
    times.dedup();
    let pieces = times.iter().zip(times.iter().skip(1));
    pieces.map(|(&from, &to)| Piece { from, to, holder: holder(of_slot, from) }).collect()
}

fn holder(of_slot: &[&Generation], t: Time) -> Option<u32> {
    let by = |time: Option<Time>| time.is_some_and(|time| time <= t);
    let valid = of_slot.iter().filter(|generation| {
        by(generation.ready) && by(generation.not_before) && t < end(generation) && generation.refused.is_none()
    });
    let in_use = valid.clone().filter(|generation| by(generation.activate_at));
    let newest = in_use.max_by_key(|generation| (generation.activate_at, generation.number));
    newest.or_else(|| valid.clone().next_back()).map(|generation| generation.number)
}

/// The first second in which its certificate is no good any more.
fn end(generation: &Generation) -> Time {
    let known = |time: Option<Time>| time.unwrap_or(Time::NEVER);
    let expired = known(generation.not_after) + Span::seconds(1);
    expired.min(known(generation.revoked)).min(known(generation.destroyed))
}

fn row(generation: &Generation, held: &[Piece]) -> Row {
    let mine = || held.iter().filter(|piece| piece.holder == Some(generation.number));
    Row {
        slot: generation.slot,
        number: generation.number,
        cause: generation.cause,
        made: generation.key_durable,
        used_from: mine().map(|piece| piece.from).min().unwrap_or(Time::NEVER),
        used_to: mine().map(|piece| piece.to).max().unwrap_or(Time::NEVER),
        valid_to: end(generation),
        revoked: generation.revoked.is_some(),
        destroyed: generation.destroyed,
    }
}
