//! What a mail's envelope says about notifications (RFC 3461 §4, RFC 6533 §3).

use crate::{Error, Result};

/// Octets of an ORCPT or ENVID, decoded (RFC 3461 §4.2 and §4.4 allow 500 and 100 encoded).
const LONGEST: usize = 500;

/// NOTIFY: of what the sender wants to hear about a recipient (RFC 3461 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notify {
    /// Nothing was said: of failures.
    #[default]
    Default,
    /// Of nothing.
    Never,
    /// Of these.
    Only {
        /// A delivery.
        success: bool,
        /// A failure.
        failure: bool,
        /// A delay.
        delay: bool,
    },
}

impl Notify {
    /// Reads the value of the parameter: `NEVER`, or a list such as `SUCCESS,FAILURE`.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] if it is none.
    pub fn read(value: &str) -> Result<Self> {
        if value.eq_ignore_ascii_case("NEVER") {
            return Ok(Self::Never);
        }
        let (mut success, mut failure, mut delay) = (false, false, false);
        for word in value.split(',') {
            match word.to_ascii_uppercase().as_str() {
                "SUCCESS" => success = true,
                "FAILURE" => failure = true,
                "DELAY" => delay = true,
                _ => return Err(Error::parameter("NOTIFY", value)),
            }
        }
        Ok(Self::Only { success, failure, delay })
    }

    /// Whether a failure is to be told.
    #[must_use]
    pub const fn wants_failures(self) -> bool {
        matches!(self, Self::Default | Self::Only { failure: true, .. })
    }
}

/// RET: how much of a mail is to be given back (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 3461 §4.3 has these two")]
pub enum Ret {
    /// All of it.
    Full,
    /// Its header.
    Hdrs,
}

impl Ret {
    /// Reads the value of the parameter.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] if it is none.
    pub fn read(value: &str) -> Result<Self> {
        match value.to_ascii_uppercase().as_str() {
            "FULL" => Ok(Self::Full),
            "HDRS" => Ok(Self::Hdrs),
            _ => Err(Error::parameter("RET", value)),
        }
    }
}

/// ENVID: the sender's own name for the mail (RFC 3461 §4.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnvelopeId(String);

impl EnvelopeId {
    /// Reads the value of the parameter, which is xtext.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] if it is none.
    pub fn read(value: &str) -> Result<Self> {
        xtext(value).map(Self).ok_or_else(|| Error::parameter("ENVID", value))
    }

    /// It, decoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// ORCPT: the recipient as the sender wrote it (RFC 3461 §4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginalRecipient {
    address_type: String,
    address: String,
}

impl OriginalRecipient {
    /// Reads the value of the parameter: `rfc822;someone+2Btag@example.org`, or `utf-8;j\x{FC}rgen@example.org`.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] if it is none.
    pub fn read(value: &str) -> Result<Self> {
        let refused = || Error::parameter("ORCPT", value);
        let (address_type, address) = value.split_once(';').ok_or_else(refused)?;
        let is_atom = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        if address_type.is_empty() || address_type.len() > 40 || !address_type.bytes().all(is_atom) {
            return Err(refused());
        }
        let address_type = address_type.to_ascii_lowercase();
        let address = if address_type == "utf-8" { unitext(address) } else { xtext(address) };
        Ok(Self { address_type, address: address.ok_or_else(refused)? })
    }

    /// Whether it is of ASCII alone.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.address.is_ascii()
    }
}

/// As the field Original-Recipient has it (RFC 3464 §2.3.1).
impl std::fmt::Display for OriginalRecipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.address_type, self.address)
    }
}

/// Text with `+` and two digits for some characters (RFC 3461 §4). What is decoded is ASCII that can be printed.
fn xtext(text: &str) -> Option<String> {
    let mut decoded = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let c = match c {
            '+' => {
                let digits = [rest.next()?, rest.next()?];
                // Only upper case (RFC 3461 §4).
                if digits.iter().any(char::is_ascii_lowercase) {
                    return None;
                }
                hexadecimal(digits)?
            }
            '=' => return None,
            '!'..='~' => c,
            _ => return None,
        };
        if !matches!(c, ' '..='~') {
            return None;
        }
        decoded.push(c);
    }
    is_fit(&decoded).then_some(decoded)
}

/// The same with characters of all scripts, as they are or as `\x{FC}` (RFC 6533 §3).
fn unitext(text: &str) -> Option<String> {
    let (mut decoded, mut rest) = (String::new(), text);
    while let Some((before, escaped)) = rest.split_once("\\x{") {
        let (digits, behind) = escaped.split_once('}')?;
        if digits.len() > 6 {
            return None;
        }
        decoded.push_str(before);
        decoded.push(hexadecimal(digits.chars())?);
        rest = behind;
    }
    decoded.push_str(rest);
    is_fit(&decoded).then_some(decoded)
}

fn hexadecimal(digits: impl IntoIterator<Item = char>) -> Option<char> {
    let number = digits.into_iter().try_fold(0_u32, |number, digit| Some(number * 16 + digit.to_digit(16)?));
    char::from_u32(number?)
}

/// Whether a field can hold it.
fn is_fit(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_read() {
        let only = |success, failure, delay| Some(Notify::Only { success, failure, delay });
        for (value, notify, wants) in [
            ("NEVER", Some(Notify::Never), false),
            ("success,Failure", only(true, true, false), true),
            ("DELAY", only(false, false, true), false),
            ("NEVER,FAILURE", None, false),
            ("", None, false),
        ] {
            assert_eq!(Notify::read(value).ok(), notify, "{value}");
            assert_eq!(notify.is_some_and(Notify::wants_failures), wants, "{value}");
        }
        assert!(Notify::Default.wants_failures());
        assert_eq!(
            (Ret::read("full").ok(), Ret::read("HDRS").ok(), Ret::read("x").ok()),
            (Some(Ret::Full), Some(Ret::Hdrs), None)
        );
        for (value, id) in [
            ("QQ314159", Some("QQ314159")),
            ("a+2Bb+20c", Some("a+b c")),
            ("a+2", None),
            ("a+2b", None),
            ("a+0D+0Ab", None),
            ("a=b", None),
            ("a b", None),
            ("ä", None),
            ("+C3+A4", None),
            ("", None),
            ("+20", None),
        ] {
            assert_eq!(EnvelopeId::read(value).ok().as_ref().map(EnvelopeId::as_str), id, "{value}");
        }
        for (value, field) in [
            ("rfc822;a+2Bb@example.org", Some("rfc822; a+b@example.org")),
            ("UTF-8;j\\x{FC}rgen@example.org", Some("utf-8; jürgen@example.org")),
            ("utf-8;jürgen@example.org", Some("utf-8; jürgen@example.org")),
            ("utf-8;j\\x{D}\\x{A}x", None),
            ("utf-8;j\\x{110000}", None),
            ("utf-8;j\\x{-1}", None),
            ("rfc822;jürgen@example.org", None),
            ("a@example.org", None),
            ("r f;a@example.org", None),
            ("rfc822;", None),
        ] {
            assert_eq!(OriginalRecipient::read(value).ok().map(|read| read.to_string()).as_deref(), field, "{value}");
        }
    }

    proptest! {
        /// Nothing that is read could end a field.
        #[test]
        fn no_parameter_ends_a_field(value in "(utf-8;|rfc822;|x;|\\+0[AD]|\\+[0-9A-F]{2}|\\\\x\\{[0-9A-Fa-f]{0,7}\\}|[ -~]|ä|\r|\n){0,20}") {
            let texts = [
                EnvelopeId::read(&value).ok().map(|read| read.as_str().to_owned()),
                OriginalRecipient::read(&value).ok().map(|read| read.to_string()),
            ];
            for text in texts.into_iter().flatten() {
                prop_assert!(!text.chars().any(char::is_control) && !text.trim().is_empty());
            }
            let _ = (Notify::read(&value), Ret::read(&value));
        }
    }
}
