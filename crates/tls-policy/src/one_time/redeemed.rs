//! Which tokens were redeemed.

use std::{collections::BTreeMap, fmt};

use sealpost_time::Time;

/// What tells tokens apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub(super) [u8; super::TAG]);

impl TokenId {
    /// Its octets, for a store.
    #[must_use]
    pub const fn octets(&self) -> &[u8; super::TAG] {
        &self.0
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenId").finish_non_exhaustive()
    }
}

/// Whether a token was redeemed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "yes, no, and don't know")]
pub enum Marked {
    /// It was not. From now on it is.
    First,
    /// It was.
    Again,
    /// That can't be found out, or it can't be remembered: the token is not redeemed.
    Unavailable,
}

/// Remembers which tokens were redeemed: what a server implements, with its database if it has several nodes.
pub trait Redeemed {
    /// Marks a token as redeemed, in one step with finding out whether it was: of two who ask at once, one is first.
    /// It must be remembered until `until`; what ended by `now` may be forgotten.
    fn mark(&mut self, id: TokenId, until: Time, now: Time) -> Marked;
}

/// In memory: for one process, and until it ends. A token that was redeemed before is good again afterwards, within its
/// minutes: a server that minds keeps them elsewhere, or takes a new [`TokenKey`](super::TokenKey) with each start.
#[derive(Clone, Debug)]
pub struct MemoryRedeemed {
    until: BTreeMap<TokenId, Time>,
    capacity: usize,
    /// The latest time that was seen: clocks may be set back, and what was forgotten must not be good again.
    latest: Time,
}

impl MemoryRedeemed {
    /// Remembers `capacity` tokens at once. While it is full no token is redeemed; none is forgotten before its time.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { until: BTreeMap::new(), capacity, latest: Time::from_unix(i64::MIN) }
    }
}

impl Redeemed for MemoryRedeemed {
    fn mark(&mut self, id: TokenId, until: Time, now: Time) -> Marked {
        self.latest = self.latest.max(now);
        if self.until.contains_key(&id) {
            return Marked::Again;
        }
        if until <= self.latest {
            return Marked::Unavailable;
        }
        if self.until.len() >= self.capacity {
            let latest = self.latest;
            self.until.retain(|_, until| *until > latest);
        }
        if self.until.len() >= self.capacity {
            return Marked::Unavailable;
        }
        self.until.insert(id, until);
        Marked::First
    }
}
