//! How a local authority is set up.

use serde::{Deserialize, Serialize};

use crate::{Error, KeyKind, Profile, Result, check};

/// The file that holds them.
pub(super) const FILE: &str = "authority.json";

/// How a local authority is set up. It stays so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Settings {
    /// Its name, as its certificates say it.
    pub name: String,
    /// The country of its place of business, two letters of ISO 3166-1.
    pub country: String,
    /// Where its revocation lists, certificates and OCSP answers are: an address of HTTP without a slash at its end.
    pub url: String,
    /// Of which kind its own keys are.
    pub authority_key: KeyKind,
    /// What its certificates are for.
    pub profile: Profile,
    /// For how many days they are valid, 825 at most.
    pub days: u16,
    /// How many requests it takes an hour. Each process counts for itself.
    pub requests_per_hour: u32,
}

impl Settings {
    /// Strict certificates for a year, signed on P-256, 12,000 an hour.
    #[must_use]
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            country: "XX".to_owned(),
            url: url.into(),
            authority_key: KeyKind::P256,
            profile: Profile::Strict,
            days: 365,
            requests_per_hour: 12_000,
        }
    }

    /// In that country. By default it is XX, which stands for none.
    #[must_use]
    pub fn country(mut self, country: impl Into<String>) -> Self {
        self.country = country.into();
        self
    }

    /// With its own keys of another kind.
    #[must_use]
    pub const fn authority_key(mut self, kind: KeyKind) -> Self {
        self.authority_key = kind;
        self
    }

    /// With certificates for something else.
    #[must_use]
    pub const fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// With certificates for so many days.
    #[must_use]
    pub const fn days(mut self, days: u16) -> Self {
        self.days = days;
        self
    }

    /// With another rate.
    #[must_use]
    pub const fn requests_per_hour(mut self, requests: u32) -> Self {
        self.requests_per_hour = requests;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let problem = match () {
            () if self.name.is_empty() || self.name.chars().count() > 48 => "its name must have 1 to 48 characters",
            () if self.name.chars().any(char::is_control) => "its name must have no control characters",
            () if self.country.len() != 2 || !self.country.bytes().all(|octet| octet.is_ascii_uppercase()) => {
                "its country must be two letters of ISO 3166-1"
            }
            () if !(1..=check::LONGEST.as_seconds() / 86_400).contains(&i64::from(self.days)) => {
                "its certificates must be valid for 1 to 825 days (S/MIME BR 6.3.2)"
            }
            () if !self.url.starts_with("http://") || !self.url.is_ascii() || self.url.ends_with('/') => {
                "its address must be one of HTTP (S/MIME BR 7.1.2.3 b), without a slash at its end"
            }
            () => return Ok(()),
        };
        Err(Error::Refused(format!("the settings of the authority: {problem}")))
    }
}
