//! `sealpost forward import` and `sealpost forward export`

use sealpost::pre::Instance;
use serde_json::json;

use crate::{
    args,
    failure::{At, Result},
    files::{Place, read_instance, read_small, write_secret},
    output::Output,
};

pub(super) fn import(args: &args::Import, output: Output) -> Result {
    let instance = Instance::from_proton(&read_small(&args.proton)?).at(&args.proton)?;
    write_secret(&Place::File(args.out.clone()), instance.expose_json().at(&args.out)?.as_bytes())?;
    let (from, to) = (instance.forwarder().to_string(), instance.forwardee().to_string());
    output.result(
        &json!({ "file": args.out, "forwarder": from, "forwardee": to }),
        &format!("Imported: from {from} to {to}."),
    );
    Ok(())
}

pub(super) fn export(args: &args::Export, output: Output) -> Result {
    let instance = read_instance(&args.proton)?;
    let json = instance.expose_proton().at(&args.proton)?;
    if instance.not_before().or(instance.not_after()).is_some() {
        let text = "The format has no place for the instance's limits in time: they are left out.";
        output.beside_data(&json!({ "warning": text }), text);
    }
    write_secret(&args.out.clone().into(), json.as_bytes())
}
