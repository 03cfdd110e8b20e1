//! Times on the command line, and the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use sealpost::{rollover::Time, smime::UnixTime};

/// What the system's clock shows.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// A time of RFC 3339, or a date: its first second in UTC.
pub(crate) fn instant(text: &str) -> Result<Time, String> {
    let whole = if text.len() == "YYYY-MM-DD".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    match UnixTime::from_rfc3339(&whole) {
        Ok(time) => Ok(Time::from_unix(time.0)),
        Err(_) => Err("a time is YYYY-MM-DDTHH:MM:SSZ or YYYY-MM-DD".to_owned()),
    }
}

/// `FROM..TO`, of which either may be left out. A date as an end is its last second.
pub(crate) fn period(text: &str) -> Result<(Option<Time>, Option<Time>), String> {
    let Some((from, to)) = text.split_once("..") else {
        return Err("a span of time is FROM..TO, such as 2026-01-01..2026-03-31".to_owned());
    };
    let from = (!from.is_empty()).then(|| instant(from)).transpose()?;
    let to = match to {
        "" => None,
        to if to.len() == "YYYY-MM-DD".len() => Some(instant(&format!("{to}T23:59:59Z"))?),
        to => Some(instant(to)?),
    };
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err("it ends before it begins".to_owned());
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_whole_day() {
        assert_eq!(instant("2026-11-27").unwrap().to_string(), "2026-11-27T00:00:00Z");
        assert_eq!(instant("2026-11-27T12:00:00Z").unwrap().to_string(), "2026-11-27T12:00:00Z");
        let (from, to) = period("2026-01-01..2026-03-31").unwrap();
        assert_eq!(from.unwrap().to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(to.unwrap().to_string(), "2026-03-31T23:59:59Z");
        assert_eq!(period("..2026-03-31").unwrap().0, None);
        assert_eq!(period("2026-03-31..").unwrap().1, None);
    }

    #[test]
    fn what_is_no_time_is_said_to_be_none() {
        for text in ["", "tomorrow", "2026-13-01", "2026-11-31", "2026-11-27 12:00", "26-11-27"] {
            assert!(instant(text).unwrap_err().contains("YYYY-MM-DD"), "{text}");
        }
        for text in ["2026-01-01", "2026-03-31..2026-01-01", "x..y", "2026-01-01..2026-02-30"] {
            assert!(period(text).is_err(), "{text}");
        }
    }
}
