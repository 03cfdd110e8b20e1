//! The command-line tool of sealpost: end-to-end encrypted forwarding of OpenPGP mail, S/MIME, keys that roll, and a TLS
//! guarantee.
//!
//! Data goes to stdout, what is for people to stderr. With `--json` reports are JSON: on stdout where a
//! command has no other data, else on stderr. Exit codes: see [`failure::Failure`].

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

mod args;
mod demo;
mod failure;
mod files;
mod forward;
mod mail;
mod output;
mod rollover;
mod smime;
mod table;
mod time;
mod tls;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let output = output::Output::new(args.json);
    let done = match args.command {
        args::Command::Forward(command) => forward::run(command, output),
        args::Command::Smime(command) => smime::run(command, output),
        args::Command::Rollover(command) => rollover::run(command, output),
        args::Command::Tls(command) => tls::run(command, output),
        args::Command::Demo => demo::run(output),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.code()
        }
    }
}
