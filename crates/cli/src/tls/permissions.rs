//! Permissions to send one mail without the guarantee: a small file that several processes share.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use sealpost::{mail::Address, tls_policy::Time};
use serde::{Deserialize, Serialize};

use crate::failure::{At, Failure, Result};

/// So many are open at a time: each is good for minutes.
const MOST: usize = 10_000;
/// Octets of the file.
const LONGEST: u64 = 16 << 20;

#[derive(Debug, Deserialize, Serialize)]
struct Permission {
    user: String,
    recipient: String,
    /// The first second at which it is over.
    until: Time,
}

impl Permission {
    fn is_for(&self, user: &str, recipient: &Address) -> bool {
        self.user == user && self.recipient.parse().is_ok_and(|address: Address| address == *recipient)
    }
}

/// Lets `user` send one mail to `recipient` until a time.
pub(super) fn grant(path: &Path, user: &str, recipient: &Address, (now, until): (Time, Time)) -> Result {
    let mut open = Open::new(path, now)?;
    if open.all.len() >= MOST {
        return Err(Failure::new(format!("{}: there are {MOST} permissions already", path.display())));
    }
    open.all.retain(|permission| !permission.is_for(user, recipient));
    open.all.push(Permission { user: user.to_owned(), recipient: recipient.to_string(), until });
    open.write()
}

/// Whether `user` may send one mail to `recipient` now; then not again.
pub(super) fn use_up(path: &Path, user: &str, recipient: &Address, now: Time) -> Result<bool> {
    if !path.exists() {
        return Ok(false);
    }
    let mut open = Open::new(path, now)?;
    let before = open.all.len();
    open.all.retain(|permission| !permission.is_for(user, recipient));
    let found = open.all.len() < before;
    if found {
        open.write()?;
    }
    Ok(found)
}

/// The file, locked.
struct Open<'a> {
    path: &'a Path,
    file: File,
    all: Vec<Permission>,
}

impl<'a> Open<'a> {
    fn new(path: &'a Path, now: Time) -> Result<Self> {
        let mut options = File::options();
        // Nobody else may read who writes to whom, nor hold the lock.
        let mut file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path).at(path)?;
        file.lock().at(path)?;
        let mut text = String::new();
        Read::by_ref(&mut file).take(LONGEST).read_to_string(&mut text).at(path)?;
        let mut all: Vec<Permission> = match serde_json::from_str(text.trim_end_matches('\0')) {
            // What a crash cut off is no permission at all.
            Err(error) if error.is_eof() => Vec::new(),
            read => read.at(path)?,
        };
        all.retain(|permission| now < permission.until);
        Ok(Self { path, file, all })
    }

    fn write(&mut self) -> Result {
        let text = serde_json::to_string(&self.all).at(self.path)?;
        let written = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        let written = written.and_then(|_| self.file.write_all(text.as_bytes()));
        // Before anybody acts on it: no crash brings back a permission that was used up.
        written.and_then(|()| self.file.sync_all()).at(self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, thread};

    use super::*;

    #[test]
    fn permissions_are_for_their_owner_and_each_is_used_up_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("permissions");
        let (to, now): (Address, _) = ("b@example.org".parse().unwrap(), Time::from_unix(100));
        for _ in 0..20 {
            grant(&path, "anna", &to, (now, Time::from_unix(200))).unwrap();
            for file in fs::read_dir(folder.path()).unwrap() {
                assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
            let use_up = || use_up(&path, "anna", &to, now).unwrap();
            let used = thread::scope(|scope| [scope.spawn(use_up), scope.spawn(use_up)].map(|it| it.join().unwrap()));
            assert_eq!(used.into_iter().filter(|used| *used).count(), 1);
        }
    }

    #[test]
    fn what_a_crash_cut_off_is_no_permission() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("permissions");
        let (to, until): (Address, _) = ("b@example.org".parse().unwrap(), Time::from_unix(200));
        grant(&path, "anna", &to, (Time::from_unix(100), until)).unwrap();
        let whole = fs::read(&path).unwrap();
        for left in 0..whole.len() {
            let zeros = vec![0; whole.len() - left];
            for cut in [whole[..left].to_vec(), [&whole[..left], &zeros].concat()] {
                fs::write(&path, cut).unwrap();
                assert!(!use_up(&path, "anna", &to, Time::from_unix(100)).unwrap(), "{left}");
            }
        }
        grant(&path, "anna", &to, (Time::from_unix(100), until)).unwrap();
        assert!(use_up(&path, "anna", &to, Time::from_unix(100)).unwrap());
    }

    #[test]
    fn what_is_no_file_of_permissions_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.toml");
        fs::write(&path, "version = 1").unwrap();
        let to = "b@example.org".parse().unwrap();
        assert!(grant(&path, "anna", &to, (Time::from_unix(0), Time::from_unix(9))).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "version = 1");
    }
}
