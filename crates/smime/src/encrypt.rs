//! Encrypting a mail.
