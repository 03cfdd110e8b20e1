#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod activation;
mod decryptor;
mod error;
mod forwarder;
mod secret;

pub use activation::ActivationToken;
pub use decryptor::{ForwardeeDecryptor, decrypt_session_key};
pub use error::{Error, Result};
pub use forwarder::forwarder;
