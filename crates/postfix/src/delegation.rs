//! Postfix's policy delegation (SMTPD_POLICY_README): lines `name=value` and an empty line there, `action=...` and an
//! empty line back.

use crate::{Error, Result};

/// How many octets a request may have. Postfix sends a good kilobyte; addresses and names of certificates may be long.
pub const MAX_REQUEST: usize = 32_768;

/// What Postfix asks about a mail that is being handed in. Only what is needed of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// `protocol_state`: at which command of the session.
    pub state: String,
    /// `instance`: the same for all questions about one mail, and for no other mail.
    pub instance: String,
    /// `sasl_username`: who logged in; empty if nobody did.
    pub user: String,
    /// `sender`: the envelope's.
    pub sender: String,
    /// `recipient`: the envelope's, or empty at DATA if there are several.
    pub recipient: String,
    /// `recipient_count`: how many recipients were accepted; zero before DATA.
    pub recipients: u32,
}

impl Request {
    /// Takes the first request off `input`: it, and how many octets it takes. `None` if the rest is still to come.
    ///
    /// Of an attribute that comes twice the first value counts; those that are not needed are passed over.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] if it is longer than [`MAX_REQUEST`]; [`Error::Policy`] if a line has no equals sign, no
    /// name, a NUL, or is no UTF-8, or if it is a request of another kind.
    pub fn decode(input: &[u8]) -> Result<Option<(Self, usize)>> {
        let Some(end) = input.windows(2).take(MAX_REQUEST).position(|two| two == b"\n\n") else {
            if input.first() == Some(&b'\n') {
                return Err(Error::Policy { line: 1, problem: "it is empty" });
            }
            return if input.len() > MAX_REQUEST { Err(TOO_LONG) } else { Ok(None) };
        };
        let lines = input.get(..end).unwrap_or_default();
        Ok(Some((Self::parse(lines)?, end + 2)))
    }

    fn parse(lines: &[u8]) -> Result<Self> {
        let mut request = Self::default();
        let mut seen = [false; NEEDED.len()];
        for (index, line) in lines.split(|c| *c == b'\n').enumerate() {
            let wrong = |problem| Error::Policy { line: index + 1, problem };
            let line = std::str::from_utf8(line).map_err(|_| wrong("it is no UTF-8"))?;
            let (name, value) = line.split_once('=').ok_or_else(|| wrong("it has no equals sign"))?;
            if name.is_empty() {
                return Err(wrong("it has no name"));
            }
            if line.contains('\0') {
                return Err(wrong("it has a NUL"));
            }
            let Some(place) = NEEDED.iter().position(|needed| *needed == name) else { continue };
            if seen.get_mut(place).is_none_or(|seen| std::mem::replace(seen, true)) {
                continue;
            }
            match name {
                "request" if value == "smtpd_access_policy" => {}
                "request" => return Err(wrong("it asks for something else than access")),
                "protocol_state" => request.state = value.into(),
                "instance" => request.instance = value.into(),
                "sasl_username" => request.user = value.into(),
                "sender" => request.sender = value.into(),
                "recipient" => request.recipient = value.into(),
                _ => request.recipients = value.parse().map_err(|_| wrong("its value is no number"))?,
            }
        }
        if seen.first() == Some(&true) { Ok(request) } else { Err(Error::Policy { line: 1, problem: NO_KIND }) }
    }
}

const TOO_LONG: Error = Error::TooLong { what: "a request of policy delegation", limit: MAX_REQUEST };
const NO_KIND: &str = "no line says what is asked for";
const NEEDED: [&str; 7] =
    ["request", "protocol_state", "instance", "sasl_username", "sender", "recipient", "recipient_count"];

/// What Postfix is to do, as in an access(5) table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Nothing is said here.
    Dunno,
    /// Route the mail over this transport of master.cf, whatever else says how.
    Filter(Transport),
}

/// The name of a transport in master.cf: letters, digits, hyphens and underscores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport(String);

impl Transport {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Transport {
    type Err = Error;

    /// # Errors
    ///
    /// [`Error::Outside`] if it has another character, none, or more than 64 of them.
    fn from_str(name: &str) -> Result<Self> {
        let good = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(good) {
            return Err(Error::outside("the name of a transport", "it has no character, or one that master.cf lacks"));
        }
        Ok(Self(name.into()))
    }
}

impl Action {
    /// Appends the answer that asks for it to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let line = match self {
            Self::Dunno => "DUNNO".into(),
            // Nothing behind the colon: the next hop stays what it is (access(5), since Postfix 2.7).
            Self::Filter(transport) => format!("FILTER {}:", transport.0),
        };
        out.extend_from_slice(b"action=");
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\n\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wire(lines: &[(String, String)]) -> Vec<u8> {
        lines.iter().map(|(name, value)| format!("{name}={value}\n")).chain(["\n".into()]).collect::<String>().into()
    }

    proptest! {
        #[test]
        fn a_request_is_read_however_it_comes_in(
            user in "[^\\n\\x00]{0,20}", recipient in "[^\\n\\x00]{0,20}", count: u32, other in "[^\\n\\x00]{0,20}",
            behind: Vec<u8>,
        ) {
            let lines = [
                ("request", "smtpd_access_policy".into()), ("other", other), ("sasl_username", user.clone()),
                ("recipient", recipient.clone()), ("recipient_count", count.to_string()), ("recipient", "late".into()),
            ];
            let mut wire = wire(&lines.map(|(name, value)| (name.to_owned(), value)));
            for end in 0..wire.len() {
                prop_assert!(Request::decode(&wire[..end]).unwrap().is_none());
            }
            let length = wire.len();
            wire.extend_from_slice(&behind);
            let (request, taken) = Request::decode(&wire).unwrap().unwrap();
            prop_assert_eq!(taken, length);
            prop_assert_eq!(request, Request { user, recipient, recipients: count, ..Request::default() });
        }

        #[test]
        fn whatever_comes_in_is_read_or_refused(wire: Vec<u8>) {
            if let Ok(Some((_, taken))) = Request::decode(&wire) {
                prop_assert!(taken <= wire.len());
            }
        }
    }

    #[test]
    fn what_is_no_request_is_told() {
        for (wire, problem) in [
            ("\n", "it is empty"),
            ("request=junk\n\n", "it asks for something else than access"),
            ("sender=\n\n", NO_KIND),
            ("request=smtpd_access_policy\nsender\n\n", "it has no equals sign"),
            ("request=smtpd_access_policy\n=x\n\n", "it has no name"),
            ("request=smtpd_access_policy\nrecipient_count=-1\n\n", "its value is no number"),
            ("request=smtpd_access_policy\nx=\0\n\n", "it has a NUL"),
        ] {
            match Request::decode(wire.as_bytes()) {
                Err(Error::Policy { problem: found, .. }) => assert_eq!(found, problem, "{wire}"),
                other => panic!("{wire}: {other:?}"),
            }
        }
    }

    #[test]
    fn nothing_endless_is_waited_for() {
        let long = vec![b'x'; MAX_REQUEST + 1];
        assert!(matches!(Request::decode(&long), Err(Error::TooLong { .. })));
        let long = [&*long, b"\n\n"].concat();
        assert!(matches!(Request::decode(&long), Err(Error::TooLong { .. })));
    }

    #[test]
    fn a_transport_is_a_name_and_nothing_else() {
        for wrong in ["", "smtp:", "smtp smtp", "smtp\n", "über"] {
            assert!(wrong.parse::<Transport>().is_err(), "{wrong}");
        }
        let mut out = Vec::new();
        Action::Filter("smtp".parse().unwrap()).encode(&mut out);
        assert_eq!(out, b"action=FILTER smtp:\n\n");
    }
}
