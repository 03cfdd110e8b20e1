//! `sealpost forward …`

use std::time::{SystemTime, UNIX_EPOCH};

use sealpost::pre::UnixTime;

use crate::{
    args::Forward,
    failure::{Failure, Result},
    output::Output,
};

mod activate;
mod bench;
mod decrypt;
mod either;
mod patch;
mod proton;
mod report;
mod setup;
mod split;
mod transform;
mod verify;

pub(crate) use setup::validity;

pub(crate) fn run(command: Forward, output: Output) -> Result {
    match command {
        Forward::Setup(args) => setup::run(&args, output),
        Forward::Verify(args) => verify::run(&args, output),
        Forward::Transform(args) => transform::run(&args, output),
        Forward::Apply(args) => patch::apply(args, output),
        Forward::Decrypt(args) => decrypt::run(args, output),
        Forward::Activate(args) => activate::run(&args),
        Forward::Import(args) => proton::import(&args, output),
        Forward::Export(args) => proton::export(&args, output),
        Forward::Split(args) => split::split(&args, output),
        Forward::CombineCheck(args) => split::combine_check(&args, output),
        Forward::Inspect(args) => transform::inspect(&args, output),
        Forward::Bench(args) => {
            bench::run(&args, output);
            Ok(())
        }
    }
}

pub(crate) fn now() -> Result<UnixTime> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|since| UnixTime(since.as_secs())).map_err(|_| Failure::new("the system's clock is before 1970"))
}
