//! An authority whose answers take their time, and a node that says when it asks.

use std::time::Duration;

use sealpost_ca::LocalAuthority;
use sealpost_rollover::{
    RevocationReason,
    authority::{Capabilities, CertificateAuthority, OrderId, Progress, Reconciled, Submission},
    port::{CertificateRecord, DurableRequest},
};

pub(crate) struct Thinking {
    inner: LocalAuthority,
    think: Duration,
}

impl Thinking {
    pub(crate) const fn new(inner: LocalAuthority, think: Duration) -> Self {
        Self { inner, think }
    }

    pub(crate) const fn inner(&self) -> &LocalAuthority {
        &self.inner
    }
}

impl CertificateAuthority for Thinking {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, request: &DurableRequest) -> Submission {
        println!("asking: {}", request.address());
        let submission = self.inner.submit(request).await;
        println!("asked: {}", request.address());
        tokio::time::sleep(self.think).await;
        submission
    }

    async fn find(&self, request: &DurableRequest) -> Reconciled {
        println!("finding: {}", request.address());
        self.inner.find(request).await
    }

    async fn poll(&self, order: &OrderId) -> Progress {
        self.inner.poll(order).await
    }

    async fn revoke(&self, certificate: &CertificateRecord, reason: RevocationReason) -> Result<(), String> {
        self.inner.revoke(certificate, reason).await
    }
}
