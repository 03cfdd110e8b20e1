//! Turning mails for the forwarder into mails for the forwardee.

mod decide;

use std::io::{Read, Seek, Write};

use sealpost_pre::UnixTime;
use sealpost_smime::{Limits, Readdressing};

use crate::{Instance, Report, Result};
use decide::Decisions;

/// What becomes of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Disposition {
    /// They stay.
    #[default]
    Keep,
    /// They are taken out of each message in which something is transformed.
    Drop,
}

/// The server's choices.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// What becomes of other recipients.
    pub others: Disposition,
    /// How many products, recipients times instances, are computed for one mail at most: 256 by default. Recipients beyond
    /// it are [`Refusal::Limit`](crate::Refusal::Limit).
    pub products: usize,
    /// Limits of reading.
    pub limits: Limits,
}

impl Default for Policy {
    fn default() -> Self {
        Self { others: Disposition::Keep, products: 256, limits: Limits::default() }
    }
}

/// Transforms mails by instances.
///
/// A mail is encrypted as a whole or has parts that are. In each of these messages the recipients whom an instance names
/// as its forwarder give way to its forwardee: the originator's key becomes `k·E`, and the name of the certificate becomes
/// the forwardee's, in the form that the message used if the forwardee has it. With instances of several forwardees the
/// message becomes readable for each of them. All else stays to the octet.
#[derive(Debug)]
pub struct Transform<'a> {
    instances: &'a [Instance],
    now: UnixTime,
    policy: Policy,
}

impl<'a> Transform<'a> {
    /// By these instances, as of this time.
    #[must_use]
    pub fn new(instances: &'a [Instance], now: UnixTime) -> Self {
        Self { instances, now, policy: Policy::default() }
    }

    /// With other choices.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Transforms a mail. Nothing is written if nothing was transformed; of a mail that is not encrypted the report has no
    /// recipients.
    ///
    /// # Errors
    ///
    /// [`Error::Smime`](crate::Error::Smime) if the mail can't be read, has too much of something ([`Limits`]), or the
    /// result can't be written. Nothing is written then, unless writing failed or the mail is damaged behind the recipients
    /// of a message: that is read only when it is written. Keep no output where there is an error.
    pub fn mail<M: Read + Seek>(&self, mail: &mut M, out: &mut dyn Write) -> Result<Report> {
        let (readdressing, report) = self.plan(mail)?;
        if readdressing.changes() {
            readdressing.write(mail, out)?;
        }
        Ok(report)
    }

    /// What [`Self::mail`] would do.
    ///
    /// # Errors
    ///
    /// As [`Self::mail`], for reading.
    pub fn inspect<M: Read + Seek>(&self, mail: &mut M) -> Result<Report> {
        self.plan(mail).map(|(_, report)| report)
    }

    fn plan<M: Read + Seek>(&self, mail: &mut M) -> Result<(Readdressing, Report)> {
        let mut decisions = Decisions::new(self);
        let readdressing = Readdressing::plan(mail, &self.policy.limits, &mut |addressed| decisions.decide(addressed))?;
        let report = Report::new(decisions.recipients, readdressing.breaks_signature());
        Ok((readdressing, report))
    }
}
