//! When an instance may be used.

/// A moment: seconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "it is the number that it holds")]
pub struct UnixTime(pub u64);

/// Why an instance can't be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotValid {
    /// The time is before the instance's not-before.
    #[error("the instance is not valid before {} seconds after 1970", .not_before.0)]
    NotYet {
        /// The first moment at which it is valid.
        not_before: UnixTime,
    },
    /// The time is behind the instance's not-after.
    #[error("the instance expired {} seconds after 1970", .not_after.0)]
    Expired {
        /// The last moment at which it was valid.
        not_after: UnixTime,
    },
}

/// From when to when, both ends included. An end that is not there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is no third end")]
pub struct Validity {
    /// The first moment.
    pub not_before: Option<UnixTime>,
    /// The last moment.
    pub not_after: Option<UnixTime>,
}

impl Validity {
    /// When both are valid.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        let ends = self.not_after.into_iter().chain(other.not_after);
        Self { not_before: self.not_before.max(other.not_before), not_after: ends.min() }
    }

    /// Whether it includes this time.
    ///
    /// # Errors
    ///
    /// [`NotValid`] says since when it doesn't, or from when it will.
    pub fn check(&self, now: UnixTime) -> Result<(), NotValid> {
        match (self.not_before, self.not_after) {
            (Some(not_before), _) if now < not_before => Err(NotValid::NotYet { not_before }),
            (_, Some(not_after)) if now > not_after => Err(NotValid::Expired { not_after }),
            _ => Ok(()),
        }
    }
}
