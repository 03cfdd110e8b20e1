//! `sealpost rollover import-p12`

use std::str;

use sealpost::{
    rollover::{Subject, SubjectKind},
    smime::Certificate,
    store::import::{self, Imported},
};
use serde_json::json;

use super::{
    args,
    site::{Site, called},
};
use crate::{
    failure::{At, Failure, Result},
    files::{read_passphrase, read_small},
    output::Output,
};

pub(super) async fn run(args: args::ImportP12, output: Output) -> Result {
    let passphrase = read_passphrase(args.password_file.as_ref())?;
    let passphrase = passphrase.as_ref().map(|octets| str::from_utf8(octets)).transpose();
    let passphrase = passphrase.map_err(|_| Failure::new("--password-file: it must be UTF-8"))?;
    let name = args.file;
    let mut keys = import::read(&read_small(&name)?, passphrase).at(&name)?;
    if keys.is_empty() {
        return Err(Failure::new(format!("{}: no key with a certificate", name.display())));
    }
    // The newest one last, so that numbers grow with time.
    keys.sort_by_key(|key| key.certificate.not_before);
    let site = Site::open(&args.at).await?;
    let subject = site.subject(&args.address).await?.subject;
    if !args.other_addresses {
        // Each is looked at before the first one is taken in.
        if let Some(others) = keys.iter().find_map(|key| others(&subject, key)) {
            let name = name.display();
            let problem = format!("{name}: a certificate is for {others}, not for {}", subject.address);
            return Err(Failure::new(format!("{problem}; --other-addresses takes it in all the same")));
        }
    }
    let worker = site.worker(None)?;
    let mut numbers = Vec::with_capacity(keys.len());
    for Imported { key, certificate, slot, .. } in keys {
        numbers.push(worker.import(subject.id, slot, key, certificate).await.at(site.name.text())?.number);
    }
    let json = json!({ "address": subject.address, "numbers": numbers });
    output.result(&json, &format!("{}: {} keys are there.", called(&subject), numbers.len()));
    Ok(())
}

/// The addresses that the certificate is for, if a mailbox's own is not among them.
fn others(subject: &Subject, key: &Imported) -> Option<String> {
    let own = |address: &String| address.eq_ignore_ascii_case(&subject.address);
    let addresses = Certificate::from_der(&key.certificate.der).ok()?.addresses();
    let mailbox = matches!(subject.kind, SubjectKind::Mailbox | SubjectKind::SharedMailbox);
    (mailbox && !addresses.iter().any(own)).then(|| addresses.join(", "))
}
