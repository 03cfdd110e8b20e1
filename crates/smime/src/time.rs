//! Points in time, as arguments: this crate has no clock.

use std::fmt;

use der::Tag;

use crate::{Error, Result, asn1::Element};

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds; negative before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it is a number with a unit")]
pub struct UnixTime(pub i64);

const PLACE: &str = "a time";
const DAY: i64 = 86_400;

impl UnixTime {
    /// Reads a Time (RFC 5280 §4.1.2.5): UTCTime or GeneralizedTime with seconds, in UTC. Years before 1970 too.
    pub(crate) fn from_asn1(time: &Element<'_>) -> Result<Self> {
        let wrong = || Error::structure(PLACE, "it must be written YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ");
        let digits = time.value.strip_suffix(b"Z").ok_or_else(wrong)?;
        let digits: Option<Vec<i64>> = digits.iter().map(|c| char::from(*c).to_digit(10).map(i64::from)).collect();
        let digits = digits.ok_or_else(wrong)?;
        let number =
            |from: usize, len: usize| digits.iter().skip(from).take(len).fold(0, |number, digit| number * 10 + digit);
        let (year, rest) = match (time.tag, digits.len()) {
            // Years from 50 on are of the last century.
            (Tag::UtcTime, 12) => (number(0, 2) + if number(0, 2) < 50 { 2000 } else { 1900 }, 2),
            (Tag::GeneralizedTime, 14) => (number(0, 4), 4),
            _ => return Err(wrong()),
        };
        let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|place| number(rest + place, 2));
        let days = days(year, month, day).ok_or_else(wrong)?;
        if hour > 23 || minute > 59 || second > 60 {
            return Err(wrong());
        }
        Ok(Self(days * DAY + hour * 3600 + minute * 60 + second))
    }

    /// Reads a time as RFC 3339 §5.6 writes it, in UTC and without fractions: `2026-11-27T08:00:00Z`.
    ///
    /// # Errors
    ///
    /// [`Error::Structure`] for anything else.
    pub fn from_rfc3339(text: &str) -> Result<Self> {
        let wrong = || Error::structure(PLACE, "it must be written YYYY-MM-DDTHH:MM:SSZ");
        let mut digits = Vec::with_capacity(14);
        for (c, like) in text.bytes().zip(*b"0000-00-00T00:00:00Z") {
            match like {
                b'0' if c.is_ascii_digit() => digits.push(c),
                b'T' | b'Z' if c.eq_ignore_ascii_case(&like) => {}
                b'-' | b':' if c == like => {}
                _ => return Err(wrong()),
            }
        }
        digits.push(b'Z');
        if text.len() != 20 {
            return Err(wrong());
        }
        Self::from_asn1(&Element { tag: Tag::GeneralizedTime, at: 0, raw: &digits, value: &digits })
    }

    /// Year, month, day, hour, minute and second in UTC.
    #[must_use]
    pub fn civil(self) -> [i64; 6] {
        let (days, second) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        // Years that start in March have the leap day at their end; 400 of them have 146,097 days.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        [year, month, day, second / 3600, second / 60 % 60, second % 60]
    }
}

/// As RFC 3339 writes it: `2026-11-27T08:00:00Z`.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [year, month, day, hour, minute, second] = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Days since 1970-01-01 in the Gregorian calendar; `None` if there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let [y, m, d, ..] = UnixTime(days * DAY).civil();
    ([y, m, d] == [year, month, day]).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(der: &[u8]) -> Result<UnixTime> {
        UnixTime::from_asn1(&Element::from_der(der, PLACE).unwrap())
    }

    #[test]
    fn times_are_read_and_written() {
        let cases: [(&[u8], i64, &str); 5] = [
            (b"\x17\x0d700101000000Z", 0, "1970-01-01T00:00:00Z"),
            (b"\x17\x0d491231235959Z", 2_524_607_999, "2049-12-31T23:59:59Z"),
            (b"\x17\x0d500101000000Z", -631_152_000, "1950-01-01T00:00:00Z"),
            (b"\x18\x0f20000229120000Z", 951_825_600, "2000-02-29T12:00:00Z"),
            (b"\x18\x0f99991231235959Z", 253_402_300_799, "9999-12-31T23:59:59Z"),
        ];
        for (der, seconds, text) in cases {
            let time = read(der).unwrap();
            assert_eq!(time, UnixTime(seconds));
            assert_eq!(time.to_string(), text);
            assert_eq!(UnixTime::from_rfc3339(text).unwrap(), time);
        }
        for wrong in [
            &b"\x17\x0d700132000000Z"[..],
            b"\x17\x0b7001010000Z",
            b"\x18\x0f19000229000000Z",
            b"\x18\x0f2000022912000xZ",
            b"\x17\x0d700101240000Z",
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "2026-11-27", "2026-11-27T08:00:00", "2026-11-27T08:00:00+01:00", "2026-13-27T08:00:00Z"] {
            assert!(UnixTime::from_rfc3339(wrong).is_err(), "{wrong}");
        }
    }
}
