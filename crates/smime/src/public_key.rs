//! Public keys: what they verify.
