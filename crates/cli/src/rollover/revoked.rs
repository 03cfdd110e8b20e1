//! `sealpost rollover revoked`

use sealpost::rollover::port::KeyStore;
use serde_json::json;

use super::{args, certificate, site::Site};
use crate::{
    failure::{At, Failure, Result},
    output::Output,
};

pub(super) async fn run(args: args::Revoked, output: Output) -> Result {
    let (issuer, serial) = match (&args.cert, &args.issuer, &args.serial) {
        (Some(path), _, _) => certificate::name(path)?,
        (None, Some(issuer), Some(digits)) => {
            let serial = certificate::serial(digits);
            let wrong = || Failure::new(format!("--serial: no number in hexadecimal digits: {digits:?}"));
            (certificate::issuer(issuer)?, serial.ok_or_else(wrong)?)
        }
        _ => return Err(Failure::new("name the certificate: --cert, or --issuer and --serial")),
    };
    let site = Site::open(&args.at).await?;
    let at = site.name.text();
    let now = site.store.now().await.at(&at)?;
    let affected =
        site.worker(None)?.revoked(&issuer, &serial, args.reason, args.since.unwrap_or(now)).await.at(&at)?;
    let mut names = Vec::new();
    for id in &affected {
        let listed = site.store.load(id.subject).await.at(&at)?;
        let address = listed.map_or_else(|| id.subject.to_string(), |listed| listed.subject.address);
        names.push((address, id.slot.word(), id.number));
    }
    if names.is_empty() {
        return Err(Failure::new(format!("{at}: no key in use has that certificate: nothing was changed")));
    }
    let keys: Vec<_> = names
        .iter()
        .map(|(address, slot, number)| json!({ "address": address, "slot": slot, "number": number }))
        .collect();
    let lines: Vec<String> = names
        .iter()
        .map(|(address, slot, number)| {
            format!(
                "{address}: {slot} key {number} signs nothing any more; it still decrypts. Its successor is due now."
            )
        })
        .collect();
    output.result(&json!({ "revoked": keys }), &lines.join("\n"));
    Ok(())
}
