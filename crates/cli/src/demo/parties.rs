//! What the parties of the demo do with their own OpenPGP programs.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
    time::SystemTime,
};

use sealpost::pre_sequoia::ActivationToken;
use sequoia_openpgp::{
    Cert, KeyHandle, Result as SequoiaResult,
    cert::{CertBuilder, CipherSuite},
    crypto::SessionKey,
    packet::{PKESK, SKESK},
    parse::{
        Parse,
        stream::{DecryptionHelper, DecryptorBuilder, MessageStructure, VerificationHelper},
    },
    policy::StandardPolicy,
    serialize::{
        Serialize,
        stream::{Armorer, Encryptor, LiteralWriter, Message, Recipient},
    },
    types::SymmetricAlgorithm,
};
use zeroize::Zeroizing;

use crate::failure::{At, Failure, Result};

/// An error of Sequoia as one of ours.
trait AtSequoia<T> {
    fn of(self, place: &str) -> Result<T>;
}

impl<T> AtSequoia<T> for SequoiaResult<T> {
    fn of(self, place: &str) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{place}: {error}")))
    }
}

/// Makes a version 4 key on Curve25519: `NAME.asc` and `NAME.pub.asc`.
pub(super) fn make_key(name: &str) -> Result {
    let builder = CertBuilder::general_purpose(Some(format!("{name} <{name}@example.org>")));
    let (cert, _) = builder.set_cipher_suite(CipherSuite::Cv25519).generate().of(name)?;
    let (secret, public) = (format!("{name}.asc"), format!("{name}.pub.asc"));
    cert.as_tsk().armored().serialize(&mut File::create(&secret).at(&secret)?).of(&secret)?;
    cert.armored().serialize(&mut File::create(&public).at(&public)?).of(&public)
}

/// Charles opens the activation token.
pub(super) fn activate(token: &str, key: &str, from: &str) -> Result<Zeroizing<String>> {
    let (key, from) = (Cert::from_file(key).of(key)?, Cert::from_file(from).of(from)?);
    let sealed = fs::read(token).at(token)?;
    let opened = ActivationToken::open(&sealed, &key, None, &from, SystemTime::now()).at(token)?;
    Ok(Zeroizing::new(opened.expose_passphrase().to_owned()))
}

/// Alice writes a mail (RFC 3156), with GnuPG where it is installed, else with Sequoia. Says with what.
pub(super) fn write_mail(text: &str, to: &str, path: &str) -> Result<String> {
    let content = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n");
    let (program, encrypted) = match gnupg(content.as_bytes(), to) {
        Some(found) => found,
        None => ("Sequoia (GnuPG is not installed here)".to_owned(), sequoia(content.as_bytes(), to).of(path)?),
    };
    let encrypted = String::from_utf8_lossy(&encrypted).replace("\r\n", "\n").replace('\n', "\r\n");
    let mail = format!(
        "From: Alice <alice@example.com>\r\nTo: Bob <bob@example.org>\r\nSubject: ...\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n\
         --b\r\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\r\n\r\n{encrypted}\r\n--b--\r\n"
    );
    fs::write(path, mail).at(path)?;
    Ok(program)
}

/// GnuPG's version and what it encrypted; `None` where it is not installed.
fn gnupg(content: &[u8], to: &str) -> Option<(String, Vec<u8>)> {
    let version = Command::new("gpg").arg("--version").output().ok()?;
    let version = String::from_utf8_lossy(&version.stdout).lines().next()?.to_owned();
    let home = tempfile::tempdir().ok()?;
    let mut gpg = Command::new("gpg")
        .args(["--batch", "--no-tty", "--quiet", "--trust-model", "always", "--armor", "--homedir"])
        .arg(home.path())
        .args(["--recipient-file", to, "--encrypt"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    gpg.stdin.take()?.write_all(content).ok()?;
    let encrypted = gpg.wait_with_output().ok()?;
    encrypted.status.success().then_some((version, encrypted.stdout))
}

fn sequoia(content: &[u8], to: &str) -> SequoiaResult<Vec<u8>> {
    let cert = Cert::from_file(to)?;
    let policy = StandardPolicy::new();
    let keys = cert.keys().with_policy(&policy, None).supported().alive().revoked(false).for_transport_encryption();
    let recipients: Vec<_> = keys.map(Recipient::from).collect();
    let mut encrypted = Vec::new();
    let message = Armorer::new(Message::new(&mut encrypted)).build()?;
    let message = Encryptor::for_recipients(message, recipients).build()?;
    let mut message = LiteralWriter::new(message).build()?;
    message.write_all(content)?;
    message.finalize()?;
    Ok(encrypted)
}

/// Whether the owner of a key can decrypt a mail with it.
pub(super) fn can_read(key: &str, mail: &str) -> Result<bool> {
    let helper = Helper(Cert::from_file(key).of(key)?);
    let decryptor = DecryptorBuilder::from_file(Path::new(mail)).of(mail)?;
    let policy = StandardPolicy::new();
    let decryptor = decryptor.with_policy(&policy, None, helper);
    Ok(decryptor.and_then(|mut decryptor| Ok(io::copy(&mut decryptor, &mut io::sink())?)).is_ok())
}

struct Helper(Cert);

impl VerificationHelper for Helper {
    fn get_certs(&mut self, _: &[KeyHandle]) -> SequoiaResult<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, _: MessageStructure<'_>) -> SequoiaResult<()> {
        Ok(())
    }
}

impl DecryptionHelper for Helper {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> SequoiaResult<Option<Cert>> {
        for key in self.0.keys().unencrypted_secret() {
            let mut pair = key.key().clone().into_keypair()?;
            for pkesk in pkesks {
                if pkesk.decrypt(&mut pair, algorithm).is_some_and(|(algorithm, key)| decrypt(algorithm, &key)) {
                    return Ok(None);
                }
            }
        }
        Err(sealpost::pre::Error::Decryption.into())
    }
}
