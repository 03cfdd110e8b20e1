//! Any octets as a mail, for instances that everyone knows; no part of the interface.

use std::{collections::HashMap, io::Cursor, sync::LazyLock};

use sealpost_pre::UnixTime;
use sealpost_smime::{CertificateIdentifier, Limits, Protection, Structure};

use crate::{Disposition, Instance, Outcome, Policy, Refusal, Report, Transform, names};

/// The body of a mail can be any octets.
const HEADER: &[u8] = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n";

/// Of each curve one for the certificate with the serial number 1 of an issuer without a name, and the key identifier 01;
/// of P-256 another one.
static INSTANCES: LazyLock<Vec<Instance>> = LazyLock::new(|| {
    let instance = |(group, digits, forwardee): (&str, usize, &str)| {
        let forwarder = r#"{ "issuer": "3000", "serial": "01" }, { "key_id": "01" }"#;
        let json = format!(
            r#"{{ "format": "sealpost-forwarding-instance", "version": 1, "kind": "smime", "group": "{group}",
                "forwarder": [{forwarder}], "forwardee": [{forwardee}], "factor": "{}" }}"#,
            "4207".repeat(digits / 4)
        );
        Instance::from_json(json.as_bytes()).ok()
    };
    let all = [
        ("P-256", 64, r#"{ "issuer": "3000", "serial": "02" }, { "key_id": "02" }"#),
        ("P-384", 96, r#"{ "issuer": "30023100", "serial": "03" }"#),
        ("Curve25519", 64, r#"{ "key_id": "0404040404040404040404040404040404040404" }"#),
        ("P-256", 64, r#"{ "issuer": "3000", "serial": "0505050505" }"#),
    ];
    all.into_iter().filter_map(instance).collect()
});

/// The first octet says what stands behind it (a mail, or the binary body of one), what becomes of others, and how many
/// products there may be; or that is an instance. It is written if something was transformed, has the
/// recipients that the report says, and has nothing more to transform. Says how many were transformed.
///
/// # Panics
///
/// If it isn't so.
pub fn fuzz(input: &[u8]) -> usize {
    assert_eq!(INSTANCES.len(), 4, "the instances are right");
    let (how, octets) = input.split_first().map_or((0, input), |(how, octets)| (*how, octets));
    if let Ok(instance) = Instance::from_json(octets) {
        let json = instance.expose_json();
        let again = Instance::from_json(json.as_bytes());
        assert!(again.is_ok_and(|again| again.expose_json() == json), "an instance is read again");
    }
    let mail = if how & 1 == 0 { octets.to_vec() } else { [HEADER, octets].concat() };
    let others = if how & 2 == 0 { Disposition::Keep } else { Disposition::Drop };
    let policy = Policy { others, products: usize::from(how >> 2), ..Policy::default() };
    let transform = Transform::new(&INSTANCES, UnixTime(0)).policy(policy);
    let (planned, mut out) = (transform.inspect(&mut Cursor::new(&mail)), Vec::new());
    let done = transform.mail(&mut Cursor::new(&mail), &mut out);
    // Damage behind the recipients is found when that is written.
    assert!(planned.is_ok() || (done.is_err() && out.is_empty()), "nothing is written before all was planned");
    let Ok(report) = done else { return 0 };
    assert_eq!(report.transformed() == 0, out.is_empty(), "it is written if something was transformed");
    if !out.is_empty() {
        written(&mail, &out, &report);
    }
    report.transformed()
}

/// How often somebody is named.
type Named = HashMap<CertificateIdentifier, i32>;

/// Judges what was written.
fn written(mail: &[u8], out: &[u8], report: &Report) {
    let (mut seen, mut expected) = (Named::new(), Named::new());
    for recipient in &report.recipients {
        let Some(id) = &recipient.recipient.id else { continue };
        *seen.entry(id.clone()).or_default() += 1;
        let names = match &recipient.outcome {
            Outcome::Transformed(places) => {
                let forwardees = places.iter().filter_map(|place| INSTANCES.get(*place)).map(Instance::forwardee);
                forwardees.map(|forwardee| names::in_form_of(id, forwardee).unwrap_or(id)).collect()
            }
            Outcome::Dropped => vec![],
            _ => vec![id],
        };
        names.into_iter().for_each(|name| *expected.entry(name.clone()).or_default() += 1);
    }
    // A recipient of whom a part is malformed that stays as it is is none for who reads all.
    if recipients(mail) == Some(seen) {
        assert_eq!(recipients(out), Some(expected), "its recipients are those that were planned");
    }
    let is_limit = |outcome: &Outcome| matches!(outcome, Outcome::Refused(Refusal::Limit(_)));
    let again = Transform::new(&INSTANCES, UnixTime(0)).inspect(&mut Cursor::new(out));
    let done = again.is_ok_and(|again| again.transformed() == 0);
    assert!(done || report.recipients.iter().any(|one| is_limit(&one.outcome)), "nothing is left to transform");
}

/// How often who is a recipient of a message in the mail, if all can be read.
fn recipients(mail: &[u8]) -> Option<Named> {
    let structure = Structure::read(&mut Cursor::new(mail), &Limits::default()).ok()?;
    let mut found = Named::new();
    for part in structure.parts {
        match part.protection {
            Some(Protection::Encrypted(message)) => {
                let ids = message.recipients.into_iter().filter_map(|recipient| recipient.id);
                ids.for_each(|id| *found.entry(id).or_default() += 1);
            }
            Some(Protection::Unreadable(_)) => return None,
            _ => {}
        }
    }
    Some(found)
}
