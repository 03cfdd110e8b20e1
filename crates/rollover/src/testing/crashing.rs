//! A node that stops or fails: at the n-th call of any of its ports, before or after the call was carried out.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use crate::{
    Error, Event, GenerationId, Result, RevocationReason, Selection, Span, Subject, SubjectId, SubjectState, Time,
    Wake, audit,
    authority::{Capabilities, CertificateAuthority, Issued, OrderId, Progress, Reconciled, Submission},
    port::{
        Attachment, AuthorityState, CertificateRecord, Claim, DurableRequest, GenerationRecord, Insertion, KeyName,
        KeyStore, Lease, Listed, NewGeneration, Pace, PrivateKey, Replacement,
    },
    workshop::{Asked, Inspection, MadeKey, Workshop},
};

/// What happens to a node at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blow {
    /// It stands still before the call is carried out, until it [goes on](Fate::go_on). If its future is dropped, it
    /// crashed there.
    StopBefore,
    /// It stands still after the call was carried out.
    StopAfter,
    /// The call is not carried out, and fails.
    FailBefore,
    /// The call is carried out, but says that it failed.
    FailAfter,
}

impl Blow {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::StopBefore, Self::StopAfter, Self::FailBefore, Self::FailAfter];
}

/// What will happen to a node. A clone is the same node's.
#[derive(Clone, Debug, Default)]
pub struct Fate(Arc<Mutex<Strokes>>);

#[derive(Debug, Default)]
struct Strokes {
    calls: u64,
    next: Option<(u64, Blow)>,
    struck: u64,
    is_stopped: bool,
}

impl Fate {
    /// The call after the next `calls` ones is struck by `blow`.
    pub fn strike(&self, calls: u64, blow: Blow) {
        self.with(|strokes| strokes.next = Some((strokes.calls.saturating_add(calls), blow)));
    }

    /// Nothing will happen any more.
    pub fn spare(&self) {
        self.with(|strokes| strokes.next = None);
    }

    /// A node that stands still goes on once its future is polled.
    pub fn go_on(&self) {
        self.with(|strokes| strokes.is_stopped = false);
    }

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.with(|strokes| strokes.calls)
    }

    /// How many of them were struck.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.with(|strokes| strokes.struck)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Strokes) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn next(&self) -> Option<Blow> {
        self.with(|strokes| {
            let call = strokes.calls;
            strokes.calls += 1;
            let (_, blow) = strokes.next.take_if(|&mut (at, _)| at <= call)?;
            strokes.struck += 1;
            Some(blow)
        })
    }

    async fn stand_still(&self) {
        self.with(|strokes| strokes.is_stopped = true);
        let is_stopped =
            |_: &mut Context<'_>| if self.with(|strokes| strokes.is_stopped) { Poll::Pending } else { Poll::Ready(()) };
        poll_fn(is_stopped).await;
    }

    /// `call`, struck or not; `failed` is what it says if it fails, told whether it was carried out.
    async fn meet<T>(&self, call: impl Future<Output = T>, failed: impl FnOnce(bool) -> T) -> T {
        match self.next() {
            None => call.await,
            Some(Blow::StopBefore) => {
                self.stand_still().await;
                call.await
            }
            Some(Blow::StopAfter) => {
                let output = call.await;
                self.stand_still().await;
                output
            }
            Some(Blow::FailBefore) => failed(false),
            Some(Blow::FailAfter) => {
                call.await;
                failed(true)
            }
        }
    }
}

/// A port as a node sees it to whom `fate` happens.
#[derive(Clone, Debug)]
pub struct Crashing<T> {
    inner: T,
    fate: Fate,
    skew: Span,
}

impl<T> Crashing<T> {
    /// `inner`, for the node with that `fate`.
    #[must_use]
    pub const fn new(inner: T, fate: Fate) -> Self {
        Self { inner, fate, skew: Span::ZERO }
    }

    /// The same, for a node whose clock is `skew` fast.
    #[must_use]
    pub fn skewed(self, skew: Span) -> Self {
        Self { skew, ..self }
    }

    async fn store<R>(&self, call: impl Future<Output = Result<R>>) -> Result<R> {
        self.fate.meet(call, |_| Err(Error::Store { message: "it failed".to_owned(), source: None })).await
    }
}

impl<T: KeyStore> KeyStore for Crashing<T> {
    async fn now(&self) -> Result<Time> {
        Ok(self.store(self.inner.now()).await? + self.skew)
    }

    async fn enroll(&self, subject: &Subject, actor: &str) -> Result<()> {
        self.store(self.inner.enroll(subject, actor)).await
    }

    async fn load(&self, id: SubjectId) -> Result<Option<Listed>> {
        self.store(self.inner.load(id)).await
    }

    async fn list(&self, after: Option<SubjectId>, limit: u32) -> Result<Vec<Listed>> {
        self.store(self.inner.list(after, limit)).await
    }

    async fn claim(&self, now: Time, claim: &Claim) -> Result<Vec<Lease>> {
        self.store(self.inner.claim(now, claim)).await
    }

    async fn release(&self, lease: &Lease, wake: Wake) -> Result<()> {
        self.store(self.inner.release(lease, wake)).await
    }

    async fn insert_generation(&self, lease: &Lease, new: &NewGeneration) -> Result<Insertion> {
        self.store(self.inner.insert_generation(lease, new)).await
    }

    async fn advance(&self, lease: &Lease, event: &Event, attachment: &Attachment) -> Result<SubjectState> {
        self.store(self.inner.advance(lease, event, attachment)).await
    }

    async fn record(&self, subject: SubjectId, event: &Event, actor: &str) -> Result<SubjectState> {
        self.store(self.inner.record(subject, event, actor)).await
    }

    async fn generation(&self, id: GenerationId) -> Result<Option<GenerationRecord>> {
        self.store(self.inner.generation(id)).await
    }

    async fn private_key(&self, id: GenerationId) -> Result<PrivateKey> {
        self.store(self.inner.private_key(id)).await
    }

    async fn back_up(&self, id: GenerationId) -> Result<()> {
        self.store(self.inner.back_up(id)).await
    }

    async fn destroy(&self, id: GenerationId, at: Time, actor: &str) -> Result<()> {
        self.store(self.inner.destroy(id, at, actor)).await
    }

    async fn find(&self, name: &KeyName) -> Result<Vec<GenerationId>> {
        self.store(self.inner.find(name)).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.store(self.inner.count(selection)).await
    }

    async fn replace(&self, selection: &Selection, before: Time, reason: &str, actor: &str) -> Result<Replacement> {
        self.store(self.inner.replace(selection, before, reason, actor)).await
    }

    async fn replacements(&self) -> Result<Vec<Replacement>> {
        self.store(self.inner.replacements()).await
    }

    async fn pace(&self, replacement: u64, pace: Pace, actor: &str) -> Result<()> {
        self.store(self.inner.pace(replacement, pace, actor)).await
    }

    async fn start_replacing(&self, now: Time, limit: u32) -> Result<u32> {
        self.store(self.inner.start_replacing(now, limit)).await
    }

    async fn authority<F>(&self, name: &str, now: Time, change: F) -> Result<AuthorityState>
    where
        F: FnOnce(&mut AuthorityState) + Send,
    {
        self.store(self.inner.authority(name, now, change)).await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>> {
        self.store(self.inner.setting(name)).await
    }

    async fn set(&self, name: &str, value: &str, actor: &str) -> Result<()> {
        self.store(self.inner.set(name, value, actor)).await
    }

    async fn look(&self, now: Time, max_jump: Span) -> Result<()> {
        self.store(self.inner.look(now, max_jump)).await
    }

    async fn audit(&self, after: u64, limit: u32) -> Result<Vec<audit::Record>> {
        self.store(self.inner.audit(after, limit)).await
    }
}

impl<T: CertificateAuthority> CertificateAuthority for Crashing<T> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, request: &DurableRequest) -> Submission {
        let failed = |carried_out| {
            let reason = "it failed".to_owned();
            if carried_out { Submission::Ambiguous { reason } } else { Submission::Unavailable { reason } }
        };
        self.fate.meet(self.inner.submit(request), failed).await
    }

    async fn find(&self, request: &DurableRequest) -> Reconciled {
        let failed = |_| Reconciled::Unavailable { reason: "it failed".to_owned() };
        self.fate.meet(self.inner.find(request), failed).await
    }

    async fn poll(&self, order: &OrderId) -> Progress {
        let failed = |_| Progress::Unavailable { reason: "it failed".to_owned() };
        self.fate.meet(self.inner.poll(order), failed).await
    }

    async fn revoke(&self, certificate: &CertificateRecord, reason: RevocationReason) -> Result<(), String> {
        self.fate.meet(self.inner.revoke(certificate, reason), |_| Err("it failed".to_owned())).await
    }
}

impl<T: Workshop> Workshop for Crashing<T> {
    async fn make_key(&self, subject: &Subject, generation: GenerationId) -> Result<MadeKey> {
        let failed = |_| Err(Error::Key("it failed".to_owned()));
        self.fate.meet(self.inner.make_key(subject, generation), failed).await
    }

    fn read(&self, issued: &Issued) -> Result<CertificateRecord, String> {
        self.inner.read(issued)
    }

    fn inspect(&self, certificate: &CertificateRecord, asked: &Asked<'_>, now: Time) -> Inspection {
        self.inner.inspect(certificate, asked, now)
    }
}
