//! Object identifiers.

use der::oid::ObjectIdentifier;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($value);)*
    };
}

oids! {
    // Attributes of names (RFC 5280, appendix A).
    COMMON_NAME = "2.5.4.3";
    SERIAL_NUMBER = "2.5.4.5";
    COUNTRY = "2.5.4.6";
    ORGANIZATION = "2.5.4.10";
    EMAIL_ADDRESS = "1.2.840.113549.1.9.1";
    // Extensions (RFC 5280, section 4.2).
    SUBJECT_KEY_ID = "2.5.29.14";
    KEY_USAGE = "2.5.29.15";
    SUBJECT_ALT_NAME = "2.5.29.17";
    BASIC_CONSTRAINTS = "2.5.29.19";
    CRL_NUMBER = "2.5.29.20";
    REASON_CODE = "2.5.29.21";
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    CERTIFICATE_POLICIES = "2.5.29.32";
    ANY_POLICY = "2.5.29.32.0";
    AUTHORITY_KEY_ID = "2.5.29.35";
    EXTENDED_KEY_USAGE = "2.5.29.37";
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
    // Extended key usages (RFC 5280, section 4.2.1.12).
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
    SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
    CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
    EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4";
    TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
    OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
    // Access methods (RFC 5280, section 4.2.2.1), and OCSP (RFC 6960).
    OCSP = "1.3.6.1.5.5.7.48.1";
    OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1";
    OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2";
    CA_ISSUERS = "1.3.6.1.5.5.7.48.2";
    // RFC 9598.
    SMTP_UTF8_MAILBOX = "1.3.6.1.5.5.7.8.9";
    // RFC 2985, section 5.4.2.
    EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
    // Algorithms (RFC 3279, RFC 5480).
    SHA1 = "1.3.14.3.2.26";
    SHA256 = "2.16.840.1.101.3.4.2.1";
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
    SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    X25519 = "1.3.101.110";
    ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
    ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
}
