//! What the store holds, and what is told of it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
};

use super::replacing::Running;
use crate::{
    Error, Event, GenerationId, Result, Span, Subject, SubjectId, SubjectState, Time, Wake, apply, audit,
    port::{AuthorityState, Entry, GenerationRecord, KeyName, Listed, PrivateKey, Replacement},
};

/// When something is written, and who did it.
pub(super) type By<'a> = (Time, &'a str);

/// All that the store holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    pub(super) subjects: BTreeMap<SubjectId, Kept>,
    pub(super) generations: BTreeMap<GenerationId, KeptGeneration>,
    pub(super) names: HashMap<KeyName, BTreeSet<GenerationId>>,
    pub(super) running: Vec<Running>,
    authorities: BTreeMap<String, AuthorityState>,
    settings: BTreeMap<String, String>,
    latest_look: Option<Time>,
    audit: Vec<audit::Record>,
}

/// A subject, and who works on it.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) subject: Subject,
    pub(super) state: SubjectState,
    pub(super) wake: Wake,
    /// How often it was claimed.
    pub(super) epoch: u64,
    /// Which node holds it, until when.
    pub(super) held: Option<(String, Time)>,
    /// Whether something was recorded since it was claimed.
    pub(super) recorded: bool,
}

impl Kept {
    fn listed(&self) -> Listed {
        Listed::new(self.subject.clone(), self.state.clone(), self.wake)
    }
}

/// A generation and its key, unless that was destroyed.
#[derive(Clone, Debug)]
pub(super) struct KeptGeneration {
    pub(super) record: GenerationRecord,
    pub(super) key: Option<PrivateKey>,
}

impl Data {
    pub(super) fn enroll(&mut self, by: By<'_>, subject: &Subject) -> Result<()> {
        if self.subjects.contains_key(&subject.id) {
            return Ok(());
        }
        self.append(by, Some(subject.id), &Entry::Enrolled { subject: subject.clone() })?;
        let kept = Kept {
            subject: subject.clone(),
            state: SubjectState::new(subject),
            wake: Wake::first(subject, by.0),
            epoch: 0,
            held: None,
            recorded: false,
        };
        self.subjects.insert(subject.id, kept);
        Ok(())
    }

    pub(super) fn listed(&self, id: SubjectId) -> Option<Listed> {
        self.subjects.get(&id).map(Kept::listed)
    }

    pub(super) fn list(&self, after: Option<SubjectId>, limit: u32) -> Vec<Listed> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.subjects.range((after, Bound::Unbounded)).take(size(limit)).map(|(_, kept)| kept.listed()).collect()
    }

    pub(super) fn generation(&self, id: GenerationId) -> Option<GenerationRecord> {
        self.generations.get(&id).map(|kept| kept.record.clone())
    }

    pub(super) fn private_key(&self, id: GenerationId) -> Result<PrivateKey> {
        self.generations.get(&id).and_then(|kept| kept.key.clone()).ok_or_else(|| no_generation(id))
    }

    pub(super) fn find(&self, name: &KeyName) -> Vec<GenerationId> {
        self.names.get(name).into_iter().flatten().copied().collect()
    }

    pub(super) fn authority(
        &mut self,
        name: &str,
        now: Time,
        change: impl FnOnce(&mut AuthorityState),
    ) -> AuthorityState {
        let state = self.authorities.entry(name.to_owned()).or_insert_with(|| AuthorityState::new(now));
        change(state);
        *state
    }

    pub(super) fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }

    pub(super) fn set(&mut self, by: By<'_>, name: &str, value: &str) -> Result<()> {
        let (name, new) = (name.to_owned(), value.to_owned());
        let old = self.setting(&name);
        self.append(by, None, &Entry::Set { name: name.clone(), old, new: new.clone() })?;
        self.settings.insert(name, new);
        Ok(())
    }

    pub(super) fn look(&mut self, now: Time, max_jump: Span) -> Result<()> {
        let last = self.latest_look.unwrap_or(now);
        if now > last + max_jump {
            return Err(Error::ClockJumped { now, last });
        }
        self.latest_look = Some(last.max(now));
        Ok(())
    }

    pub(super) fn audit(&self, after: u64, limit: u32) -> Vec<audit::Record> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        self.audit.iter().skip(after).take(size(limit)).cloned().collect()
    }

    /// Applies `event` to the subject, and appends the `entry` of it.
    pub(super) fn change(&mut self, by: By<'_>, id: SubjectId, event: &Event, entry: &Entry) -> Result<&mut Kept> {
        if !self.subjects.contains_key(&id) {
            return Err(no_subject(id));
        }
        self.append(by, Some(id), entry)?;
        let kept = self.subjects.get_mut(&id).ok_or_else(|| no_subject(id))?;
        apply(&mut kept.state, event);
        Ok(kept)
    }

    pub(super) fn append(&mut self, (at, actor): By<'_>, subject: Option<SubjectId>, entry: &Entry) -> Result<()> {
        let text = entry.text()?;
        let last = self.audit.last();
        let mut head = last.map_or(audit::Head::START, |last| audit::Head::new(last.sequence, last.hash));
        self.audit.push(head.append(at, actor, subject, text));
        Ok(())
    }

    pub(super) fn replacements(&self) -> Vec<Replacement> {
        self.running.iter().map(|running| running.replacement.clone()).collect()
    }
}

pub(super) fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

pub(super) fn no_subject(id: SubjectId) -> Error {
    Error::NotFound { what: format!("subject {id}") }
}

pub(super) fn no_generation(id: GenerationId) -> Error {
    Error::NotFound { what: format!("key {} of slot {} of subject {}", id.number, id.slot.word(), id.subject) }
}
