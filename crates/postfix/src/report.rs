//! What Postfix 3.10 and later want to know for their reports about TLS (RFC 8460), behind a policy
//! (TLSRPT_README, "MTA-STS Support via smtp_tls_policy_maps").

use std::fmt;

use sealpost_mail::Domain;
use sealpost_tls_policy::{
    facts::{DestinationFacts, NextHop, StsState},
    sts::{Mode, Policy},
};

/// A policy of MTA-STS, as attributes of Postfix.
///
/// They are written anew from what the policy means. None of its text gets through: in Postfix's language a brace or a
/// line break would begin something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsReport {
    domain: Domain,
    mx: Vec<String>,
    max_age: u32,
}

impl StsReport {
    /// Of the policy that is enforced for a destination; `None` if there is none, or if one of its hosts is no name.
    pub(crate) fn of(facts: &DestinationFacts) -> Option<Self> {
        let (NextHop::Domain(domain) | NextHop::Host { name: domain, .. }) = &facts.next_hop else { return None };
        let StsState::Policy(Policy { mode: Mode::Enforce, mx, max_age, .. }) = &facts.sts else { return None };
        let mx = mx.iter().map(|pattern| written(pattern)).collect::<Option<Vec<_>>>()?;
        Some(Self { domain: domain.clone(), mx, max_age: *max_age })
    }
}

/// A name, or `*.` and a name.
fn written(pattern: &str) -> Option<String> {
    let (wildcard, name) = match pattern.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", pattern),
    };
    name.parse::<Domain>().ok().map(|name| format!("{wildcard}{name}"))
}

impl fmt::Display for StsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { domain, mx, max_age } = self;
        write!(f, "policy_type=sts policy_domain={domain}")?;
        mx.iter().try_for_each(|mx| write!(f, " mx_host_pattern={mx}"))?;
        f.write_str(" { policy_string = version: STSv1 } { policy_string = mode: enforce }")?;
        mx.iter().try_for_each(|mx| write!(f, " {{ policy_string = mx: {mx} }}"))?;
        write!(f, " {{ policy_string = max_age: {max_age} }}")
    }
}
