//! `sealpost rollover rekey` and `export-p12`

use std::str;

use indicatif::ProgressBar;
use sealpost::{
    rollover::{GenerationId, Slot, port::KeyStore},
    store::{import, seal},
};
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    args,
    site::{Site, actor},
};
use crate::{
    failure::{At, Failure, Result},
    files::{Place, read_passphrase, write_secret},
    output::Output,
    table::grouped,
};

/// How many keys are wrapped again in one transaction.
const STEP: u32 = 500;
/// From so many keys on, a terminal sees how far it is.
const MANY: u64 = 1_000;
/// The setting, for the audit chain.
const VERSION: &str = "key-encryption-key";

pub(super) async fn rekey(args: &args::Rekey, output: Output) -> Result {
    let mut site = Site::open(&args.at).await?;
    // Keys that are left from the last time come first: a new version is made only when there are none.
    let left = site.store.rewrap(0).await.at(site.name.text())?.left;
    if left == 0 {
        seal::add_version(&site.source).at("--key-source")?;
        site = Site::open(&args.at).await?;
    }
    let at = site.name.text();
    let total = if left == 0 { site.store.rewrap(0).await.at(&at)?.left } else { left };
    let bar = if total >= MANY && output == Output::Text { ProgressBar::new(total) } else { ProgressBar::hidden() };
    let mut wrapped = 0;
    loop {
        let step = site.store.rewrap(STEP).await.at(&at)?;
        wrapped += step.done;
        bar.set_position(wrapped);
        if step.left == 0 {
            break;
        }
    }
    bar.finish_and_clear();
    let version = site.key_version;
    site.store.set(VERSION, &version.to_string(), &actor()).await.at(&at)?;
    let json = json!({ "version": version, "wrapped": wrapped, "resumed": left > 0 });
    let text = format!("{at}: {} keys are sealed under version {version} of the key-encryption key.", grouped(wrapped));
    output.result(&json, &text);
    Ok(())
}

pub(super) async fn export(args: args::ExportP12, output: Output) -> Result {
    let passphrase = read_passphrase(Some(&args.password_file))?.unwrap_or_default();
    let name = args.password_file.display();
    let passphrase = str::from_utf8(&passphrase).map_err(|_| Failure::new(format!("{name}: it must be UTF-8")))?;
    let site = Site::open(&args.at).await?;
    let at = site.name.text();
    let listed = site.subject(&args.address).await?;
    let state = &listed.state;
    let now = site.store.now().await.at(&at)?;
    let slot = args.slot.or_else(|| state.layout.slots().first().copied()).unwrap_or(Slot::Dual);
    let none = || Failure::new(format!("{}: it has no such key", args.address));
    let number = args.number.or_else(|| state.holder(slot, now).map(|holder| holder.number)).ok_or_else(none)?;
    let id = GenerationId::new(state.id, slot, number);
    let record = site.store.generation(id).await.at(&at)?.ok_or_else(none)?;
    let certificate = record.certificates.first();
    let certificate =
        certificate.ok_or_else(|| Failure::new(format!("{}: key {number} has no certificate", args.address)))?;
    let key = site.store.private_key(id).await.at(&at)?;
    let file: Zeroizing<Vec<u8>> =
        import::export(&key, certificate, Some(&args.address), passphrase).at(&args.address)?;
    let to = Place::from(Some(args.out));
    write_secret(&to, &file)?;
    let json = json!({ "address": args.address, "slot": slot.word(), "number": number });
    output.beside_data(
        &json,
        &format!("{}: {} key {number} is in {}.", args.address, slot.word(), to.output_name().display()),
    );
    Ok(())
}
