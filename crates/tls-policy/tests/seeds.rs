//! The bodies of the fuzz targets, over their seeds.

#![cfg(test)]

use sealpost_testkit::seeds::replay;
use sealpost_tls_policy::fuzz;

#[test]
fn tls_sts_record() {
    replay("tls_sts_record", fuzz::sts_record);
}

#[test]
fn tls_sts_policy() {
    replay("tls_sts_policy", fuzz::sts_policy);
}

#[test]
fn tls_report() {
    replay("tls_report", fuzz::report);
}

#[test]
fn tls_tlsa() {
    replay("tls_tlsa", fuzz::tlsa);
}
