//! `sealpost smime inspect`

use sealpost::smime::{Limits, Structure};

use super::args;
use crate::{
    failure::{At, Result},
    files::Place,
    output::Output,
};

pub(super) fn run(args: args::Inspect, output: Output) -> Result {
    let from = Place::from(args.input);
    let mut mail = from.mail(Limits::default().mail)?;
    let structure = Structure::read(&mut mail, &Limits::default()).at(from.input_name())?;
    output.result(&super::report::structure(&structure), &structure.to_string());
    Ok(())
}
