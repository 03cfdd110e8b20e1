//! The whole search: MX records, then every host by itself.

use std::collections::BTreeSet;

use sealpost_mail::Domain;

use super::{Answer, Found, Limits, MxRecord, Outcome, Question, Reply, host::HostSearch};
use crate::facts::{DestinationFacts, Dnssec, Mx, NextHop, StsState};

/// The port of SMTP between servers (RFC 5321 §4.5.4.2).
const SMTP: u16 = 25;

/// A search for a destination. It asks in rounds: all of [`questions`](Self::questions) may be asked at once, and their
/// answers lead to the next ones. Whoever has no more time stops: what was not answered counts as failed.
#[derive(Clone, Debug)]
pub struct Search {
    next_hop: NextHop,
    limits: Limits,
    expanded: Option<Domain>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// The MX records of this domain are to be asked for.
    Mx(Domain),
    /// There are hosts to look for.
    Hosts(Dnssec, Vec<HostSearch>),
    /// There are none.
    Over(Mx),
}

impl Search {
    /// Starts a search.
    #[must_use]
    pub fn new(next_hop: NextHop, limits: Limits) -> Self {
        let state = match &next_hop {
            NextHop::Domain(domain) => State::Mx(domain.clone()),
            // Its name comes from the settings: no answer of DNS leads to it that could be forged.
            NextHop::Host { name, port } => State::Hosts(Dnssec::Secure, vec![HostSearch::new(name.clone(), 0, *port)]),
            NextHop::Address(_) => State::Over(Mx::Hosts { dnssec: Dnssec::Insecure, hosts: Vec::new() }),
        };
        Self { next_hop, limits, expanded: None, state }
    }

    /// What can be asked now, each question once; nothing if the search is over.
    #[must_use]
    pub fn questions(&self) -> Vec<Question> {
        match &self.state {
            State::Mx(domain) => vec![Question::Mx(domain.clone())],
            // Different hosts can have one question, of TLSA records if they are aliases of one name.
            State::Hosts(_, hosts) => {
                hosts.iter().flat_map(HostSearch::questions).collect::<BTreeSet<_>>().into_iter().collect()
            }
            State::Over(_) => Vec::new(),
        }
    }

    /// Takes the reply to a question. What was not asked, or is a reply to something else, is passed over.
    pub fn answer(&mut self, question: &Question, reply: Reply) {
        match (&mut self.state, reply) {
            (State::Mx(domain), Reply::Mx(outcome)) if *question == Question::Mx(domain.clone()) => {
                let domain = domain.clone();
                self.mx(domain, &outcome);
            }
            (State::Hosts(_, hosts), Reply::Addresses(outcome)) => {
                for host in hosts {
                    host.addresses(question, outcome.clone(), &self.limits);
                }
            }
            (State::Hosts(_, hosts), Reply::Tlsa(outcome)) => {
                for host in hosts {
                    host.tlsa(question, &outcome, &self.limits);
                }
            }
            _ => {}
        }
    }

    /// What is known, but for MTA-STS, which has its own records.
    #[must_use]
    pub fn facts(self) -> DestinationFacts {
        let mx = match self.state {
            State::Mx(_) => Mx::Failed,
            State::Over(mx) => mx,
            State::Hosts(dnssec, hosts) => {
                Mx::Hosts { dnssec, hosts: hosts.into_iter().map(|host| host.facts(&self.limits)).collect() }
            }
        };
        DestinationFacts { next_hop: self.next_hop, expanded: self.expanded, mx, sts: StsState::Absent }
    }

    fn mx(&mut self, domain: Domain, outcome: &Outcome<MxRecord>) {
        let Some(answer) = outcome.within(&self.limits) else {
            self.state = State::Over(Mx::Failed);
            return;
        };
        self.expanded = answer.aliases.last().map(|alias| alias.target.clone()).filter(|name| *name != domain);
        self.state = match &answer.found {
            Found::NoSuchName => State::Over(Mx::NoSuchDomain),
            // The domain itself is its host (RFC 5321 §5.1). Its aliases are followed once more, with its addresses.
            Found::NoData => State::Hosts(answer.whole(), vec![HostSearch::new(domain, 0, SMTP)]),
            Found::Records(records) => self.hosts(answer, records),
        };
    }

    fn hosts(&self, answer: &Answer<MxRecord>, records: &[MxRecord]) -> State {
        // "No mail" must stand alone (RFC 7505 §3): beside others it is passed over.
        if !records.is_empty() && records.iter().all(MxRecord::is_null) {
            return State::Over(Mx::Null);
        }
        // Stable: of equal preference, the order of the answer stays, which servers shuffle.
        let mut records: Vec<&MxRecord> = records.iter().collect();
        records.sort_by_key(|record| record.preference);
        let mut seen = BTreeSet::new();
        let hosts: Vec<HostSearch> = records
            .into_iter()
            // What names an address or nothing is no host (RFC 5321 §5.1); the others are not spoiled by it.
            .filter_map(|record| Some((record.exchange.parse::<Domain>().ok()?, record.preference)))
            .filter(|(name, _)| seen.insert(name.clone()))
            .take(self.limits.hosts)
            .map(|(name, preference)| HostSearch::new(name, preference, SMTP))
            .collect();
        if hosts.is_empty() { State::Over(Mx::Failed) } else { State::Hosts(answer.whole(), hosts) }
    }
}

impl MxRecord {
    fn is_null(&self) -> bool {
        matches!(self.exchange.as_str(), "" | ".")
    }
}
