//! What came of a simulation.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{Span, Time, alarm::Level};

/// What came of a simulation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Under which policy.
    pub policy: String,
    /// How many users.
    pub users: u32,
    /// From when on.
    pub start: Time,
    /// Until when.
    pub end: Time,
    /// How many events were applied.
    pub events: u64,
    /// How many keys followed another one.
    pub renewals: u64,
    /// How many requests the authority got.
    pub requests: u64,
    /// The most requests of an hour.
    pub peak_per_hour: u32,
    /// The most requests of an hour of the last year.
    pub peak_per_hour_last_year: u32,
    /// Requests per hour, over all hours.
    pub mean_per_hour: f64,
    /// How many users had no valid certificate for a while, after their first one.
    pub gap_users: u32,
    /// For how many seconds, all together.
    pub gap_seconds: u64,
    /// The longest of these gaps, in seconds.
    pub longest_gap: Span,
    /// The longest time from enrolment to the first certificate, in seconds.
    pub longest_first: Span,
    /// How many users had no certificate at all at the end.
    pub without_any: u32,
    /// How many alarms there were of each level.
    pub alarms: BTreeMap<Level, u64>,
    /// What was replaced in each incident.
    pub replaced: Vec<Replaced>,
}

/// What was replaced in an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Replaced {
    /// What the incident is called.
    pub name: String,
    /// How many certificates were to be replaced.
    pub selected: u64,
    /// How many of them were, before they were revoked.
    pub in_time: u64,
    /// When the last one was that was in time, if one was.
    pub last: Option<Time>,
}

/// One figure a line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "policy             {}", self.policy)?;
        writeln!(f, "time               {} to {}", self.start, self.end)?;
        writeln!(f, "users              {}", grouped(u64::from(self.users)))?;
        writeln!(f, "events             {}", grouped(self.events))?;
        writeln!(f, "renewals           {}", grouped(self.renewals))?;
        writeln!(f, "users with a gap   {}", grouped(u64::from(self.gap_users)))?;
        writeln!(f, "gap seconds        {}", grouped(self.gap_seconds))?;
        writeln!(f, "longest gap        {}", self.longest_gap)?;
        writeln!(f, "longest first key  {}", self.longest_first)?;
        writeln!(
            f,
            "requests an hour   {} at most, {} at most in the last year, {:.1} on average",
            grouped(u64::from(self.peak_per_hour)),
            grouped(u64::from(self.peak_per_hour_last_year)),
            self.mean_per_hour
        )?;
        for (level, count) in &self.alarms {
            writeln!(f, "{:<18} {}", format!("alarms: {}", level.word()), grouped(*count))?;
        }
        for Replaced { name, selected, in_time, last } in &self.replaced {
            write!(f, "{name}: {} of {} replaced in time", grouped(*in_time), grouped(*selected))?;
            match last {
                Some(last) => writeln!(f, ", the last one at {last}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// With a comma between thousands: `1,000,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(number), text);
        }
    }
}
