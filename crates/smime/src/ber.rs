//! BER from outside (ITU-T X.690): a linear, iterative reader with limits, and a transcoder to DER.
