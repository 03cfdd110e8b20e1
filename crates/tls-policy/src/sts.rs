//! MTA-STS (RFC 8461): how a domain says which hosts take its mail, and that they do so over TLS.
//!
//! A domain's TXT record ([`Record`]) has an id; its policy ([`Policy`]) lies on an HTTPS server. What is known of a
//! domain from one mail to the next is a [`Known`]: give it the answer about the record ([`Known::look`]), fetch the
//! policy if it says so, and give it the outcome ([`Known::fetched`]). No clock and no network in here.
//!
//! ```
//! use sealpost_mail::Domain;
//! use sealpost_tls_policy::{facts::StsState, sts::{Known, Policy, Step, TxtAnswer}};
//! use sealpost_time::{Span, Time};
//!
//! let now = Time::from_rfc3339("2026-11-27T12:00:00Z").unwrap();
//! let mut known = Known::default();
//! let answer = TxtAnswer::found(&[&[b"v=STSv1; id=20261127;"]]);
//! let Step::Fetch { id, .. } = known.look(&answer, now) else { panic!() };
//!
//! // Here you fetch https://mta-sts.example.org/.well-known/mta-sts.txt.
//! let body = b"version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 604800\n";
//! let policy = Policy::parse(body).unwrap();
//! let settled = known.fetched(&id, Ok(policy), now);
//! let StsState::Policy(policy) = settled.state else { panic!() };
//! assert!(policy.lists(&"mx1.example.org".parse::<Domain>().unwrap()));
//!
//! // Whoever hides the record later changes nothing.
//! let later = known.look(&TxtAnswer::Failed, now + Span::days(6));
//! assert!(matches!(later, Step::Use(settled) if settled.state == StsState::Policy(policy)));
//! ```

mod automaton;
mod cache;
mod policy;
mod record;

pub use automaton::{BACK_OFF, Cached, FetchFailure, FetchProblem, Finding, Known, REFRESH, Settled, Step, TxtAnswer};
pub use cache::{Cache, CacheLimits};
pub use policy::{MAX_AGE, MAX_BODY, Mode, Policy};
pub use record::{Record, RecordId};
