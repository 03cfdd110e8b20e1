//! `sealpost forward decrypt`

use std::{
    io::{self, Read, Write},
    time::SystemTime,
};

use sealpost::{pre::ForwardeeKey, pre_sequoia::decrypt_session_key};
use sequoia_openpgp::{
    Cert, KeyHandle, Result as SequoiaResult,
    crypto::SessionKey,
    packet::{PKESK, SKESK},
    parse::{
        Parse,
        stream::{DecryptionHelper, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper},
    },
    policy::StandardPolicy,
    types::SymmetricAlgorithm,
};
use serde_json::json;

use crate::{
    args,
    failure::{At, Failure, Result},
    files::{Access, Place, read_passphrase, read_small, write_to},
    mail::Bodies,
    output::Output,
};

pub(super) fn run(args: args::Decrypt, output: Output) -> Result {
    let mut key = ForwardeeKey::read(&read_small(&args.key)?).at(&args.key)?;
    if let Some(passphrase) = read_passphrase(args.password_file.as_ref())? {
        key.unlock(&passphrase).at(&args.key)?;
    } else if key.is_locked() {
        let path = args.key.display();
        return Err(Failure::new(format!("{path}: the key is locked; give its passphrase with --password-file")));
    }
    let from = Place::from(args.files.input);
    let to = Place::from(args.files.output);
    let signatures = write_to(&to, Access::Private, |writer| {
        let text = Bodies::new(from.reader()?).at(from.input_name())?;
        let decrypted = decrypt_stream(&key, text, writer);
        decrypted.map_err(|why| Failure::new(format!("{}: {why}", from.input_name().display())))
    })?;
    let text =
        if signatures == 0 { "Decrypted. It is not signed." } else { "Decrypted. Its signature was not checked." };
    output.beside_data(&json!({ "decrypted": true, "signatures": signatures, "signatures_checked": false }), text);
    Ok(())
}

/// Decrypts a message, whose armor may have text around it. Says how many signatures it has; they are not verified.
fn decrypt_stream(key: &ForwardeeKey, from: impl Read + Send + Sync, to: &mut dyn Write) -> SequoiaResult<usize> {
    let policy = StandardPolicy::new();
    let helper = Helper { key, signatures: 0 };
    let mut decryptor = DecryptorBuilder::from_reader(from)?.with_policy(&policy, SystemTime::now(), helper)?;
    io::copy(&mut decryptor, to)?;
    Ok(decryptor.into_helper().signatures)
}

struct Helper<'a> {
    key: &'a ForwardeeKey,
    signatures: usize,
}

impl VerificationHelper for Helper<'_> {
    fn get_certs(&mut self, _: &[KeyHandle]) -> SequoiaResult<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> SequoiaResult<()> {
        let signatures = structure.into_iter().map(|layer| match layer {
            MessageLayer::SignatureGroup { results } => results.len(),
            _ => 0,
        });
        self.signatures = signatures.sum();
        Ok(())
    }
}

impl DecryptionHelper for Helper<'_> {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> SequoiaResult<Option<Cert>> {
        let decrypted = decrypt_session_key(self.key, pkesks, algorithm, decrypt)?;
        if decrypted { Ok(None) } else { Err(sealpost::pre::Error::Decryption.into()) }
    }
}
