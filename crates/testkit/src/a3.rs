//! Appendix A.3 of draft-wussler-openpgp-forwarding, as the server has it.

/// A message for the forwarder.
pub const MESSAGE: &str = "-----BEGIN PGP MESSAGE-----\n\n\
    wV4DFVflUJOTBRASAQdAdvFLPtXcvwSkEwbwmnjOrL6eZLh5ysnVpbPlgZbZwjgw\n\
    yGZuVVMAK/ypFfebDf4D/rlEw3cysv213m8aoK8nAUO8xQX3XQq3Sg+EGm0BNV8E\n\
    0kABEPyCWARoo5klT1rHPEhelnz8+RQXiOIX3G685XCWdCmaV+tzW082D0xGXSlC\n\
    7lM8r1DumNnO8srssko2qIja\n\
    =uOPV\n\
    -----END PGP MESSAGE-----\n";

/// The instance that transforms it, in Proton's format.
pub const INSTANCE: &[u8] = br#"{
    "PgpVersion": 4,
    "ForwarderKeyFingerprint": "8a5f35753833ff9919ad88161557e55093930510",
    "ForwardeeKeyFingerprint": "805249be13f8fe08fd5dbcb2076ed69fdede0029",
    "ProxyParam": "04b657045fc9c0759c5fd11d8ca75a2b1aa101c9c896490bcec100f941e97e0e"
}"#;
