//! Names of domains and hosts (RFC 1035 §2.3.1, RFC 5890).

use alloc::{borrow::ToOwned, string::String};
use core::{borrow::Borrow, fmt, str::FromStr};

/// The name of a domain or a host: lower case, labels in ASCII (A-labels), no dot at its end.
///
/// Two names are the same if and only if they are equal octet for octet. Underscores are allowed in labels, since there
/// are hosts named so. Address literals and numeric addresses are no names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

/// Why a text names no domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no name of a domain: {0}")]
pub struct NotADomain(&'static str);

impl Domain {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its labels, the leftmost first.
    #[must_use]
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    /// Without its leftmost label; `None` for a top-level domain.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.0.split_once('.').map(|(_, parent)| parent)
    }
}

impl FromStr for Domain {
    type Err = NotADomain;

    /// # Errors
    ///
    /// [`NotADomain`] if it is empty, longer than 253 octets, has a label that is empty, longer than 63 octets or of
    /// other characters than letters, digits, hyphens (not at an end) and underscores, or if it is an address.
    fn from_str(text: &str) -> Result<Self, NotADomain> {
        // Before anything is converted: what comes from outside may be long.
        if text.len() > 1024 {
            return Err(NotADomain("it is too long"));
        }
        let ascii = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY)
            .map_err(|_| NotADomain("it is no internationalized name"))?;
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        if ascii.is_empty() || ascii.len() > 253 {
            return Err(NotADomain("it has no octet, or more than 253"));
        }
        for label in ascii.split('.') {
            if label.is_empty() || label.len() > 63 {
                return Err(NotADomain("a label has no octet, or more than 63"));
            }
            let good = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
            if !label.bytes().all(good) || label.starts_with('-') || label.ends_with('-') {
                return Err(NotADomain("a label has other characters than letters, digits and hyphens"));
            }
        }
        // A name whose last label is a number is read as an address by many programs.
        if ascii.rsplit('.').next().is_some_and(|label| label.bytes().all(|c| c.is_ascii_digit())) {
            return Err(NotADomain("it is an address"));
        }
        Ok(Self(ascii.to_owned()))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for Domain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Domain {
    type Error = NotADomain;

    fn try_from(text: String) -> Result<Self, NotADomain> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}
