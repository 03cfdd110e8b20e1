//! Who is told: directories and partners, and the people who look after the schedule.

use std::future::Future;

use crate::{Slot, Span, Subject, Time, alarm::Level, port::CertificateRecord};

/// Where certificates are handed to so that others find them.
///
/// Each call may come twice: after a crash nobody knows whether it was done.
pub trait Publisher: Send + Sync {
    /// Hands `certificate` to directories.
    ///
    /// # Errors
    ///
    /// Why it was not taken. It is tried again.
    fn publish(
        &self,
        subject: &Subject,
        certificate: &CertificateRecord,
    ) -> impl Future<Output = Result<(), String>> + Send;

    /// Tells the partners of a domain, who enter its certificate by hand, that it is used from `from` on.
    ///
    /// # Errors
    ///
    /// Why they were not told. It is tried again.
    fn announce(
        &self,
        subject: &Subject,
        certificate: &CertificateRecord,
        from: Time,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

/// Where alarms are rung. Each call may come twice.
pub trait Alarms: Send + Sync {
    /// Rings `alarm`.
    ///
    /// # Errors
    ///
    /// Why nobody heard it. It is tried again.
    fn raise(&self, alarm: &Alarm<'_>) -> impl Future<Output = Result<(), String>> + Send;
}

/// A user will have no valid signer, or no certificate to encrypt to, if nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alarm<'a> {
    /// Who will be affected.
    pub subject: &'a Subject,
    /// Of which slot.
    pub slot: Slot,
    /// How loud it is.
    pub level: Level,
    /// Since when, or from when on.
    pub affected_at: Time,
    /// How long that is from now (invariant I10). Negative: since when.
    pub left: Span,
}

/// There is no directory, and nobody to tell. The figures are in the [`TickReport`](super::TickReport) all the same.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers name it, and nobody has nothing")]
pub struct Nobody;

impl Publisher for Nobody {
    async fn publish(&self, _: &Subject, _: &CertificateRecord) -> Result<(), String> {
        Ok(())
    }

    async fn announce(&self, _: &Subject, _: &CertificateRecord, _: Time) -> Result<(), String> {
        Ok(())
    }
}

impl Alarms for Nobody {
    async fn raise(&self, _: &Alarm<'_>) -> Result<(), String> {
        Ok(())
    }
}
