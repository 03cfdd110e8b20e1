//! The report, as JSON has it (RFC 8460 §4.4).

use sealpost_time::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Failure, ResultType};

/// A report about the sessions of a day to the hosts of a domain.
///
/// Reports of others are read with some patience: `mx-host` and `policy-string` may be one text or several, the
/// additional information may have either of its two names, and what is not needed may be missing. What is written is
/// always in the form of §4.4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Report {
    /// Who reports.
    #[serde(default, deserialize_with = "or_empty")]
    pub organization_name: String,
    /// About which time.
    pub date_range: DateRange,
    /// Whom to ask about it.
    #[serde(default, deserialize_with = "or_empty")]
    pub contact_info: String,
    /// What tells it apart from others of the same reporter.
    #[serde(default, deserialize_with = "or_empty")]
    pub report_id: String,
    /// What was seen, for each policy that was met.
    pub policies: Vec<PolicyReport>,
}

/// The time of a report: first and last second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DateRange {
    /// The first second.
    #[serde(serialize_with = "written", deserialize_with = "time")]
    pub start_datetime: Time,
    /// The last second.
    #[serde(serialize_with = "written", deserialize_with = "time")]
    pub end_datetime: Time,
}

/// What was seen under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PolicyReport {
    /// The policy.
    pub policy: PolicyDescription,
    /// How many sessions there were.
    pub summary: Summary,
    /// Why some failed.
    #[serde(default, deserialize_with = "or_empty", skip_serializing_if = "Vec::is_empty")]
    pub failure_details: Vec<FailureDetail>,
}

/// A policy, as a report quotes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PolicyDescription {
    /// Of which kind it is.
    pub policy_type: PolicyType,
    /// Its lines: of MTA-STS those of the policy, of DANE the TLSA records.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub policy_string: Vec<String>,
    /// Whose policy it is: the domain's, or with DANE the base domain of the host's TLSA records.
    #[serde(default, deserialize_with = "or_empty")]
    pub policy_domain: String,
    /// Which hosts it lists.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub mx_host: Vec<String>,
}

/// Of which kind a policy is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PolicyType {
    /// DANE.
    Tlsa,
    /// MTA-STS.
    Sts,
    /// There is none.
    NoPolicyFound,
    /// One that is not known here.
    #[serde(untagged)]
    Other(String),
}

/// How many sessions there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Summary {
    /// Those that went well.
    #[serde(default)]
    pub total_successful_session_count: u64,
    /// Those that failed.
    #[serde(default)]
    pub total_failure_session_count: u64,
}

/// Why so many sessions failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RawDetail", rename_all = "kebab-case")]
#[non_exhaustive]
pub struct FailureDetail {
    /// Why, and where.
    #[serde(flatten)]
    pub failure: Failure,
    /// How many.
    pub failed_session_count: u64,
}

/// As others write it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawDetail {
    result_type: ResultType,
    sending_mta_ip: Option<String>,
    receiving_mx_hostname: Option<String>,
    receiving_mx_helo: Option<String>,
    receiving_ip: Option<String>,
    failed_session_count: Option<u64>,
    additional_information: Option<String>,
    // The name in §4.4's text.
    additional_info_uri: Option<String>,
    failure_reason_code: Option<String>,
}

impl From<RawDetail> for FailureDetail {
    fn from(raw: RawDetail) -> Self {
        let failure = Failure {
            result_type: raw.result_type,
            sending_mta_ip: raw.sending_mta_ip,
            receiving_mx_hostname: raw.receiving_mx_hostname,
            receiving_mx_helo: raw.receiving_mx_helo,
            receiving_ip: raw.receiving_ip,
            additional_information: raw.additional_information.or(raw.additional_info_uri),
            failure_reason_code: raw.failure_reason_code,
        };
        Self { failure, failed_session_count: raw.failed_session_count.unwrap_or_default() }
    }
}

impl PolicyDescription {
    /// That there is no policy for a domain.
    #[must_use]
    pub fn none(domain: &str) -> Self {
        let (policy_type, policy_domain) = (PolicyType::NoPolicyFound, domain.to_owned());
        Self { policy_type, policy_string: Vec::new(), policy_domain, mx_host: Vec::new() }
    }
}

fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        None(()),
        One(String),
        Many(Vec<String>),
    }
    Ok(match Texts::deserialize(deserializer)? {
        Texts::None(()) => Vec::new(),
        Texts::One(text) => vec![text],
        Texts::Many(texts) => texts,
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn written<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let text = String::deserialize(deserializer)?;
    // Beyond a year of four digits it could not be written again.
    let time = lenient_time(&text).filter(|time| time.to_string().len() == 20);
    time.ok_or_else(|| de::Error::custom("a time is not written as RFC 3339 says"))
}

/// A time as RFC 3339 §5.6 has it, with fractions and with any offset, or without.
fn lenient_time(text: &str) -> Option<Time> {
    let (seconds, rest) = text.split_at_checked(19)?;
    let time = Time::from_rfc3339(&format!("{}Z", seconds.replace(' ', "T")))?;
    let fraction = rest.strip_prefix('.').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let (sign, offset) = match fraction.unwrap_or(rest).split_at_checked(1) {
        None | Some(("Z" | "z", "")) => return Some(time),
        Some(("+", offset)) => (-1, offset),
        Some(("-", offset)) => (1, offset),
        Some(_) => return None,
    };
    let (hours, minutes) = offset.split_once(':').or_else(|| offset.split_at_checked(2))?;
    let number = |text: &str| text.parse::<u8>().ok().filter(|number| text.len() == 2 && *number < 60).map(i64::from);
    let minutes = number(hours)? * 60 + number(minutes)?;
    Some(time + sealpost_time::Span::minutes(sign * minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_patience() {
        let wanted = Time::from_rfc3339("2026-11-27T12:00:00Z");
        for text in ["2026-11-27T12:00:00Z", "2026-11-27T12:00:00.123z", "2026-11-27 13:30:00+01:30"] {
            assert_eq!(lenient_time(text), wanted, "{text}");
        }
        for text in ["2026-11-27T08:00:00-0400", "2026-11-27T12:00:00"] {
            assert_eq!(lenient_time(text), wanted, "{text}");
        }
        for text in ["", "2026-11-27", "2026-11-27T12:00:00X", "2026-11-27T12:00:00+1", "2026-11-27T12:00:00+ä:00"] {
            assert_eq!(lenient_time(text), None, "{text}");
        }
    }
}
