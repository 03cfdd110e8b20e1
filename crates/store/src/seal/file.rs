//! Key-encryption keys in a file: lines of a version, a colon and 32 octets in base64 (RFC 4648 §4).
//!
//! ```text
//! # Comments and empty lines.
//! 1:iJjc6DtxgMBLX7WxWTcrmTyrq/O7oYIHSXQkvx+rbdw=
//! 2:LRIEqbY6RvNlOfWDbKiAQNcbnWHVK8AnAWbMaHKJCNE=
//! ```

use std::{
    fs::File,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use base64ct::{Base64, Encoding};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use zeroize::Zeroizing;

use super::{KeyEncryptionKey, MemoryKey, envelope::KEY};
use crate::{
    Error, Result,
    durable::{self, Place, Written},
};

const HEAD: &str = "# Key-encryption keys of sealpost: a version and its key a line, the highest is current. Without this\n\
                    # file nobody opens the private keys of the store, and with it everybody does: keep copies of it,\n\
                    # and keep them apart from those of the store. Lines are added, never removed.\n";

/// How large a file is at most: a thousand versions.
const MOST: u64 = 64 << 10;

/// Octets of a key in base64.
const DIGITS: usize = KEY.div_ceil(3) * 4;

/// How far a file is to be trusted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// Ours: we own it, and nobody else can read it.
    Own,
    /// The service manager's, which lets us read it by an access list: that shows in the group's bits.
    Manager,
}

/// Reads a file that holds a secret, as it must be kept.
pub(super) fn read(path: &Path, keeper: Keeper) -> Result<Zeroizing<Vec<u8>>> {
    let refused = |what: String| Err(Error::source(path.display(), what));
    // Not by way of a link, and without waiting for who writes into a pipe.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) => return refused("it is a symbolic link, which whoever made it can turn elsewhere".into()),
        Err(error) => return Err(Error::io(path, "it can't be opened")(error.into())),
    };
    let unreadable = |error| Error::io(path, "it can't be read")(error);
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.mode() & 0o7777;
    let others = match keeper {
        Keeper::Own => 0o077,
        Keeper::Manager => 0o037,
    };
    if !metadata.is_file() {
        return refused("it is no file".into());
    }
    if mode & others != 0 {
        return refused(format!("its mode is {mode:04o}: others can read or write it; it must be 0600"));
    }
    let (owner, we) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if keeper == Keeper::Own && owner != we {
        return refused(format!("user {owner} owns it, and we are user {we}"));
    }
    if metadata.len() > MOST {
        return refused(format!("it has {} octets, and may have {MOST}", metadata.len()));
    }
    // With room for what may be added meanwhile: where it grew, a copy would stay behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(usize::try_from(MOST).unwrap_or_default() + 1));
    file.take(MOST).read_to_end(&mut octets).map_err(unreadable)?;
    Ok(octets)
}

/// The file of a systemd credential (`LoadCredential=`, `LoadCredentialEncrypted=`).
pub(super) fn credential(name: &str) -> Result<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
    credential_in(folder.map(PathBuf::from), name)
}

fn credential_in(folder: Option<PathBuf>, name: &str) -> Result<PathBuf> {
    let place = || format!("credential {name:?}");
    let folder = folder.ok_or_else(|| {
        Error::source(place(), "CREDENTIALS_DIRECTORY is not set: the service has no LoadCredential= in its unit")
    })?;
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(Error::source(place(), "that is no name of a credential"));
    }
    Ok(folder.join(name))
}

/// The keys in a file.
pub(super) fn keys(path: &Path, keeper: Keeper) -> Result<Vec<(u32, Box<dyn KeyEncryptionKey>)>> {
    let keys = parse(&read(path, keeper)?).map_err(|what| Error::source(path.display(), what))?;
    Ok(keys.into_iter().map(|(version, key)| -> (_, Box<dyn KeyEncryptionKey>) { (version, Box::new(key)) }).collect())
}

/// The same from its content; what is wrong says nothing of what it holds but the number of a line.
fn parse(content: &[u8]) -> Result<Vec<(u32, MemoryKey)>, String> {
    let mut keys: Vec<(u32, MemoryKey)> = Vec::new();
    for (number, line) in (1..).zip(content.split(|octet| *octet == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let (version, key) = read_line(line).ok_or_else(|| {
            format!("line {number} is not a version from 1 on, a colon and 32 octets in base64 of {DIGITS} characters")
        })?;
        if keys.iter().any(|(other, _)| *other == version) {
            return Err(format!("line {number} has version {version} a second time"));
        }
        keys.push((version, key));
    }
    if keys.is_empty() { Err("there is no key in it".to_owned()) } else { Ok(keys) }
}

fn read_line(line: &[u8]) -> Option<(u32, MemoryKey)> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let (version, digits) = (line.get(..colon)?, line.get(colon + 1..)?);
    let version = std::str::from_utf8(version).ok()?.parse().ok().filter(|version| *version > 0)?;
    let mut octets = Zeroizing::new(vec![0; KEY]);
    let len = Base64::decode(digits, &mut octets).ok()?.len();
    let key = (len == KEY).then(|| MemoryKey::from_octets(octets))??;
    Some((version, key))
}

/// A line with a new key.
fn new_line(version: u32, text: &mut Vec<u8>) -> Result<()> {
    let key = MemoryKey::random()?;
    let mut digits = Zeroizing::new([0; DIGITS]);
    let digits = Base64::encode(key.expose(), digits.as_mut_slice()).unwrap_or_default();
    text.extend_from_slice(format!("{version}:").as_bytes());
    text.extend_from_slice(digits.as_bytes());
    text.push(b'\n');
    Ok(())
}

/// Makes a file with a key of version 1. One that is there stays as it is.
pub(super) fn create(path: &Path) -> Result<u32> {
    let mut text = Zeroizing::new(Vec::with_capacity(HEAD.len() + DIGITS + 16));
    text.extend_from_slice(HEAD.as_bytes());
    new_line(1, &mut text)?;
    match durable::write(path, &text, Place::New)? {
        Written::Durable => Ok(1),
        Written::Taken => Err(Error::source(path.display(), "it is there already: its keys stay")),
    }
}

/// Adds a key of the next version. Who does so at the same time waits: no version may be lost that something was sealed
/// under.
pub(super) fn add_version(path: &Path) -> Result<u32> {
    let folder = durable::folder(path);
    let folder = File::open(folder).map_err(Error::io(folder, "it can't be opened"))?;
    folder.lock().map_err(Error::io(durable::folder(path), "it can't be locked"))?;
    let old = read(path, Keeper::Own)?;
    let versions = parse(&old).map_err(|what| Error::source(path.display(), what))?;
    let last = versions.iter().map(|(version, _)| *version).max().unwrap_or_default();
    let version = last.checked_add(1).ok_or_else(|| Error::source(path.display(), "there is no higher version"))?;
    let mut text = Zeroizing::new(Vec::with_capacity(old.len() + DIGITS + 16));
    text.extend_from_slice(&old);
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    new_line(version, &mut text)?;
    durable::write(path, &text, Place::Any)?;
    Ok(version)
}

#[cfg(test)]
mod tests;
