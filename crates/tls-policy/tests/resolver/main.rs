//! The resolver against a small recursive name server on loopback: a signed root, an unsigned zone below it, and whatever
//! attackers put into answers.

#![cfg(test)]
#![cfg(feature = "resolver")]

mod cases;
mod server;
