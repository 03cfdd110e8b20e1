//! `sealpost forward activate`

use std::{io::Write, path::Path, time::SystemTime};

use sealpost::pre_sequoia::ActivationToken;
use sequoia_openpgp::{Cert, parse::Parse};

use crate::{
    args,
    failure::{At, Failure, Result},
    files::{read_passphrase, read_small},
};

pub(super) fn run(args: &args::Activate) -> Result {
    let sealed = read_small(&args.token)?;
    let (forwardee, forwarder) = (cert(&args.key)?, cert(&args.from)?);
    let passphrase = read_passphrase(args.password_file.as_ref())?;
    let passphrase = passphrase.as_ref().map(|passphrase| passphrase.as_slice());
    let token = ActivationToken::open(&sealed, &forwardee, passphrase, &forwarder, SystemTime::now()).at(&args.token)?;
    writeln!(std::io::stdout(), "{}", token.expose_passphrase()).at("stdout")
}

fn cert(path: &Path) -> Result<Cert> {
    let octets = read_small(path)?;
    Cert::from_bytes(&*octets).map_err(|why| Failure::new(format!("{}: {why}", path.display())))
}
