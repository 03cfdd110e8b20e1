//! The MIME side of S/MIME (RFC 8551 §3): where the protected parts are, and how they are written.

pub(crate) mod base64;
#[cfg(test)]
pub(crate) mod testing;
