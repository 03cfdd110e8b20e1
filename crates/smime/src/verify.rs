//! Verifying a mail.
