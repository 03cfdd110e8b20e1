#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod apart;
mod certificate;
pub mod check;
mod error;
mod keys;
pub mod local;
mod oid;
pub mod personal;
mod pool;
mod profile;
mod request;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(test, feature = "testing"))]
mod wait;
mod workshop;
mod write;

pub use check::Check;
pub use error::{Error, Result};
pub use keys::KeyKind;
pub use local::LocalAuthority;
pub use pool::KeyPool;
pub use profile::Profile;
pub use workshop::MailWorkshop;
