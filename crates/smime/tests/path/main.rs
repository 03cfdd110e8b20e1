//! Certificate paths: what is found, what is refused and why.

mod authority;
mod chains;
mod hostile;
mod real;
mod revocation;
