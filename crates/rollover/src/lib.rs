#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod alarm;
pub mod audit;
pub mod authority;
#[cfg(feature = "testing")]
pub mod conformance;
mod decide;
pub mod driver;
mod effect;
mod error;
mod event;
pub mod explain;
mod generation;
mod health;
#[cfg(feature = "testing")]
pub mod memory;
mod policy;
pub mod port;
mod replace;
mod roles;
pub mod simulate;
mod state;
mod subject;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timeline;
pub mod workshop;

pub use decide::decide;
pub use effect::{Act, Decision, Effect, Wake};
pub use error::{Error, Result};
pub use event::{Event, Happened, apply};
pub use explain::{Explanation, explain};
pub use generation::{Cause, Generation, GenerationId, RevocationReason, Stage};
pub use health::CaHealth;
pub use policy::{FirstKey, Fleet, Infeasible, Margin, Policy, SecondPlace};
pub use replace::{Bottleneck, Feasibility, Rehearsal, Selection, Verdict};
pub use sealpost_time::{Span, Time};
pub use state::SubjectState;
pub use subject::{Layout, Slot, Subject, SubjectId, SubjectKind};
