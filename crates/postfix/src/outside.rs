//! What the maps ask whoever runs them: the port.

use std::{future::Future, sync::Arc, time::Duration};

use sealpost_mail::{Address, Domain};
use sealpost_time::Time;
use sealpost_tls_policy::{
    engine::Plan,
    facts::{DestinationFacts, NextHop, SessionFacts},
    message::{DestinationPolicy, Guarantee},
    route::AlternateRoute,
};

use crate::{Result, next_hop::Hop};

/// What DNS and MTA-STS say about a destination, and for how long that may be kept.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "two things")]
pub struct Known {
    /// What they say.
    pub facts: Arc<DestinationFacts>,
    /// For how long: the least time to live of the records, say. [`Cached`](crate::Cached) keeps nothing for long.
    pub fresh_for: Duration,
}

/// What a connection to a host showed.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a host and what it showed")]
pub struct Session {
    /// The host; `None` if the next hop is an address.
    pub host: Option<Domain>,
    /// What it showed.
    pub facts: SessionFacts,
}

/// The world outside: settings, DNS, other people's servers, the clock. All of it may fail, and then the mail waits.
///
/// Futures may be dropped when they take too long.
pub trait Outside: Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> Time;

    /// What is known about a destination. TLSA records are those of the port.
    fn facts(&self, hop: &Hop) -> impl Future<Output = Result<Known>> + Send;

    /// What the organisation's settings say about mail to a next hop, whoever sends it; its default if they say
    /// nothing.
    fn policy(&self, to: &NextHop) -> impl Future<Output = Result<DestinationPolicy>> + Send;

    /// Which guarantee a user has whose address this is; [`Guarantee::Off`] for everybody else.
    fn guarantee(&self, sender: &Address) -> impl Future<Output = Result<Guarantee>> + Send;

    /// The alternate secure route, with what it is known to hold; `None` if there is none.
    fn route(&self) -> impl Future<Output = Result<Option<AlternateRoute>>> + Send;

    /// What connections show to the hosts that may be tried, the most preferred one first; up to the first one that may
    /// be delivered to.
    fn sessions(&self, plan: &Plan<'_>) -> impl Future<Output = Result<Arc<[Session]>>> + Send;

    /// Uses up the permission of `user` to send one mail to `recipient` without the guarantee; `false` if there is
    /// none. For an `instance` that used one up already it is `true` again: Postfix asks anew when it got no answer.
    fn redeem(&self, user: &str, recipient: &Address, instance: &str) -> impl Future<Output = Result<bool>> + Send;
}

/// So that maps and policy delegation share one world.
impl<O: Outside> Outside for Arc<O> {
    fn now(&self) -> Time {
        (**self).now()
    }

    async fn facts(&self, hop: &Hop) -> Result<Known> {
        (**self).facts(hop).await
    }

    async fn policy(&self, to: &NextHop) -> Result<DestinationPolicy> {
        (**self).policy(to).await
    }

    async fn guarantee(&self, sender: &Address) -> Result<Guarantee> {
        (**self).guarantee(sender).await
    }

    async fn route(&self) -> Result<Option<AlternateRoute>> {
        (**self).route().await
    }

    async fn sessions(&self, plan: &Plan<'_>) -> Result<Arc<[Session]>> {
        (**self).sessions(plan).await
    }

    async fn redeem(&self, user: &str, recipient: &Address, instance: &str) -> Result<bool> {
        (**self).redeem(user, recipient, instance).await
    }
}
