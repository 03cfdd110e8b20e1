//! Decrypting a mail.
