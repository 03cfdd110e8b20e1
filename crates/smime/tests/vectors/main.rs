//! Other people's vectors, as whole mails through the public interface. What became of them stands in
//! `docs/vectors.md`.

#![cfg(test)]

mod corpus;
mod headers;
mod johnny;
mod openssl;
mod pkits;
#[cfg(feature = "pqc")]
mod pqc;
mod rfc9216;
mod support;
mod thunderbird;
