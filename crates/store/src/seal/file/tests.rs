//! Files of keys: how they must be kept, and what they must hold.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    thread,
};

use super::*;

const KEY_1: &str = "1:iJjc6DtxgMBLX7WxWTcrmTyrq/O7oYIHSXQkvx+rbdw=";
const KEY_2: &str = "2:LRIEqbY6RvNlOfWDbKiAQNcbnWHVK8AnAWbMaHKJCNE=";

fn written(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Why `path` is refused. It never says what is in it.
fn refusal(path: &Path, keeper: Keeper) -> String {
    let error = keys(path, keeper).err().unwrap();
    let text = format!("{error} {error:?}");
    assert!(!text.contains("iJjc6DtxgMBLX7") && !text.contains("LRIEqbY6"), "{text}");
    assert!(text.contains(&*path.display().to_string()), "{text}");
    text
}

fn versions(path: &Path) -> Vec<u32> {
    keys(path, Keeper::Own).unwrap().into_iter().map(|(version, _)| version).collect()
}

#[test]
fn a_file_that_others_can_read_or_that_is_not_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    for mode in [0o640, 0o604, 0o620, 0o602, 0o644, 0o660, 0o777, 0o610] {
        written(&path, KEY_1, mode);
        assert!(refusal(&path, Keeper::Own).contains(&format!("its mode is {mode:04o}")));
    }
    for mode in [0o600, 0o400] {
        written(&path, KEY_1, mode);
        assert_eq!(versions(&path), [1]);
    }
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(1), None).unwrap();
        assert!(refusal(&path, Keeper::Own).contains("user 1 owns it, and we are user 0"));
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("keys"), folder.path().join("link"));
    written(&path, KEY_1, 0o600);
    symlink(&path, &link).unwrap();
    assert!(refusal(&link, Keeper::Own).contains("symbolic link"));
    assert!(refusal(&link, Keeper::Manager).contains("symbolic link"));
    assert!(refusal(folder.path(), Keeper::Own).contains("it is no file"));
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
    // It does not wait for a writer.
    assert!(refusal(&pipe, Keeper::Own).contains("it is no file"));
    assert!(refusal(&folder.path().join("none"), Keeper::Own).contains("can't be opened"));
    written(&path, &"#".repeat(70_000), 0o600);
    assert!(refusal(&path, Keeper::Own).contains("it has 70000 octets"));
}

/// The service manager lets us read its files by an access list, whose mask shows as the group's bits.
#[test]
fn a_credential_is_as_the_service_manager_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    for mode in [0o400, 0o440] {
        written(&path, KEY_1, mode);
        let path = credential_in(Some(folder.path().into()), "kek").unwrap();
        assert_eq!(keys(&path, Keeper::Manager).unwrap().len(), 1);
    }
    for mode in [0o444, 0o460] {
        written(&path, KEY_1, mode);
        assert!(refusal(&path, Keeper::Manager).contains("its mode is"));
    }
    for name in ["", ".", "../kek", "a/b"] {
        let error = credential_in(Some(folder.path().into()), name).unwrap_err();
        assert!(error.to_string().contains("no name of a credential"), "{error}");
    }
    assert!(credential_in(None, "kek").unwrap_err().to_string().contains("CREDENTIALS_DIRECTORY is not set"));
}

#[test]
fn a_file_has_lines_of_a_version_and_a_key() {
    let keys = parse(format!("# head\n\n{KEY_2}\r\n  {KEY_1}").as_bytes()).unwrap();
    assert_eq!(keys.iter().map(|(version, _)| *version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(keys[1].1.expose()[..4], [0x88, 0x98, 0xdc, 0xe8]);
    let line = |line: &str| parse(format!("{KEY_1}\n{line}").as_bytes()).err().unwrap();
    for bad in [
        "2",
        "2:",
        "2:AAAA",
        "0:LRIEqbY6RvNlOfWDbKiAQNcbnWHVK8AnAWbMaHKJCNE=",
        "-2:LRIEqbY6RvNlOfWDbKiAQNcbnWHVK8AnAWbMaHKJCNE=",
        "4294967296:LRIEqbY6RvNlOfWDbKiAQNcbnWHVK8AnAWbMaHKJCNE=",
        "2:LRIEqbY6RvNlOfWDbKiAQNcbnWHVK8AnAWbMaHKJCNE",
        "2:LRIEqbY6RvNlOfWDbKiAQNcbnWHVK8AnAWbMaHKJCNEA=",
        "2 LRIEqbY6RvNlOfWDbKiAQNcbnWHVK8AnAWbMaHKJCNE=",
        "\u{fffd}:LRIEqbY6RvNlOfWDbKiAQNcbnWHVK8AnAWbMaHKJCNE=",
    ] {
        assert!(line(bad).starts_with("line 2 is not a version"), "{bad}");
    }
    assert_eq!(line(KEY_1), "line 2 has version 1 a second time");
    assert_eq!(parse(b"# nothing\n").err().unwrap(), "there is no key in it");
}

#[test]
fn a_file_is_made_once_and_grows_by_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    assert!(add_version(&path).unwrap_err().to_string().contains("can't be opened"));
    assert_eq!(create(&path).unwrap(), 1);
    let first = fs::read(&path).unwrap();
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    assert!(create(&path).unwrap_err().to_string().contains("it is there already"));
    assert_eq!(fs::read(&path).unwrap(), first);
    assert_eq!(add_version(&path).unwrap(), 2);
    let second = fs::read(&path).unwrap();
    assert!(second.starts_with(&first) && second.len() > first.len());
    assert_eq!(versions(&path), [1, 2]);
    // A line feed at the end or not.
    written(&path, KEY_1, 0o600);
    assert_eq!(add_version(&path).unwrap(), 2);
    assert_eq!(versions(&path), [1, 2]);
    // Nothing is left over.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_damaged_or_open_file_does_not_grow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    for (text, mode) in
        [("1:damaged", 0o600), (KEY_1, 0o644), ("4294967295:iJjc6DtxgMBLX7WxWTcrmTyrq/O7oYIHSXQkvx+rbdw=", 0o600)]
    {
        written(&path, text, mode);
        assert!(add_version(&path).is_err(), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

/// A version that is lost takes with it what was sealed under it meanwhile.
#[test]
fn versions_added_at_the_same_time_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    create(&path).unwrap();
    let mut added: Vec<u32> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| [(); 5].map(|()| add_version(&path).unwrap()))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    added.sort_unstable();
    assert_eq!(added, (2..22).collect::<Vec<_>>());
    assert_eq!(versions(&path), (1..22).collect::<Vec<_>>());
}
