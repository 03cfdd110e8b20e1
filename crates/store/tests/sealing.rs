//! Private keys sealed at rest: what opens, what does not, and that nothing secret shows.

#![cfg(test)]

use proptest::prelude::*;
use sealpost_rollover::port::PrivateKey;
use sealpost_store::{
    Error,
    seal::{self, DataKey, KeyEncryptionKey, Keyring, MemoryKey, Sealed, Sealer},
};
use zeroize::Zeroizing;

fn private(octets: &[u8]) -> PrivateKey {
    PrivateKey::from_pkcs8(Zeroizing::new(octets.to_vec()))
}

fn memory_key(fill: u8) -> MemoryKey {
    MemoryKey::from_octets(Zeroizing::new(vec![fill; 32])).unwrap()
}

/// Of keys that are filled with an octet, by their versions.
fn ring(keys: &[(u32, u8)]) -> Keyring {
    let boxed =
        |(version, fill): &(u32, u8)| -> (u32, Box<dyn KeyEncryptionKey>) { (*version, Box::new(memory_key(*fill))) };
    Keyring::new(keys.iter().map(boxed)).unwrap()
}

/// The one error of a key that does not open.
fn is_not_opened(ring: &Keyring, row: &[u8], sealed: &Sealed) -> bool {
    matches!(ring.open(row, sealed), Err(Error::NotOpened { .. }))
}

proptest! {
    /// A row opens as what it was sealed as, with that key-encryption key only.
    #[test]
    fn what_was_sealed_opens_as_its_row_only(
        key in prop::collection::vec(any::<u8>(), 0..200),
        row in prop::collection::vec(any::<u8>(), 0..80),
        other_row in prop::collection::vec(any::<u8>(), 0..80),
        fill in any::<u8>(),
        version in 1..u32::MAX,
    ) {
        prop_assume!(row != other_row);
        let own = ring(&[(version, fill)]);
        let sealed = own.seal(&row, &private(&key)).unwrap();
        let opened = own.open(&row, &sealed).unwrap();
        prop_assert_eq!(opened.expose_pkcs8(), key.as_slice());
        prop_assert_eq!(sealed.version, version);
        prop_assert!(is_not_opened(&own, &other_row, &sealed));
        // Another key-encryption key of the same version; the same one as another version.
        prop_assert!(is_not_opened(&ring(&[(version, !fill)]), &row, &sealed));
        let both = ring(&[(version, fill), (version + 1, fill)]);
        let mut moved = sealed.clone();
        moved.version = version + 1;
        prop_assert!(is_not_opened(&both, &row, &moved));
        let none = ring(&[(version + 1, fill)]).open(&row, &sealed);
        let missing = matches!(none, Err(Error::NoKeyEncryptionKey { version: of }) if of == version);
        prop_assert!(missing);
    }

    #[test]
    fn a_flipped_bit_or_a_missing_octet_does_not_open(
        key in prop::collection::vec(any::<u8>(), 0..60),
        place in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let ring = ring(&[(1, 7)]);
        let sealed = ring.seal(b"row", &private(&key)).unwrap();
        for part in [0, 1] {
            let mut damaged = sealed.clone();
            let octets = if part == 0 { &mut damaged.wrapped } else { &mut damaged.ciphertext };
            let place = place.index(octets.len());
            octets[place] ^= 1 << bit;
            prop_assert!(is_not_opened(&ring, b"row", &damaged));
            let octets = if part == 0 { &mut damaged.wrapped } else { &mut damaged.ciphertext };
            octets.truncate(place);
            prop_assert!(is_not_opened(&ring, b"row", &damaged));
        }
    }

    /// Wrapped keys and sealed keys of two rows can't be put together, not even those of one key.
    #[test]
    fn parts_of_two_rows_do_not_open_together(row in prop::collection::vec(any::<u8>(), 0..8)) {
        let ring = ring(&[(1, 7)]);
        let [one, other] = [(); 2].map(|()| ring.seal(&row, &private(b"key")).unwrap());
        prop_assert_ne!(&one.ciphertext, &other.ciphertext);
        prop_assert!(is_not_opened(&ring, &row, &Sealed::new(1, one.wrapped, other.ciphertext)));
    }

    /// A rotation changes the wrapping and nothing else, and can be repeated.
    #[test]
    fn a_rotation_changes_the_wrapping_only(
        key in prop::collection::vec(any::<u8>(), 0..200),
        row in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let sealed = ring(&[(1, 1)]).seal(&row, &private(&key)).unwrap();
        let both = ring(&[(1, 1), (5, 5)]);
        let moved = both.rewrap(&row, &sealed).unwrap();
        prop_assert_eq!((moved.version, both.version()), (5, 5));
        prop_assert_eq!(&moved.ciphertext, &sealed.ciphertext);
        prop_assert_ne!(&moved.wrapped, &sealed.wrapped);
        prop_assert_eq!(both.rewrap(&row, &moved).unwrap(), moved.clone());
        // The new version alone is enough.
        let new = ring(&[(5, 5)]);
        let opened = new.open(&row, &moved).unwrap();
        prop_assert_eq!(opened.expose_pkcs8(), key.as_slice());
        // What does not open is not wrapped anew, as it would then pass for what it is not.
        let other = [&row[..], b"x"].concat();
        let refused = matches!(both.rewrap(&other, &sealed), Err(Error::NotOpened { .. }));
        prop_assert!(refused);
        let unknown = matches!(new.rewrap(&row, &sealed), Err(Error::NoKeyEncryptionKey { version: 1 }));
        prop_assert!(unknown);
    }

    #[test]
    fn a_line_of_text_holds_a_sealed_key(
        version in any::<u32>(),
        wrapped in prop::collection::vec(any::<u8>(), 0..80),
        ciphertext in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let sealed = Sealed::new(version, wrapped, ciphertext);
        prop_assert_eq!(Sealed::from_text(&sealed.to_text()).unwrap(), sealed);
    }

    #[test]
    fn any_text_is_a_sealed_key_or_an_error(text in "(sealpost-sealed-1)?[ 0-9A-Za-z+/=\\n]{0,40}") {
        if let Ok(sealed) = Sealed::from_text(&text) {
            prop_assert_eq!(sealed.to_text(), text.trim_end_matches('\n'));
        }
    }
}

/// How long a row is does not let it pass for another row of another version.
#[test]
fn a_row_and_its_version_are_told_apart() {
    let ring = ring(&[(1, 7), (0x0100_0000, 7)]).with_current(1).unwrap();
    let sealed = ring.seal(b"\0row", &private(b"key")).unwrap();
    let mut other = sealed.clone();
    other.version = 0x0100_0000;
    assert!(is_not_opened(&ring, b"\0row", &other) && is_not_opened(&ring, b"row", &other));
}

/// RFC 8452 has no such vector: what is stored must open in ten years, so the format is pinned here.
#[test]
fn what_was_sealed_by_an_earlier_release_opens() {
    let text = "sealpost-sealed-1 1 Pfg2FEFBGA/v8ZnXe4LxbNrwKwnhkpZ6dyParVyKG7vdfekl3jQ2cuGSlVMqU3GUYFWMrm90pyopRgxw \
                HMVWfPQsUOVgboOPehQhWuxyUQoe+f1Pbdo0yMM=";
    let opened = ring(&[(1, 0x42)]).open(b"row 1", &Sealed::from_text(text).unwrap()).unwrap();
    assert_eq!(opened.expose_pkcs8(), b"a key of 2026");
}

#[test]
fn nothing_secret_shows() {
    let secret = [0x5a; 32];
    let shown = [
        format!("{:?}", memory_key(0x5a)),
        format!("{:?}", DataKey::from_octets(Zeroizing::new(secret.to_vec())).unwrap()),
        format!("{:?}", ring(&[(1, 0x5a), (3, 0x5a)])),
        format!("{:?}", private(&secret)),
    ];
    assert_eq!(shown[2], "Keyring { current: 3, versions: [1, 3], .. }");
    for text in shown {
        assert!(!text.contains("90") && !text.to_lowercase().contains("5a"), "{text}");
    }
    let ring = ring(&[(1, 0x5a)]);
    let mut sealed = ring.seal(b"row", &private(&secret)).unwrap();
    assert!(!sealed.ciphertext.windows(4).chain(sealed.wrapped.windows(4)).any(|part| part == &secret[..4]));
    sealed.ciphertext[0] ^= 1;
    let error = ring.open(b"row", &sealed).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the sealed key of row does not open: another key-encryption key, or the row was changed"
    );
    let error = ring.open(b"\x01\xff", &sealed).unwrap_err();
    assert!(error.to_string().contains("the sealed key of 01ff does"), "{error}");
}

#[test]
fn a_keyring_has_one_key_a_version_and_one_at_least() {
    assert!(Keyring::new([]).unwrap_err().to_string().contains("there is none"));
    let twice: [(u32, Box<dyn KeyEncryptionKey>); 2] = [(1, Box::new(memory_key(1))), (1, Box::new(memory_key(2)))];
    assert!(Keyring::new(twice).unwrap_err().to_string().contains("version 1 is there twice"));
    assert!(matches!(ring(&[(1, 1)]).with_current(2), Err(Error::NoKeyEncryptionKey { version: 2 })));
    let joined = ring(&[(1, 1)]).joined_with(ring(&[(2, 2)])).unwrap();
    assert_eq!((joined.version(), joined.versions().collect::<Vec<_>>()), (2, vec![1, 2]));
    assert!(ring(&[(1, 1)]).joined_with(ring(&[(1, 2)])).is_err());
    for octets in [0, 16, 31, 33] {
        assert!(MemoryKey::from_octets(Zeroizing::new(vec![1; octets])).is_none());
        assert!(DataKey::from_octets(Zeroizing::new(vec![1; octets])).is_none());
    }
}

/// Nonces and data keys are new each time: what comes twice would show that two rows hold the same key.
#[test]
fn nothing_sealed_repeats() {
    let ring = ring(&[(1, 1)]);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..200 {
        let sealed = ring.seal(b"row", &private(b"key")).unwrap();
        assert!(seen.insert(sealed.wrapped[..12].to_vec()) && seen.insert(sealed.ciphertext));
    }
}

/// The way of an operator: a file, a rotation, all nodes one after the other.
#[test]
fn a_new_version_reaches_all_nodes_before_one_seals_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let source = format!("file:{}/keys", folder.path().display());
    assert_eq!(seal::create(&source).unwrap(), 1);
    let old_node = Keyring::open(&source).unwrap();
    assert_eq!(seal::add_version(&source).unwrap(), 2);
    let careful = Keyring::open(&format!("{source}?current=1")).unwrap();
    let sealed = careful.seal(b"row", &private(b"key")).unwrap();
    assert_eq!(old_node.open(b"row", &sealed).unwrap().expose_pkcs8(), b"key");
    let new = Keyring::open(&source).unwrap().seal(b"row", &private(b"key")).unwrap();
    assert!(matches!(old_node.open(b"row", &new), Err(Error::NoKeyEncryptionKey { version: 2 })));
    assert_eq!(careful.open(b"row", &new).unwrap().expose_pkcs8(), b"key");
    assert!(matches!(Keyring::open(&format!("{source}?current=3")), Err(Error::NoKeyEncryptionKey { version: 3 })));
}

/// Another file is found out by what it does not open.
#[test]
fn another_file_with_the_same_versions_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| {
        let source = format!("file:{}/{name}", folder.path().display());
        seal::create(&source).unwrap();
        Keyring::open(&source).unwrap()
    });
    let sealed = one.seal(b"row", &private(b"key")).unwrap();
    assert!(is_not_opened(&other, b"row", &sealed));
}
