#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cached;
pub mod delegation;
mod error;
#[doc(hidden)]
pub mod fuzz;
pub mod level;
mod maps;
pub mod netstring;
pub mod next_hop;
mod outside;
mod report;
mod server;
pub mod socketmap;
mod submission;
#[cfg(test)]
mod testing;

pub use cached::Cached;
pub use error::{Error, Result};
pub use maps::{Maps, Socketmaps, Transports};
pub use outside::{Known, Outside, Session};
pub use report::StsReport;
pub use server::{Dialogue, Event, Journal, Limits, Listener, serve};
pub use submission::Submission;
