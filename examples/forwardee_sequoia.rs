//! What a mail program built on Sequoia needs to read forwarded mail: one line in its `DecryptionHelper`.
//!
//! `cargo run --example forwardee_sequoia CHARLES.key.asc < forwarded`

use std::{
    env,
    error::Error,
    fs,
    io::{self, Read},
};

use sealpost::{pre::ForwardeeKey, pre_sequoia::decrypt_session_key};
use sequoia_openpgp::{
    Cert, KeyHandle, Result as SequoiaResult,
    crypto::SessionKey,
    packet::{PKESK, SKESK},
    parse::{
        Parse,
        stream::{DecryptionHelper, DecryptorBuilder, MessageStructure, VerificationHelper},
    },
    policy::StandardPolicy,
    types::SymmetricAlgorithm,
};

struct MailProgram {
    forwarded: ForwardeeKey,
}

impl DecryptionHelper for MailProgram {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _skesks: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> SequoiaResult<Option<Cert>> {
        // Beside this line a program tries its user's ordinary keys.
        decrypt_session_key(&self.forwarded, pkesks, algorithm, decrypt)?;
        Ok(None)
    }
}

impl VerificationHelper for MailProgram {
    fn get_certs(&mut self, _signers: &[KeyHandle]) -> SequoiaResult<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, _structure: MessageStructure<'_>) -> SequoiaResult<()> {
        // A real program verifies Alice's signature here: forwarding leaves it as it was.
        Ok(())
    }
}

fn read(key: &[u8], message: impl Read + Send + Sync) -> Result<Vec<u8>, Box<dyn Error>> {
    let policy = StandardPolicy::new();
    let helper = MailProgram { forwarded: ForwardeeKey::read(key)? };
    let mut plaintext = Vec::new();
    DecryptorBuilder::from_reader(message)?.with_policy(&policy, None, helper)?.read_to_end(&mut plaintext)?;
    Ok(plaintext)
}

fn main() -> Result<(), Box<dyn Error>> {
    let key = fs::read(env::args().nth(1).ok_or("argument: the key for forwarded mail")?)?;
    let plaintext = read(&key, io::stdin())?;
    println!("{}", String::from_utf8_lossy(&plaintext));
    Ok(())
}

#[test]
fn it_reads_the_draft_s_message() {
    use sealpost_testkit::draft;
    let Some(key) = draft("a3_forwardee_key.asc") else { return };
    let message = draft("a3_transformed_message.asc").unwrap();
    assert_eq!(read(&key, io::Cursor::new(message)).unwrap(), b"Message for Bob");
    let untransformed = draft("a3_encrypted_message.asc").unwrap();
    assert!(read(&key, io::Cursor::new(untransformed)).is_err());
}
