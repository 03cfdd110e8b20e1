//! What a mail server, a forwarder and a forwardee need of sealpost: one file each beside this folder. Run one with
//! `cargo run --example NAME`.
