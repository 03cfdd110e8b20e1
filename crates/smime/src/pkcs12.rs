//! PKCS#12 files (RFC 7292), read.
