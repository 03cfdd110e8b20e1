//! `sealpost smime forward …`

use std::path::{Path, PathBuf};

use sealpost::{smime::Certificate, smime_forwarding::Instance};

use super::{load, report, rng};
use crate::{
    failure::{At, Failure, Result},
    files::read_small,
    output::Output,
};

pub(crate) mod args;
mod forwardee;
mod passphrase;
mod setup;
mod transform;
mod verify;

pub(super) fn run(command: args::Forward, output: Output) -> Result {
    match command {
        args::Forward::Setup(args) => setup::run(&args, output),
        args::Forward::Transform(args) => transform::run(args, output),
        args::Forward::Verify(args) => verify::run(&args, output),
    }
}

fn read_instance(path: &Path) -> Result<Instance> {
    Instance::from_json(&read_small(path)?).at(path)
}

/// Of the certificates in the forwarder's and in the forwardee's file the two that fit.
pub(crate) struct Two {
    pub(crate) forwarder: Certificate,
    pub(crate) forwardee: Certificate,
}

impl Two {
    /// Those that `instance`, which is at `place`, belongs to; what it says of the first two, if it belongs to none.
    pub(crate) fn find(
        (forwarder, forwardee): (&Path, &Path),
        password_file: Option<&PathBuf>,
        (instance, place): (&Instance, &Path),
    ) -> Result<Self> {
        let forwarders = load::certificates(&[forwarder.to_owned()])?;
        let forwardees = load::certificates_beside_keys(forwardee, password_file)?;
        let mut first = None;
        for forwarder in &forwarders {
            for forwardee in &forwardees {
                match instance.verify(forwarder, forwardee) {
                    Ok(()) => return Ok(Self { forwarder: forwarder.clone(), forwardee: forwardee.clone() }),
                    Err(error) => first = first.or(Some(error)),
                }
            }
        }
        first.map_or_else(|| Err(Failure::new("there is no certificate")), |error| Err(error).at(place))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "valid": true,
            "forwarder": report::certificate(&self.forwarder),
            "forwardee": report::certificate(&self.forwardee),
        })
    }

    /// Whose they are.
    pub(crate) fn names(&self) -> [String; 2] {
        [&self.forwarder, &self.forwardee]
            .map(|certificate| format!("{} (serial number {})", certificate.subject_name(), certificate.serial_hex()))
    }
}
