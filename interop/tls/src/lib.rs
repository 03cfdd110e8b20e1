//! A room without doors for tests of mail: namespaces of their own, in which Postfix, nsd and unbound run on loopback
//! with their real ports, an attacker sits on the wire, and all that passes is recorded.
//!
//! Nothing of it touches the machine, and all of it ends with the test, also when the test is killed.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where its surroundings are not as they should be"
)]

pub mod attacker;
pub mod capture;
pub mod certificates;
mod dns;
pub mod lab;
pub mod policies;
pub mod postfix;
pub mod program;
mod room;
pub mod smtp;
mod zones;

pub use lab::Lab;
pub use room::inside;
