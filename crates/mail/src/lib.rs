#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod field;
mod header;
mod transfer;
mod walk;

pub use field::Parameterized;
pub use transfer::{Decoded, Encoding};
pub use walk::{Next, Walker, starts_mail};
