//! SignedData (RFC 5652 §5): read, checked, made.
