//! Policies (RFC 8461 §3.2), and whether they list a host (§4.1).

use std::fmt;

use sealpost_mail::Domain;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    Error, Result,
    txt::{BLANKS, is_name},
};

/// The longest time, in seconds, that a policy may be kept: a year (RFC 8461 §3.2).
pub const MAX_AGE: u32 = 31_557_600;
/// The longest body of a policy that is read (RFC 8461 §3.3 suggests 64 KiB).
pub const MAX_BODY: usize = 64 * 1024;

/// A policy (RFC 8461 §3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Policy {
    /// What it asks for.
    pub mode: Mode,
    /// Which hosts it lists: names, or `*.` and a name. In lower case.
    #[serde(deserialize_with = "patterns")]
    pub mx: Vec<String>,
    /// For how long it may be kept, in seconds; at most [`MAX_AGE`].
    #[serde(deserialize_with = "capped")]
    pub max_age: u32,
}

/// What a policy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mode {
    /// Deliver only to listed hosts with a valid certificate.
    Enforce,
    /// Deliver anyway, and report.
    Testing,
    /// Nothing.
    None,
}

impl Mode {
    /// Its text in a policy.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Enforce, Self::Testing, Self::None].into_iter().find(|mode| mode.as_str() == text)
    }
}

impl Policy {
    /// A policy of these hosts: names, or `*.` and a name. A longer time than [`MAX_AGE`] is that time.
    ///
    /// # Errors
    ///
    /// If there is no host though the mode needs one, or one of them is no name. The line that the error speaks of is
    /// that of the policy as it is written.
    pub fn new(mode: Mode, mx: &[&str], max_age: u32) -> Result<Self> {
        let mut fields =
            Fields { mode: Some(mode), version: true, max_age: Some(max_age.min(MAX_AGE)), mx: Vec::new() };
        for (line, name) in (3..).zip(mx) {
            fields.mx.push(pattern(name).map_err(|problem| Error::StsPolicy { line, problem })?);
        }
        fields.policy(2)
    }

    /// Reads the body of a policy.
    ///
    /// Lines end with LF or CRLF (erratum 6253); empty ones are passed over. Fields may be in any order; unknown ones
    /// are ignored; of one that comes twice the first counts, except for `mx` (§3.2). Names of fields, the version and
    /// the mode are in the case that the standard gives them. A longer `max_age` than [`MAX_AGE`] is that time, but it
    /// has ten digits at most (erratum 7282).
    ///
    /// # Errors
    ///
    /// What is wrong, and in which line.
    pub fn parse(body: &[u8]) -> Result<Self> {
        if body.len() > MAX_BODY {
            return Err(Error::StsPolicy { line: 0, problem: "it is longer than 64 KiB" });
        }
        let (mut fields, mut last) = (Fields::default(), 0);
        for (line, octets) in (1..).zip(body.split(|c| *c == b'\n')) {
            let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
            fields.line(octets).map_err(|problem| Error::StsPolicy { line, problem })?;
            last = line;
        }
        fields.policy(last)
    }

    /// Whether it lists a host: by its name, or by `*.` for exactly one label (§4.1).
    #[must_use]
    pub fn lists(&self, host: &Domain) -> bool {
        self.mx.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => host.parent() == Some(parent),
            None => host.as_str() == pattern,
        })
    }

    /// Its lines, as it is written and as reports quote it (RFC 8460 §4.4).
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let mx = self.mx.iter().map(|name| format!("mx: {name}"));
        let head = ["version: STSv1".to_owned(), format!("mode: {}", self.mode.as_str())];
        head.into_iter().chain(mx).chain([format!("max_age: {}", self.max_age)])
    }
}

/// As it is served: with CRLF behind each line.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().try_for_each(|line| write!(f, "{line}\r\n"))
    }
}

/// The fields that were read so far.
#[derive(Default)]
struct Fields {
    version: bool,
    mode: Option<Mode>,
    max_age: Option<u32>,
    mx: Vec<String>,
}

impl Fields {
    fn line(&mut self, octets: &[u8]) -> Result<(), &'static str> {
        let line = str::from_utf8(octets).map_err(|_| "it is not UTF-8")?;
        if line.bytes().any(|c| c.is_ascii_control() && c != b'\t') {
            return Err("a control character");
        }
        let line = line.trim_end_matches(BLANKS);
        if line.is_empty() {
            return Ok(());
        }
        let (name, value) = line.split_once(':').ok_or("a line without colon")?;
        if !is_name(name) {
            return Err("a field's name has other characters than it may, or more than 32");
        }
        let value = value.trim_start_matches(BLANKS);
        if value.is_empty() || value.contains('\t') {
            return Err("a field's value is empty, or has a tab in it");
        }
        match name {
            "version" if !self.version => {
                self.version = value == "STSv1";
                self.version.then_some(()).ok_or("the version is not STSv1")?;
            }
            "mode" if self.mode.is_none() => {
                self.mode = Some(Mode::parse(value).ok_or("the mode is none of enforce, testing and none")?);
            }
            "max_age" if self.max_age.is_none() => self.max_age = Some(max_age(value)?),
            "mx" => self.mx.push(pattern(value)?),
            _ => {}
        }
        Ok(())
    }

    fn policy(self, line: usize) -> Result<Policy> {
        let missing = |problem| Error::StsPolicy { line, problem };
        if !self.version {
            return Err(missing("the version is missing"));
        }
        let mode = self.mode.ok_or(missing("the mode is missing"))?;
        let max_age = self.max_age.ok_or(missing("max_age is missing"))?;
        if self.mx.is_empty() && mode != Mode::None {
            return Err(missing("there is no mx"));
        }
        Ok(Policy { mode, mx: self.mx, max_age })
    }
}

/// A number of one to ten digits, capped.
fn max_age(value: &str) -> Result<u32, &'static str> {
    let digits = (1..=10).contains(&value.len()) && value.bytes().all(|c| c.is_ascii_digit());
    let seconds: u64 = digits.then(|| value.parse().ok()).flatten().ok_or("max_age is not of one to ten digits")?;
    Ok(u32::try_from(seconds).unwrap_or(MAX_AGE).min(MAX_AGE))
}

/// A host as a policy lists it, in lower case.
fn pattern(text: &str) -> Result<String, &'static str> {
    let (star, name) = text.strip_prefix("*.").map_or(("", text), |name| ("*.", name));
    if !name.is_ascii() || name.ends_with('.') {
        return Err("an mx is written in other letters than ASCII, or with a dot at its end");
    }
    let name: Domain = name.parse().map_err(|_| "an mx is neither a name nor `*.` and a name")?;
    Ok(format!("{star}{name}"))
}

fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names: Vec<String> = Vec::deserialize(deserializer)?;
    names.iter().map(|name| pattern(name).map_err(de::Error::custom)).collect()
}

fn capped<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    u64::deserialize(deserializer).map(|seconds| u32::try_from(seconds).unwrap_or(MAX_AGE).min(MAX_AGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_and_where() {
        for (body, problem) in [
            ("version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1", "line 3: an mx is neither"),
            ("version: STSv1\nmode: enforce\nmx: a.example.\nmax_age: 1", "line 3: an mx is written"),
            ("version: STSv1\r\nmode: enforce\r\nmx: a\r\n", "line 4: max_age is missing"),
            ("version: STSv1\rmode: none\nmax_age: 1", "line 1: a control character"),
            ("version : STSv1", "line 1: a field's name"),
            ("mode:\n", "line 1: a field's value"),
        ] {
            let error = Policy::parse(body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(problem), "{body}: {error}");
        }
        let long = [b"version: STSv1\nmode: none\nmax_age: 1\n".as_slice(), &vec![b'\n'; MAX_BODY]].concat();
        assert!(Policy::parse(&long).unwrap_err().to_string().contains("64 KiB"));
        assert!(Policy::parse(&long[..MAX_BODY]).is_ok());
        assert!(Policy::parse(b"version: STSv1\nmode: none\nmax_age: 1\nx: \xff").is_err());
    }

    #[test]
    fn facts_from_a_file_are_held_to_the_same_rules() {
        let read = |json: &str| serde_json::from_str::<Policy>(json);
        let policy = read(r#"{"mode": "enforce", "mx": ["*.Example.ORG"], "max-age": 99999999999}"#).unwrap();
        assert_eq!((policy.mx, policy.max_age), (vec!["*.example.org".to_owned()], MAX_AGE));
        assert!(read(r#"{"mode": "enforce", "mx": ["a } {"], "max-age": 1}"#).is_err());
    }

    #[test]
    fn a_policy_can_be_made() {
        let policy = Policy::new(Mode::Enforce, &["MX.example.org", "*.example.net"], u32::MAX).unwrap();
        assert_eq!(
            policy.to_string(),
            "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmx: *.example.net\r\nmax_age: 31557600\r\n"
        );
        assert!(Policy::new(Mode::Testing, &[], 1).is_err());
        assert!(Policy::new(Mode::None, &[], 1).is_ok());
        assert!(Policy::new(Mode::Enforce, &["a.example", "*"], 1).unwrap_err().to_string().contains("line 4"));
    }
}
