//! The TXT record at `_smtp._tls.DOMAIN` (RFC 8460 §3).

use std::fmt;

use sealpost_mail::Address;

use crate::{
    Result,
    txt::{BLANKS, Field, Kind, is_value},
};

/// To so many places a report is sent at most: whoever writes a record must not send a thousand mails with it.
pub const MAX_RUA: usize = 10;

const KIND: Kind = Kind { name: "TLSRPT", version: "v=TLSRPTv1" };

/// Whither a domain wants its reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The places, [`MAX_RUA`] at most; those of other schemes than `mailto` and `https` are left out.
    pub rua: Vec<Rua>,
}

/// Whither a report goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rua {
    /// To a mailbox.
    Mail(Address),
    /// To a server, by POST to this URI.
    Https(String),
}

impl Record {
    /// Reads the TXT records of a name: of each its strings. Records that are none of TLSRPT are left out. `None` where
    /// there is none.
    ///
    /// # Errors
    ///
    /// If there are several, or the only one has a mistake: the domain wants no reports (§3).
    pub fn of<S: AsRef<[u8]>>(records: &[impl AsRef<[S]>]) -> Result<Option<Self>> {
        KIND.only(records)?.map(|octets| Self::parse(&octets)).transpose()
    }

    /// Reads the text of one record.
    ///
    /// # Errors
    ///
    /// If it is none of TLSRPT, or has a mistake, and where.
    pub fn parse(octets: &[u8]) -> Result<Self> {
        let mut rua = None;
        for Field { at, name, value } in KIND.fields(octets)? {
            if name != "rua" {
                if !is_value(value) {
                    return Err(KIND.error(at, "a field's value is empty, or has a character that it may not have"));
                }
                continue;
            }
            let places = rua.get_or_insert_with(Vec::new);
            for uri in value.split(',').map(|uri| uri.trim_matches(BLANKS)) {
                let place = place(uri).map_err(|problem| KIND.error(at, problem))?;
                places.extend(place.filter(|_| places.len() < MAX_RUA));
            }
        }
        let rua = rua.ok_or_else(|| KIND.error(octets.len(), "the rua is missing"))?;
        if rua.is_empty() {
            return Err(KIND.error(octets.len(), "no rua is of a scheme that is known"));
        }
        Ok(Self { rua })
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "; rua=";
        f.write_str(KIND.version)?;
        for place in &self.rua {
            write!(f, "{separator}{place}")?;
            separator = ",";
        }
        Ok(())
    }
}

/// As a URI.
impl fmt::Display for Rua {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail(address) => {
                f.write_str("mailto:")?;
                for octet in address.to_string().bytes() {
                    if octet.is_ascii_alphanumeric() || b"@.-_~+[]:".contains(&octet) {
                        write!(f, "{}", char::from(octet))?;
                    } else {
                        write!(f, "%{octet:02X}")?;
                    }
                }
                Ok(())
            }
            Self::Https(uri) => f.write_str(uri),
        }
    }
}

/// A place by its URI (RFC 3986, RFC 6068). Other schemes may come: they are no mistake.
fn place(uri: &str) -> Result<Option<Rua>, &'static str> {
    let (scheme, rest) = uri.split_once(':').ok_or("a rua is no URI")?;
    if !uri.bytes().all(|c| c.is_ascii_graphic()) {
        return Err("a rua has a character that a URI may not have");
    }
    if scheme.eq_ignore_ascii_case("mailto") {
        let address = rest.split('?').next().unwrap_or_default();
        let address = percent_decoded(address).ok_or("a rua has a percent sign that stands for nothing")?;
        return address.parse().map(|address| Some(Rua::Mail(address))).map_err(|_| "a rua names no mailbox");
    }
    let is_https = scheme.eq_ignore_ascii_case("https");
    if is_https && !rest.strip_prefix("//").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric())) {
        return Err("a rua names no server");
    }
    Ok(is_https.then(|| Rua::Https(uri.to_owned())))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(if octet == b'%' { hex(rest.next()?)? << 4 | hex(rest.next()?)? } else { octet });
    }
    String::from_utf8(octets).ok()
}

fn hex(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        Record::parse(text.as_bytes()).map(|record| record.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn records_are_read() {
        for (text, again) in [
            ("v=TLSRPTv1;rua=mailto:reports@example.com", "v=TLSRPTv1; rua=mailto:reports@example.com"),
            (
                "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt?a=b;",
                "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt?a=b",
            ),
            (
                "v=TLSRPTv1; x=y; rua=mailto:a@b.example , ftp:c,MAILTO:%22%61%2Cd%22@b.example?subject=x",
                "v=TLSRPTv1; rua=mailto:a@b.example,mailto:%22a%2Cd%22@b.example",
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example; rua=mailto:c@b.example",
                "v=TLSRPTv1; rua=mailto:a@b.example,mailto:c@b.example",
            ),
        ] {
            assert_eq!(read(text).as_deref(), Ok(again), "{text}");
            assert_eq!(read(again).as_deref(), Ok(again), "{text}");
        }
        for (text, problem) in [
            ("v=TLSRPTv1; x=y", "octet 15): the rua is missing"),
            ("v=TLSRPTv1; rua=", "octet 11): a rua is no URI"),
            ("v=TLSRPTv1; rua=mailto:nobody", "octet 11): a rua names no mailbox"),
            ("v=TLSRPTv1; rua=mailto:a%4@b.example", "octet 11): a rua has a percent sign"),
            ("v=TLSRPTv1; rua=https:///x", "octet 11): a rua names no server"),
            ("v=TLSRPTv1; rua=ftp://x", "no rua is of a scheme"),
            ("v=TLSRPTv2; rua=mailto:a@b.example", "octet 0): it does not begin"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
        let many = format!("v=TLSRPTv1; rua={}", vec!["mailto:a@b.example"; 2000].join(","));
        assert_eq!(Record::parse(many.as_bytes()).unwrap().rua.len(), MAX_RUA);
    }

    #[test]
    fn exactly_one_counts() {
        let (one, other) = ("v=TLSRPTv1; rua=mailto:a@b.example", "v=spf1 -all");
        assert!(Record::of(&[[one], [other]]).unwrap().is_some());
        assert!(Record::of(&[[other]]).unwrap().is_none());
        assert!(Record::of(&[[one], [one]]).unwrap_err().to_string().contains("several"));
    }
}
