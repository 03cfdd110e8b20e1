//! Certificates of all kinds, by themselves and in handshakes with rustls.

#![cfg(test)]
#![cfg(feature = "rustls")]

mod handshakes;
mod made;
mod paths;
