//! EnvelopedData (RFC 5652 §6) and AuthEnvelopedData (RFC 5083): made and opened.

mod cipher;

pub use cipher::ContentCipher;
