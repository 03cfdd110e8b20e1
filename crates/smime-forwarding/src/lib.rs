#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
#[doc(hidden)]
pub mod fuzz;
mod instance;
mod names;
mod report;
mod scheme;
mod serial;
mod transform;

pub use error::{Error, Result};
pub use instance::{Instance, SigningKeys};
pub use report::{Outcome, RecipientReport, Refusal, Report};
pub use serial::serial_octets;
pub use transform::{Disposition, Policy, Transform};
