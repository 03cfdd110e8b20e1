//! Inputs and outputs: files, stdin and stdout.

use std::{
    fs::{File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use sealpost::pre::Instance;
use tempfile::SpooledTempFile;
use zeroize::Zeroizing;

use crate::failure::{At, Failure, Result};

mod target;
mod together;

use target::NewFile;
pub(crate) use target::{Access, Staged, write_secret, write_to};
pub(crate) use together::{Together, must_be_free};

/// No key, instance, patch or passphrase file is larger.
const SMALL: usize = 1 << 20;
/// Mails up to here stay in memory.
const SPOOLED: usize = 256 << 10;
/// From here on a terminal sees a progress bar.
const LONG: u64 = 4 << 20;
/// From so many items on, too.
const MANY: u64 = 100;
const BAR: &str = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}";

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
        self.name("stdin")
    }

    /// What errors of writing call it.
    pub(crate) fn output_name(&self) -> &Path {
        self.name("stdout")
    }

    fn name<'a>(&'a self, standard: &'a str) -> &'a Path {
        match self {
            Self::Standard => Path::new(standard),
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

    /// Opens it as a mail of at most `most` octets that can be read more than once.
    pub(crate) fn mail(&self, most: u64) -> Result<Mail> {
        let file = match self {
            Self::Standard => io::stdin().as_fd().try_clone_to_owned().map(File::from).at(self.input_name())?,
            Self::File(path) => open(path)?,
        };
        let too_large = || Failure::new(format!("{}: larger than {most} octets", self.input_name().display()));
        let metadata = file.metadata().at(self.input_name())?;
        if metadata.is_file() && Self::at_start(&file) {
            return if metadata.len() > most { Err(too_large()) } else { Ok(Mail::File(file)) };
        }
        let mut spooled = SpooledTempFile::new(SPOOLED);
        let read = io::copy(&mut file.take(most.saturating_add(1)), &mut spooled).at(self.input_name())?;
        spooled.rewind().at(self.input_name())?;
        if read > most { Err(too_large()) } else { Ok(Mail::Spooled(spooled)) }
    }

    /// Not so where a program before us has read some of it.
    fn at_start(mut file: &File) -> bool {
        file.stream_position().is_ok_and(|at| at == 0)
    }
}

/// A mail that can be read more than once.
#[derive(Debug)]
pub(crate) enum Mail {
    File(File),
    /// What came through a pipe: a small one stays in memory, a larger one is in a file without a name.
    Spooled(SpooledTempFile),
}

impl Read for Mail {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Spooled(spooled) => spooled.read(buffer),
        }
    }
}

impl Seek for Mail {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Spooled(spooled) => spooled.seek(to),
        }
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

/// Counts items on a terminal while they are dealt with, if there are many.
pub(crate) fn counted<T>(items: Vec<T>) -> impl Iterator<Item = T> {
    let len = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let bar = if len >= MANY { ProgressBar::new(len) } else { ProgressBar::hidden() };
    bar.with_finish(ProgressFinish::AndClear).wrap_iter(items.into_iter())
}

fn open(path: &Path) -> Result<File> {
    let file = File::open(path).at(path)?;
    file.metadata().and_then(no_folder).at(path)?;
    Ok(file)
}

fn no_folder(metadata: Metadata) -> io::Result<Metadata> {
    if metadata.is_dir() { Err(io::Error::other("is a directory, not a file")) } else { Ok(metadata) }
}

/// Reads a small file that may hold a secret.
pub(crate) fn read_small(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let file = open(path)?;
    // A buffer that grows leaves copies behind, and a pipe doesn't say how much it holds, nor do the kernel's own files.
    let room = match usize::try_from(file.metadata().at(path)?.len()) {
        Ok(len @ 1..SMALL) => len,
        _ => SMALL,
    };
    let mut content = Zeroizing::new(Vec::with_capacity(room + 1));
    file.take(u64::try_from(room + 1).unwrap_or(u64::MAX)).read_to_end(&mut content).at(path)?;
    match content.len() {
        len if len <= room => Ok(content),
        _ if room < SMALL => Err(Failure::new(format!("{}: it grew while it was read", path.display()))),
        _ => Err(Failure::new(format!("{}: larger than {SMALL} octets: no key, instance or patch", path.display()))),
    }
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

#[cfg(test)]
mod tests {
    use std::{fs, process::Command, thread};

    use super::*;

    #[test]
    fn the_buffer_of_a_secret_never_grows() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for len in [100, 100_000, SMALL] {
            let secret = vec![7; len];
            let (to, sent) = (pipe.clone(), secret.clone());
            let writer = thread::spawn(move || fs::write(to, sent).unwrap());
            let content = read_small(&pipe).unwrap();
            writer.join().unwrap();
            assert_eq!(*content, secret);
            assert_eq!(content.capacity(), SMALL + 1, "{len}");
        }
    }
}
