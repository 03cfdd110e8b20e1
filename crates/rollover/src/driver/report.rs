//! What a tick did.

use std::collections::BTreeMap;

use crate::{Error, SubjectId, Time, alarm::Level};

/// What a tick did, in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TickReport {
    /// Generations of replacements that were handed to the schedule.
    pub replacing: u32,
    /// Subjects that were worked on.
    pub claimed: u32,
    /// Keys that were made and committed.
    pub generated: u32,
    /// Requests that left for the authority, of any sort.
    pub asked: u32,
    /// Certificates that came.
    pub issued: u32,
    /// Certificates that were found fit.
    pub ready: u32,
    /// Requests that were refused for good, and certificates that were unfit.
    pub refused: u32,
    /// Orders that were made beside the one that was adopted. The key is the same, so they do no harm but cost.
    pub surplus: u32,
    /// Answers that never came: the next look finds out what came of the request.
    pub ambiguous: u32,
    /// Steps that wait because the authority's rate was used up.
    pub waiting: u32,
    /// Subjects that another node took over while this one worked on them.
    pub fenced: u32,
    /// Alarms that were rung, by how loud they were.
    pub alarms: BTreeMap<Level, u32>,
    /// When the first of those users is affected that an alarm was rung for.
    pub first_affected: Option<Time>,
    /// What failed. It is tried again.
    pub failures: Vec<Failure>,
}

/// Something failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// While whom it was worked on.
    pub subject: SubjectId,
    /// What.
    pub what: String,
}

impl TickReport {
    pub(super) fn alarm(&mut self, level: Level, affected_at: Time) {
        *self.alarms.entry(level).or_default() += 1;
        self.first_affected = Some(self.first_affected.map_or(affected_at, |first| first.min(affected_at)));
    }

    pub(super) fn failure(&mut self, subject: SubjectId, what: impl Into<String>) {
        self.failures.push(Failure { subject, what: what.into() });
    }

    /// Takes in how the work on `subject` ended.
    pub(super) fn error(&mut self, subject: SubjectId, error: &Error) {
        match error {
            Error::Fenced { .. } => self.fenced += 1,
            error => self.failure(subject, error.to_string()),
        }
    }
}
