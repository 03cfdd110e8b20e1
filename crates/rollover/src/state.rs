//! What decides about a subject's keys: its generations, and what was asked for.

use serde::{Deserialize, Serialize};

use crate::{
    Cause, Generation, Layout, Slot, Subject, SubjectId, SubjectKind, Time, alarm::Level, generation::earlier,
};

/// A subject's state. It changes only by [`apply`](crate::apply), which only moves it forward, and two copies of it
/// [merge](Self::merge) into what both know.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubjectState {
    /// Whose.
    pub id: SubjectId,
    /// What the subject is.
    pub kind: SubjectKind,
    /// Its slots.
    pub layout: Layout,
    /// Since when its keys roll.
    pub enrolled: Time,
    /// Since when they don't any more. What is there still decrypts.
    pub left: Option<Time>,
    /// What was asked for and told, of the signing (or only) slot and of the encrypting slot.
    marks: [Mark; 2],
    /// The generations of all slots, in the order of their slots and numbers.
    generations: Vec<Generation>,
}

/// What was asked for and told of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// A generation with this number or a higher one is wanted, and why.
    pub(crate) wanted: (u32, Cause),
    /// The last alarm: about the end of which generation, and how loud.
    pub(crate) alarm: (u32, Level),
}

impl Mark {
    const NONE: Self = Self { wanted: (0, Cause::Enrolled), alarm: (0, Level::Quiet) };
}

impl SubjectState {
    /// That of a subject without any key.
    #[must_use]
    pub fn new(subject: &Subject) -> Self {
        Self {
            id: subject.id,
            kind: subject.kind,
            layout: subject.layout,
            enrolled: subject.enrolled,
            left: None,
            marks: [Mark::NONE; 2],
            generations: Vec::new(),
        }
    }

    /// The same without its generations. A store that keeps them in rows of their own
    /// [puts them back](Self::with_generations).
    #[must_use]
    pub fn without_generations(&self) -> Self {
        Self { generations: Vec::new(), ..*self }
    }

    /// The same with these generations instead of its own, in whatever order they are given.
    #[must_use]
    pub fn with_generations(self, mut generations: Vec<Generation>) -> Self {
        generations.sort_unstable_by_key(|generation| (generation.slot, generation.number));
        Self { generations, ..self }
    }

    /// The generations of all slots, in the order of their slots and numbers.
    #[must_use]
    pub fn generations(&self) -> &[Generation] {
        &self.generations
    }

    /// The generations of `slot`, the first one first.
    #[must_use]
    pub fn of_slot(&self, slot: Slot) -> impl DoubleEndedIterator<Item = &Generation> {
        self.generations.iter().filter(move |generation| generation.slot == slot)
    }

    /// The generation `number` of `slot`.
    #[must_use]
    pub fn generation(&self, slot: Slot, number: u32) -> Option<&Generation> {
        self.generations.iter().rfind(|generation| generation.slot == slot && generation.number == number)
    }

    /// The generation of `slot` that the schedule goes on from: the last one that it made, or, as long as it made none,
    /// of those that came from elsewhere the one that is valid the longest.
    #[must_use]
    pub fn leading(&self, slot: Slot) -> Option<&Generation> {
        let own = self.of_slot(slot).rfind(|generation| generation.cause != Cause::Imported);
        let imported = || self.of_slot(slot).filter(|generation| generation.ready.is_some());
        own.or_else(|| imported().max_by_key(|generation| generation.not_after))
    }

    /// The highest number of a generation of `slot`; 0 if there is none.
    #[must_use]
    pub fn highest(&self, slot: Slot) -> u32 {
        self.of_slot(slot).next_back().map_or(0, |last| last.number)
    }

    /// Takes from `other`, a copy of the same subject's state, what it knows more.
    pub fn merge(&mut self, other: &Self) {
        self.enrolled = self.enrolled.min(other.enrolled);
        self.left = earlier(self.left, other.left);
        for (mine, theirs) in self.marks.iter_mut().zip(&other.marks) {
            mine.wanted = mine.wanted.max(theirs.wanted);
            mine.alarm = mine.alarm.max(theirs.alarm);
        }
        for theirs in &other.generations {
            match self.generation_mut(theirs.slot, theirs.number) {
                Some(mine) => mine.merge(theirs),
                None => self.insert(theirs.clone()),
            }
        }
    }

    /// Leaves out the generations that decide nothing any more at `now`: they have a successor that is used, and
    /// only decrypt. A store keeps them; this is for views that hold many subjects.
    pub fn leave_out_retired(&mut self, now: Time) {
        let before = self.generations.len();
        self.drop_retired(now);
        if self.generations.len() < before {
            self.generations.shrink_to_fit();
        }
    }

    /// The same, but the memory is kept for the next one.
    pub(crate) fn drop_retired(&mut self, now: Time) {
        for &slot in self.layout.slots() {
            if let Some(used) = self.holder(slot, now).map(|holder| holder.number) {
                self.generations.retain(|generation| generation.slot != slot || generation.number >= used);
            }
        }
    }

    /// Becomes that of another subject of the same kind and layout, enrolled at `enrolled`, without any key.
    pub(crate) fn renew(&mut self, id: SubjectId, enrolled: Time) {
        self.id = id;
        self.enrolled = enrolled;
        self.left = None;
        self.marks = [Mark::NONE; 2];
        self.generations.clear();
    }

    pub(crate) fn generation_mut(&mut self, slot: Slot, number: u32) -> Option<&mut Generation> {
        self.generations.iter_mut().rfind(|generation| generation.slot == slot && generation.number == number)
    }

    pub(crate) fn insert(&mut self, generation: Generation) {
        let place =
            self.generations.partition_point(|other| (other.slot, other.number) < (generation.slot, generation.number));
        // Most subjects have one or two; a million of them are in memory at once.
        self.generations.reserve_exact(1);
        self.generations.insert(place, generation);
    }

    pub(crate) fn mark(&self, slot: Slot) -> &Mark {
        let [signing, encrypting] = &self.marks;
        if slot == Slot::Encrypt { encrypting } else { signing }
    }

    pub(crate) fn mark_mut(&mut self, slot: Slot) -> &mut Mark {
        let [signing, encrypting] = &mut self.marks;
        if slot == Slot::Encrypt { encrypting } else { signing }
    }
}
