//! The TXT record at `_mta-sts.DOMAIN` (RFC 8461 §3.1).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    txt::{Field, Kind, is_value},
};

/// The TXT record of a domain that has a policy (RFC 8461 §3.1).
///
/// Two decisions where the standard is of two minds. Blanks between the version and its semicolon are allowed, as the
/// grammar and erratum 6285 have it: the prose wants `v=STSv1;`, but whoever writes a blank wants the protection too.
/// And of a field that comes twice, the first counts (§3.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Record {
    /// Which version of the policy is current.
    pub id: RecordId,
}

/// Names one version of a policy: up to 32 letters and digits. Another one means that the policy changed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordId(String);

const KIND: Kind = Kind { name: "MTA-STS", version: "v=STSv1" };

impl Record {
    /// Reads the TXT records of a name: of each its strings, which belong together without anything between them.
    /// Records that are none of MTA-STS are left out. `None` where there is none.
    ///
    /// # Errors
    ///
    /// If there are several, or the only one has a mistake: the domain has no policy that could be used (§3.1). That is
    /// no reason to forget one that is known.
    pub fn of<S: AsRef<[u8]>>(records: &[impl AsRef<[S]>]) -> Result<Option<Self>> {
        KIND.only(records)?.map(|octets| Self::parse(&octets)).transpose()
    }

    /// Reads the text of one record.
    ///
    /// # Errors
    ///
    /// If it is none of MTA-STS, or has a mistake, and where.
    pub fn parse(octets: &[u8]) -> Result<Self> {
        let mut id = None;
        for Field { at, name, value } in KIND.fields(octets)? {
            if !is_value(value) {
                return Err(KIND.error(at, "a field's value is empty, or has a character that it may not have"));
            }
            if name == "id" && id.is_none() {
                let problem = "the id is not of 1 to 32 letters and digits";
                id = Some(RecordId::parse(value).ok_or_else(|| KIND.error(at, problem))?);
            }
        }
        let id = id.ok_or_else(|| KIND.error(octets.len(), "the id is missing"))?;
        Ok(Self { id })
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; id={};", KIND.version, self.id)
    }
}

impl RecordId {
    /// `None` if it is not of 1 to 32 letters and digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let good = (1..=32).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric());
        good.then(|| Self(text.to_owned()))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TryFrom<String> for RecordId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text).ok_or("an id is of 1 to 32 letters and digits")
    }
}

impl From<RecordId> for String {
    fn from(id: RecordId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_and_where() {
        for (text, problem) in [
            ("v=STSv1; id=a-b;", "octet 8): the id is not"),
            ("v=STSv1; x=1; id", "octet 13): a field without"),
            ("v=STSv1; x=1;", "octet 13): the id is missing"),
            ("v=STSv1;; id=a", "octet 8): a field without"),
            ("v=STSv10; id=a", "octet 0): it does not begin"),
            ("v=STSv1; id=a; -x=1", "octet 14): a field's name"),
        ] {
            let error = Record::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
        let error = Record::parse("v=STSv1; id=ä".as_bytes()).unwrap_err().to_string();
        assert!(error.contains("octet 12)"), "{error}");
    }

    #[test]
    fn a_record_is_read_as_it_is_written() {
        let record = Record { id: RecordId::parse("20261127T120000").unwrap() };
        assert_eq!(Record::parse(record.to_string().as_bytes()).unwrap(), record);
    }

    #[test]
    fn another_version_does_not_count() {
        // A later standard's record must not turn one good record into two.
        let records: [&[&[u8]]; 2] = [&[b"v=STSv10; id=b;"], &[b"v=STSv1; id=a;"]];
        assert_eq!(Record::of(&records).unwrap().unwrap().id.as_str(), "a");
    }
}
