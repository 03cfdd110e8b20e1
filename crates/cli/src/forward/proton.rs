//! `sealpost forward import` and `sealpost forward export`

use std::io::Write;

use sealpost::pre::Instance;
use serde_json::json;

use crate::{
    args,
    failure::{At, Result},
    files::{NewFile, read_instance, read_small},
    output::Output,
};

pub(super) fn import(args: &args::Import, output: Output) -> Result {
    let instance = Instance::from_proton(&read_small(&args.proton)?).at(&args.proton)?;
    NewFile::secret(&args.out)?.write(instance.expose_json().as_bytes())?.keep()?;
    let (from, to) = (instance.forwarder().to_string(), instance.forwardee().to_string());
    output.result(
        &json!({ "file": args.out, "forwarder": from, "forwardee": to }),
        &format!("Imported: from {from} to {to}."),
    );
    Ok(())
}

pub(super) fn export(args: &args::Export, output: Output) -> Result {
    let instance = read_instance(&args.proton)?;
    let json = instance.expose_proton();
    if instance.not_before().or(instance.not_after()).is_some() {
        let text = "The format has no place for the instance's limits in time: they are left out.";
        output.beside_data(&json!({ "warning": text }), text);
    }
    match &args.out {
        Some(path) => NewFile::secret(path)?.write(json.as_bytes())?.keep(),
        None => std::io::stdout().write_all(json.as_bytes()).at("stdout"),
    }
}
