//! A TLSA record: its wire format (RFC 6698 §2.1), its text (§2.2), and whether it is usable.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{DANE_EE, DANE_TA, frame};
use crate::{Error, Result};

/// How much data a record may have: what fits beside its three fields into an RDATA (RFC 1035 §3.2.1).
const MOST_DATA: usize = 65_535 - 3;

/// How long the text of a record may be: two digits for an octet, and some blanks.
const MOST_TEXT: usize = 4 * MOST_DATA;

/// A TLSA record (RFC 6698 §2.1), as it was found: its fields may be of any value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TlsaRecord {
    /// Certificate usage: 2 is DANE-TA, 3 is DANE-EE.
    pub usage: u8,
    /// Selector: 0 is the whole certificate, 1 its SubjectPublicKeyInfo.
    pub selector: u8,
    /// Matching type: 0 is the thing itself, 1 its SHA-256, 2 its SHA-512.
    pub matching: u8,
    /// The data to match.
    pub data: Vec<u8>,
}

impl TlsaRecord {
    /// A record of these fields.
    ///
    /// # Errors
    ///
    /// [`Error::Tlsa`] if there is more data than a record can have.
    pub fn new(usage: u8, selector: u8, matching: u8, data: Vec<u8>) -> Result<Self> {
        if data.len() > MOST_DATA {
            return Err(Error::Tlsa("it has more than 65,532 octets of data"));
        }
        Ok(Self { usage, selector, matching, data })
    }

    /// Reads the RDATA of a record (RFC 6698 §2.1).
    ///
    /// # Errors
    ///
    /// [`Error::Tlsa`] if a field is missing, or if it is longer than a record can be.
    pub fn from_wire(rdata: &[u8]) -> Result<Self> {
        let [usage, selector, matching, data @ ..] = rdata else {
            return Err(Error::Tlsa("it has fewer than three octets"));
        };
        Self::new(*usage, *selector, *matching, data.to_vec())
    }

    /// Whether it can be used for SMTP: of usage DANE-TA or DANE-EE (RFC 7672 §3.1.3), with selector and matching type
    /// known, and data that can be what it is said to be (RFC 6698 §4.1).
    #[must_use]
    pub fn is_usable(&self) -> bool {
        let known = matches!(self.usage, DANE_TA | DANE_EE) && self.selector <= 1;
        known
            && match (self.matching, self.selector) {
                (0, 0) => frame::Frame::read(&self.data).is_some(),
                (0, _) => frame::is_public_key(&self.data),
                (1, _) => self.data.len() == 32,
                (2, _) => self.data.len() == 64,
                _ => false,
            }
    }
}

/// As zone files have it (RFC 6698 §2.2): `3 1 1 0123…`, the digits also with blanks among them.
impl FromStr for TlsaRecord {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.len() > MOST_TEXT {
            return Err(Error::Tlsa("its text is longer than a record can be"));
        }
        let mut fields = text.split_ascii_whitespace();
        let mut number = || fields.next().filter(|field| field.bytes().all(|c| c.is_ascii_digit()))?.parse().ok();
        let (Some(usage), Some(selector), Some(matching)) = (number(), number(), number()) else {
            return Err(Error::Tlsa("its text does not begin with three numbers up to 255"));
        };
        let digits: Option<Vec<u8>> = fields.flat_map(str::chars).map(digit).collect();
        let digits = digits.ok_or(Error::Tlsa("its data has other characters than hexadecimal digits"))?;
        let (pairs, rest) = digits.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Error::Tlsa("its data has half an octet"));
        }
        Self::new(usage, selector, matching, pairs.iter().map(|[high, low]| high << 4 | low).collect())
    }
}

fn digit(c: char) -> Option<u8> {
    c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

impl fmt::Display for TlsaRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.usage, self.selector, self.matching)?;
        self.data.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lengths() -> impl Strategy<Value = usize> {
        prop_oneof![2 => prop::sample::select(vec![32_usize, 64]), 1 => 0_usize..80]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(rdata in prop::collection::vec(any::<u8>(), 0..200)) {
            let record = TlsaRecord::from_wire(&rdata);
            prop_assert_eq!(record.is_ok(), rdata.len() >= 3);
            if let Ok(record) = record {
                prop_assert_eq!(&record.to_string().parse::<TlsaRecord>().unwrap(), &record);
                let json = serde_json::to_string(&record).unwrap();
                prop_assert_eq!(serde_json::from_str::<TlsaRecord>(&json).unwrap(), record);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-fA-F +g-]{0,40}|.{0,40}") {
            if let Ok(record) = text.parse::<TlsaRecord>() {
                prop_assert_eq!(record.to_string().parse::<TlsaRecord>().unwrap(), record);
            }
        }

        #[test]
        fn digests_have_their_length(usage in 1_u8..5, selector in 0_u8..3, matching in 1_u8..4, len in lengths()) {
            let record = TlsaRecord::new(usage, selector, matching, vec![0; len]).unwrap();
            let right = (2..=3).contains(&usage) && selector < 2 && (matching, len) == (matching, 32 * usize::from(matching))
                && matching < 3;
            prop_assert_eq!(record.is_usable(), right);
        }
    }

    #[test]
    fn texts_are_read_as_zone_files_have_them() {
        let record: TlsaRecord = " 3 1\t1 00ff Aa\n55 ".parse().unwrap();
        assert_eq!((record.usage, record.selector, record.matching), (3, 1, 1));
        assert_eq!(record.data, [0, 0xff, 0xaa, 0x55]);
        for wrong in ["", "3 1", "3 1 256 00", "3 -1 1 00", "+3 1 1 00", "3 1 1 0", "3 1 1 0g", "3 1 1 é", "a 1 1 00"]
        {
            assert!(wrong.parse::<TlsaRecord>().is_err(), "{wrong}");
        }
        assert!("3 1 1 ".repeat(MOST_TEXT).parse::<TlsaRecord>().is_err());
        assert!(TlsaRecord::new(3, 1, 0, vec![0; MOST_DATA + 1]).is_err());
    }

    #[test]
    fn whole_data_must_be_what_it_is_said_to_be() {
        for (selector, data) in [(0, ""), (0, "3000"), (1, "3000"), (1, "30030101"), (0, "ff"), (1, "")] {
            assert!(!format!("3 {selector} 0 {data}").parse::<TlsaRecord>().unwrap().is_usable(), "{selector} {data}");
        }
        // An Ed25519 key, whole and with an octet behind it.
        let key = "302a300506032b6570032100".to_owned() + &"11".repeat(32);
        assert!(format!("3 1 0 {key}").parse::<TlsaRecord>().unwrap().is_usable());
        assert!(!format!("3 1 0 {key}00").parse::<TlsaRecord>().unwrap().is_usable());
        assert!(!format!("3 0 0 {key}").parse::<TlsaRecord>().unwrap().is_usable());
    }
}
