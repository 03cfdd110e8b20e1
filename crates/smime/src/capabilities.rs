//! What a correspondent's program can do: SMIMECapabilities (RFC 8551 §2.5.2).
