//! Certificate paths (RFC 5280 §6): built, validated, revocation checked.
