//! The order in which DNS is asked about a destination (RFC 7672 §2.2), without asking: questions out, answers in.
//!
//! MX records come before addresses, and addresses before TLSA records: those of a host are asked for only if its
//! addresses are secured, since servers of unsigned zones tend to fail on them (§2.2.2). What fails for one host spoils no
//! other.
//!
//! ```
//! use sealpost_tls_policy::{
//!     dane::lookup::{Limits, Outcome, Reply, Search},
//!     facts::{Mx, NextHop},
//! };
//!
//! let mut search = Search::new(NextHop::Domain("example.org".parse().unwrap()), Limits::default());
//! for question in search.questions() {
//!     search.answer(&question, Reply::Mx(Outcome::Failed));
//! }
//! assert!(search.questions().is_empty());
//! assert_eq!(search.facts().mx, Mx::Failed);
//! ```

mod answer;
mod host;
mod search;

pub use answer::{Alias, Answer, Found, MxRecord, Outcome, Question, Reply};
pub use search::Search;

/// How much of what DNS answers is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many hosts, the most preferred ones: the rest is left out.
    pub hosts: usize,
    /// How many addresses of a host, of each family: the rest is left out.
    pub addresses: usize,
    /// How many TLSA records of a host. More are a failed look-up: leaving some out could leave out the usable ones.
    pub tlsa_records: usize,
    /// How many aliases lead from a name to its records. More are a failed look-up.
    pub aliases: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { hosts: 20, addresses: 16, tlsa_records: 64, aliases: 10 }
    }
}
