//! Inputs and outputs: files, stdin and stdout.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use sealpost::pre::Instance;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::failure::{At, Failure, Result};

/// No key, instance or passphrase file is larger.
const SMALL: u64 = 1 << 20;
/// From here on a terminal sees a progress bar.
const LONG: u64 = 4 << 20;
const BAR: &str = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
/// For the owner alone.
const SECRET: u32 = 0o600;
/// Less what the umask takes away.
const PUBLIC: u32 = 0o666;

/// A place that data comes from or goes to; `-` is stdin or stdout.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Standard,
    File(PathBuf),
}

impl From<Option<PathBuf>> for Place {
    fn from(path: Option<PathBuf>) -> Self {
        match path {
            Some(path) if path.as_os_str() != "-" => Self::File(path),
            _ => Self::Standard,
        }
    }
}

impl Place {
    /// What errors of reading call it.
    pub(crate) fn input_name(&self) -> &Path {
        match self {
            Self::Standard => Path::new("stdin"),
            Self::File(path) => path,
        }
    }

    /// Opens it for reading, behind a progress bar if it is long and a terminal watches.
    pub(crate) fn reader(&self) -> Result<impl Read + Send + Sync> {
        let (from, len): (Box<dyn Read + Send + Sync>, _) = match self {
            Self::Standard => (Box::new(io::stdin()), None),
            Self::File(path) => {
                let file = open(path)?;
                let len = file.metadata().at(path)?.len();
                (Box::new(file), Some(len))
            }
        };
        Ok(Watched { from, len, read: 0, bar: ProgressBar::hidden() })
    }
}

/// A reader that shows a progress bar to a terminal once the input has turned out to be long.
struct Watched<R> {
    from: R,
    len: Option<u64>,
    read: u64,
    bar: ProgressBar,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        let before = self.read;
        self.read += u64::try_from(n).unwrap_or_default();
        if before < LONG && self.read >= LONG {
            self.bar = self.len.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            if let (Some(_), Ok(style)) = (self.len, ProgressStyle::with_template(BAR)) {
                self.bar.set_style(style);
            }
        }
        self.bar.set_position(self.read);
        Ok(n)
    }
}

impl<R> Drop for Watched<R> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn open(path: &Path) -> Result<File> {
    let file = File::open(path).at(path)?;
    if file.metadata().at(path)?.is_dir() {
        return Err(Failure::new(format!("{}: is a directory, not a file", path.display())));
    }
    Ok(file)
}

/// Reads a small file that may hold a secret.
pub(crate) fn read_small(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let file = open(path)?;
    let len = file.metadata().at(path)?.len().min(SMALL);
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(len + 1).unwrap_or_default()));
    file.take(SMALL + 1).read_to_end(&mut content).at(path)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > SMALL {
        return Err(Failure::new(format!("{}: larger than {SMALL} octets: not a key", path.display())));
    }
    Ok(content)
}

/// Reads a passphrase: the file's content without a line end behind it.
pub(crate) fn read_passphrase(path: Option<&PathBuf>) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(path) = path else { return Ok(None) };
    let mut passphrase = read_small(path)?;
    for end in [b'\n', b'\r'] {
        if passphrase.last() == Some(&end) {
            passphrase.pop();
        }
    }
    Ok(Some(passphrase))
}

/// Reads an instance in either of its forms.
pub(crate) fn read_instance(path: &Path) -> Result<Instance> {
    let content = read_small(path)?;
    if content.starts_with(b"SPFI") { Instance::from_bytes(&content) } else { Instance::from_json(&content) }.at(path)
}

/// A file that appears whole, under its name, or not at all.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// A file that only its owner may read.
    pub(crate) fn secret(path: &Path) -> Result<Self> {
        Self::create(path, SECRET)
    }

    fn create(path: &Path, mode: u32) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".sealpost-")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder)
            .at(path)?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(crate) fn write(mut self, content: &[u8]) -> Result<Self> {
        self.file.write_all(content).at(&self.path)?;
        Ok(self)
    }

    /// Gives the file its name, and takes that of an older one.
    pub(crate) fn keep(self) -> Result {
        self.file.as_file().sync_all().at(&self.path)?;
        self.file.persist(&self.path).map(drop).map_err(|error| error.error).at(&self.path)
    }

    /// Gives the file its name, unless another has it.
    pub(crate) fn keep_new(self) -> Result {
        self.file.as_file().sync_all().at(&self.path)?;
        self.file.persist_noclobber(&self.path).map(drop).map_err(|error| error.error).at(&self.path)
    }
}

/// Writes to stdout, to a device, or to a file that appears once `write` has succeeded.
pub(crate) fn write_to<T>(to: &Place, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    match to {
        Place::Standard => {
            let mut stdout = io::stdout().lock();
            let done = write(&mut stdout)?;
            stdout.flush().at("stdout")?;
            Ok(done)
        }
        // A device or a pipe must not be replaced by a file.
        Place::File(path) if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) => {
            let mut file = File::options().write(true).open(path).at(path)?;
            write(&mut file)
        }
        Place::File(path) => {
            let mut new = NewFile::create(path, PUBLIC)?;
            if let Ok(old) = fs::metadata(path) {
                new.file.as_file().set_permissions(old.permissions()).at(path)?;
            }
            let done = write(new.file.as_file_mut())?;
            new.keep()?;
            Ok(done)
        }
    }
}
