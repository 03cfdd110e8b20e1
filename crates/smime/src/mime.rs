//! The MIME side of S/MIME (RFC 8551 §3): where the protected parts are, and how they are written.

pub(crate) mod address;
pub(crate) mod base64;
pub(crate) mod canonical;
pub(crate) mod claim;
pub(crate) mod frame;
mod fuzz;
pub(crate) mod hazards;
pub(crate) mod header;
pub(crate) mod lines;
pub(crate) mod locate;
pub(crate) mod quoted;
pub(crate) mod scan;
pub(crate) mod seven_bit;
mod survey;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod transfer;
pub(crate) mod tree;
mod unchanged;
pub(crate) mod window;

pub use fuzz::fuzz;
