//! What was done to a message, for people and for machines.

use std::path::PathBuf;

use sealpost::pre::{EncryptedData, MessageReport, Outcome, PkeskReport, Report};
use serde_json::{Value, json};

/// No more instances are named in one line for people.
const NAMED: usize = 4;

pub(super) fn json(report: &Report, instances: &[PathBuf]) -> Value {
    let message = |message: &MessageReport| {
        json!({
            "offset": message.offset,
            "armored": message.armored,
            "data": data(message.data),
            "skesks": message.skesks,
            "skesks_dropped": message.skesks_dropped,
            "pkesks": message.pkesks.iter().map(|pkesk| pkesk_json(pkesk, instances)).collect::<Vec<_>>(),
        })
    };
    let skipped =
        report.skipped.iter().map(|block| json!({ "offset": block.offset, "error": block.error.to_string() }));
    json!({
        "transformed": report.transformed(),
        "messages": report.messages.iter().map(message).collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
    })
}

fn pkesk_json(pkesk: &PkeskReport, instances: &[PathBuf]) -> Value {
    let (outcome, reason) = match &pkesk.outcome {
        Outcome::Dropped => ("dropped", None),
        Outcome::Kept => ("kept", None),
        Outcome::Refused(refusal) => ("refused", Some(refusal.to_string())),
        Outcome::Transformed { .. } => ("transformed", None),
        _ => ("unknown", None),
    };
    json!({
        "offset": pkesk.offset,
        "version": pkesk.version,
        "recipient": recipient(pkesk),
        "algorithm": pkesk.algorithm,
        "curve25519": pkesk.curve25519,
        "outcome": outcome,
        "reason": reason,
        "instances": used(&pkesk.outcome, instances),
    })
}

pub(super) fn text(report: &Report, instances: &[PathBuf]) -> String {
    let mut text = String::new();
    for message in &report.messages {
        let armored = if message.armored { "armored" } else { "binary" };
        text += &format!("Message at octet {}, {armored}, {}\n", message.offset, data(message.data));
        for pkesk in &message.pkesks {
            let version = pkesk.version;
            text += &format!(
                "  PKESK v{version} for {}, {}: {}\n",
                recipient(pkesk),
                algorithm(pkesk),
                outcome(pkesk, instances)
            );
        }
        if message.skesks > 0 {
            text += &format!(
                "  {} session keys encrypted with a passphrase, {} of them dropped\n",
                message.skesks, message.skesks_dropped
            );
        }
    }
    for block in &report.skipped {
        text += &format!("Left alone at octet {}: {}\n", block.offset, block.error);
    }
    text
}

fn outcome(pkesk: &PkeskReport, instances: &[PathBuf]) -> String {
    match &pkesk.outcome {
        Outcome::Dropped => "dropped".into(),
        Outcome::Kept if pkesk.curve25519 => "kept; an instance for this key could transform it".into(),
        Outcome::Kept => "kept; no instance could transform it".into(),
        Outcome::Refused(refusal) => format!("refused: {refusal}"),
        Outcome::Transformed { instances: places } if places.len() > NAMED => {
            format!("transformed with {} instances", places.len())
        }
        outcome => format!("transformed with {}", used(outcome, instances).join(", ")),
    }
}

/// The files of the instances that were used.
fn used(outcome: &Outcome, instances: &[PathBuf]) -> Vec<String> {
    let Outcome::Transformed { instances: places } = outcome else { return Vec::new() };
    places.iter().filter_map(|place| instances.get(*place)).map(|path| path.display().to_string()).collect()
}

pub(super) fn recipient(pkesk: &PkeskReport) -> String {
    pkesk.recipient.map_or("nobody knows whom".into(), |recipient| recipient.to_string())
}

fn algorithm(pkesk: &PkeskReport) -> String {
    match pkesk.algorithm {
        1 | 2 => "RSA".into(),
        16 => "Elgamal".into(),
        18 if pkesk.curve25519 => "ECDH over Curve25519".into(),
        18 => "ECDH over another curve".into(),
        25 => "X25519".into(),
        26 => "X448".into(),
        other => format!("algorithm {other}"),
    }
}

fn data(data: EncryptedData) -> &'static str {
    match data {
        EncryptedData::SeipdV1 => "SEIPD version 1",
        EncryptedData::SeipdV2 => "SEIPD version 2",
        EncryptedData::Ocb => "OCB encrypted data",
        _ => "encrypted data",
    }
}
