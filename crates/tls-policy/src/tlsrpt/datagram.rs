//! Sessions as Postfix 3.10 and newer tell them, by libtlsrpt: one datagram of JSON each.

use sealpost_mail::Domain;
use serde::Deserialize;

use super::{Event, Failure, Outcome, PolicyDescription, PolicyType, ResultType};
use crate::{Error, Result};

/// The longest datagram that is read.
const MAX_DATAGRAM: usize = 256 * 1024;

#[derive(Deserialize)]
struct Datagram {
    dpv: String,
    d: String,
    #[serde(default)]
    policies: Vec<Met>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Met {
    policy_type: u32,
    policy_domain: Option<String>,
    #[serde(default)]
    policy_string: Vec<String>,
    #[serde(default)]
    mx_host: Vec<String>,
    #[serde(default)]
    failure_details: Vec<Detail>,
    /// How it ended: 0 is well.
    f: u32,
}

#[derive(Deserialize)]
struct Detail {
    /// Why.
    c: u32,
    /// The sender's address.
    s: Option<String>,
    /// The host's name.
    n: Option<String>,
    /// What the host calls itself.
    h: Option<String>,
    /// The host's address.
    r: Option<String>,
    /// More about it.
    a: Option<String>,
    /// The reason.
    f: Option<String>,
}

impl Event {
    /// Reads a datagram of libtlsrpt, protocol version 1.
    ///
    /// Mail that carries reports has `TLS-Required: No`, and Postfix tells nothing of it.
    ///
    /// # Errors
    ///
    /// If it is longer than 256 KiB, of another version, or has a mistake.
    pub fn from_datagram(octets: &[u8]) -> Result<Self> {
        let error = |problem: &str| Error::Datagram { problem: problem.to_owned() };
        if octets.len() > MAX_DATAGRAM {
            return Err(error("it is longer than 256 KiB"));
        }
        let read: Datagram = serde_json::from_slice(octets).map_err(|problem| error(&problem.to_string()))?;
        if read.dpv != "1" {
            return Err(error("its version is not 1"));
        }
        let domain: Domain = read.d.parse().map_err(|problem| error(&format!("d: {problem}")))?;
        let outcomes = read.policies.into_iter().map(|policy| policy.outcome(&domain)).collect::<Result<_>>()?;
        Ok(Self::new(domain, outcomes))
    }
}

impl Met {
    fn outcome(self, domain: &Domain) -> Result<Outcome> {
        let policy_type = match self.policy_type {
            1 => PolicyType::Tlsa,
            2 => PolicyType::Sts,
            9 => PolicyType::NoPolicyFound,
            other => return Err(Error::Datagram { problem: format!("policy-type: {other} is not known") }),
        };
        let policy = PolicyDescription {
            policy_type,
            policy_string: self.policy_string,
            policy_domain: self.policy_domain.unwrap_or_else(|| domain.to_string()),
            mx_host: self.mx_host,
        };
        let failures = self.failure_details.into_iter().map(Detail::failure).collect::<Result<_>>()?;
        Ok(Outcome::new(policy, self.f != 0, failures))
    }
}

impl Detail {
    fn failure(self) -> Result<Failure> {
        let result_type = match self.c {
            201 => ResultType::StarttlsNotSupported,
            202 => ResultType::CertificateHostMismatch,
            203 => ResultType::CertificateNotTrusted,
            204 => ResultType::CertificateExpired,
            205 => ResultType::ValidationFailure,
            301 => ResultType::StsPolicyFetchError,
            302 => ResultType::StsPolicyInvalid,
            303 => ResultType::StsWebpkiInvalid,
            304 => ResultType::TlsaInvalid,
            305 => ResultType::DnssecInvalid,
            306 => ResultType::DaneRequired,
            other => return Err(Error::Datagram { problem: format!("c: {other} is not known") }),
        };
        Ok(Failure {
            sending_mta_ip: self.s,
            receiving_mx_hostname: self.n,
            receiving_mx_helo: self.h,
            receiving_ip: self.r,
            additional_information: self.a,
            failure_reason_code: self.f,
            ..Failure::new(result_type)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_are_read() {
        let datagram = br#"{"dpv":"1","d":"Company-Y.example","pr":"v=TLSRPTv1;rua=mailto:reports@example.com","policies":[
            {"policy-type":2,"policy-domain":"company-y.example","policy-string":["version: STSv1","mode: testing"],
             "mx-host":["*.mail.company-y.example"],"failure-details":[
                {"c":303,"s":"192.0.2.1","n":"mailin.example.com","h":"ehlo.example.com","r":"192.0.2.2","a":"more","f":"999"},
                {"c":205}],"t":2,"f":1},
            {"policy-type":9,"policy-string":[],"t":0,"f":0}]}"#;
        let event = Event::from_datagram(datagram).unwrap();
        assert_eq!((event.domain.as_str(), event.outcomes.len()), ("company-y.example", 2));
        let sts = &event.outcomes[0];
        assert!(sts.failed && sts.policy.policy_type == PolicyType::Sts && sts.policy.mx_host.len() == 1);
        assert_eq!(sts.failures[0].receiving_mx_helo.as_deref(), Some("ehlo.example.com"));
        assert_eq!(sts.failures[0].failure_reason_code.as_deref(), Some("999"));
        assert_eq!(sts.failures[1], Failure::new(ResultType::ValidationFailure));
        assert_eq!(event.outcomes[1], Outcome::new(PolicyDescription::none("company-y.example"), false, Vec::new()));
    }

    #[test]
    fn what_is_wrong_with_a_datagram() {
        for (datagram, problem) in [
            ("", "EOF"),
            (r#"{"dpv":"2","d":"a.example"}"#, "version"),
            (r#"{"dpv":"1","d":"a b"}"#, "d: no name"),
            (r#"{"dpv":"1","d":"a.example","policies":[{"policy-type":3,"f":0}]}"#, "policy-type: 3"),
            (
                r#"{"dpv":"1","d":"a.example","policies":[{"policy-type":1,"f":0,"failure-details":[{"c":901}]}]}"#,
                "c: 901",
            ),
        ] {
            let error = Event::from_datagram(datagram.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(problem), "{datagram}: {error}");
        }
        assert!(Event::from_datagram(&vec![b' '; MAX_DATAGRAM + 1]).unwrap_err().to_string().contains("256 KiB"));
    }
}
