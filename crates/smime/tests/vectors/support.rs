//! What the tests of all sets share.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use base64ct::Encoding;
use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_smime::{
    Certificate, Credential, Decrypter, Error, Identity, LegacyCiphers, Limits, Pkcs12, PrivateKey, UnixTime, Verdict,
    Verification, Verifier,
    path::{Purpose, Validator},
};

/// A folder of the vectors.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    Some(sealpost_testkit::vectors()?.join("smime").join(name))
}

/// The files in a folder and below, in order, with their names from there.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "{folder:?} is empty");
    files
}

/// The same for the mails among them.
pub(crate) fn mails(folder: &Path) -> Vec<(String, Vec<u8>)> {
    files(folder).into_iter().filter(|(name, _)| is(name, "eml")).collect()
}

/// Whether a name ends in this.
pub(crate) fn is(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|of| of == extension)
}

pub(crate) fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// The certificates in a file.
pub(crate) fn certificates(file: &Path) -> Vec<Certificate> {
    Certificate::read_all(&fs::read(file).unwrap(), &Limits::default()).unwrap()
}

/// Trusts these at this time.
pub(crate) fn verifier(anchors: &[Certificate], at: &str) -> Verifier {
    let at = UnixTime::from_rfc3339(at).unwrap();
    Verifier::new(Validator::new(anchors, at, Purpose::EmailSigning))
}

/// A message as a mail.
pub(crate) fn mail(smime_type: &str, message: &[u8]) -> Vec<u8> {
    let body = base64(message);
    let head = format!("From: a@example.org\r\nContent-Type: application/pkcs7-mime; smime-type={smime_type}\r\n");
    format!("{head}Content-Transfer-Encoding: base64\r\n\r\n{body}").into_bytes()
}

fn base64(octets: &[u8]) -> String {
    let text = base64ct::Base64::encode_string(octets);
    let lines = text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n");
    lines.collect()
}

/// The octets in PEM.
pub(crate) fn unarmored(octets: &[u8]) -> Vec<u8> {
    if !octets.starts_with(b"-----BEGIN") {
        return octets.to_vec();
    }
    let text = String::from_utf8_lossy(octets);
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    base64ct::Base64::decode_vec(&body).unwrap()
}

/// What came of verifying a mail: a verdict and its reason.
pub(crate) fn judged(verifier: &Verifier, mail: &[u8]) -> String {
    match verifier.verify(&mut Cursor::new(mail)) {
        Ok(verification) => said(&verification),
        Err(error) => format!("refused: {error}"),
    }
}

pub(crate) fn said(verification: &Verification) -> String {
    let signers = &verification.signers;
    let of_many = if signers.len() > 1 { format!(" ({} signers)", signers.len()) } else { String::new() };
    match verification.verdict() {
        Verdict::Valid => format!("valid{of_many}"),
        Verdict::IdentityMismatch => {
            let codes: Vec<_> = signers.iter().flat_map(|signer| &signer.identity).map(Identity::code).collect();
            format!("identity: {}", codes.join(", "))
        }
        Verdict::Untrusted => {
            let why = signers.iter().find_map(|signer| signer.trust.as_ref()?.as_ref().err());
            format!("untrusted: {}{of_many}", why.map(|why| why.reason.to_string()).unwrap_or_default())
        }
        _ => {
            let why = signers.iter().find_map(|signer| signer.integrity.as_ref().err());
            format!("invalid: {}{of_many}", why.map(ToString::to_string).unwrap_or_default())
        }
    }
}

/// The keys of a PKCS#12 file that receive content keys.
pub(crate) fn credentials(file: &Path, password: &str) -> Vec<Credential> {
    let file = Pkcs12::read(&fs::read(file).unwrap(), Some(password), &Limits::default()).unwrap();
    let each = file.identities.iter().filter_map(|identity| {
        let key = PrivateKey::from_software(&identity.key)?;
        Some(Credential::new(identity.certificate.clone()?, key).unwrap())
    });
    each.collect()
}

/// Decrypts a mail with these keys.
pub(crate) fn decrypted(mail: &[u8], keys: &[Credential], legacy: LegacyCiphers) -> Result<Vec<u8>, Error> {
    let decrypter = Decrypter::new("").with_assigned(keys.iter().cloned()).legacy(legacy);
    let mut to = Vec::new();
    decrypter.decrypt(&mut Cursor::new(mail), &mut rng(), &mut to)?;
    Ok(to)
}

/// What a mail is, layer by layer: what came of verifying or decrypting each, and what is left in the end. Each layer
/// has the mail's own header.
pub(crate) fn layers(verifier: &Verifier, keys: &[Credential], mail: &[u8]) -> (String, Vec<u8>) {
    let (mut found, mut mail) = (Vec::new(), mail.to_vec());
    loop {
        let (said, inner) = layer(verifier, keys, &mail);
        found.push(said);
        match inner {
            Some(inner) => mail = inner,
            None => return (found.join(" > "), mail),
        }
    }
}

fn layer(verifier: &Verifier, keys: &[Credential], mail: &[u8]) -> (String, Option<Vec<u8>>) {
    match (verifier.verify(&mut Cursor::new(mail)), decrypted(mail, keys, LegacyCiphers::Refuse)) {
        (Ok(verification), _) => {
            let mut content = Vec::new();
            let written = verification.write_content(&mut Cursor::new(mail), &mut content);
            (said(&verification), written.is_ok().then(|| under_header(mail, &content)))
        }
        (_, Ok(content)) => ("encrypted".to_owned(), Some(content)),
        (Err(not_signed), Err(Error::NotThis { .. })) => (not_signed.to_string(), None),
        (_, Err(error)) => (error.to_string(), None),
    }
}

/// An entity under the header that a mail had around it.
pub(crate) fn under_header(mail: &[u8], entity: &[u8]) -> Vec<u8> {
    let mail = String::from_utf8_lossy(mail).replace("\r\n", "\n");
    let (header, _) = mail.split_once("\n\n").unwrap();
    let header = header.replace("\n ", " ").replace("\n\t", " ");
    let stays = |line: &&str| !line.to_ascii_lowercase().starts_with("content-");
    let under: String = header.lines().filter(stays).flat_map(|line| [line, "\r\n"]).collect();
    [under.as_bytes(), entity].concat()
}
