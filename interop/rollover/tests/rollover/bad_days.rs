//! What a store on SQLite may have to live through: a full disk, a loss of power.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use crate::{killed::random, node::Node, site::Site};

/// A small disk, while it is there.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None` where mounting is not allowed: it is said.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(folder.path()).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("SKIPPED: only root may mount a small disk");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(self.0.path()).status());
    }
}

#[test]
fn a_node_whose_disk_is_full_says_so_and_goes_on_once_there_is_space() {
    let Some(disk) = Disk::mount() else { return };
    let store = format!("sqlite:{}", disk.0.path().join("store.db").display());
    let site = Site::new(tempfile::tempdir().unwrap(), store);
    let mut node = Node::start(&site, "node", &["--subjects", "20"]);
    node.wait_for(&["step:"]);
    let filler = disk.0.path().join("filler");
    // Whatever is free; writing it fails at the end.
    drop(fs::write(&filler, vec![0; 32 << 20]));
    let said = node.wait_for(&["no space left"]);
    assert!(said.contains("nothing of this was written"), "{said}");
    fs::remove_file(&filler).unwrap();
    node.skip();
    node.wait_for(&["ready 1", "ready 2", "ready 3"]);
    node.kill();
    site.settle();
    let lost = site.look();
    eprintln!("a full disk: {lost}");
    lost.assert_nothing();
}

/// The database and its log as they are on the disk at this moment.
fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        drop(fs::remove_file(name(to)));
        fs::copy(name(from), name(to)).unwrap();
    }
    drop(fs::remove_file(format!("{}-shm", to.display())));
}

/// What was being written when the power failed is rubbish at the end of the log.
fn tear(log: &Path) {
    let mut octets = fs::read(log).unwrap();
    octets.extend((0..random(9000)).map(|number| u8::try_from(number % 251).unwrap()));
    fs::write(log, octets).unwrap();
}

#[test]
fn whenever_the_power_fails_the_database_is_whole_and_has_the_key_of_each_certificate_that_was_issued() {
    let site = Site::sqlite();
    let file = Path::new(site.store().strip_prefix("sqlite:").unwrap());
    let copied = site.folder().join("copied.db");
    let after = site.beside(&format!("sqlite:{}", copied.display()));
    let mut node = Node::start(&site, "node", &[]);
    let mut certificates = 0;
    for number in 0..30 {
        node.skip();
        node.wait_for(&["asking:"]);
        thread::sleep(Duration::from_micros(random(30_000)));
        node.signal("STOP");
        copy(file, &copied);
        if number % 2 == 1 {
            tear(Path::new(&format!("{}-wal", copied.display())));
        }
        let lost = after.look();
        node.signal("CONT");
        assert_eq!((lost.certificates_without_key, lost.orders_without_key), (0, 0), "{lost}");
        assert_eq!(after.integrity(), "ok");
        certificates = lost.certificates;
    }
    eprintln!("30 losses of power, with {certificates} certificates at the last");
    assert!(certificates > 20);
}
