//! `sealpost forward split` and `sealpost forward combine-check`

use std::path::Path;

use sealpost::pre::Instance;
use serde_json::{Value, json};

use super::{either::Either, now, verify::subkey};
use crate::{
    args,
    failure::{At, Failure, Result},
    files::{Together, must_be_free},
    output::Output,
    smime::forward::Two,
};

/// The files of each of the two shares: for the proxy that has it when it comes first, and when it comes second.
const NAMES: [[&str; 2]; 2] =
    [["share-1-first.json", "share-1-second.json"], ["share-2-first.json", "share-2-second.json"]];

pub(super) fn split(args: &args::Split, output: Output) -> Result {
    NAMES.as_flattened().iter().try_for_each(|name| must_be_free(&args.out, name))?;
    let whole = match args.instances.as_slice() {
        [whole] => Either::read(whole)?,
        [one, other] => Either::of_shares(one, other)?,
        _ => return Err(Failure::new("--instance: give an instance, or two shares of one")),
    };
    let place = args.instances.first().map_or(Path::new("--instance"), |path| path.as_path());
    let shares = whole.split(place)?;
    let mut new = Together::within(&args.out)?;
    let mut files = Vec::new();
    for (content, name) in shares.as_flattened().iter().zip(NAMES.as_flattened()) {
        files.push(new.add(name, content.as_bytes())?);
    }
    new.keep()?;
    let [one, other] = [files.get(..2), files.get(2..)].map(Option::unwrap_or_default);
    let json = json!({ "kind": whole.kind(), "shares": [one, other] });
    let text = format!(
        "For one server: {}\nFor the other one: {}\nThe one that comes first uses its first, the other its second; given both, \
         each takes the one that fits. Destroy what they were made of.\n",
        one.join(", "),
        other.join(", ")
    );
    output.result(&json, &text);
    Ok(())
}

pub(super) fn combine_check(args: &args::CombineCheck, output: Output) -> Result {
    let [one, other] = args.instances.as_slice() else {
        return Err(Failure::new("--instance: give two, the first of one share and the second of the other"));
    };
    let place = format!("{} and {}", one.display(), other.display());
    let whole = Either::of_shares(one, other)?;
    let (mut json, [from, to]) = match (&whole, &args.key, &args.cert) {
        (Either::OpenPgp(whole), Some(key), _) => openpgp(whole, (key, &args.forwardee), &place)?,
        (Either::Smime(whole), _, Some(cert)) => {
            let files = (cert.as_path(), args.forwardee.as_path());
            let two = Two::find(files, args.password_file.as_ref(), (whole, Path::new(&place)))?;
            whole.validity().check(now()?).at(&place)?;
            (two.json(), two.names())
        }
        (Either::OpenPgp(_), None, _) => {
            return Err(Failure::new(format!("{place}: for OpenPGP: give the key with --key")));
        }
        (Either::Smime(_), _, None) => {
            return Err(Failure::new(format!("{place}: for S/MIME: give the certificate with --cert")));
        }
    };
    if let Some(fields) = json.as_object_mut() {
        fields.insert("kind".to_owned(), whole.kind().into());
    }
    output.result(&json, &format!("Both shares together turn messages for {from} into messages for {to}."));
    Ok(())
}

/// Checks it for the subkeys in two files.
fn openpgp(whole: &Instance, (key, forwardee): (&Path, &Path), place: &str) -> Result<(Value, [String; 2])> {
    let keys = (subkey(key, whole.forwarder())?, subkey(forwardee, whole.forwardee())?);
    whole.verify(&keys.0, &keys.1).at(place)?;
    whole.check_time(now()?).at(place)?;
    let [from, to] = [whole.forwarder(), whole.forwardee()].map(|name| name.to_string());
    Ok((json!({ "valid": true, "forwarder": from, "forwardee": to }), [from, to]))
}
