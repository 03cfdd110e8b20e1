//! Reports about TLS (RFC 8460): which sessions went well, which did not, and why.
//!
//! Each session is an [`Event`]. An [`Aggregate`] counts them per day of UTC and per domain; of a day that is over it
//! makes the [`Report`]s. Whither a domain wants its report is in its [`Record`]: by mail ([`Addressed::mail`]), or by
//! HTTPS, where the octets of [`Report::gzip`] are posted. What others report is read with [`Report::read`], or out of
//! a whole mail with [`Report::read_mail`].
//!
//! What the server around this does: it signs the mail with DKIM, without `l=` (§3: a domain must not believe reports
//! that are not signed); it sends at a random time within four hours after midnight ([`DELAY`]), and tries for a day
//! ([`RETRY`], §5.4).
//!
//! ```
//! use sealpost_tls_policy::tlsrpt::{Aggregate, Event, Reporter};
//! use sealpost_time::{Span, Time};
//!
//! let now = Time::from_rfc3339("2026-11-27T12:00:00Z").unwrap();
//! let mut aggregate = Aggregate::default();
//! // As Postfix tells it.
//! let datagram = br#"{"dpv":"1","d":"example.org","pr":"","policies":[{"policy-type":9,"t":0,"f":0}]}"#;
//! aggregate.add(&Event::from_datagram(datagram).unwrap(), now);
//!
//! let reporter = Reporter::new("Example", "tls@example.net".parse().unwrap(), "mx1").unwrap();
//! let reports = aggregate.take(now + Span::days(1), &reporter);
//! let mail = reports[0].mail(&reporter, &"reports@example.org".parse().unwrap(), now + Span::days(1)).unwrap();
//! assert!(String::from_utf8_lossy(&mail.octets).contains("TLS-Report-Domain: example.org"));
//! ```

mod aggregate;
mod counted;
mod datagram;
mod event;
mod mail;
mod read;
mod record;
mod report;
mod result_type;
mod session;

pub use aggregate::{Aggregate, AggregateLimits};
pub use event::{Event, Failure, Outcome};
pub use mail::{Addressed, DELAY, RETRY, Reporter};
pub use read::ReadLimits;
pub use record::{MAX_RUA, Record, Rua};
pub use report::{DateRange, FailureDetail, PolicyDescription, PolicyReport, PolicyType, Report, Summary};
pub use result_type::ResultType;
pub use session::Seen;
