//! One host: its addresses, then its TLSA records (RFC 7672 §2.2.2, §2.2.3).

use std::net::IpAddr;

use sealpost_mail::Domain;

use super::{Answer, Found, Limits, Outcome, Question};
use crate::{
    dane::TlsaRecord,
    facts::{Addresses, Dnssec, HostFacts, Tlsa},
};

/// Where the search for one host is.
#[derive(Clone, Debug)]
pub(super) struct HostSearch {
    name: Domain,
    preference: u16,
    port: u16,
    v4: Option<Outcome<IpAddr>>,
    v6: Option<Outcome<IpAddr>>,
    /// The names under which TLSA records may be, once both families of addresses are answered: the next one last.
    bases: Vec<Domain>,
    tlsa: Option<Tlsa>,
}

impl HostSearch {
    pub(super) const fn new(name: Domain, preference: u16, port: u16) -> Self {
        Self { name, preference, port, v4: None, v6: None, bases: Vec::new(), tlsa: None }
    }

    /// What can be asked now.
    pub(super) fn questions(&self) -> Vec<Question> {
        let mut questions = Vec::new();
        if self.v4.is_none() {
            questions.push(Question::A(self.name.clone()));
        }
        if self.v6.is_none() {
            questions.push(Question::Aaaa(self.name.clone()));
        }
        if questions.is_empty() && self.tlsa.is_none() {
            questions.extend(self.bases.last().cloned().map(|base| Question::Tlsa { port: self.port, base }));
        }
        questions
    }

    pub(super) fn addresses(&mut self, question: &Question, outcome: Outcome<IpAddr>, limits: &Limits) {
        match question {
            Question::A(name) if *name == self.name && self.v4.is_none() => self.v4 = Some(outcome),
            Question::Aaaa(name) if *name == self.name && self.v6.is_none() => self.v6 = Some(outcome),
            _ => return,
        }
        if self.v4.is_some() && self.v6.is_some() {
            self.bases = self.candidates(limits);
            self.bases.reverse();
            if self.bases.is_empty() {
                self.tlsa = Some(Tlsa::NotAsked);
            }
        }
    }

    pub(super) fn tlsa(&mut self, question: &Question, outcome: &Outcome<TlsaRecord>, limits: &Limits) {
        let Question::Tlsa { port, base } = question else { return };
        if *port != self.port || self.tlsa.is_some() || self.bases.last() != Some(base) {
            return;
        }
        self.bases.pop();
        self.tlsa = match outcome.within(limits) {
            None => Some(Tlsa::Failed),
            // The first name with secured records decides, also if none of them is usable.
            Some(Answer { found: Found::Records(records), .. })
                if outcome.within(limits).is_some_and(Answer::is_secure) =>
            {
                Some(judge(base, records, limits))
            }
            // Nothing here, or nothing that is secured: the next name, if there is one.
            Some(_) => self.bases.is_empty().then_some(Tlsa::Absent),
        };
    }

    /// What is known; what was not answered counts as failed.
    pub(super) fn facts(self, limits: &Limits) -> HostFacts {
        let addresses = self.found(limits);
        // Without addresses there is nothing to protect. With them, what was not answered must not look like a "no".
        let usable = matches!(addresses, Addresses::Found(_));
        let tlsa = self.tlsa.unwrap_or(if usable { Tlsa::Failed } else { Tlsa::NotAsked });
        let Self { name, preference, port, .. } = self;
        HostFacts { name, preference, port, addresses, tlsa }
    }

    fn found(&self, limits: &Limits) -> Addresses {
        let mut addresses = Vec::new();
        let mut failed = false;
        for outcome in [&self.v4, &self.v6] {
            match outcome.as_ref().and_then(|outcome| outcome.within(limits)) {
                None => failed = true,
                Some(answer) => addresses.extend(answer.addresses().iter().take(limits.addresses)),
            }
        }
        match (addresses.is_empty(), failed) {
            (false, _) => Addresses::Found(addresses),
            (true, true) => Addresses::Failed,
            (true, false) => Addresses::None,
        }
    }

    /// Under which names to look for TLSA records, in order; none if they must not be asked for.
    fn candidates(&self, limits: &Limits) -> Vec<Domain> {
        let answers = [&self.v4, &self.v6].into_iter().flatten().filter_map(|outcome| outcome.within(limits));
        let found: Vec<&Answer<IpAddr>> = answers.filter(|answer| !answer.addresses().is_empty()).collect();
        // Both families are of one name, and secured both or not at all. Should they differ, the secured one counts:
        // then more is asked for, not less.
        let secure = found.iter().find(|answer| answer.is_secure());
        if let Some(answer) = secure {
            let expanded = answer.aliases.last().map(|alias| alias.target.clone()).filter(|name| *name != self.name);
            return expanded.into_iter().chain([self.name.clone()]).collect();
        }
        // What the alias stands for is not secured, but the alias is: then its own name may still have records.
        let first = |answer: &&Answer<IpAddr>| answer.aliases.first().is_some_and(|a| a.dnssec == Dnssec::Secure);
        if found.iter().any(first) { vec![self.name.clone()] } else { Vec::new() }
    }
}

impl Answer<IpAddr> {
    fn addresses(&self) -> &[IpAddr] {
        match &self.found {
            Found::Records(records) => records,
            Found::NoData | Found::NoSuchName => &[],
        }
    }
}

/// What secured TLSA records are worth.
fn judge(base: &Domain, records: &[TlsaRecord], limits: &Limits) -> Tlsa {
    if records.is_empty() || records.len() > limits.tlsa_records {
        Tlsa::Failed
    } else if records.iter().any(TlsaRecord::is_usable) {
        Tlsa::Usable { base: base.clone(), records: records.to_vec() }
    } else {
        Tlsa::Unusable
    }
}
