//! `sealpost smime forward verify`

use super::{Two, args, read_instance};
use crate::{
    failure::{At, Result},
    forward::now,
    output::Output,
};

pub(super) fn run(args: &args::Verify, output: Output) -> Result {
    let instance = read_instance(&args.instance)?;
    let files = (args.cert.as_path(), args.forwardee.as_path());
    let two = Two::find(files, args.password_file.as_ref(), (&instance, &args.instance))?;
    instance.validity().check(now()?).at(&args.instance)?;
    let [from, to] = two.names();
    output.result(&two.json(), &format!("The instance turns mail for {from} into mail for {to}."));
    Ok(())
}
