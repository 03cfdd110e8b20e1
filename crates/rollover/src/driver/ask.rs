//! What the authority is asked, and what comes of its answers.

use super::{
    Alarms, Publisher, rate,
    work::{Step, Work},
};
use crate::{
    Effect, Happened, Result, Span, Time,
    authority::{CertificateAuthority, Issued, OrderId, Progress, Reconciled, Submission},
    port::{Attachment, AuthorityState, CertificateRecord, DurableRequest, KeyStore, committed},
    workshop::Workshop,
};

/// No authority calls an order by a longer name, in octets.
const LONGEST_NAME: usize = 1_024;
/// No chain has more certificates.
const LONGEST_CHAIN: usize = 10;
/// No certificate and its chain have more octets.
const LARGEST_ANSWER: usize = 1 << 18;
/// So many characters of a reason are kept.
const LONGEST_REASON: usize = 1_000;
/// So many orders of one key are asked for.
const MOST_ORDERS: usize = 8;

impl<S: KeyStore, C: CertificateAuthority, W: Workshop, P: Publisher, A: Alarms> Work<'_, S, C, W, P, A> {
    pub(super) async fn submit(&mut self, effect: Effect) -> Result<Step> {
        let asked = self.asked(effect);
        let ask = asked.saturating_add(1);
        if !self.take_permit().await? {
            return Ok(self.wait_for_permit());
        }
        let request = self.request(effect).await?;
        // Before the request leaves: whoever comes after a crash knows that there may be an order.
        self.note(effect, Happened::Asking { ask }, Attachment::None).await?;
        self.shift.report.asked += 1;
        let submission = self.driver.authority.submit(&request).await;
        self.submitted(effect, ask, submission).await
    }

    async fn submitted(&mut self, effect: Effect, ask: u16, submission: Submission) -> Result<Step> {
        match submission {
            Submission::Accepted { order, poll_at } => {
                self.answered().await?;
                let poll_at = self.poll_at(effect, poll_at);
                self.accepted(effect, &order, poll_at).await
            }
            Submission::Issued { issued, .. } => {
                self.answered().await?;
                self.issued(effect, &issued).await
            }
            Submission::Refused { reason } => {
                self.answered().await?;
                self.refused(effect, reason).await
            }
            Submission::RateLimited { retry_at } => {
                self.failed(effect, retry_at).await?;
                self.unanswered(effect, ask).await
            }
            Submission::Unavailable { .. } => {
                self.failed(effect, None).await?;
                self.unanswered(effect, ask).await
            }
            Submission::Ambiguous { .. } => {
                self.shift.report.ambiguous += 1;
                self.failed(effect, None).await?;
                Ok(self.wait_for_authority())
            }
        }
    }

    /// Finds out what came of earlier requests, so that none is made twice.
    pub(super) async fn reconcile(&mut self, effect: Effect) -> Result<Step> {
        if !self.take_permit().await? {
            return Ok(self.wait_for_permit());
        }
        let request = self.request(effect).await?;
        self.shift.report.asked += 1;
        match self.driver.authority.find(&request).await {
            Reconciled::Orders(orders) => {
                self.answered().await?;
                match orders.as_slice() {
                    [] => self.unanswered(effect, self.asked(effect)).await,
                    [order] => self.accepted(effect, order, self.shift.now).await,
                    [order, ..] if !self.issued_of(effect, &orders).await? => {
                        self.accepted(effect, order, self.shift.now).await
                    }
                    _ => Ok(Step::Done),
                }
            }
            Reconciled::Unavailable { .. } => {
                self.failed(effect, None).await?;
                Ok(self.wait_for_authority())
            }
        }
    }

    /// What came of several orders for one key: each certificate is kept, the first one is adopted, so that mails to any
    /// of them find the key (invariant I4). Whether there is one. What is not issued yet stays unknown.
    async fn issued_of(&mut self, effect: Effect, orders: &[OrderId]) -> Result<bool> {
        self.shift.report.surplus += u32::try_from(orders.len() - 1).unwrap_or(u32::MAX);
        for order in orders.iter().take(MOST_ORDERS) {
            if !self.take_permit().await? {
                break;
            }
            self.shift.report.asked += 1;
            // One that can't be read says nothing of the others.
            if let Progress::Issued(issued) = self.driver.authority.poll(order).await
                && let Ok(certificate) = self.read(&issued)
            {
                self.keep(effect, certificate).await?;
            }
        }
        let generation = self.state.generation(effect.slot, effect.number);
        Ok(generation.is_some_and(|generation| generation.issued.is_some()))
    }

    pub(super) async fn poll(&mut self, effect: Effect) -> Result<Step> {
        if !self.take_permit().await? {
            return Ok(self.wait_for_permit());
        }
        let request = self.request(effect).await?;
        let Some(order) = request.order().map(OrderId::new) else {
            return Ok(self.failure("an order is accepted, but its name is not there"));
        };
        self.shift.report.asked += 1;
        match self.driver.authority.poll(&order).await {
            Progress::Pending { poll_at } => {
                self.answered().await?;
                let poll_at = self.poll_at(effect, poll_at);
                self.note(effect, Happened::Pending { poll_at }, Attachment::None).await
            }
            Progress::Issued(issued) => {
                self.answered().await?;
                self.issued(effect, &issued).await
            }
            Progress::Refused { reason } => {
                self.answered().await?;
                self.refused(effect, reason).await
            }
            Progress::Unavailable { .. } => {
                self.failed(effect, None).await?;
                Ok(self.wait_for_authority())
            }
        }
    }

    async fn accepted(&mut self, effect: Effect, order: &OrderId, poll_at: Time) -> Result<Step> {
        let name = order.as_str();
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return self.refused(effect, "the order's name is empty, too long or not a text".to_owned()).await;
        }
        self.note(effect, Happened::Accepted { poll_at }, Attachment::Order(order.to_string())).await
    }

    async fn issued(&mut self, effect: Effect, issued: &Issued) -> Result<Step> {
        match self.read(issued) {
            Ok(certificate) => self.keep(effect, certificate).await,
            Err(reason) => self.refused(effect, reason).await,
        }
    }

    /// What the authority gave, or why it is of no use.
    fn read(&self, issued: &Issued) -> Result<CertificateRecord, String> {
        let size = issued.chain.iter().map(Vec::len).sum::<usize>() + issued.certificate.len();
        if issued.chain.len() > LONGEST_CHAIN || size > LARGEST_ANSWER {
            return Err("the certificate or its chain is too large".to_owned());
        }
        self.driver.workshop.read(issued).map_err(|why| format!("the certificate can't be read: {why}"))
    }

    async fn keep(&mut self, effect: Effect, certificate: CertificateRecord) -> Result<Step> {
        self.shift.report.issued += 1;
        let (not_before, not_after) = (certificate.not_before, certificate.not_after);
        let attachment = Attachment::Certificate(Box::new(certificate));
        self.note(effect, Happened::Issued { not_before, not_after }, attachment).await
    }

    async fn refused(&mut self, effect: Effect, reason: String) -> Result<Step> {
        self.shift.report.refused += 1;
        // It goes into the audit chain: as much of it as a person reads, and nothing that a terminal obeys.
        let reason = reason.chars().filter(|character| !character.is_control()).take(LONGEST_REASON).collect();
        self.note(effect, Happened::Refused, Attachment::Reason(reason)).await
    }

    /// It is certain that the `ask`-th time made no order.
    async fn unanswered(&mut self, effect: Effect, ask: u16) -> Result<Step> {
        let again = self.driver.policy.retry_at(self.id(effect), ask, self.shift.now);
        let retry_at = again.max(self.shift.authority.ask_from);
        self.note(effect, Happened::Unanswered { ask, retry_at }, Attachment::None).await
    }

    /// How often the authority was asked with this key.
    fn asked(&self, effect: Effect) -> u16 {
        self.state.generation(effect.slot, effect.number).map_or(0, |generation| generation.asked)
    }

    /// When to ask for news: when the authority says, or after half of the time that it took so far. What it says of
    /// the past says nothing, for its clock may lag behind: asking at once would use up the rate for one order.
    fn poll_at(&self, effect: Effect, said: Option<Time>) -> Time {
        let now = self.shift.now;
        let since = self.state.generation(effect.slot, effect.number).and_then(|generation| generation.accepted);
        let half = since.map_or(0, |since| (now - since).as_seconds() / 2);
        let wait = Span::seconds(half).clamp(Span::minutes(1), Span::hours(6));
        said.filter(|&said| said > now).map_or(now + wait, |said| rate::at_most(said, now))
    }

    async fn request(&self, effect: Effect) -> Result<DurableRequest> {
        committed(&*self.driver.store, &self.lease.subject.address, self.id(effect)).await
    }

    /// Before each request: what all nodes together ask stays below the rate (invariant I9).
    pub(super) async fn take_permit(&mut self) -> Result<bool> {
        // The time of the tick may be long past if the work takes long.
        let (rate, now) = (self.shift.rate, self.driver.store.now().await?);
        let mut taken = false;
        self.change(|state| taken = rate.take(state, now)).await?;
        Ok(taken)
    }

    pub(super) fn wait_for_permit(&mut self) -> Step {
        self.shift.report.waiting += 1;
        Step::Stalled { until: self.shift.rate.next(&self.shift.authority, self.shift.now), for_authority: true }
    }

    const fn wait_for_authority(&self) -> Step {
        Step::Stalled { until: self.shift.authority.ask_from, for_authority: true }
    }

    /// The authority answered: it may be asked by all again.
    async fn answered(&mut self) -> Result<()> {
        if self.shift.authority.failures > 0 {
            self.change(|state| state.failures = 0).await?;
        }
        Ok(())
    }

    /// The authority failed: nobody asks it before `until`, or for a while that grows with each failure if it says
    /// nothing, or a time that is past by our clock.
    async fn failed(&mut self, effect: Effect, until: Option<Time>) -> Result<()> {
        let now = self.shift.now;
        let failures = self.shift.authority.failures.saturating_add(1);
        let until = until.filter(|&until| until > now);
        let until = until.unwrap_or_else(|| self.driver.policy.retry_at(self.id(effect), failures, now));
        self.change(|state| rate::failed(state, now, until)).await
    }

    async fn change(&mut self, change: impl FnOnce(&mut AuthorityState) + Send) -> Result<()> {
        let name = self.driver.authority.name();
        self.shift.authority = self.driver.store.authority(name, self.shift.now, change).await?;
        Ok(())
    }
}
