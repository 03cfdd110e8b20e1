#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod header;
mod transfer;
mod walk;

pub use transfer::{Decoded, Encoding};
pub use walk::{Next, Walker, starts_mail};
