//! Months, for axes only: nothing is decided by them.

use std::fmt;

use crate::{Span, Time};

/// A month of the Gregorian calendar, counted from the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(i64);

impl Month {
    /// The one in which `time` lies.
    pub(super) fn of(time: Time) -> Self {
        let [year, month, ..] = time.civil();
        Self(year * 12 + month - 1)
    }

    /// So many months later.
    pub(super) const fn plus(self, months: i64) -> Self {
        Self(self.0 + months)
    }

    /// Its year.
    pub(super) const fn year(self) -> i64 {
        self.0.div_euclid(12)
    }

    /// 0 in January.
    pub(super) const fn of_year(self) -> i64 {
        self.0.rem_euclid(12)
    }

    /// How many months it comes after `other`.
    pub(super) const fn since(self, other: Self) -> i64 {
        self.0 - other.0
    }

    /// Its first second.
    pub(super) fn start(self) -> Time {
        // Counted from March on, so that the leap day comes last.
        let (year, month) = ((self.0 - 2).div_euclid(12), (self.0 - 2).rem_euclid(12));
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = 365 * year + leap_days + (153 * month + 2) / 5 - 719_468;
        Time::from_unix(0) + Span::days(days)
    }
}

/// `2027-01`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.of_year() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_starts_on_its_first_day() {
        let mut month = Month::of(Time::from_unix(-86_400 * 366 * 70));
        for _ in 0..12 * 300 {
            let start = month.start();
            assert_eq!(start.to_string(), format!("{month}-01T00:00:00Z"));
            assert_eq!(Month::of(start - Span::hours(1)).plus(1), month);
            month = month.plus(1);
        }
    }
}
