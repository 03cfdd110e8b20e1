//! A session as a report sees it, made of the facts about it.

use std::net::IpAddr;

use super::{Event, Failure, Outcome, PolicyDescription, PolicyType, ResultType};
use crate::{
    dane::TlsaRecord,
    facts::{CertificateCheck, Channel, DestinationFacts, HostFacts, NextHop, SessionFacts, StsState, Tlsa},
    sts,
};

/// The facts about a session.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever saw a session names all of it")]
pub struct Seen<'a> {
    /// Whither the mail went.
    pub destination: &'a DestinationFacts,
    /// The host.
    pub host: &'a HostFacts,
    /// The session with it.
    pub session: &'a SessionFacts,
    /// What was seen on the way to the policy of MTA-STS.
    pub sts: Option<&'a sts::Finding>,
    /// The sender's address.
    pub from: Option<IpAddr>,
}

impl Event {
    /// The event for a session. `None` if there was no session at all, if the next hop is an address, or if the host
    /// must not be connected to.
    ///
    /// All of its policies are told, each with its own outcome: DANE's if the host has TLSA records, the one of MTA-STS
    /// if there is one (or one that can't be fetched), or else that there is none.
    #[must_use]
    pub fn of(seen: &Seen<'_>) -> Option<Self> {
        let domain = match &seen.destination.next_hop {
            NextHop::Domain(domain) => domain,
            NextHop::Host { name, .. } => name,
            NextHop::Address(_) => return None,
        };
        if matches!(seen.session.channel, Channel::Unreachable { .. }) {
            return None;
        }
        let mut outcomes: Vec<_> = seen.dane().into_iter().chain(seen.mta_sts(domain.as_str())).collect();
        if outcomes.is_empty() {
            let failures: Vec<_> = seen.connection().into_iter().collect();
            outcomes.push(Outcome::new(PolicyDescription::none(domain.as_str()), !failures.is_empty(), failures));
        }
        Some(Self::new(domain.clone(), outcomes))
    }
}

impl Seen<'_> {
    fn dane(&self) -> Option<Outcome> {
        let described = |base: &str, records: &[TlsaRecord]| PolicyDescription {
            policy_type: PolicyType::Tlsa,
            policy_string: records.iter().map(TlsaRecord::to_string).collect(),
            policy_domain: base.to_owned(),
            mx_host: vec![self.host.name.to_string()],
        };
        match &self.host.tlsa {
            Tlsa::NotAsked | Tlsa::Absent => None,
            Tlsa::Failed => {
                let failure = self.failure(ResultType::DnssecInvalid, Some("tlsa-lookup-failed"));
                Some(Outcome::new(described(self.host.name.as_str(), &[]), true, vec![failure]))
            }
            // TLS is needed, and no more (RFC 7672 §2.2).
            Tlsa::Unusable => {
                let unusable = self.failure(ResultType::TlsaInvalid, Some("tlsa-records-unusable"));
                let connection = self.connection();
                let failed = connection.is_some();
                let failures = [unusable].into_iter().chain(connection).collect();
                Some(Outcome::new(described(self.host.name.as_str(), &[]), failed, failures))
            }
            Tlsa::Usable { base, records } => {
                let failures: Vec<_> = self.verified(|certificate| certificate.dane).into_iter().collect();
                Some(Outcome::new(described(base.as_str(), records), !failures.is_empty(), failures))
            }
        }
    }

    fn mta_sts(&self, domain: &str) -> Option<Outcome> {
        let found = self.sts.and_then(|finding| Some((finding, finding.result_type()?)));
        let found = found
            .map(|(finding, kind)| Failure { additional_information: detail(finding), ..self.failure(kind, None) });
        let described = |policy_string, mx_host| PolicyDescription {
            policy_type: PolicyType::Sts,
            policy_string,
            policy_domain: domain.to_owned(),
            mx_host,
        };
        let StsState::Policy(policy) = &self.destination.sts else {
            // There should be one, and it could not be had.
            return found.map(|failure| Outcome::new(described(Vec::new(), Vec::new()), true, vec![failure]));
        };
        let listed = policy.lists(&self.host.name);
        // The name that mox gives it: the standard has no type for it.
        let unlisted = || self.failure(ResultType::ValidationFailure, Some("mtasts-policy-mx-mismatch"));
        let failed = (!listed).then(unlisted).or_else(|| self.verified(|certificate| certificate.pkix));
        let policy = described(policy.lines().collect(), policy.mx.clone());
        Some(Outcome::new(policy, failed.is_some(), failed.into_iter().chain(found).collect()))
    }

    /// Why the host's certificate is not good enough, or the connection.
    fn verified(&self, check: impl Fn(&crate::facts::CertificateFacts) -> CertificateCheck) -> Option<Failure> {
        let Channel::Tls { certificate, .. } = &self.session.channel else { return self.connection() };
        let (kind, reason) = match check(certificate) {
            CertificateCheck::Passed => return None,
            CertificateCheck::OtherName => (ResultType::CertificateHostMismatch, None),
            CertificateCheck::Expired => (ResultType::CertificateExpired, None),
            CertificateCheck::Untrusted => (ResultType::CertificateNotTrusted, None),
            CertificateCheck::NoMatch => (ResultType::CertificateNotTrusted, Some("tlsa-no-match")),
            CertificateCheck::Unsound => (ResultType::ValidationFailure, Some("certificate-unsound")),
            CertificateCheck::NotMade => (ResultType::ValidationFailure, Some("certificate-not-checked")),
        };
        Some(self.failure(kind, reason))
    }

    /// Why there is no TLS.
    fn connection(&self) -> Option<Failure> {
        let (kind, reason, detail) = match &self.session.channel {
            Channel::Tls { .. } => return None,
            Channel::NotOffered => (ResultType::StarttlsNotSupported, None, None),
            Channel::Refused { reply } => (ResultType::StarttlsNotSupported, Some("starttls-refused"), Some(reply)),
            Channel::TooOld => (ResultType::ValidationFailure, Some("tls-version-too-old"), None),
            Channel::HandshakeFailed { reason } | Channel::Unreachable { reason } => {
                (ResultType::ValidationFailure, Some("tls-handshake-failed"), Some(reason))
            }
        };
        Some(Failure { additional_information: detail.cloned(), ..self.failure(kind, reason) })
    }

    fn failure(&self, kind: ResultType, reason: Option<&str>) -> Failure {
        Failure {
            sending_mta_ip: self.from.map(|address| address.to_string()),
            receiving_mx_hostname: Some(self.host.name.to_string()),
            receiving_ip: self.session.address.map(|address| address.to_string()),
            failure_reason_code: reason.map(str::to_owned),
            ..Failure::new(kind)
        }
    }
}

fn detail(finding: &sts::Finding) -> Option<String> {
    match finding {
        sts::Finding::RecordBroken(problem) => Some(problem.clone()),
        // No more than the kind, which is the result type. The details tell what stands behind the address that the
        // domain gave its server, also if that is a host inside: the domain that gets the report must not learn it.
        sts::Finding::FetchFailed(failure) if failure.problem == sts::FetchProblem::Invalid => {
            Some(failure.detail.clone())
        }
        sts::Finding::FetchFailed(_) | sts::Finding::NoPolicy => None,
        sts::Finding::RecordGone => Some("the record is gone".to_owned()),
        sts::Finding::LookupFailed => Some("the look-up of the record failed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Addresses, CertificateFacts, Dnssec, Mx, TlsVersion},
        sts::{FetchFailure, FetchProblem, Mode, Policy},
    };

    fn summary(tlsa: Tlsa, sts: StsState, channel: Channel, finding: Option<&sts::Finding>) -> Vec<String> {
        let host = HostFacts {
            name: "mx.example.org".parse().unwrap(),
            preference: 10,
            port: 25,
            addresses: Addresses::Found(vec![]),
            tlsa,
        };
        let destination = DestinationFacts {
            expanded: None,
            next_hop: NextHop::Domain("example.org".parse().unwrap()),
            mx: Mx::Hosts { dnssec: Dnssec::Secure, hosts: vec![host.clone()] },
            sts,
        };
        let session = SessionFacts { address: Some([192, 0, 2, 1].into()), channel, requiretls: false };
        let seen = Seen { destination: &destination, host: &host, session: &session, sts: finding, from: None };
        let Some(event) = Event::of(&seen) else { return Vec::new() };
        let outcome = |outcome: Outcome| {
            let failures: Vec<_> = outcome.failures.iter().map(|failure| failure.result_type.as_str()).collect();
            let kind = serde_json::to_string(&outcome.policy.policy_type).unwrap();
            format!("{} {} {}", kind.trim_matches('"'), outcome.failed, failures.join(","))
        };
        event.outcomes.into_iter().map(outcome).collect()
    }

    fn tls(pkix: CertificateCheck, dane: CertificateCheck) -> Channel {
        Channel::Tls { version: TlsVersion::Tls13, certificate: CertificateFacts { pkix, dane } }
    }

    /// The report goes to the domain, which may have named an address inside of our network as that of its server.
    #[test]
    fn what_a_fetch_met_inside_is_not_told() {
        for (problem, told) in [
            (FetchProblem::Fetch, None),
            (FetchProblem::WebPki, None),
            (FetchProblem::Invalid, Some("no connection to 10.0.0.1: refused")),
        ] {
            let failure = FetchFailure::new(problem, "no connection to 10.0.0.1: refused".to_owned());
            assert_eq!(detail(&sts::Finding::FetchFailed(failure)).as_deref(), told);
        }
    }

    #[test]
    fn each_policy_has_its_outcome() {
        use CertificateCheck::{Expired, NoMatch, NotMade, OtherName, Passed, Untrusted};
        let record = TlsaRecord { usage: 3, selector: 1, matching: 1, data: vec![0xab; 32] };
        let usable = || Tlsa::Usable { base: "mx.example.org".parse().unwrap(), records: vec![record.clone()] };
        let sts = |mx| StsState::Policy(Policy::new(Mode::Testing, &[mx], 1).unwrap());
        let failed = sts::Finding::FetchFailed(FetchFailure::new(FetchProblem::WebPki, "expired".to_owned()));
        for (tlsa, state, channel, finding, wanted) in [
            (Tlsa::Absent, StsState::Absent, tls(NotMade, NotMade), None, &["no-policy-found false "][..]),
            (
                Tlsa::NotAsked,
                StsState::Absent,
                Channel::NotOffered,
                None,
                &["no-policy-found true starttls-not-supported"],
            ),
            (usable(), StsState::Absent, tls(Untrusted, Passed), None, &["tlsa false "]),
            (usable(), StsState::Absent, tls(Passed, NoMatch), None, &["tlsa true certificate-not-trusted"]),
            (Tlsa::Unusable, StsState::Absent, tls(Untrusted, NotMade), None, &["tlsa false tlsa-invalid"]),
            (Tlsa::Failed, StsState::Absent, Channel::TooOld, None, &["tlsa true dnssec-invalid"]),
            (
                usable(),
                sts("*.example.org"),
                tls(OtherName, Passed),
                None,
                &["tlsa false ", "sts true certificate-host-mismatch"],
            ),
            (Tlsa::Absent, sts("*.example.net"), tls(Passed, NotMade), None, &["sts true validation-failure"]),
            (Tlsa::Absent, sts("mx.example.org"), tls(Expired, NotMade), None, &["sts true certificate-expired"]),
            (
                Tlsa::Absent,
                sts("mx.example.org"),
                tls(Passed, NotMade),
                Some(&failed),
                &["sts false sts-webpki-invalid"],
            ),
            (Tlsa::Absent, StsState::Absent, tls(Passed, NotMade), Some(&failed), &["sts true sts-webpki-invalid"]),
            (
                Tlsa::Absent,
                StsState::Absent,
                tls(Passed, NotMade),
                Some(&sts::Finding::NoPolicy),
                &["no-policy-found false "],
            ),
            (Tlsa::Absent, StsState::Absent, Channel::Unreachable { reason: String::new() }, None, &[]),
        ] {
            assert_eq!(summary(tlsa, state, channel, finding), wanted);
        }
    }
}
