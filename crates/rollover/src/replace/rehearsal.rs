//! The two mass revocations of spring 2026, to be gone through before the next one.
//!
//! The rule behind both: S/MIME Baseline Requirements, section 4.9.1.1, 24 hours or 5 days.

use crate::{
    Feasibility, Policy, Span, Time,
    simulate::{Incident, Onboarding, Report, Simulation},
};

/// How long before the deadline both were announced.
const NOTICE: Span = Span::hours(120);

/// A mass revocation that happened, with so many certificates and so fast an authority as are given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rehearsal {
    /// What happens.
    pub incident: Incident,
    /// How many certificates are affected.
    pub certificates: u32,
    /// How many requests the authority takes an hour.
    pub rate_per_hour: u32,
    /// How many keys are made an hour.
    pub keys_per_hour: u32,
}

impl Rehearsal {
    /// SwissSign, "Personal S/MIME E-Mail ID Silver": what was issued from 2025-07-15 to 2026-04-17 was revoked on
    /// 2026-04-22 at 15:00, for a word in a policy text. Times are taken as UTC.
    #[must_use]
    pub fn swisssign_2026(certificates: u32, rate_per_hour: u32) -> Self {
        // 2025-07-15T00:00:00Z, 2026-04-22T15:00:00Z.
        Self::of("SwissSign 2026", Time::from_unix(1_752_537_600), Time::from_unix(1_776_870_000))
            .with(certificates, rate_per_hour)
    }

    /// D-Trust, "Advanced Personal, Enterprise and Team ID": what was issued before 2026-05-04 was revoked on
    /// 2026-05-08 at 15:00. Times are taken as UTC, and what was issued in the year before as what there was.
    #[must_use]
    pub fn d_trust_2026(certificates: u32, rate_per_hour: u32) -> Self {
        // 2026-05-08T15:00:00Z.
        let by = Time::from_unix(1_778_252_400);
        Self::of("D-Trust 2026", by - Span::days(365), by).with(certificates, rate_per_hour)
    }

    /// What was issued from `from` on is revoked at `by`, announced five days before.
    fn of(name: &str, from: Time, by: Time) -> Self {
        let announced = by - NOTICE;
        let incident = Incident::new(name, (from, announced), announced, by);
        Self { incident, certificates: 0, rate_per_hour: 0, keys_per_hour: u32::MAX }
    }

    fn with(self, certificates: u32, rate_per_hour: u32) -> Self {
        Self { certificates, rate_per_hour, ..self }
    }

    /// The same where only so many keys are made an hour.
    #[must_use]
    pub fn with_keys_per_hour(self, keys_per_hour: u32) -> Self {
        Self { keys_per_hour, ..self }
    }

    /// Whether it can be done: said before it starts.
    #[must_use]
    pub fn feasibility(&self) -> Feasibility {
        let times = (self.incident.announced, self.incident.by);
        Feasibility::new(self.certificates.into(), times, self.rate_per_hour, self.keys_per_hour)
    }

    /// Goes through it, whatever the verdict: from the first certificate to a week after the deadline, under `policy`.
    #[must_use]
    pub fn run(&self, policy: Policy) -> Report {
        let Incident { issued_from: start, announced, by, .. } = self.incident;
        let mut simulation = Simulation::new(self.certificates, policy);
        simulation.start = start;
        simulation.span = by + Span::days(7) - start;
        // The last one comes a day before anybody learns of it, so that all are affected.
        simulation.onboarding = Onboarding::Over(announced - Span::days(1) - start);
        simulation.rate_per_hour = self.rate_per_hour.min(self.keys_per_hour);
        simulation.incidents = vec![self.incident.clone()];
        simulation.run()
    }
}
