//! S/MIME.
#![forbid(unsafe_code)]

pub mod algorithm;
mod asn1;
mod ber;
mod capabilities;
mod certificate;
mod decrypt;
mod encrypt;
mod enveloped;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod identity;
mod inspect;
pub mod key;
mod limits;
mod mime;
mod oid;
pub mod path;
mod pem;
mod pkcs12;
mod protected;
mod public_key;
mod sign;
mod signed;
mod time;
mod verify;

pub use certificate::Certificate;
pub use error::{Error, Result};
pub use identity::Identity;
pub use limits::Limits;
pub use time::UnixTime;
