//! Ten years of mails: each that was encrypted to a certificate of ours that anybody ever saw is read in the end
//! (invariant I4), whatever became of the store meanwhile.

use std::{fs, path::Path, sync::Arc};

use sealpost_interop_rollover::{KEYS, key_source, policy};
use sealpost_rollover::{
    Policy, RevocationReason, SecondPlace as Required,
    port::{CertificateRecord, KeyStore},
};
use sealpost_smime::Credential;
use sealpost_store::{
    Sqlite,
    seal::{self, Keyring, Sealer},
    second_place::{FolderPlace, SecondPlace},
};
use sealpost_testkit::postgres;

use crate::{
    node::Node,
    site::{Site, verify, wait},
    world::{Mail, Rolling, World, credential, keys_for, names, subjects},
};

const YEAR: i64 = 365;

/// A new key-encryption key: all keys are wrapped again by a process that is killed twice before one may end it. Then
/// the old one is thrown away.
fn rotate(site: &Site) {
    let version = seal::add_version(&key_source(site.folder())).unwrap();
    for kills in 0..3 {
        let mut node = Node::start(site, "rotation", &["--rewrap"]);
        if kills < 2 {
            let line = node.wait_for(&["wrapped again"]);
            assert!(!line.ends_with("left: 0"), "nothing is left for the next one: {line}");
            node.kill();
        } else {
            node.end();
        }
    }
    let file = site.folder().join(KEYS);
    let keys = fs::read_to_string(&file).unwrap();
    let current = keys.lines().find(|line| line.starts_with(&format!("{version}:"))).unwrap();
    fs::write(&file, current).unwrap();
}

/// The database is lost.
fn lose(file: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        drop(fs::remove_file(format!("{}{suffix}", file.display())));
    }
}

/// The authority revokes Anna's certificate, and says that her key is known to others.
async fn revoke(world: &World, node: &Rolling) {
    let anna = subjects().first().unwrap().address.clone();
    let signer = node.signer(&anna, world.now()).await.unwrap().unwrap();
    let CertificateRecord { issuer, serial, .. } = signer.certificates.first().unwrap();
    let affected = node.revoked(issuer, serial, RevocationReason::KeyCompromise, world.now()).await.unwrap();
    assert_eq!(affected, [signer.generation]);
}

#[test]
fn each_mail_to_a_certificate_that_ever_left_the_system_is_read_ten_years_later() {
    let (site, mut world) = (Site::sqlite(), World::new());
    wait(async {
        three_years(&site, &mut world).await;
        rotate(&site);
        three_years_with_a_lost_disk(&site, &mut world).await;
        rotate(&site);
        let node = four_years_and_another_database(&site, &mut world).await;
        verify(node.store()).await;
        world.read_all(&node).await;
    });
    eprintln!("ten years: {} mails to {} certificates read", world.mails.len(), world.certificates);
    assert!(world.certificates > 45 && world.mails.len() == 4 * world.certificates, "{}", world.certificates);
}

fn file(site: &Site) -> &Path {
    Path::new(site.store().strip_prefix("sqlite:").unwrap())
}

async fn three_years(site: &Site, world: &mut World) {
    let node = world.node(site.open().await);
    for subject in subjects() {
        node.store().enroll(&subject, "the test").await.unwrap();
    }
    world.live(&node, 2 * YEAR).await;
    revoke(world, &node).await;
    world.live(&node, YEAR).await;
}

/// The disk is lost after a backup was made while the node worked.
async fn three_years_with_a_lost_disk(site: &Site, world: &mut World) {
    let node = world.node(site.open().await);
    node.leave(subjects().last().unwrap().id, "the test").await.unwrap();
    world.live(&node, 2 * YEAR).await;
    let backup = site.folder().join("backup.db");
    Sqlite::open(file(site)).await.unwrap().backup_to(&backup).await.unwrap();
    drop(node);
    lose(file(site));
    fs::rename(backup, file(site)).unwrap();
    let node = world.node(site.open().await);
    world.live(&node, YEAR).await;
}

/// The last two years are on PostgreSQL, if it is there.
async fn four_years_and_another_database(site: &Site, world: &mut World) -> Rolling {
    let mut node = world.node(site.open().await);
    world.live(&node, 2 * YEAR).await;
    if let Some(server) = postgres::shared() {
        let target = site.beside(&server.database()).open().await;
        let copied = node.store().copy_to(&target).await.unwrap();
        assert_eq!(copied.head.sequence, verify(node.store()).await);
        drop(node);
        lose(file(site));
        node = world.node(target);
    }
    world.live(&node, 2 * YEAR).await;
    node
}

/// The second place: keys that were made after the last backup are not in it, but are there.
#[test]
fn what_was_issued_after_the_last_backup_is_read_with_the_keys_of_the_second_place() {
    let (site, mut world) = (Site::sqlite(), World::new());
    let folder = site.folder().join("second place");
    fs::create_dir(&folder).unwrap();
    let place: Arc<dyn SecondPlace> = Arc::new(FolderPlace::open(&folder).unwrap());
    wait(async {
        let open = async || site.open().await.with_second_place(Arc::clone(&place));
        let node = world.node_with(open().await, secured());
        for subject in subjects() {
            node.store().enroll(&subject, "the test").await.unwrap();
        }
        world.live(&node, YEAR / 2).await;
        let backup = site.folder().join("backup.db");
        Sqlite::open(file(&site)).await.unwrap().backup_to(&backup).await.unwrap();
        let before = world.mails.len();
        world.live(&node, YEAR).await;
        drop(node);
        lose(file(&site));
        fs::rename(backup, file(&site)).unwrap();

        let node = world.node_with(open().await, secured());
        let keyring = Keyring::open(&key_source(site.folder())).unwrap();
        assert!(world.mails.len() > before);
        for (number, mail) in world.mails.iter().enumerate() {
            assert_eq!(keys_for(&node, mail).await.is_empty(), number >= before, "mail {number}");
            mail.read(vec![from_second_place(&*place, &keyring, mail)]);
        }
        let (all, later) = (world.mails.len(), world.mails.len() - before);
        eprintln!("{all} mails read with the second place, {later} of them to certificates after the backup");
    });
}

/// The policy with a second place.
fn secured() -> Policy {
    let mut policy = policy();
    policy.second_place = Required::Required;
    policy
}

/// The key to the certificate that a mail was encrypted to, from the second place.
fn from_second_place(place: &dyn SecondPlace, keyring: &Keyring, mail: &Mail) -> Credential {
    // A row ends with the hash of the public key.
    let hash = names(&mail.certificate).spki_sha256;
    let row = place.rows().unwrap().into_iter().find(|row| row.ends_with(&hash)).unwrap();
    let key = keyring.open(&row, &place.fetch(&row).unwrap().unwrap()).unwrap();
    credential(&mail.certificate, &key)
}
