//! `sealpost forward verify`

use std::path::Path;

use sealpost::pre::{Curve25519Subkey, Fingerprint};
use serde_json::json;

use super::now;
use crate::{
    args,
    failure::{At, Failure, Result},
    files::{read_instance, read_small},
    output::Output,
};

pub(super) fn run(args: &args::Verify, output: Output) -> Result {
    let instance = read_instance(&args.instance)?;
    let forwarder = subkey(&args.key, instance.forwarder())?;
    let forwardee = subkey(&args.forwardee, instance.forwardee())?;
    instance.verify(&forwarder, &forwardee).at(&args.instance)?;
    instance.check_time(now()?).at(&args.instance)?;
    let (from, to) = (instance.forwarder().to_string(), instance.forwardee().to_string());
    output.result(
        &json!({ "valid": true, "forwarder": from, "forwardee": to }),
        &format!("The instance turns messages for {from} into messages for {to}."),
    );
    Ok(())
}

/// The subkey with this fingerprint in a key file.
pub(super) fn subkey(path: &Path, fingerprint: Fingerprint) -> Result<Curve25519Subkey> {
    let subkeys = Curve25519Subkey::read_all(&read_small(path)?).at(path)?;
    let found = subkeys.into_iter().find(|subkey| subkey.fingerprint == fingerprint);
    found.ok_or_else(|| {
        let path = path.display();
        Failure::new(format!("{path}: has no Curve25519 subkey {fingerprint}, which the instance is for"))
    })
}
