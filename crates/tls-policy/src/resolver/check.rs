//! Whether validation works here, tried with names whose state is known.

use std::fmt;

use tokio::time::{Instant, timeout_at};

use super::{Resolver, answer::Asked};
use crate::{dane::lookup::Outcome, facts::Dnssec};

/// Names whose state is known. Each has an IPv4 address, which is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Known {
    /// One that is signed.
    pub secure: String,
    /// One that is signed wrongly.
    pub bogus: String,
    /// One that is not signed.
    pub insecure: String,
}

impl Known {
    /// These names.
    #[must_use]
    pub fn new(secure: &str, bogus: &str, insecure: &str) -> Self {
        Self { secure: secure.to_owned(), bogus: bogus.to_owned(), insecure: insecure.to_owned() }
    }
}

/// Names on the internet: of the IETF, one that is broken for such tests, and one that was never signed.
impl Default for Known {
    fn default() -> Self {
        Self::new("ietf.org", "dnssec-failed.org", "google.com")
    }
}

/// How a name looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are three ways")]
pub enum State {
    /// Proved.
    Secure,
    /// Proved to be without proof.
    Insecure,
    /// No answer, or none to believe.
    Failed,
}

/// How the names look here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SelfCheck {
    /// The signed one.
    pub secure: State,
    /// The wrongly signed one.
    pub bogus: State,
    /// The unsigned one.
    pub insecure: State,
    /// Whether the signed one is answered at all, without a look at its signatures.
    pub reachable: bool,
    /// The same of the unsigned one.
    pub insecure_reachable: bool,
}

impl SelfCheck {
    /// Whether validation works.
    #[must_use]
    pub fn validates(&self) -> bool {
        (self.secure, self.bogus, self.insecure) == (State::Secure, State::Failed, State::Insecure)
    }

    /// Whether it is shown that validation does not work. Where there is no answer at all, nothing is shown: then look-ups
    /// fail, and mail waits. Nor is it shown by the silence of the unsigned name alone: a lost answer must not end DANE.
    #[must_use]
    pub fn refuses_dane(&self) -> bool {
        let unsigned = self.insecure == State::Insecure || !self.insecure_reachable;
        self.reachable && !(self.secure == State::Secure && self.bogus == State::Failed && unsigned)
    }
}

impl fmt::Display for SelfCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.validates() {
            return f.write_str("DNSSEC works");
        }
        if !self.reachable {
            return f.write_str("no name server answers: nothing is known about DNSSEC");
        }
        if !self.refuses_dane() {
            return f.write_str("DNSSEC works for signed names; an unsigned one is not answered at all");
        }
        f.write_str("DNSSEC does not work, DANE is off:")?;
        let parts = [
            (self.secure == State::Secure, "a signed name is not proved"),
            (self.bogus == State::Failed, "a wrongly signed name is answered"),
            (self.insecure == State::Insecure, "an unsigned name is not answered as one"),
        ];
        let mut wrong = parts.iter().filter(|(right, _)| !right).map(|(_, what)| *what);
        write!(f, " {}", wrong.next().unwrap_or_default())?;
        wrong.try_for_each(|what| write!(f, ", {what}"))
    }
}

pub(super) async fn check(validating: &Resolver, plain: &Resolver, known: &Known) -> SelfCheck {
    let start = |resolver: &Resolver, name: &str| {
        let (resolver, name) = (resolver.clone(), name.to_owned());
        tokio::spawn(async move { state(&resolver, &name).await })
    };
    let started = [(validating, &known.secure), (validating, &known.bogus), (validating, &known.insecure)]
        .map(|(resolver, name)| start(resolver, name));
    let reachable = state(plain, &known.secure).await != State::Failed;
    let insecure_reachable = state(plain, &known.insecure).await != State::Failed;
    let mut found = [State::Failed; 3];
    for (found, started) in found.iter_mut().zip(started) {
        *found = started.await.unwrap_or(State::Failed);
    }
    let [secure, bogus, insecure] = found;
    SelfCheck { secure, bogus, insecure, reachable, insecure_reachable }
}

async fn state(resolver: &Resolver, name: &str) -> State {
    match timeout_at(Instant::now() + resolver.longest, resolver.ask(name, Asked::A)).await {
        Ok(Outcome::Answered(answer)) if answer.dnssec == Dnssec::Secure && answer.is_secure() => State::Secure,
        Ok(Outcome::Answered(_)) => State::Insecure,
        Ok(Outcome::Failed) | Err(_) => State::Failed,
    }
}
