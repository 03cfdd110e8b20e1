//! `sealpost smime …`

use getrandom::{SysRng, rand_core::UnwrapErr};

use crate::{failure::Result, output::Output};

pub(crate) mod args;
mod decrypt;
mod encrypt;
pub(crate) mod forward;
mod inspect;
mod load;
mod report;
mod sign;
mod verify;

pub(crate) fn run(command: args::Smime, output: Output) -> Result {
    match command {
        args::Smime::Sign(args) => sign::run(args, output),
        args::Smime::Verify(args) => verify::run(args, output),
        args::Smime::Encrypt(args) => encrypt::run(args, output),
        args::Smime::Decrypt(args) => decrypt::run(args, output),
        args::Smime::Inspect(args) => inspect::run(args, output),
        args::Smime::Forward(command) => forward::run(command, output),
    }
}

/// The system's random generator.
fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}
