//! Points and spans of time: seconds of UTC, days of 86,400 seconds (S/MIME Baseline Requirements, section 1.6.1).
//!
//! Nothing that a change of clocks could shift: no zones, and no months but in writing. All arithmetic saturates.
//!
//! ```
//! use sealpost_time::{Span, Time};
//!
//! let noon = Time::from_rfc3339("2026-11-27T12:00:00Z").unwrap();
//! assert_eq!((noon + Span::days(3)).to_string(), "2026-11-30T12:00:00Z");
//! assert_eq!(noon.rfc5322(), "Fri, 27 Nov 2026 12:00:00 +0000");
//! assert!(Time::from_rfc3339("2026-11-31T12:00:00Z").is_none());
//! ```

#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

use alloc::{format, string::String};
use core::{
    fmt,
    num::NonZeroI64,
    ops::{Add, Mul, Sub},
};

use serde::{Deserialize, Serialize};

/// A second of UTC, counted from 1970-01-01T00:00:00Z.
///
/// An `Option` of it takes 8 octets, so that a million users fit into memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct Time(NonZeroI64);

impl Time {
    /// The latest time there is: what never comes.
    pub const NEVER: Self = Self(NonZeroI64::MAX);

    /// From seconds since 1970-01-01T00:00:00Z. The second before that counts as that second.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        // One up, so that zero is free for "no time".
        match NonZeroI64::new(seconds.saturating_add(1)) {
            Some(stored) => Self(stored),
            None => Self::from_unix(0),
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0.get() - 1
    }

    /// Year, month, day, hour, minute and second in UTC, in the Gregorian calendar.
    #[must_use]
    pub fn civil(self) -> [i64; 6] {
        let (days, second) = (self.unix().div_euclid(DAY), self.unix().rem_euclid(DAY));
        let (year, month, day) = civil(days);
        [year, month, day, second / 3600, second / 60 % 60, second % 60]
    }

    /// Reads a time as RFC 3339 §5.6 writes it, in UTC and without fractions: `2026-11-27T08:00:00Z`. `None` for
    /// anything else, and for days that the calendar lacks. A leap second is the first second of the next minute.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let mut numbers = [0_i64; 6];
        let mut number = 0;
        if text.len() != 20 {
            return None;
        }
        for (c, like) in text.chars().zip("0000-00-00T00:00:00Z".chars()) {
            if like == '0' {
                let current = numbers.get_mut(number)?;
                *current = *current * 10 + i64::from(c.to_digit(10)?);
            } else if c.eq_ignore_ascii_case(&like) {
                number += 1;
            } else {
                return None;
            }
        }
        let [year, month, day, hour, minute, second] = numbers;
        let in_day = hour <= 23 && minute <= 59 && second <= 60;
        let days = days(year, month, day).filter(|_| in_day)?;
        Some(Self::from_unix(days * DAY + hour * 3600 + minute * 60 + second))
    }

    /// As headers of mails write it (RFC 5322 §3.3): `Fri, 27 Nov 2026 08:00:00 +0000`.
    #[must_use]
    pub fn rfc5322(self) -> String {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        // The first day of 1970 was a Thursday.
        const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        fn name<'a>(names: &[&'a str], index: i64) -> &'a str {
            usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
        }
        let [year, month, day, hour, minute, second] = self.civil();
        let weekday = name(&WEEKDAYS, self.unix().div_euclid(DAY).rem_euclid(7));
        let month = name(&MONTHS, month - 1);
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
    }
}

/// Seconds of a day (S/MIME Baseline Requirements, section 1.6.1).
const DAY: i64 = 86_400;

impl From<i64> for Time {
    fn from(seconds: i64) -> Self {
        Self::from_unix(seconds)
    }
}

impl From<Time> for i64 {
    fn from(time: Time) -> Self {
        time.unix()
    }
}

impl Add<Span> for Time {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        if self == Self::NEVER { self } else { Self::from_unix(self.unix().saturating_add(span.0)) }
    }
}

impl Sub<Span> for Time {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        if self == Self::NEVER { self } else { Self::from_unix(self.unix().saturating_sub(span.0)) }
    }
}

impl Sub for Time {
    type Output = Span;

    fn sub(self, earlier: Self) -> Span {
        Span(self.unix().saturating_sub(earlier.unix()))
    }
}

/// As RFC 3339 writes it: `2026-11-27T12:00:00Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER {
            return f.write_str("never");
        }
        let [year, month, day, hour, minute, second] = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from 0000-03-01 on, a leap day is the last of its year, and 400 years are 146,097 days.
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (year + era * 400, if month < 10 { month + 3 } else { month - 9 });
    (year + i64::from(month <= 2), month, day)
}

/// Days since 1970-01-01 in the Gregorian calendar; `None` if there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    (civil(days) == (year, month, day)).then_some(days)
}

/// So many seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// So many minutes.
    #[must_use]
    pub const fn minutes(minutes: i64) -> Self {
        Self(minutes.saturating_mul(60))
    }

    /// So many hours.
    #[must_use]
    pub const fn hours(hours: i64) -> Self {
        Self(hours.saturating_mul(3_600))
    }

    /// So many days of 86,400 seconds.
    #[must_use]
    pub const fn days(days: i64) -> Self {
        Self(days.saturating_mul(86_400))
    }

    /// How many seconds.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0
    }
}

impl Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<i64> for Span {
    type Output = Self;

    fn mul(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

/// The two largest units: `30 d`, `12 d 4 h`, `3 h 20 min`, `45 s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        let mut left = 2;
        let mut separator = "";
        for (size, unit) in [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")] {
            let count = rest / size;
            rest %= size;
            if count > 0 && left > 0 {
                write!(f, "{separator}{count} {unit}")?;
                separator = " ";
            }
            // Once the largest unit was written, only the next smaller one follows.
            left -= u8::from(count > 0 || left == 1);
            if left == 0 {
                break;
            }
        }
        if separator.is_empty() { f.write_str("0 s") } else { Ok(()) }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for seconds in [0, 951_782_400, 1_795_780_800, 2_524_607_999, 4_107_542_400, 253_402_300_799] {
            let time = Time::from_unix(seconds);
            assert_eq!(Time::from_rfc3339(&time.to_string()), Some(time));
        }
        let wrong = ["", "2026-11-27", "2026-11-27T08:00:00", "2026-11-27T08:00:00+1", "2026-13-27T08:00:00Z"];
        for wrong in wrong.into_iter().chain(["2026-02-29T08:00:00Z", "2026-11-27T24:00:00Z", "2026-00-27T08:00:00Z"]) {
            assert_eq!(Time::from_rfc3339(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn headers_name_the_day_of_the_week() {
        assert_eq!(Time::from_unix(0).rfc5322(), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(Time::from_unix(951_825_600).rfc5322(), "Tue, 29 Feb 2000 12:00:00 +0000");
    }

    #[test]
    fn an_option_of_a_time_takes_eight_octets() {
        assert_eq!(size_of::<Option<Time>>(), 8);
    }

    #[test]
    fn times_are_written_as_rfc_3339_says() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_780_800, "2026-11-27T12:00:00Z"),
            (2_524_607_999, "2049-12-31T23:59:59Z"),
            (2_524_608_000, "2050-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Time::from_unix(seconds).to_string(), text);
        }
        assert_eq!(Time::NEVER.to_string(), "never");
    }

    #[test]
    fn order_and_arithmetic_are_those_of_the_seconds() {
        let times = [i64::MIN + 1, -86_400, -2, 0, 1, 86_400, i64::MAX - 2].map(Time::from_unix);
        assert!(times.is_sorted());
        assert_eq!(Time::from_unix(5) + Span::seconds(3) - Span::seconds(8), Time::from_unix(0));
        assert_eq!(Time::NEVER - Span::days(1), Time::NEVER);
        assert_eq!(Time::from_unix(10) - Time::from_unix(4), Span::seconds(6));
    }

    #[test]
    fn spans_are_written_in_two_units() {
        for (span, text) in [
            (Span::days(30), "30 d"),
            (Span::days(12) + Span::hours(4) + Span::minutes(5), "12 d 4 h"),
            (Span::days(1) + Span::minutes(5), "1 d"),
            (Span::hours(3) + Span::minutes(20), "3 h 20 min"),
            (Span::seconds(45), "45 s"),
            (Span::ZERO, "0 s"),
            (Span::hours(-2), "-2 h"),
        ] {
            assert_eq!(span.to_string(), text);
        }
    }
}
