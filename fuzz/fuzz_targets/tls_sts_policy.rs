#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sealpost_tls_policy::fuzz::sts_policy(input));
