//! Sessions, one by one.

use sealpost_mail::Domain;
use serde::{Deserialize, Serialize};

use super::{PolicyDescription, ResultType};

/// A session with a host, or an attempt at one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Event {
    /// The domain of the recipients, or that of a smart host (RFC 8460 §1.1): to whom it is reported.
    #[serde(with = "crate::text")]
    pub domain: Domain,
    /// How it went under each of the policies that were met.
    pub outcomes: Vec<Outcome>,
    /// Whether it carried a report. Such sessions are not counted: reports about reports would never end (§3).
    #[serde(default)]
    pub carries_report: bool,
}

/// How a session went under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Outcome {
    /// The policy.
    pub policy: PolicyDescription,
    /// Whether the session failed it.
    pub failed: bool,
    /// What went wrong; something may have, also if the session went well.
    #[serde(default)]
    pub failures: Vec<Failure>,
}

/// What went wrong (RFC 8460 §4.3, §4.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Failure {
    /// Why.
    pub result_type: ResultType,
    /// The sender's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending_mta_ip: Option<String>,
    /// The host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiving_mx_hostname: Option<String>,
    /// What the host calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiving_mx_helo: Option<String>,
    /// The host's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiving_ip: Option<String>,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_information: Option<String>,
    /// Which error it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason_code: Option<String>,
}

impl Event {
    /// A session that did not carry a report.
    #[must_use]
    pub const fn new(domain: Domain, outcomes: Vec<Outcome>) -> Self {
        Self { domain, outcomes, carries_report: false }
    }
}

impl Outcome {
    /// An outcome.
    #[must_use]
    pub const fn new(policy: PolicyDescription, failed: bool, failures: Vec<Failure>) -> Self {
        Self { policy, failed, failures }
    }
}

impl Failure {
    /// Why, and no more.
    #[must_use]
    pub const fn new(result_type: ResultType) -> Self {
        Self {
            result_type,
            sending_mta_ip: None,
            receiving_mx_hostname: None,
            receiving_mx_helo: None,
            receiving_ip: None,
            additional_information: None,
            failure_reason_code: None,
        }
    }
}
