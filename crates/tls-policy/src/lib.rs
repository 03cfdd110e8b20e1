#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod bounce;
pub mod dane;
pub mod engine;
mod error;
pub mod explain;
pub mod facts;
#[cfg(feature = "fetch")]
pub mod fetch;
#[doc(hidden)]
pub mod fuzz;
pub mod header;
pub mod message;
pub mod one_time;
#[cfg(feature = "probe")]
pub mod probe;
pub mod requirement;
#[cfg(feature = "resolver")]
pub mod resolver;
pub mod route;
pub mod settings;
pub mod sts;
mod text;
#[cfg(feature = "rustls")]
pub mod tls;
pub mod tlsrpt;
mod txt;
pub mod verdict;
mod when;

pub use engine::{Attempt, HostPlan, HostVerdict, Plan, conclude, decide, judge, plan, requirements};
pub use error::{Error, Result};
pub use facts::Recorded;
pub use message::{DestinationPolicy, Guarantee, Level, Message, MessageOrigin, Rule};
pub use requirement::{Atom, Origin, Requirements};
pub use route::AlternateRoute;
pub use sealpost_time::{Span, Time};
pub use verdict::{Reason, Status, Verdict};
