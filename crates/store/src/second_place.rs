//! The second place: where a key is durable before its certificate is published, so that the loss of one place loses no
//! mail. A key is there as it is in its row, sealed: whoever restores it needs the key-encryption keys too.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use base16ct::lower::{decode_vec, encode_string};

use crate::{
    Error, Result,
    durable::{self, Place, Written},
    seal::Sealed,
};

/// Where keys are a second time.
///
/// `row` is what the key is [sealed](crate::seal::Sealer) as: subject, slot, number and SHA-256 of the public key. So
/// the second place alone, with the key-encryption keys, is enough to have each key back.
pub trait SecondPlace: Send + Sync {
    /// Takes a sealed key. It is durable there once this returned. The same key again is acknowledged again, and if it is
    /// wrapped under a higher version, it is so there too from now on.
    ///
    /// # Errors
    ///
    /// [`Error::AnotherKey`] if there is another key under that name; what the place says.
    fn acknowledge(&self, row: &[u8], sealed: &Sealed) -> Result<()>;

    /// The key sealed as that row, for restoring.
    ///
    /// # Errors
    ///
    /// What the place says.
    fn fetch(&self, row: &[u8]) -> Result<Option<Sealed>>;

    /// All that are there: what each is sealed as.
    ///
    /// # Errors
    ///
    /// What the place says.
    fn rows(&self) -> Result<Vec<Vec<u8>>>;
}

/// A folder as second place: on another disk, or another machine's. Each key is in a file of its own, mode 0600, called
/// by its row in hexadecimal digits: [`Sealed::to_text`] and a line feed.
#[derive(Debug)]
pub struct FolderPlace {
    path: PathBuf,
}

const SUFFIX: &str = ".sealed";

/// The longest row whose name a file can have.
const LONGEST: usize = 120;

/// How large a file can be that is read.
const MOST: u64 = 1 << 20;

impl FolderPlace {
    /// The folder at `path`. It must be there: one that is not mounted must not be taken for it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it is not, or is no folder.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let metadata = fs::metadata(&path).map_err(Error::io(&path, "the second place is not there"))?;
        if !metadata.is_dir() {
            return Err(Error::io(path, "the second place is no folder")(ErrorKind::NotADirectory.into()));
        }
        Ok(Self { path })
    }

    fn file(&self, row: &[u8]) -> Result<PathBuf> {
        if row.is_empty() || row.len() > LONGEST {
            return Err(Error::Name { octets: row.len() });
        }
        Ok(self.path.join(encode_string(row) + SUFFIX))
    }
}

impl SecondPlace for FolderPlace {
    fn acknowledge(&self, row: &[u8], sealed: &Sealed) -> Result<()> {
        let path = self.file(row)?;
        let text = sealed.to_text() + "\n";
        if durable::write(&path, text.as_bytes(), Place::New)? == Written::Durable {
            return Ok(());
        }
        let there = read(&path)?.ok_or_else(|| Error::io(&path, "it vanished")(ErrorKind::NotFound.into()))?;
        if there.ciphertext != sealed.ciphertext {
            return Err(Error::AnotherKey { path });
        }
        if there.version < sealed.version {
            return durable::write(&path, text.as_bytes(), Place::Any).map(|_| ());
        }
        // Whoever wrote it may have been stopped before it was durable.
        File::open(&path).and_then(|file| file.sync_all()).map_err(Error::io(&path, "it can't be made durable"))?;
        durable::sync(&self.path)
    }

    fn fetch(&self, row: &[u8]) -> Result<Option<Sealed>> {
        read(&self.file(row)?)
    }

    fn rows(&self) -> Result<Vec<Vec<u8>>> {
        let unreadable = |error| Error::io(&self.path, "it can't be read")(error);
        let mut rows = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            // Others' files, and those that were not finished, are none of ours.
            let digits = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            rows.extend(digits.and_then(|digits| decode_vec(digits).ok()));
        }
        rows.sort_unstable();
        Ok(rows)
    }
}

fn read(path: &Path) -> Result<Option<Sealed>> {
    let failed = |error| Error::io(path, "it can't be read")(error);
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() <= MOST => {}
        Ok(_) => return Err(failed(ErrorKind::FileTooLarge.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    let read = Sealed::from_text(&text);
    read.map(Some).map_err(|error| failed(std::io::Error::new(ErrorKind::InvalidData, error)))
}
