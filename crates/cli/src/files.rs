//! Inputs and outputs: files, stdin and stdout.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use sealpost::pre::Instance;
use zeroize::Zeroizing;

use crate::failure::{At, Failure, Result};

mod target;

pub(crate) use target::{Access, NewFile, Staged, write_secret, write_to};

/// No key, instance, patch or passphrase file is larger.
const SMALL: usize = 1 << 20;
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
    // A buffer that grows leaves copies behind, and a pipe doesn't say how much it holds.
    let mut content = Zeroizing::new(Vec::with_capacity(SMALL + 1));
    let most = u64::try_from(content.capacity()).unwrap_or(u64::MAX);
    open(path)?.take(most).read_to_end(&mut content).at(path)?;
    if content.len() > SMALL {
        return Err(Failure::new(format!("{}: larger than {SMALL} octets: no key, instance or patch", path.display())));
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
