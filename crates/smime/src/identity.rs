//! Whether a mail's From and Sender are the signer's addresses (RFC 8550 §3).
