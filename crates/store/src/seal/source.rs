//! Where key-encryption keys are, as one line of a configuration says it.

use std::path::{Path, PathBuf};

#[cfg(feature = "pkcs11")]
use super::token;
use super::{
    Keyring,
    file::{self, Keeper},
};
use crate::{Error, Result};

/// A source, taken apart.
enum Source {
    File(PathBuf),
    Credential(String),
    #[cfg(feature = "pkcs11")]
    Token(token::Place),
}

impl Keyring {
    /// Reads the keys that `source` says, one of:
    ///
    /// - `file:PATH`: lines `VERSION:BASE64` of 32 octets. We must own the file, and nobody else may read it: mode 0600.
    ///   A symbolic link is refused.
    /// - `credential:NAME`: the same, in a systemd credential (`$CREDENTIALS_DIRECTORY/NAME`).
    /// - `pkcs11:MODULE?token=LABEL&key=LABEL&pin-file=PATH` (feature `pkcs11`): AES keys of 256 bits in a token, which
    ///   never leave it. `MODULE` is the path of the PKCS#11 library; the version of a key is its `CKA_ID`, as a number.
    ///   The PIN is in a file kept as those of keys are, in a credential (`pin-credential=NAME`) or in an environment
    ///   variable (`pin-env=NAME`). In labels and paths, `%26` stands for `&` and `%25` for `%`.
    ///
    /// The highest version is the current one, unless `current=VERSION` is added behind a `?` or `&`: so that all nodes
    /// get a new version before one of them seals under it.
    ///
    /// # Errors
    ///
    /// [`Error::KeySource`] and [`Error::Io`] say what is wrong with the source; [`Error::NoKeyEncryptionKey`] if
    /// there is no version as `current` says; [`Error::Keeper`].
    pub fn open(source: &str) -> Result<Self> {
        let (source, current) = parse(source)?;
        let ring = match source {
            Source::File(path) => Self::new(file::keys(&path, Keeper::Own)?)?,
            Source::Credential(name) => Self::new(file::keys(&file::credential(&name)?, Keeper::Manager)?)?,
            #[cfg(feature = "pkcs11")]
            Source::Token(place) => Self::new(token::Token::open(&place)?.keys()?)?,
        };
        match current {
            Some(version) => ring.with_current(version),
            None => Ok(ring),
        }
    }
}

/// Makes the first key-encryption key, of version 1, where `source` says (see [`Keyring::open`]).
///
/// # Errors
///
/// [`Error::KeySource`] if there is one already, which stays, or if it is a credential: systemd makes those;
/// [`Error::Io`], [`Error::Keeper`].
pub fn create(source: &str) -> Result<u32> {
    match parse(source)?.0 {
        Source::File(path) => file::create(&path),
        Source::Credential(name) => Err(read_only(&name)),
        #[cfg(feature = "pkcs11")]
        Source::Token(place) => token::Token::open(&place)?.create(),
    }
}

/// Makes a key-encryption key of the next version and gives its version. The others stay: what is sealed under them needs
/// them, until all of it was wrapped anew, and copies and backups need them longer.
///
/// # Errors
///
/// [`Error::KeySource`] if there is none yet, or if it is a credential; [`Error::Io`], [`Error::Keeper`].
pub fn add_version(source: &str) -> Result<u32> {
    match parse(source)?.0 {
        Source::File(path) => file::add_version(&path),
        Source::Credential(name) => Err(read_only(&name)),
        #[cfg(feature = "pkcs11")]
        Source::Token(place) => token::Token::open(&place)?.add_version(),
    }
}

fn read_only(name: &str) -> Error {
    Error::source(
        format_args!("credential {name:?}"),
        "a service can't change its credentials: make it as a file, and encrypt it with systemd-creds",
    )
}

/// The source, and the current version if it says one.
fn parse(source: &str) -> Result<(Source, Option<u32>)> {
    let wrong = |what: &str| Error::source(format_args!("{source:?}"), what);
    let (kind, rest) = source.split_once(':').ok_or_else(|| wrong(KINDS))?;
    // A path may have a question mark in it.
    let (place, current) = match rest.rsplit_once(['?', '&']).filter(|(_, last)| last.starts_with("current=")) {
        Some((place, last)) => {
            let version = last.trim_start_matches("current=").parse().map_err(|_| wrong("`current` is no version"))?;
            (place, Some(version))
        }
        None => (rest, None),
    };
    let parsed = match kind {
        _ if place.is_empty() => return Err(wrong("nothing stands behind the colon")),
        "file" => Source::File(Path::new(place).to_owned()),
        "credential" => Source::Credential(place.to_owned()),
        #[cfg(feature = "pkcs11")]
        "pkcs11" => Source::Token(token::Place::parse(place).map_err(|what| wrong(&what))?),
        #[cfg(not(feature = "pkcs11"))]
        "pkcs11" => return Err(wrong("this build has no PKCS#11: the feature `pkcs11` adds it")),
        _ => return Err(wrong(KINDS)),
    };
    Ok((parsed, current))
}

const KINDS: &str = "it must be file:PATH, credential:NAME or pkcs11:MODULE?token=LABEL&key=LABEL&pin-file=PATH";

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(source: &str) -> String {
        parse(source).err().unwrap().to_string()
    }

    #[test]
    fn a_source_says_where_and_which_version() {
        for (source, path, current) in [
            ("file:/etc/keys", "/etc/keys", None),
            ("file:keys?current=2", "keys", Some(2)),
            ("file:a?b&c", "a?b&c", None),
            ("file:a?b?current=3", "a?b", Some(3)),
        ] {
            let (parsed, version) = parse(source).unwrap();
            assert!(matches!(parsed, Source::File(parsed) if parsed == Path::new(path)), "{source}");
            assert_eq!(version, current, "{source}");
        }
        assert!(matches!(parse("credential:kek").unwrap().0, Source::Credential(name) if name == "kek"));
    }

    #[test]
    fn what_is_no_source_is_refused_with_what_it_must_be() {
        for source in ["", "/etc/keys", "https://example.com", "files:x"] {
            assert!(fails(source).contains("it must be file:PATH"), "{source}");
        }
        assert!(fails("file:").contains("nothing stands behind"));
        assert!(fails("file:x?current=last").contains("no version"));
        #[cfg(not(feature = "pkcs11"))]
        assert!(fails("pkcs11:x").contains("the feature `pkcs11`"));
    }

    #[test]
    fn a_credential_is_made_by_the_service_manager_only() {
        for done in [create("credential:kek"), add_version("credential:kek")] {
            assert!(done.unwrap_err().to_string().contains("systemd-creds"));
        }
    }
}
