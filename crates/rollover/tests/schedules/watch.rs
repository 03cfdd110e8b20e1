//! Who watches: each second of each slot, and each step of each state.

use std::collections::BTreeMap;

use sealpost_rollover::{Slot, Span, SubjectId, SubjectState, Time};

/// A time without a valid signer, after there was one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap {
    pub(crate) subject: SubjectId,
    pub(crate) slot: Slot,
    pub(crate) from: Time,
    pub(crate) until: Time,
}

#[derive(Debug, Default)]
pub(crate) struct Watch {
    states: BTreeMap<SubjectId, SubjectState>,
    served: BTreeMap<(SubjectId, Slot), Time>,
    gaps: Vec<Gap>,
}

impl Watch {
    /// `state` holds from `from` on, and nothing happens until `until`.
    pub(crate) fn see(&mut self, state: &SubjectState, from: Time, until: Time) {
        if let Some(before) = self.states.get(&state.id)
            && before != state
        {
            let mut merged = state.clone();
            merged.merge(before);
            assert_eq!(&merged, state, "a step was taken back");
        }
        if self.states.get(&state.id) != Some(state) {
            self.states.insert(state.id, state.clone());
        }
        for &slot in state.layout.slots() {
            self.see_slot(state, slot, (from, until));
        }
    }

    fn see_slot(&mut self, state: &SubjectState, slot: Slot, (from, until): (Time, Time)) {
        let holds = |from: Time, until: Time| {
            let holder = state.holder(slot, from);
            holder.is_some_and(|holder| holder.not_after >= Some(until - Span::seconds(1)))
        };
        let key = (state.id, slot);
        if holds(from, until) {
            self.served.entry(key).or_insert(from);
            return;
        }
        // Who holds it changes only at these seconds.
        let mut points = vec![from, until];
        for generation in state.of_slot(slot) {
            let ends = generation.not_after.map(|last| last + Span::seconds(1));
            let times = [generation.not_before, generation.activate_at, ends];
            points.extend(times.into_iter().flatten().filter(|&time| from < time && time < until));
        }
        points.sort_unstable();
        for pair in points.windows(2).filter(|pair| pair[0] < pair[1]) {
            if let Some(holder) = state.holder(slot, pair[0]) {
                assert!(holder.is_valid(pair[0]) && holder.is_valid(pair[1] - Span::seconds(1)), "{holder:?} signs");
                self.served.entry(key).or_insert(pair[0]);
            } else if self.served.contains_key(&key) {
                self.gap(Gap { subject: state.id, slot, from: pair[0], until: pair[1] });
            }
        }
    }

    fn gap(&mut self, gap: Gap) {
        let same = |known: &&mut Gap| (known.subject, known.slot, known.until) == (gap.subject, gap.slot, gap.from);
        match self.gaps.iter_mut().find(same) {
            Some(known) => known.until = gap.until,
            None => self.gaps.push(gap),
        }
    }

    pub(crate) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Of all slots together.
    pub(crate) fn gap_seconds(&self) -> i64 {
        self.gaps.iter().map(|gap| (gap.until - gap.from).as_seconds()).sum()
    }
}
