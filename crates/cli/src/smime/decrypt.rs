//! `sealpost smime decrypt`

use sealpost::smime::{Credential, Decrypter, LegacyCiphers, Limits};
use serde_json::json;

use super::{args, load, report, rng};
use crate::{
    failure::{At, Failure, Result},
    files::{Access, Place, write_to},
    output::Output,
};

pub(super) fn run(args: args::Decrypt, output: Output) -> Result {
    let credentials = credentials(&args)?;
    let decrypter = match &args.recipient {
        Some(recipient) => Decrypter::new(recipient).with(credentials),
        // Whoever names a key assigns it.
        None => Decrypter::new("").with_assigned(credentials),
    };
    let decrypter = decrypter.legacy(if args.legacy { LegacyCiphers::Read } else { LegacyCiphers::Refuse });
    let (from, to) = (Place::from(args.files.input), Place::from(args.files.output));
    let mut mail = from.mail(Limits::default().mail)?;
    let decrypted = write_to(&to, Access::Private, |writer| {
        decrypter.decrypt(&mut mail, &mut rng(), writer).at(from.input_name())
    })?;
    let whose = decrypted.certificate.subject_name();
    let json = json!({
        "decrypted": true,
        "certificate": report::certificate(&decrypted.certificate),
        "message": report::enveloped(&decrypted.message),
    });
    output.beside_data(&json, &format!("Decrypted with the key of {whose} ({}).", report::cipher(&decrypted.message)));
    Ok(())
}

fn credentials(args: &args::Decrypt) -> Result<Vec<Credential>> {
    if args.cert.len() > args.key.len() {
        return Err(Failure::new("there are more certificates (--cert) than keys (--key)"));
    }
    let certificates = args.cert.iter().map(std::slice::from_ref).chain(std::iter::repeat([].as_slice()));
    let keys = args.key.iter().zip(certificates);
    let of_each = keys.map(|(key, certificates)| load::credentials(key, certificates, args.password_file.as_ref()));
    Ok(of_each.collect::<Result<Vec<_>>>()?.concat())
}
