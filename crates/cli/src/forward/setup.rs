//! `sealpost forward setup`

use std::{path::Path, time::SystemTime};

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost::{
    pre::{Forwarder, Instance, MultiHop, Setup, UnixTime, Validity, dearmor, set_up},
    pre_sequoia::{ActivationToken, forwarder},
};
use sequoia_openpgp::{Cert, parse::Parse};
use serde_json::json;

use super::now;
use crate::{
    args,
    failure::{At, Failure, Result},
    files::{Together, read_passphrase, read_small},
    output::Output,
};

const KEY: &str = "forwardee.key.asc";
const TOKEN: &str = "activation.asc";

pub(super) fn run(args: &args::Setup, output: Output) -> Result {
    let now = now()?;
    let validity = validity((args.not_before, args.not_after), now)?;
    let key = read_small(&args.key)?;
    let passphrase = read_passphrase(args.password_file.as_ref())?;
    let passphrase = passphrase.as_ref().map(|passphrase| passphrase.as_slice());
    let hops = if args.multi_hop { MultiHop::Allow } else { MultiHop::Forbid };
    let forwarder = forwarder(&key, passphrase, SystemTime::now(), hops).at(&args.key)?;
    let token = args.certificate.as_deref().map(|path| seal(args, &key, passphrase, path)).transpose()?;
    let lock = token.as_ref().map(|(token, _)| token.expose_passphrase().as_bytes());
    let setup = set_up(&forwarder, &args.to, now, lock, &mut UnwrapErr(SysRng)).at("--to")?;
    let files = write(args, setup, token.as_ref().map(|(_, sealed)| sealed.as_slice()), validity)?;
    report(&forwarder, &files, output);
    Ok(())
}

/// From when to when the instances are valid: `--not-before` and `--not-after`.
pub(crate) fn validity((start, end): (Option<u64>, Option<u64>), now: UnixTime) -> Result<Validity> {
    let (not_before, not_after) = (start.map(UnixTime), end.map(UnixTime));
    match (not_before, not_after) {
        (_, Some(end)) if end < now => {
            Err(Failure::new(format!("--not-after {}: is in the past; it is now {}", end.0, now.0)))
        }
        (Some(start), Some(end)) if start > end => {
            Err(Failure::new(format!("--not-before {}: is later than --not-after {}", start.0, end.0)))
        }
        (not_before, not_after) => Ok(Validity { not_before, not_after }),
    }
}

/// A token for the forwardee's own certificate.
fn seal(args: &args::Setup, key: &[u8], passphrase: Option<&[u8]>, path: &Path) -> Result<(ActivationToken, Vec<u8>)> {
    let certificate = read_small(path)?;
    let certificate =
        Cert::from_bytes(&*certificate).map_err(|why| Failure::new(format!("{}: {why}", path.display())))?;
    let signer = Cert::from_bytes(dearmor(key).at(&args.key)?.as_slice())
        .map_err(|why| Failure::new(format!("{}: {why}", args.key.display())))?;
    let token = ActivationToken::generate().at(path)?;
    let sealed = token.seal(&signer, passphrase, &certificate, SystemTime::now()).at("the activation token")?;
    Ok((token, sealed))
}

/// What was written.
struct Files {
    fingerprint: String,
    key: String,
    token: Option<String>,
    instances: Vec<(String, Instance)>,
}

fn write(args: &args::Setup, setup: Setup, token: Option<&[u8]>, validity: Validity) -> Result<Files> {
    let mut new = Together::within(&args.out)?;
    let key = new.add(KEY, setup.key.expose_armored().as_bytes())?;
    let token = token.map(|token| new.add(TOKEN, token)).transpose()?;
    let mut instances = Vec::new();
    for (n, instance) in setup.instances.into_iter().enumerate() {
        let instance = instance.valid(validity.not_before, validity.not_after);
        let (name, json) = (format!("instance-{n}.json"), instance.expose_json());
        instances.push((new.add(&name, json.at(&name)?.as_bytes())?, instance));
    }
    new.keep()?;
    Ok(Files { fingerprint: setup.key.fingerprint().to_string(), key, token, instances })
}

fn report(forwarder: &Forwarder, files: &Files, output: Output) {
    let instances: Vec<_> = files.instances.iter().map(|(file, instance)| {
        json!({ "file": file, "forwarder": instance.forwarder().to_string(), "forwardee": instance.forwardee().to_string() })
    }).collect();
    let skipped: Vec<_> = forwarder
        .skipped()
        .iter()
        .map(|skipped| json!({ "subkey": skipped.subkey, "reason": skipped.reason.to_string() }))
        .collect();
    let json = json!({
        "key": { "file": files.key, "fingerprint": files.fingerprint, "locked": files.token.is_some() },
        "activation": files.token,
        "instances": instances,
        "skipped": skipped,
    });
    let mut text = String::from("Taken:\n");
    for (file, instance) in &files.instances {
        text += &format!("  {} -> {}  for the server: {file}\n", instance.forwarder(), instance.forwardee());
    }
    if !forwarder.skipped().is_empty() {
        text += "Not taken:\n";
        forwarder.skipped().iter().for_each(|skipped| text += &format!("  {skipped}\n"));
    }
    text += &format!("For the forwardee alone, by a safe way: {}\n", files.key);
    if let Some(token) = &files.token {
        text += &format!("It is locked; the passphrase, encrypted to the forwardee: {token}\n");
    }
    output.result(&json, &text);
}
