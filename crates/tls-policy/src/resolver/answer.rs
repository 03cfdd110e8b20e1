//! What hickory answers, read step by step: each alias and each record has a proof of its own.

use std::net::IpAddr;

use hickory_resolver::{
    lookup::Lookup,
    net::{DnsError, NetError, NoRecords},
    proto::{
        dnssec::{Proof, rdata::DNSSECRData},
        op::ResponseCode,
        rr::{Name, RData, Record, RecordType},
    },
};
use sealpost_mail::Domain;

use super::Resolver;
use crate::{
    dane::{
        TlsaRecord,
        lookup::{Alias, Answer, Found, MxRecord, Outcome},
    },
    facts::Dnssec,
};

/// How many TXT records of a name are taken, and how many octets of them. More are a failed look-up.
const MOST_TXT: (usize, usize) = (100, 65_536);

/// What the look-up of TXT records gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is an answer or there is none")]
pub enum Txt {
    /// These: of each record its strings. There may be none.
    Found(Vec<Vec<Vec<u8>>>),
    /// The look-up failed.
    Failed,
}

impl Txt {
    pub(super) fn of(outcome: Outcome<Vec<Vec<u8>>>) -> Self {
        let records = match outcome {
            Outcome::Failed => return Self::Failed,
            Outcome::Answered(Answer { found: Found::Records(records), .. }) => records,
            Outcome::Answered(_) => Vec::new(),
        };
        let octets: usize = records.iter().flatten().map(Vec::len).sum();
        if records.len() > MOST_TXT.0 || octets > MOST_TXT.1 { Self::Failed } else { Self::Found(records) }
    }
}

/// A type of record, and how one is read.
pub(super) struct Asked<T> {
    kind: RecordType,
    read: fn(&RData) -> Option<T>,
}

impl Asked<IpAddr> {
    pub(super) const A: Self = Self { kind: RecordType::A, read: |data| data.ip_addr() };
    #[expect(non_upper_case_globals, reason = "as a variant of the question is called")]
    pub(super) const Aaaa: Self = Self { kind: RecordType::AAAA, read: |data| data.ip_addr() };
}

impl Asked<Vec<Vec<u8>>> {
    #[expect(non_upper_case_globals, reason = "as a variant of the question is called")]
    pub(super) const Txt: Self = Self {
        kind: RecordType::TXT,
        read: |data| match data {
            RData::TXT(txt) => Some(txt.txt_data.iter().map(|part| part.to_vec()).collect()),
            _ => None,
        },
    };
}

impl Asked<TlsaRecord> {
    #[expect(non_upper_case_globals, reason = "as a variant of the question is called")]
    pub(super) const Tlsa: Self = Self {
        kind: RecordType::TLSA,
        read: |data| match data {
            RData::TLSA(tlsa) => {
                let (usage, selector, matching) = (tlsa.cert_usage.into(), tlsa.selector.into(), tlsa.matching.into());
                TlsaRecord::new(usage, selector, matching, tlsa.cert_data.clone()).ok()
            }
            _ => None,
        },
    };
}

impl Asked<MxRecord> {
    #[expect(non_upper_case_globals, reason = "as a variant of the question is called")]
    const Mx: Self = Self {
        kind: RecordType::MX,
        read: |data| match data {
            RData::MX(mx) => Some(MxRecord::new(mx.preference, mx.exchange.to_ascii())),
            _ => None,
        },
    };
}

impl Resolver {
    /// The MX records of a domain. Where there are none at the end of an alias, hickory does not say over which aliases it
    /// came, or takes the proof for bogus, since it belongs to another name than the one that was asked for. But aliases
    /// matter: one that is not secured makes all of it insecure. So they are asked for by themselves then.
    pub(super) async fn mx(&self, domain: &Domain) -> Outcome<MxRecord> {
        let mut aliases = Vec::new();
        let mut name = domain.clone();
        while aliases.len() <= self.limits.aliases {
            let outcome = self.ask(name.as_str(), Asked::Mx).await;
            if let Outcome::Answered(Answer { found: found @ Found::Records(_), aliases: more, dnssec }) = outcome {
                aliases.extend(more);
                return Outcome::Answered(Answer::new(aliases, found, dnssec));
            }
            match (self.alias(&name).await, outcome) {
                (Outcome::Answered(Answer { found: Found::Records(targets), dnssec, .. }), _) => {
                    let Some(target) = targets.into_iter().next() else { return Outcome::Failed };
                    aliases.push(Alias::new(target.clone(), dnssec));
                    name = target;
                }
                (Outcome::Answered(_), Outcome::Answered(answer)) => {
                    return Outcome::Answered(Answer::new(aliases, answer.found, answer.dnssec));
                }
                _ => return Outcome::Failed,
            }
        }
        Outcome::Failed
    }

    /// The alias that a name is, if it is one.
    async fn alias(&self, name: &Domain) -> Outcome<Domain> {
        let read = |data: &RData| match data {
            RData::CNAME(target) => target.0.to_ascii().parse().ok(),
            _ => None,
        };
        self.ask(name.as_str(), Asked { kind: RecordType::CNAME, read }).await
    }

    /// Asks for records of one type.
    pub(super) async fn ask<T>(&self, name: &str, asked: Asked<T>) -> Outcome<T> {
        let Ok(mut name) = Name::from_ascii(name) else { return Outcome::Failed };
        // Else the domains of this system would be tried behind it.
        name.set_fqdn(true);
        match self.inner.lookup(name.clone(), asked.kind).await {
            Ok(lookup) => self.found(&name, &asked, &lookup).map_or(Outcome::Failed, Outcome::Answered),
            Err(NetError::Dns(error)) => self.missing(asked.kind, &error).map_or(Outcome::Failed, Outcome::Answered),
            Err(_) => Outcome::Failed,
        }
    }

    fn found<T>(&self, name: &Name, asked: &Asked<T>, lookup: &Lookup) -> Option<Answer<T>> {
        let mut aliases = Vec::new();
        let mut names = vec![name];
        let mut name = name.clone();
        while let Some((target, record)) = (asked.kind != RecordType::CNAME).then(|| alias_of(&name, lookup)).flatten()
        {
            // One more than is allowed is enough to be refused.
            if aliases.len() > self.limits.aliases {
                return None;
            }
            aliases.push(Alias::new(target.to_ascii().parse().ok()?, self.state(record.proof)?));
            names.push(target);
            name = target.clone();
        }
        let mut dnssec = Dnssec::Secure;
        let mut records = Vec::new();
        for record in lookup.answers().iter().filter(|record| record.name == name && record.record_type() == asked.kind)
        {
            records.push((asked.read)(&record.data)?);
            if self.state(record.proof)? == Dnssec::Insecure {
                dnssec = Dnssec::Insecure;
            }
        }
        let answer = Answer::new(aliases, Found::Records(records), dnssec);
        let some = matches!(&answer.found, Found::Records(records) if !records.is_empty());
        // hickory checks the proofs that belong to a wildcard only if some authority beside it is secured: an answer that
        // claims to be secured must not come with authorities that are not.
        let insecure = lookup.authorities().iter().any(|record| record.proof == Proof::Insecure);
        let odd = answer.is_secure() && (insecure || !denies_its_own(&names, lookup.authorities()));
        (some && !odd).then_some(answer)
    }

    /// What an error says is missing; `None` if it says nothing.
    fn missing<T>(&self, kind: RecordType, error: &DnsError) -> Option<Answer<T>> {
        let (code, dnssec) = match error {
            DnsError::NoRecordsFound(none) => (none.response_code, self.denial(kind, none)?),
            // Proved by more iterations of NSEC3 than count as a proof (RFC 9276 §3.2).
            // Beside an answer that does not mean that there is none.
            DnsError::Nsec { query, response, proof: Proof::Insecure, .. }
                if response.answers.is_empty() && denies_its_own(&[query.name()], &response.authorities) =>
            {
                (response.response_code, Dnssec::Insecure)
            }
            _ => return None,
        };
        let found = match code {
            ResponseCode::NXDomain => Found::NoSuchName,
            ResponseCode::NoError => Found::NoData,
            _ => return None,
        };
        Some(Answer::new(Vec::new(), found, dnssec))
    }

    /// How well it is proved that there is nothing.
    fn denial(&self, kind: RecordType, none: &NoRecords) -> Option<Dnssec> {
        let authorities = none.authorities.as_deref().unwrap_or_default();
        if self.validates && !denies_its_own(&[none.query.name()], authorities) {
            return None;
        }
        let mut proofs: Vec<(&Name, Proof)> = authorities.iter().map(|record| (&record.name, record.proof)).collect();
        proofs.extend(none.soa.iter().map(|record| (&record.name, record.proof)));
        if proofs.is_empty() {
            // Servers of unsigned zones forget the SOA. For TLSA records that is no answer: the zone is a secured one.
            return (kind != RecordType::TLSA || !self.validates).then_some(Dnssec::Insecure);
        }
        let mut dnssec = Dnssec::Secure;
        for (owner, proof) in proofs {
            if self.state(proof)? == Dnssec::Insecure {
                // hickory takes any authority that is proved to be unsigned for a reason to believe: only one of a zone
                // around the name that was asked for is one. Else whoever is on the way could take TLSA records away
                // with the SOA of some unsigned zone.
                if self.validates && !owner.zone_of(none.query.name()) {
                    return None;
                }
                dnssec = Dnssec::Insecure;
            }
        }
        Some(dnssec)
    }

    /// `None` for what is bogus or indeterminate, unless nothing is validated.
    fn state(&self, proof: Proof) -> Option<Dnssec> {
        match proof {
            _ if !self.validates => Some(Dnssec::Insecure),
            Proof::Secure => Some(Dnssec::Secure),
            Proof::Insecure => Some(Dnssec::Insecure),
            Proof::Bogus | Proof::Indeterminate => None,
        }
    }
}

/// Whether each proof that something is missing is signed by a zone around one of `names`. hickory takes any that is
/// signed well, but whoever has a signed zone can sign one that reaches out of it.
fn denies_its_own(names: &[&Name], authorities: &[Record]) -> bool {
    let signer = |record: &Record, owner: &Name| match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) if record.name == *owner => {
            let signer = &signature.input().signer_name;
            Some(names.iter().any(|name| signer.zone_of(name)))
        }
        _ => None,
    };
    let denies = |record: &&Record| matches!(record.record_type(), RecordType::NSEC | RecordType::NSEC3);
    authorities.iter().filter(denies).all(|denial| {
        let mut signers = authorities.iter().filter_map(|record| signer(record, &denial.name)).peekable();
        signers.peek().is_some() && signers.all(|is_around| is_around)
    })
}

/// The name that `name` stands for, and the record that says so.
fn alias_of<'a>(name: &Name, lookup: &'a Lookup) -> Option<(&'a Name, &'a Record)> {
    lookup.answers().iter().filter(|record| record.name == *name).find_map(|record| match &record.data {
        RData::CNAME(target) => Some((&target.0, record)),
        _ => None,
    })
}
