//! `sealpost tls …`

use std::path::PathBuf;

use sealpost::tls_policy::{Time, facts::NextHop};

use self::{facts::Gathered, world::World};
use crate::{
    failure::{At, Result},
    output::Output,
};

mod allow;
pub(crate) mod args;
mod audit;
mod check;
mod explain;
mod facts;
mod permissions;
mod report;
mod serve;
mod set;
mod settings;
mod what_if;
mod world;

/// What is known about mail to somewhere: out of a file, or from the network.
fn gather(
    facts: Option<&PathBuf>,
    network: &args::Network,
    next_hop: NextHop,
    now: Time,
    output: Output,
) -> Result<Gathered> {
    if let Some(path) = facts {
        return Gathered::read(path, &next_hop);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().at("the runtime")?;
    runtime.block_on(async { Ok(World::open(network, output).await?.gather(next_hop, now).await) })
}

pub(crate) fn run(command: args::Tls, output: Output) -> Result {
    match command {
        args::Tls::Explain(args) => explain::run(&args, output),
        args::Tls::Check(args) => check::run(&args, output),
        args::Tls::WhatIf(args) => what_if::run(&args, output),
        args::Tls::Report(args) => report::run(args, output),
        args::Tls::Set(args) => set::run(args, output),
        args::Tls::Allow(args) => allow::run(&args, output),
        args::Tls::Serve(args) => serve::run(args, output),
    }
}
