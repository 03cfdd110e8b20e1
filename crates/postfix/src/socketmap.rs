//! What Postfix and a socketmap say to each other (socketmap_table(5)): one netstring each, a name and a key there,
//! a word and a text back.

use std::fmt::Write as _;

use crate::{Error, Result, netstring};

/// How many octets a request may have (socketmap_table(5), "Request format").
pub const MAX_REQUEST: usize = 10_000;

/// How many octets a reply may have (socketmap_table(5), "Reply format").
pub const MAX_REPLY: usize = 100_000;

/// A look-up of a key in a map.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol knows no more")]
pub struct Request<'a> {
    /// The map's name.
    pub map: &'a str,
    /// What to look up.
    pub key: &'a str,
}

impl<'a> Request<'a> {
    /// Reads what a netstring holds: name, space, key.
    ///
    /// # Errors
    ///
    /// [`Error::Socketmap`] if it has no name or no key, or is no UTF-8, or has a control character.
    pub fn parse(payload: &'a [u8]) -> Result<Self> {
        let text = std::str::from_utf8(payload).map_err(|_| Error::Socketmap("it is no UTF-8"))?;
        if text.chars().any(char::is_control) {
            return Err(Error::Socketmap("it has a control character"));
        }
        let (map, key) = text.split_once(' ').ok_or(Error::Socketmap("it has no space"))?;
        if map.is_empty() {
            return Err(Error::Socketmap("it has no name of a map"));
        }
        if key.is_empty() {
            return Err(Error::Socketmap("it has no key"));
        }
        Ok(Self { map, key })
    }

    /// Appends it to `out`, as a netstring.
    pub fn encode(&self, out: &mut Vec<u8>) {
        netstring::encode(format!("{} {}", self.map, self.key).as_bytes(), out);
    }
}

/// What a map says to a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol knows no more")]
pub enum Reply {
    /// The value.
    Found(String),
    /// There is none, surely.
    NotFound,
    /// It can't be told now, and why. Postfix keeps the mail and asks again.
    Temporary(String),
    /// It took too long, and what.
    TimedOut(String),
    /// It never will be told, and why. Postfix keeps the mail all the same.
    Permanent(String),
}

impl Reply {
    /// Appends it to `out`, as a netstring. Control characters become spaces. A value that is too long is not cut, which
    /// could make it mean something else, but becomes [`Reply::Temporary`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (word, text) = match self {
            Self::Found(value) => ("OK", value.as_str()),
            Self::NotFound => ("NOTFOUND", ""),
            Self::Temporary(reason) => ("TEMP", reason.as_str()),
            Self::TimedOut(reason) => ("TIMEOUT", reason.as_str()),
            Self::Permanent(reason) => ("PERM", reason.as_str()),
        };
        if word.len() + 1 + text.len() > MAX_REPLY {
            return Self::Temporary("the answer is too long for Postfix".into()).encode(out);
        }
        let mut line = String::with_capacity(word.len() + 1 + text.len());
        line.push_str(word);
        line.push(' ');
        for c in text.chars() {
            // Some of them take two octets, so that the line only gets shorter.
            line.push(if c.is_control() { ' ' } else { c });
        }
        netstring::encode(line.as_bytes(), out);
    }

    /// Reads what a netstring holds, as Postfix does.
    ///
    /// # Errors
    ///
    /// [`Error::Socketmap`] if it is no reply.
    pub fn parse(payload: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(payload).map_err(|_| Error::Socketmap("the reply is no UTF-8"))?;
        let (word, text) = text.split_once(' ').ok_or(Error::Socketmap("the reply has no space"))?;
        Ok(match word {
            "OK" => Self::Found(text.into()),
            "NOTFOUND" => Self::NotFound,
            "TEMP" => Self::Temporary(text.into()),
            "TIMEOUT" => Self::TimedOut(text.into()),
            "PERM" => Self::Permanent(text.into()),
            _ => return Err(Error::Socketmap("the reply begins with no word of a reply")),
        })
    }

    /// A reply that says that something went wrong, and what. Never [`Reply::NotFound`]: Postfix would go on without.
    #[must_use]
    pub fn doubt(error: &Error) -> Self {
        let mut text = String::new();
        // Writing to a string never fails.
        let _ = write!(text, "{error}");
        if matches!(error, Error::Late(_)) { Self::TimedOut(text) } else { Self::Temporary(text) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(wire: &[u8], limit: usize) -> &[u8] {
        let (payload, length) = netstring::decode(wire, limit).unwrap().unwrap();
        assert_eq!(length, wire.len());
        payload
    }

    proptest! {
        #[test]
        fn requests_are_read_as_they_are_written(map in "[a-z-]{1,20}", key in "\\PC{1,80}") {
            let mut wire = Vec::new();
            Request { map: &map, key: &key }.encode(&mut wire);
            prop_assert_eq!(Request::parse(taken(&wire, MAX_REQUEST)).unwrap(), Request { map: &map, key: &key });
        }

        #[test]
        fn a_reply_is_one_line_of_what_was_said(text: String) {
            let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            for make in [Reply::Found, Reply::Temporary, Reply::TimedOut, Reply::Permanent] {
                let mut wire = Vec::new();
                make(text.clone()).encode(&mut wire);
                prop_assert_eq!(Reply::parse(taken(&wire, MAX_REPLY)).unwrap(), make(plain.clone()));
            }
        }

        #[test]
        fn whatever_comes_in_is_read_or_refused(payload: Vec<u8>) {
            if let Ok(request) = Request::parse(&payload) {
                let mut wire = Vec::new();
                request.encode(&mut wire);
                prop_assert_eq!(taken(&wire, MAX_REQUEST.max(payload.len())), &payload);
            }
            let _ = Reply::parse(&payload);
        }
    }

    #[test]
    fn not_found_is_written_as_postfix_reads_it() {
        let mut wire = Vec::new();
        Reply::NotFound.encode(&mut wire);
        assert_eq!(wire, b"9:NOTFOUND ,");
    }

    #[test]
    fn what_is_too_long_is_no_answer() {
        for (length, fits) in [(MAX_REPLY - 3, true), (MAX_REPLY - 2, false)] {
            let mut wire = Vec::new();
            Reply::Found("x".repeat(length)).encode(&mut wire);
            let reply = Reply::parse(taken(&wire, MAX_REPLY)).unwrap();
            assert_eq!(matches!(reply, Reply::Found(_)), fits);
        }
    }

    #[test]
    fn a_doubt_is_never_not_found() {
        for error in [Error::NoSuchMap, Error::Late("a look-up"), Error::NextHop("it is empty")] {
            assert!(matches!(Reply::doubt(&error), Reply::Temporary(_) | Reply::TimedOut(_)));
        }
    }
}
