//! Replacing a set before a deadline.

use std::collections::BTreeSet;

use super::data::{By, Data, size};
use crate::{
    Error, Event, GenerationId, Happened, Result, Selection, Time,
    port::{Attachment, Entry, Pace, Replacement},
};

/// A replacement, and which of its generations were not handed to the schedule yet.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) replacement: Replacement,
    waiting: BTreeSet<GenerationId>,
}

impl Data {
    pub(super) fn count(&self, selection: &Selection) -> u64 {
        number(self.selected(selection).count())
    }

    pub(super) fn replace(
        &mut self,
        by: By<'_>,
        selection: &Selection,
        before: Time,
        reason: &str,
    ) -> Result<Replacement> {
        let waiting: BTreeSet<GenerationId> = self.selected(selection).collect();
        let (id, selected) = (number(self.running.len()) + 1, number(waiting.len()));
        let replacement = Replacement::new(id, selection.clone(), before, reason.to_owned(), selected);
        self.append(by, None, &Entry::Replacing { replacement: replacement.clone() })?;
        self.running.push(Running { replacement: replacement.clone(), waiting });
        Ok(replacement)
    }

    pub(super) fn pace(&mut self, by: By<'_>, id: u64, pace: Pace) -> Result<()> {
        let place = self.running.iter().position(|running| running.replacement.id == id);
        let Some(place) = place else {
            return Err(Error::NotFound { what: format!("replacement {id}") });
        };
        self.append(by, None, &Entry::paced(id, pace))?;
        if let Some(running) = self.running.get_mut(place) {
            running.replacement.paused = pace == Pace::Paused;
        }
        Ok(())
    }

    pub(super) fn start_replacing(&mut self, clock: Time, now: Time, limit: u32) -> Result<u32> {
        let mut running: Vec<_> = self.running.iter().filter(|running| !running.replacement.paused).collect();
        running.sort_by_key(|running| (running.replacement.before, running.replacement.id));
        let next: Vec<_> = running
            .into_iter()
            .flat_map(|Running { replacement, waiting }| {
                waiting.iter().map(|&generation| (replacement.id, replacement.before, generation))
            })
            .take(size(limit))
            .collect();
        for &(replacement, before, generation) in &next {
            let event = Event::new(generation.slot, generation.number, now, Happened::ReplaceBy { by: before });
            let entry = Entry::happened(&event, &Attachment::None);
            let kept = self.change((clock, "schedule"), generation.subject, &event, &entry)?;
            kept.wake = kept.wake.by(before).at_once(now);
            kept.recorded = true;
            if let Some(running) = self.running.iter_mut().find(|running| running.replacement.id == replacement) {
                running.waiting.remove(&generation);
                running.replacement.started += 1;
            }
        }
        Ok(u32::try_from(next.len()).unwrap_or(limit))
    }

    /// Of each slot of those who have not left, the last generation that is fit, if its certificate is selected.
    fn selected<'a>(&'a self, selection: &'a Selection) -> impl Iterator<Item = GenerationId> + 'a {
        let rolling = self.subjects.values().filter(|kept| kept.state.left.is_none());
        let slots = rolling.flat_map(|kept| kept.state.layout.slots().iter().map(move |&slot| (&kept.state, slot)));
        slots.filter_map(move |(state, slot)| {
            let last = state.of_slot(slot).rfind(|generation| generation.is_fit())?;
            let id = GenerationId::new(state.id, slot, last.number);
            let adopted = self.generations.get(&id)?.record.certificates.first()?;
            selection.selects(adopted).then_some(id)
        })
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
