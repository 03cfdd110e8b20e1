//! Certificate paths: what is found, what is refused and why.

#![cfg(test)]

mod authority;
mod chains;
mod hostile;
mod real;
mod revocation;
