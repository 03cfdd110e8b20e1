//! PEM (RFC 7468).
