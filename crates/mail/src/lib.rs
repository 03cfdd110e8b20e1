#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod address;
mod domain;
mod encode;
mod field;
mod fields;
mod header;
mod report;
mod transfer;
mod walk;
mod write;

pub use address::{Address, Host, NotAnAddress};
pub use domain::{Domain, NotADomain};
pub use encode::QuotedPrintable;
pub use field::Parameterized;
pub use fields::{Field, Fields};
pub use report::{Composed, Machine, Report, Returned};
pub use transfer::{Decoded, Encoding};
pub use walk::{Next, Walker, starts_mail};
pub use write::{FieldWriter, Unwritable};
