#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    sealpost_smime_forwarding::fuzz::fuzz(input);
});
