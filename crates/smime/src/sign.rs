//! Signing a mail.
