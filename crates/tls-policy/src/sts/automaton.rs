//! What is known of a domain's policy from one mail to the next (RFC 8461 §3.1, §3.3, §5.1, §10.2).
//!
//! | kept policy | record | HTTPS | in force |
//! |---|---|---|---|
//! | valid | same id | not needed, but once a day | the kept one |
//! | valid | none, several, broken, DNS fails | | the kept one |
//! | valid | new id | well | the new one, be it weaker |
//! | valid | new id | fails | the kept one |
//! | none | good | well | the new one |
//! | none | good | fails | none |
//! | none | none, several, broken | | none |
//! | none | DNS fails | | unknown |
//!
//! A kept policy is valid for its `max_age` from the last fetch over HTTPS. A record alone never renews it, and nothing
//! but a policy that was fetched well ends it before its time. A clock that is put back leaves it valid.

use sealpost_time::{Span, Time};
use serde::{Deserialize, Serialize};

use super::{Mode, Policy, Record, RecordId};
use crate::{facts::StsState, tlsrpt::ResultType};

/// For how long a version whose fetch failed is not tried again (RFC 8461 §3.3).
pub const BACK_OFF: Span = Span::minutes(5);
/// How often a kept policy is fetched again, whatever its record says (RFC 8461 §3.3, §10.2).
pub const REFRESH: Span = Span::days(1);

/// What is known of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Known {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cached: Option<Cached>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
}

/// A policy that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Cached {
    /// The policy.
    pub policy: Policy,
    /// The id that its record had.
    pub id: RecordId,
    /// When it was last fetched.
    pub fetched: Time,
}

/// The last fetch that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Failed {
    id: RecordId,
    at: Time,
    failure: FetchFailure,
}

/// What the look-up of the TXT record gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TxtAnswer {
    /// A good record.
    Record(Record),
    /// There is none.
    Absent,
    /// There are several, or a broken one: what is wrong.
    Broken(String),
    /// The look-up failed: SERVFAIL, a time-out, bogus.
    Failed,
}

impl TxtAnswer {
    /// Reads the TXT records that were found, which may be none: of each its strings.
    #[must_use]
    pub fn found<S: AsRef<[u8]>>(records: &[impl AsRef<[S]>]) -> Self {
        match Record::of(records) {
            Ok(Some(record)) => Self::Record(record),
            Ok(None) => Self::Absent,
            Err(error) => Self::Broken(error.to_string()),
        }
    }
}

/// Why a policy could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct FetchFailure {
    /// Of which kind the problem is.
    pub problem: FetchProblem,
    /// What went wrong, in a few words.
    pub detail: String,
}

impl FetchFailure {
    /// A failure of this kind.
    #[must_use]
    pub const fn new(problem: FetchProblem, detail: String) -> Self {
        Self { problem, detail }
    }
}

/// What kind of problem a fetch met (RFC 8460 §4.3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FetchProblem {
    /// No answer, or not one with status 200.
    Fetch,
    /// The policy has a mistake.
    Invalid,
    /// The server's certificate is not valid for it.
    WebPki,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two ways")]
pub enum Step {
    /// Nothing: this is in force.
    Use(Settled),
    /// Fetch the policy, then tell [`Known::fetched`].
    Fetch {
        /// For which id.
        id: RecordId,
        /// Whether a kept policy is only to be refreshed: mail need not wait for it.
        refresh: bool,
        /// What is in force until then.
        meanwhile: Settled,
    },
}

/// What is in force, and what was seen on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settled {
    /// What is in force.
    pub state: StsState,
    /// What to report, to the domain (RFC 8460) or to the administrator (RFC 8461 §3.3). Most often nothing.
    pub finding: Option<Finding>,
}

/// Something to report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The domain has no policy.
    NoPolicy,
    /// The record of a policy that is still kept is gone.
    RecordGone,
    /// There are several records, or a broken one: what is wrong.
    RecordBroken(String),
    /// The look-up of the record failed.
    LookupFailed,
    /// The policy can't be fetched.
    FetchFailed(FetchFailure),
}

impl Finding {
    /// As what it is reported (RFC 8460 §4.3.2.2). `None` for a domain that has no policy, which is reported by the
    /// type of the policy (§4.4).
    #[must_use]
    pub const fn result_type(&self) -> Option<ResultType> {
        Some(match self {
            Self::NoPolicy => return None,
            Self::RecordGone | Self::LookupFailed => ResultType::StsPolicyFetchError,
            Self::RecordBroken(_) => ResultType::StsPolicyInvalid,
            Self::FetchFailed(failure) => match failure.problem {
                FetchProblem::Fetch => ResultType::StsPolicyFetchError,
                FetchProblem::Invalid => ResultType::StsPolicyInvalid,
                FetchProblem::WebPki => ResultType::StsWebpkiInvalid,
            },
        })
    }
}

impl Cached {
    /// Whether it is in force: not from the end of its `max_age` on.
    #[must_use]
    pub fn is_valid(&self, now: Time) -> bool {
        now < self.expires()
    }

    /// When its time ends.
    #[must_use]
    pub fn expires(&self) -> Time {
        self.fetched + Span::seconds(i64::from(self.policy.max_age))
    }

    /// Whether it is to be fetched again. After a clock was put back it is: nobody knows how old it is.
    fn is_stale(&self, now: Time) -> bool {
        now < self.fetched || now >= self.fetched + REFRESH
    }
}

impl Known {
    /// The policy that is kept, be it valid or not.
    #[must_use]
    pub const fn cached(&self) -> Option<&Cached> {
        self.cached.as_ref()
    }

    /// What to do for a mail, given the answer about the record.
    #[must_use]
    pub fn look(&self, answer: &TxtAnswer, now: Time) -> Step {
        let valid = self.valid(now);
        let finding = match answer {
            TxtAnswer::Record(record) => return self.with_record(&record.id, now),
            TxtAnswer::Absent if valid.is_some() => Finding::RecordGone,
            TxtAnswer::Absent => Finding::NoPolicy,
            TxtAnswer::Broken(problem) => Finding::RecordBroken(problem.clone()),
            TxtAnswer::Failed if valid.is_none() => {
                return Step::Use(Settled { state: StsState::Unknown, finding: Some(Finding::LookupFailed) });
            }
            TxtAnswer::Failed => Finding::LookupFailed,
        };
        Step::Use(self.settled(Some(finding), now))
    }

    /// Takes in how a fetch for `id` ended, and says what is in force now.
    pub fn fetched(&mut self, id: &RecordId, outcome: Result<Policy, FetchFailure>, now: Time) -> Settled {
        match outcome {
            Ok(policy) => {
                let state = in_force(&policy);
                self.cached = Some(Cached { policy, id: id.clone(), fetched: now });
                self.failed = None;
                // Also if its time is zero: for this mail it is in force.
                Settled { state, finding: None }
            }
            Err(failure) => {
                self.failed = Some(Failed { id: id.clone(), at: now, failure: failure.clone() });
                self.settled(Some(Finding::FetchFailed(failure)), now)
            }
        }
    }

    /// The id under which to fetch a kept policy again, once a day and before its time ends, without a mail and without
    /// a look at the record, which an attacker may hide for so long (RFC 8461 §10.2).
    #[must_use]
    pub fn refresh(&self, now: Time) -> Option<RecordId> {
        let cached = self.valid(now).filter(|cached| cached.is_stale(now))?;
        self.backing_off(&cached.id, now).is_none().then(|| cached.id.clone())
    }

    /// Whether nothing in it matters any more.
    #[must_use]
    pub fn is_spent(&self, now: Time) -> bool {
        let failed = self.failed.as_ref();
        self.valid(now).is_none() && failed.is_none_or(|failed| self.backing_off(&failed.id, now).is_none())
    }

    fn with_record(&self, id: &RecordId, now: Time) -> Step {
        let same = self.valid(now).filter(|cached| cached.id == *id);
        if same.is_some_and(|cached| !cached.is_stale(now)) {
            return Step::Use(self.settled(None, now));
        }
        match self.backing_off(id, now) {
            Some(failure) => Step::Use(self.settled(Some(Finding::FetchFailed(failure.clone())), now)),
            None => Step::Fetch { id: id.clone(), refresh: same.is_some(), meanwhile: self.settled(None, now) },
        }
    }

    fn valid(&self, now: Time) -> Option<&Cached> {
        self.cached.as_ref().filter(|cached| cached.is_valid(now))
    }

    /// The failure for whose sake this version is not tried yet.
    fn backing_off(&self, id: &RecordId, now: Time) -> Option<&FetchFailure> {
        // A failure of tomorrow is one of a clock that was put back, and no reason to wait until then.
        let waits = |failed: &&Failed| failed.id == *id && failed.at <= now && now < failed.at + BACK_OFF;
        self.failed.as_ref().filter(waits).map(|failed| &failed.failure)
    }

    fn settled(&self, finding: Option<Finding>, now: Time) -> Settled {
        let Some(cached) = self.valid(now) else { return Settled { state: StsState::Absent, finding } };
        // Who says that there is no policy any more may take away what else there was (RFC 8461 §8.3).
        let finding = if cached.policy.mode == Mode::None { finding.and(Some(Finding::NoPolicy)) } else { finding };
        Settled { state: in_force(&cached.policy), finding }
    }
}

fn in_force(policy: &Policy) -> StsState {
    match policy.mode {
        Mode::None => StsState::Absent,
        _ => StsState::Policy(policy.clone()),
    }
}
