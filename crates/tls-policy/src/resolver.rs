//! DNS over the network, with DNSSEC (RFC 4033 to 4035), by hickory.
//!
//! Every answer is validated here, from the keys of the root down. What the name servers themselves say about DNSSEC (the
//! bit AD) is never taken for a proof, so it does not matter how far away they are (RFC 7672 §2.1.1).
//!
//! Name servers that take signatures out of answers make everything bogus, and then no mail would leave. That is found by
//! [`Resolver::checked`]: it refuses DANE and says so, instead.

mod answer;
mod check;
mod settings;

use std::{sync::Arc, time::Duration};

use hickory_resolver::{TokioResolver, net::NetError};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

pub use answer::Txt;
pub use check::{Known, SelfCheck, State};
pub use settings::Settings;

use crate::{
    dane::lookup::{Limits, Question, Reply, Search},
    facts::{DestinationFacts, NextHop},
};
use answer::Asked;

/// How many questions of one search are on their way at once.
const AT_ONCE: usize = 16;

/// Asks DNS. Cheap to clone.
#[derive(Clone)]
pub struct Resolver {
    inner: Arc<TokioResolver>,
    /// Whether answers are validated.
    validates: bool,
    limits: Limits,
    /// How long one search may take.
    longest: Duration,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").field("validates", &self.validates).finish_non_exhaustive()
    }
}

impl Resolver {
    /// A resolver that validates, unproved.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Resolver`] if it can't be set up.
    pub fn new(settings: &Settings) -> crate::Result<Self> {
        Self::of(settings, true)
    }

    /// A resolver that was tried with names whose state is known. If that shows that validation does not work, DANE is
    /// refused: no answer counts as secured, and no TLSA records are asked for.
    ///
    /// Whoever can change answers at that moment can make DANE refused. So say it loudly, and check again now and then.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Resolver`] if it can't be set up.
    pub async fn checked(settings: &Settings, known: &Known) -> crate::Result<(Self, SelfCheck)> {
        let (validating, plain) = (Self::of(settings, true)?, Self::of(settings, false)?);
        let found = check::check(&validating, &plain, known).await;
        Ok((if found.refuses_dane() { plain } else { validating }, found))
    }

    /// A resolver that validates nothing: no answer counts as secured, and DANE is off.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Resolver`] if it can't be set up.
    pub fn without_dane(settings: &Settings) -> crate::Result<Self> {
        Self::of(settings, false)
    }

    fn of(settings: &Settings, validates: bool) -> crate::Result<Self> {
        let inner = settings.build(validates).map_err(|error: NetError| crate::Error::Resolver(error.to_string()))?;
        Ok(Self { inner: Arc::new(inner), validates, limits: settings.limits, longest: settings.longest })
    }

    /// Whether answers are validated; if not, DANE is off.
    #[must_use]
    pub const fn validates(&self) -> bool {
        self.validates
    }

    /// Looks for a destination: its hosts, their addresses and their TLSA records (RFC 7672 §2.2). What can't be found in
    /// time counts as failed. [`DestinationFacts::sts`] is left as it is by default: that is asked for elsewhere.
    pub async fn destination(&self, next_hop: &NextHop) -> DestinationFacts {
        let deadline = Instant::now() + self.longest;
        let mut search = Search::new(next_hop.clone(), self.limits);
        loop {
            let mut questions = search.questions().into_iter();
            let mut running = JoinSet::new();
            for question in questions.by_ref().take(AT_ONCE) {
                self.start(&mut running, question);
            }
            if running.is_empty() {
                break;
            }
            while let Ok(Some(done)) = timeout_at(deadline, running.join_next()).await {
                if let Ok((question, reply)) = done {
                    search.answer(&question, reply);
                }
                questions.next().into_iter().for_each(|question| self.start(&mut running, question));
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        search.facts()
    }

    fn start(&self, running: &mut JoinSet<(Question, Reply)>, question: Question) {
        let resolver = self.clone();
        running.spawn(async move {
            let reply = resolver.reply(&question).await;
            (question, reply)
        });
    }

    async fn reply(&self, question: &Question) -> Reply {
        match question {
            Question::Mx(domain) => Reply::Mx(self.mx(domain).await),
            Question::A(name) => Reply::Addresses(self.ask(name.as_str(), Asked::A).await),
            Question::Aaaa(name) => Reply::Addresses(self.ask(name.as_str(), Asked::Aaaa).await),
            Question::Tlsa { port, base } => Reply::Tlsa(self.ask(&format!("_{port}._tcp.{base}"), Asked::Tlsa).await),
        }
    }

    /// The TXT records of a name: of MTA-STS at `_mta-sts.example.org` (RFC 8461 §3.1), of TLSRPT at
    /// `_smtp._tls.example.org` (RFC 8460 §3).
    pub async fn txt(&self, name: &str) -> Txt {
        match timeout_at(Instant::now() + self.longest, self.ask(name, Asked::Txt)).await {
            Ok(outcome) => Txt::of(outcome),
            Err(_) => Txt::Failed,
        }
    }
}
