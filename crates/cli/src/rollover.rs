//! `sealpost rollover …`

use crate::{
    failure::{At, Result},
    output::Output,
};

pub(crate) mod args;
mod audit;
mod authority;
mod certificate;
mod choices;
mod enroll;
mod explain;
mod import;
mod init;
mod keys;
mod moving;
mod replace;
mod revoked;
mod simulate;
mod site;
mod status;
mod subject;
mod tick;

pub(crate) fn run(command: args::Rollover, output: Output) -> Result {
    // One thread: what takes long is done on threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().at("the runtime")?;
    runtime.block_on(verb(command, output))
}

async fn verb(command: args::Rollover, output: Output) -> Result {
    use args::Rollover;
    match command {
        Rollover::Init(args) => init::run(args, output).await,
        Rollover::Enroll(args) => enroll::run(args, output).await,
        Rollover::Issue(args) => enroll::issue(args, output).await,
        Rollover::Leave(args) => enroll::leave(args, output).await,
        Rollover::Tick(args) => tick::run(args, output).await,
        Rollover::Status(args) => status::run(args, output).await,
        Rollover::Explain(args) => explain::run(args, output).await,
        Rollover::Replace(args) => replace::run(*args, output).await,
        Rollover::Revoked(args) => revoked::run(args, output).await,
        Rollover::Simulate(args) => simulate::run(args, output),
        Rollover::Audit(command) => audit::run(command, output).await,
        Rollover::Keep(command) => keep(command, output).await,
    }
}

/// What keeps a store and its keys.
async fn keep(command: args::Keep, output: Output) -> Result {
    use args::Keep;
    match command {
        Keep::Rekey(args) => keys::rekey(&args, output).await,
        Keep::Copy(args) => moving::copy(&args, output).await,
        Keep::Backup(args) => moving::backup(&args, output).await,
        Keep::ExportP12(args) => keys::export(args, output).await,
        Keep::ImportP12(args) => import::run(args, output).await,
    }
}
