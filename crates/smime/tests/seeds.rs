//! The bodies of the fuzz targets, over their seeds.

#![cfg(test)]

use sealpost_smime::fuzz;
use sealpost_testkit::seeds::replay;

#[test]
fn smime_ber() {
    replay("smime_ber", fuzz::ber);
}

#[test]
fn smime_signed() {
    replay("smime_signed", fuzz::signed);
}

#[test]
fn smime_pkcs12() {
    replay("smime_pkcs12", fuzz::pkcs12);
}

#[test]
fn smime_enveloped() {
    replay("smime_enveloped", fuzz::enveloped);
}

#[test]
fn smime_mime() {
    replay("smime_mime", fuzz::mime);
}
