//! A folder as second place: what is acknowledged is there, and what can't be is an error that names the file.

#![cfg(test)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use proptest::prelude::*;
use sealpost_store::{
    Error,
    seal::Sealed,
    second_place::{FolderPlace, SecondPlace},
};

const ROW: &[u8] = b"\x01row\xff";

fn sealed(version: u32, ciphertext: &[u8]) -> Sealed {
    Sealed::new(version, vec![version.to_be_bytes()[3]; 60], ciphertext.to_vec())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_acknowledged_is_fetched(
        keys in prop::collection::hash_map(
            prop::collection::vec(any::<u8>(), 1..=120), prop::collection::vec(any::<u8>(), 0..100), 0..5),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let place = FolderPlace::open(folder.path()).unwrap();
        for (row, key) in &keys {
            prop_assert_eq!(place.fetch(row).unwrap(), None);
            place.acknowledge(row, &sealed(1, key)).unwrap();
        }
        // Another process reads it.
        let again = FolderPlace::open(folder.path()).unwrap();
        for (row, key) in &keys {
            prop_assert_eq!(again.fetch(row).unwrap(), Some(sealed(1, key)));
        }
        let mut rows: Vec<_> = keys.keys().cloned().collect();
        rows.sort();
        prop_assert_eq!(again.rows().unwrap(), rows);
    }
}

#[test]
fn a_key_is_in_a_file_of_its_own_that_only_we_read() {
    let folder = tempfile::tempdir().unwrap();
    FolderPlace::open(folder.path()).unwrap().acknowledge(ROW, &sealed(1, b"key")).unwrap();
    assert_eq!(names(folder.path()), ["01726f77ff.sealed"]);
    let mode = fs::metadata(folder.path().join("01726f77ff.sealed")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_same_key_is_acknowledged_again_and_another_never() {
    let folder = tempfile::tempdir().unwrap();
    let place = FolderPlace::open(folder.path()).unwrap();
    place.acknowledge(ROW, &sealed(2, b"key")).unwrap();
    place.acknowledge(ROW, &sealed(2, b"key")).unwrap();
    // After a rotation, under the new version; what is behind does not come back.
    place.acknowledge(ROW, &sealed(3, b"key")).unwrap();
    assert_eq!(place.fetch(ROW).unwrap(), Some(sealed(3, b"key")));
    place.acknowledge(ROW, &sealed(2, b"key")).unwrap();
    assert_eq!(place.fetch(ROW).unwrap(), Some(sealed(3, b"key")));
    for version in [2, 3, 4] {
        let error = place.acknowledge(ROW, &sealed(version, b"another")).unwrap_err();
        assert!(
            matches!(error, Error::AnotherKey { .. }) && error.to_string().contains("01726f77ff.sealed"),
            "{error}"
        );
    }
    assert_eq!(place.fetch(ROW).unwrap(), Some(sealed(3, b"key")));
    assert_eq!(names(folder.path()).len(), 1);
}

#[test]
fn only_names_that_a_file_can_have() {
    let folder = tempfile::tempdir().unwrap();
    let place = FolderPlace::open(folder.path()).unwrap();
    for row in [vec![], vec![1; 121]] {
        assert!(matches!(place.acknowledge(&row, &sealed(1, b"key")), Err(Error::Name { .. })));
        assert!(matches!(place.fetch(&row), Err(Error::Name { .. })));
    }
}

/// A folder that is not mounted must not be taken for the second place.
#[test]
fn a_missing_folder_is_an_error_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("place");
    let error = FolderPlace::open(&path).unwrap_err();
    assert!(error.to_string().contains("place: the second place is not there"), "{error}");
    fs::write(&path, "").unwrap();
    assert!(FolderPlace::open(&path).unwrap_err().to_string().contains("is no folder"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let place = FolderPlace::open(&path).unwrap();
    fs::remove_dir(&path).unwrap();
    fails(&place, &path);
    assert!(place.rows().is_err() && !path.exists());
}

/// Nothing is acknowledged, and the error names the file.
fn fails(place: &FolderPlace, path: &Path) {
    let error = place.acknowledge(ROW, &sealed(1, &vec![7; 100_000])).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, Error::Io { .. }) && text.contains(&*path.join("01726f77ff").display().to_string()),
        "{text}"
    );
}

#[test]
fn a_damaged_file_is_an_error_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let place = FolderPlace::open(folder.path()).unwrap();
    place.acknowledge(ROW, &sealed(1, b"key")).unwrap();
    let path = folder.path().join("01726f77ff.sealed");
    for damaged in [&b""[..], b"sealpost-sealed-1 1 AAAA", b"sealpost-sealed-2 1 AAAA AAAA", b"\xff\xfe"] {
        fs::write(&path, damaged).unwrap();
        for error in [place.fetch(ROW).unwrap_err(), place.acknowledge(ROW, &sealed(1, b"key")).unwrap_err()] {
            assert!(error.to_string().contains("01726f77ff.sealed: it can't be read"), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
}

#[test]
fn what_others_put_there_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for name in [".sealpost-aB3dE6", "README", "zz.sealed", "lost+found"] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    let place = FolderPlace::open(folder.path()).unwrap();
    place.acknowledge(ROW, &sealed(1, b"key")).unwrap();
    assert_eq!(place.rows().unwrap(), [ROW]);
    assert_eq!(names(folder.path()).len(), 5);
}

/// A file system of 64 KiB, as long as it is. `None` where we may not mount.
struct Small(PathBuf, #[expect(dead_code, reason = "the folder is removed when this is dropped")] tempfile::TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("place");
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path, folder));
        }
        eprintln!("SKIPPED: a file system can't be mounted here");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn a_full_folder_is_an_error_and_keeps_what_it_has() {
    let Some(small) = Small::mount() else { return };
    let place = FolderPlace::open(&small.0).unwrap();
    place.acknowledge(b"first", &sealed(1, b"key")).unwrap();
    fails(&place, &small.0);
    assert_eq!(names(&small.0).len(), 1, "nothing is left over");
    assert_eq!(place.fetch(b"first").unwrap(), Some(sealed(1, b"key")));
    // There is room for a small one again: at the latest once the file system has counted what it got back.
    let again = (0..100).any(|_| {
        let done = place.acknowledge(ROW, &sealed(1, b"key")).is_ok();
        thread::sleep(Duration::from_millis(if done { 0 } else { 20 }));
        done
    });
    assert!(again);
}

#[test]
fn a_read_only_folder_is_an_error() {
    let Some(small) = Small::mount() else { return };
    let place = FolderPlace::open(&small.0).unwrap();
    place.acknowledge(b"first", &sealed(1, b"key")).unwrap();
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&small.0).status().unwrap();
    assert!(remounted.success());
    fails(&place, &small.0);
    assert_eq!(place.fetch(b"first").unwrap(), Some(sealed(1, b"key")));
}
