//! Whole mails: what is signed is verified, and what is not signed never is.

#![cfg(test)]

#[path = "../path/authority.rs"]
#[expect(dead_code, reason = "certificate paths have tests of their own")]
mod authority;
mod confusion;
mod hostile;
mod odd;
mod partners;
mod people;
