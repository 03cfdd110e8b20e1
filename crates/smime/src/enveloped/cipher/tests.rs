use std::fs;

use aes_gcm::{
    AesGcm, KeyInit,
    aead::{Aead, Payload, consts::U12},
};
use proptest::{collection::vec, prelude::*};
use sealpost_testkit::{tally::Tally, unhex, vectors};
use serde_json::Value;
use subtle::Choice;

use super::*;

const ALL: [ContentCipher; 10] = [
    ContentCipher::Aes128Cbc,
    ContentCipher::Aes192Cbc,
    ContentCipher::Aes256Cbc,
    ContentCipher::Aes128Gcm,
    ContentCipher::Aes192Gcm,
    ContentCipher::Aes256Gcm,
    ContentCipher::TripleDesCbc,
    ContentCipher::Rc2Cbc40,
    ContentCipher::Rc2Cbc64,
    ContentCipher::Rc2Cbc128,
];

struct Nothing;

impl Judge for Nothing {
    fn see(&mut self, _: &[u8]) {}

    fn accepts(&mut self) -> Choice {
        Choice::from(1)
    }
}

fn nothing() -> Box<dyn Judge> {
    Box::new(Nothing)
}

fn encrypt(algorithm: &ContentAlgorithm, key: &[u8], content: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut out = Vec::new();
    let encryptor = Encryptor::new(algorithm, key).unwrap();
    let tag = encryptor
        .run(&mut |to| to.write_all(content).map_err(Error::Write), content.len().try_into().unwrap(), &mut out)
        .unwrap();
    (out, tag.to_vec())
}

/// In pieces of these sizes; the check and the decryption must agree.
fn decrypt(
    algorithm: &ContentAlgorithm,
    key: &[u8],
    [ciphertext, additional, tag]: [&[u8]; 3],
    sizes: &[usize],
) -> Option<Vec<u8>> {
    let mut check = Check::new(algorithm, key, nothing)?;
    let mut decryptor = Decryptor::new(algorithm, key)?;
    let mut plaintext = Vec::new();
    let mut sizes = sizes.iter().cycle();
    let mut rest = ciphertext;
    while !rest.is_empty() {
        let (piece, left) = rest.split_at(rest.len().min((*sizes.next().unwrap()).max(1)));
        check.update(piece).unwrap();
        decryptor.update(piece, &mut collect(&mut plaintext)).unwrap();
        rest = left;
    }
    let right = bool::from(check.finish(additional, tag));
    let last = decryptor.finish(additional, tag, &mut collect(&mut plaintext)).unwrap();
    assert_eq!(right, bool::from(last), "the check and the decryption disagree");
    right.then_some(plaintext)
}

fn collect(into: &mut Vec<u8>) -> impl FnMut(&[u8]) -> Result<()> {
    |octets| {
        into.extend_from_slice(octets);
        Ok(())
    }
}

/// Each test of a file of Wycheproof.
fn wycheproof(file: &'static str, mut each: impl FnMut(&mut Tally, &Value)) {
    let Some(folder) = vectors() else { return };
    let json = fs::read(folder.join(format!("smime/wycheproof/{file}_test.json"))).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    let mut tally = Tally::new(file);
    for group in json["testGroups"].as_array().unwrap() {
        group["tests"].as_array().unwrap().iter().for_each(|test| each(&mut tally, test));
    }
    assert_eq!(json["numberOfTests"], tally.count());
    tally.report();
}

fn hex(value: &Value) -> Vec<u8> {
    unhex(value.as_str().unwrap())
}

#[test]
fn gcm_is_right_on_wycheproof() {
    wycheproof("aes_gcm", |tally, test| {
        let [key, nonce, aad, plaintext, ciphertext, tag] =
            ["key", "iv", "aad", "msg", "ct", "tag"].map(|name| hex(&test[name]));
        let cipher = match key.len() {
            16 => ContentCipher::Aes128Gcm,
            24 => ContentCipher::Aes192Gcm,
            _ => ContentCipher::Aes256Gcm,
        };
        let valid = test["result"] == "valid";
        let algorithm = ContentAlgorithm::new(cipher, nonce.clone());
        let read = ContentAlgorithm::from_der(&algorithm.to_der());
        if nonce.is_empty() || nonce.len() > NONCE_LEN_MAX {
            assert!(read.is_err());
            return if valid {
                tally.deliberate("a nonce of more than 16 octets is refused");
            } else {
                tally.check(true, test);
            };
        }
        assert_eq!(read.unwrap(), algorithm);
        let read = decrypt(&algorithm, &key, [&ciphertext, &aad, &tag], &[5, 16, 40]);
        assert!(!valid || encrypt(&algorithm, &key, &plaintext).0 == ciphertext);
        tally.check(read == valid.then_some(plaintext), test);
    });
}

#[test]
fn cbc_is_right_on_wycheproof() {
    wycheproof("aes_cbc_pkcs5", |tally, test| {
        let [key, iv, plaintext, ciphertext] = ["key", "iv", "msg", "ct"].map(|name| hex(&test[name]));
        let cipher = match key.len() {
            16 => ContentCipher::Aes128Cbc,
            24 => ContentCipher::Aes192Cbc,
            _ => ContentCipher::Aes256Cbc,
        };
        let algorithm = ContentAlgorithm::new(cipher, iv);
        assert_eq!(ContentAlgorithm::from_der(&algorithm.to_der()).unwrap(), algorithm);
        let valid = test["result"] == "valid";
        let read = decrypt(&algorithm, &key, [&ciphertext, &[], &[]], &[5, 16, 40]);
        assert!(!valid || encrypt(&algorithm, &key, &plaintext).0 == ciphertext);
        tally.check(read == valid.then_some(plaintext), test);
    });
}

#[test]
fn a_content_of_another_length_is_refused() {
    for cipher in ALL.into_iter().filter(|cipher| !cipher.is_legacy()) {
        let algorithm = ContentAlgorithm::new(cipher, vec![1; cipher.nonce_len()]);
        for (content, len) in [(10, 9), (10, 11), (BUFFER, BUFFER - 1), (BUFFER, BUFFER + 1), (0, 1), (1, 0)] {
            let encryptor = Encryptor::new(&algorithm, &vec![2; cipher.key_len()]).unwrap();
            let content = vec![3; content];
            let error = encryptor
                .run(&mut |to| to.write_all(&content).map_err(Error::Write), len.try_into().unwrap(), &mut Vec::new())
                .unwrap_err();
            assert!(matches!(error, Error::Structure { .. }));
        }
    }
}

#[test]
fn lengths_are_announced_as_they_are() {
    for cipher in ALL.into_iter().filter(|cipher| !cipher.is_legacy()) {
        for len in [0, 1, 15, 16, 17, BUFFER - 1, BUFFER, BUFFER + 1] {
            let algorithm = ContentAlgorithm::new(cipher, vec![1; cipher.nonce_len()]);
            let (ciphertext, tag) = encrypt(&algorithm, &vec![2; cipher.key_len()], &vec![3; len]);
            assert_eq!(cipher.encrypted_len(len.try_into().unwrap()), ciphertext.len().try_into().ok());
            assert_eq!(tag.len(), algorithm.tag_len);
        }
    }
}

#[test]
fn keys_of_other_lengths_are_refused() {
    for cipher in ALL {
        let algorithm = ContentAlgorithm::new(cipher, vec![1; cipher.nonce_len()]);
        for len in [0, 5, 8, 15, 16, 24, 32, 33] {
            let right = len == cipher.key_len();
            assert_eq!(Decryptor::new(&algorithm, &vec![2; len]).is_some(), right);
            assert_eq!(Encryptor::new(&algorithm, &vec![2; len]).is_some(), right && !cipher.is_legacy());
        }
    }
}

#[test]
fn parameters_are_read_as_they_are_meant() {
    let gcm = |parameters: &str| {
        ContentAlgorithm::from_der(&unhex(&format!(
            "30{:02x}060960864801650304012e{parameters}",
            11 + parameters.len() / 2
        )))
    };
    let nonce = "040c000102030405060708090a0b";
    assert_eq!(gcm(&format!("3011{nonce}020110")).unwrap().tag_len, 16);
    assert_eq!(gcm(&format!("3011{nonce}02010d")).unwrap().tag_len, 13);
    // The default is 12, whatever others think.
    assert_eq!(gcm(&format!("300e{nonce}")).unwrap().tag_len, 12);
    for wrong in ["3011_020104", "3011_02010b", "3011_020111", "3012_0202000c", "3011_0201ff"] {
        assert!(gcm(&wrong.replace('_', nonce)).is_err(), "{wrong}");
    }
    assert!(gcm("3005040002010c").is_err());
    assert!(gcm("0500").is_err());
    let rc2 = |version: &str, len: usize| {
        unhex(&format!("30{:02x}06082a864886f70d0302{:02x}{:02x}{version}04080102030405060708", len + 12, 0x30, len))
    };
    assert_eq!(ContentAlgorithm::from_der(&rc2("020200a0", 14)).unwrap().cipher, ContentCipher::Rc2Cbc40);
    assert_eq!(ContentAlgorithm::from_der(&rc2("020178", 13)).unwrap().cipher, ContentCipher::Rc2Cbc64);
    assert_eq!(ContentAlgorithm::from_der(&rc2("02013a", 13)).unwrap().cipher, ContentCipher::Rc2Cbc128);
    assert!(ContentAlgorithm::from_der(&rc2("020139", 13)).is_err());
}

/// RFC 9709, appendix A.
#[test]
fn a_key_is_derived_as_in_rfc_9709() {
    let key = |inner: &str| {
        let der = unhex(&format!("30{:02x}060b2a864886f70d010910031f{inner}", 13 + inner.len() / 2));
        ContentAlgorithm::from_der(&der).unwrap().content_key(&unhex("c702e7d0a9e064b09ba55245fb733cf3"))
    };
    assert_eq!(
        *key("301b0609608648016503040106300e040c5c79058ba2f43447639d29e2"),
        unhex("2124ffb29fac4e0fbbc7d5d87492bff3")
    );
    assert_eq!(
        *key("301d06096086480165030401020410651f722ffd512c52fe072e507d72b377"),
        unhex("9cd102c52f1e19ece8729b35bfeceb50")
    );
}

fn one_shot(key: &[u8], nonce: &[u8], content: &[u8], aad: &[u8]) -> Vec<u8> {
    let nonce = nonce.try_into().unwrap();
    let payload = Payload { msg: content, aad };
    match key.len() {
        16 => AesGcm::<::aes::Aes128, U12>::new_from_slice(key).unwrap().encrypt(&nonce, payload),
        24 => AesGcm::<::aes::Aes192, U12>::new_from_slice(key).unwrap().encrypt(&nonce, payload),
        _ => AesGcm::<::aes::Aes256, U12>::new_from_slice(key).unwrap().encrypt(&nonce, payload),
    }
    .unwrap()
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![0..100usize, BUFFER - 20..BUFFER + 20, 0..4 * BUFFER];
    (len, any::<u8>())
        .prop_map(|(len, seed)| (0..len).map(|at| u8::try_from(at * 31 % 251).unwrap().wrapping_add(seed)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_pieces_give_what_one_gives(
        content in content(),
        cipher in prop::sample::select(&ALL[..6]),
        sizes in vec(prop_oneof![1..40usize, 1..3 * BUFFER], 1..5),
        aad in vec(any::<u8>(), 0..70),
    ) {
        let (key, nonce) = (vec![7; cipher.key_len()], vec![9; cipher.nonce_len()]);
        let algorithm = ContentAlgorithm::new(cipher, nonce.clone());
        let (ciphertext, tag) = encrypt(&algorithm, &key, &content);
        prop_assert_eq!(decrypt(&algorithm, &key, [&ciphertext, &[], &tag], &sizes), Some(content.clone()));
        if cipher.is_authenticated() {
            prop_assert_eq!([&ciphertext[..], &tag[..]].concat(), one_shot(&key, &nonce, &content, &[]));
            let sealed = one_shot(&key, &nonce, &content, &aad);
            let (ciphertext, tag) = sealed.split_at(content.len());
            prop_assert_eq!(decrypt(&algorithm, &key, [ciphertext, &aad, tag], &sizes), Some(content));
        }
    }

    #[test]
    fn another_length_than_of_blocks_is_no_content(content in vec(any::<u8>(), 0..200), cut in 1..16usize) {
        let algorithm = ContentAlgorithm::new(ContentCipher::Aes128Cbc, vec![1; 16]);
        let (ciphertext, _) = encrypt(&algorithm, &[2; 16], &content);
        let cut = &ciphertext[..ciphertext.len() - cut];
        prop_assert_eq!(decrypt(&algorithm, &[2; 16], [cut, &[], &[]], &[7, 16, 33]), None);
    }
}
