//! The audit chain of changes of settings.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use sealpost::{
    rollover::audit::{Head, Record},
    tls_policy::settings::{AuditEvent, Settings},
};

use crate::failure::{At, Failure, Result};

/// No record of a change is longer.
const LINE: u64 = 1 << 20;

/// `FILE.audit` for `FILE`.
pub(super) fn beside(settings: &Path) -> PathBuf {
    let mut name = settings.as_os_str().to_owned();
    name.push(".audit");
    name.into()
}

/// The audit chain of the changes: a record a line, which `sealpost rollover audit verify --file` looks through.
pub(super) struct Log<'a> {
    path: &'a Path,
    file: File,
    head: Head,
    last: Option<AuditEvent>,
}

impl<'a> Log<'a> {
    /// Locks it for as long as it is open, and verifies all of it.
    pub(super) fn open(path: &'a Path) -> Result<Self> {
        let file = File::options().read(true).append(true).create(true).mode(0o600).open(path).at(path)?;
        file.lock().at(path)?;
        let mut log = Self { path, file, head: Head::START, last: None };
        let mut reader = BufReader::new(log.file.try_clone().at(path)?);
        reader.seek(SeekFrom::Start(0)).at(path)?;
        for number in 1_u64.. {
            let mut line = Vec::new();
            if reader.by_ref().take(LINE).read_until(b'\n', &mut line).at(path)? == 0 {
                break;
            }
            let broken = |why: &dyn std::fmt::Display| {
                Failure::broken(format!("{}, line {number}: no record of a change: {why}", path.display()))
            };
            let record: Record = serde_json::from_slice(&line).map_err(|error| broken(&error))?;
            log.head.verify(&record).map_err(|error| broken(&error))?;
            log.last = Some(serde_json::from_str(&record.text).map_err(|error| broken(&error))?);
        }
        Ok(log)
    }

    /// Makes the last change, if it was only recorded.
    pub(super) fn catch_up(&self, settings: &mut Settings) -> Result {
        match &self.last {
            Some(event) if event.version == settings.version + 1 => settings.replay(event).at(self.path),
            Some(event) if event.version > settings.version => Err(Failure::broken(format!(
                "{}: the last change made version {}, but the settings are of version {}",
                self.path.display(),
                event.version,
                settings.version
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn append(&mut self, event: &AuditEvent) -> Result {
        let text = serde_json::to_string(event).at(self.path)?;
        let record = self.head.append(event.at, &event.actor.name, None, text);
        let mut line = serde_json::to_string(&record).at(self.path)?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_all()).at(self.path)
    }
}
