//! What carries out what is decided: one node's work, over the ports.
//!
//! A driver remembers nothing between two ticks: all that counts is in the store. So it may be stopped at any point,
//! and any number of them may work on one store.

use std::{fmt, sync::Arc};

use crate::{
    CaHealth, Policy, Result, Span, SubjectId, Time,
    authority::CertificateAuthority,
    port::{AuthorityState, Claim, KeyStore},
    workshop::Workshop,
};

mod ask;
mod import;
mod outside;
mod perform;
mod rate;
mod report;
mod trigger;
mod work;

pub use outside::{Alarm, Alarms, Nobody, Publisher};
pub use report::{Failure, TickReport};
pub use trigger::{Authenticated, FirstMail, Signer, WithoutSigner};

use rate::Rate;
use work::Work;

/// How much of the work one node takes on in a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long a subject is claimed for. Longer than an answer of the authority takes, times `batch`.
    pub lease: Span,
    /// How many subjects are claimed at once.
    pub batch: u32,
}

impl Limits {
    /// Claims `batch` subjects for `lease`.
    #[must_use]
    pub const fn new(lease: Span, batch: u32) -> Self {
        Self { lease, batch }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(Span::minutes(10), 100)
    }
}

/// One node: what is due in `store` it does with `authority` and `workshop`.
///
/// A tick works on one subject at a time. To work on several at once, let several drivers tick: they share the work
/// by claiming it.
pub struct Driver<S, C, W, P = Nobody, A = Nobody> {
    store: Arc<S>,
    authority: Arc<C>,
    workshop: Arc<W>,
    publisher: P,
    alarms: A,
    policy: Policy,
    node: String,
    limits: Limits,
    without_signer: WithoutSigner,
}

impl<S, C, W> Driver<S, C, W> {
    /// The node `node`, under `policy`. It tells [`Nobody`].
    #[must_use]
    pub fn new(
        store: Arc<S>,
        authority: Arc<C>,
        workshop: Arc<W>,
        policy: Policy,
        node: impl Into<String>,
    ) -> Driver<S, C, W> {
        Driver {
            store,
            authority,
            workshop,
            publisher: Nobody,
            alarms: Nobody,
            policy,
            node: node.into(),
            limits: Limits::default(),
            without_signer: WithoutSigner::Hold { at_most: Span::minutes(15) },
        }
    }
}

impl<S, C, W, P, A> Driver<S, C, W, P, A> {
    /// The same, telling `publisher` and `alarms`.
    #[must_use]
    pub fn telling<Q, B>(self, publisher: Q, alarms: B) -> Driver<S, C, W, Q, B> {
        let Self { store, authority, workshop, policy, node, limits, without_signer, .. } = self;
        Driver { store, authority, workshop, publisher, alarms, policy, node, limits, without_signer }
    }

    /// The same, with other limits.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same, with another rule for mails whose sender has no signer yet.
    #[must_use]
    pub fn without_signer(self, without_signer: WithoutSigner) -> Self {
        Self { without_signer, ..self }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }
}

impl<S: KeyStore, C: CertificateAuthority, W: Workshop, P: Publisher, A: Alarms> Driver<S, C, W, P, A> {
    /// Does what is due, as far as the authority's rate and this node's limits allow. Call it every few seconds;
    /// calling it early changes nothing, and calling it late comes to the same.
    ///
    /// What fails for one subject stops no other one: it is in the report.
    ///
    /// # Errors
    ///
    /// [`Error::ClockJumped`](crate::Error::ClockJumped) if time jumped: nothing is done then. Those of a store that
    /// can't even say what is due.
    pub async fn tick(&self) -> Result<TickReport> {
        let now = self.store.now().await?;
        self.store.look(now, self.policy.max_jump).await?;
        let mut shift = self.begin(now).await?;
        let Limits { lease, batch } = self.limits;
        let asking = Rate::open(&shift.authority, now, batch);
        if asking > 0 && shift.authority.permits > 0 {
            shift.report.replacing = self.store.start_replacing(now, asking.min(shift.authority.permits)).await?;
        }
        self.work(shift, &Claim::new(self.node.clone(), lease, batch, asking)).await
    }

    /// Does what is due for `subject` alone, without waiting for its turn; while another node works on it, nothing.
    ///
    /// # Errors
    ///
    /// As [`tick`](Self::tick).
    pub async fn attend(&self, subject: SubjectId) -> Result<TickReport> {
        let now = self.store.now().await?;
        self.store.look(now, self.policy.max_jump).await?;
        let shift = self.begin(now).await?;
        self.work(shift, &Claim::only(subject, self.node.clone(), self.limits.lease)).await
    }

    async fn work(&self, mut shift: Shift, claim: &Claim) -> Result<TickReport> {
        for lease in self.store.claim(shift.now, claim).await? {
            shift.report.claimed += 1;
            Work::new(self, &mut shift, lease).run().await;
        }
        Ok(shift.report)
    }

    /// Somebody confirms that the clock is right though time jumped. The next tick works again.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn confirm_clock(&self) -> Result<Time> {
        let now = self.store.now().await?;
        self.store.look(now, Span::seconds(i64::MAX)).await?;
        Ok(now)
    }

    /// Fills the bucket.
    async fn begin(&self, now: Time) -> Result<Shift> {
        let rate = Rate::new(self.authority.capabilities().requests_per_hour);
        let fill = |state: &mut AuthorityState| rate.fill(state, now);
        let authority = self.store.authority(self.authority.name(), now, fill).await?;
        Ok(Shift { now, rate, authority, report: TickReport::default() })
    }
}

/// What all subjects of a tick have in common.
struct Shift {
    now: Time,
    rate: Rate,
    /// As it was last seen.
    authority: AuthorityState,
    report: TickReport,
}

impl Shift {
    const fn health(&self) -> CaHealth {
        CaHealth::from(self.authority.ask_from)
    }
}

impl<S, C, W, P, A> fmt::Debug for Driver<S, C, W, P, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("node", &self.node).field("policy", &self.policy.name).finish_non_exhaustive()
    }
}
