//! What became of the vectors of a set, and the table of all sets: `docs/vectors.md`.
//!
//! Each test of a set compares its row with the table. With `SEALPOST_TABLES=write` in the environment it writes it.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// The sets in the table's order, and what each is.
const SETS: &[(&str, &str)] = &[
    ("RFC 9216: keys", "private keys, and what they do with their certificates"),
    ("RFC 9216: certificates", "signatures by their authorities"),
    ("RFC 9216: PKCS#12", "the files of four people, in DER and in PEM"),
    ("RFC 9216: signed", "what each signs, in both forms"),
    ("RFC 9216: encrypted", "what is encrypted to each and to all, in CBC and GCM"),
    ("RFC 9216: triple wrapped", "signed, encrypted, signed"),
    ("RFC 9788: clear", "header fields that are signed too"),
    ("RFC 9788: cipher", "header fields that are encrypted too"),
    ("protected headers", "header fields that were protected before RFC 9788"),
    ("RFC 4134: keys", "private keys, and what they do with their certificates"),
    ("RFC 4134", "examples of S/MIME 3: messages, certificates, keys, lists"),
    ("Thunderbird: mails", "mails by NSS, signed and encrypted in any order, good and bad"),
    ("Thunderbird: parts", "messages by NSS without a mail around them"),
    ("Thunderbird: OpenSSL's", "OAEP and ECDH by OpenSSL, as messages by themselves"),
    ("Thunderbird: interop", "the same as mails"),
    ("Thunderbird: by hand", "bad signatures around encrypted mails"),
    ("Thunderbird: browser", "mails of the tests of the user interface"),
    ("Thunderbird: PKCS#12", "files by NSS"),
    ("Johnny", "\"Johnny, you are fired!\": mails that look signed by somebody else"),
    ("PKITS: paths", "NIST's certificate paths, with policies and revocation"),
    ("PKITS: mails", "the same paths in signed mails"),
    ("OpenSSL: keys", "private keys, and what they do with their certificates"),
    ("OpenSSL", "messages that must be refused, and some that crashed it once"),
    ("RustCrypto cms", "examples of the crate `cms`"),
    ("pyca: PKCS #7", "messages of Python's `cryptography`"),
    ("pyca: PKCS#12", "files with names, passwords and ciphers of several kinds"),
    ("ML-KEM: keys", "private keys of RFC 9935 in all their forms, and broken ones"),
    ("ML-KEM", "the example of RFC 9936, with the key in each form"),
    ("ML-DSA: keys", "private keys of RFC 9881 in all their forms, and broken ones"),
    ("ML-DSA", "the examples of RFC 9882"),
    ("rsa_signature_2048_sha256", "Wycheproof"),
    ("rsa_pss_2048_sha256_mgf1_32_params", "Wycheproof"),
    ("ecdsa_secp256r1_sha256", "Wycheproof"),
    ("rsa_pkcs1_2048", "Wycheproof"),
    ("rsa_oaep_2048_sha1_mgf1sha1", "Wycheproof"),
    ("rsa_oaep_2048_sha256_mgf1sha256", "Wycheproof"),
    ("ecdh_secp256r1_ecpoint", "Wycheproof"),
    ("x25519", "Wycheproof"),
    ("aes_wrap", "Wycheproof"),
    ("aes_cbc_pkcs5", "Wycheproof"),
    ("aes_gcm", "Wycheproof"),
    ("OpenSSL: DANE", "chains of certificates, and the TLSA records that they match or not"),
    ("OpenSSL: DANE, crossed", "a trust anchor in DNS, and a cross certificate in its place"),
];

const HEAD: &str = "\
# Test vectors

What becomes of other people's public vectors. Each test compares its row; `SEALPOST_TABLES=write cargo test -p \
sealpost-smime --features pqc` writes those of S/MIME anew, and `SEALPOST_TABLES=write cargo test -p \
sealpost-tls-policy --features rustls` those of DANE.

*Passed* is what is as its source says it must be. *Deliberate* is what is otherwise on purpose: the reasons stand \
below the table. *Failed* must be 0.

";

/// Tests of one program write their rows one after the other.
static TABLE: Mutex<()> = Mutex::new(());

/// What became of the vectors of a set.
#[derive(Debug)]
pub struct Tally {
    set: &'static str,
    passed: usize,
    deliberate: BTreeMap<&'static str, usize>,
    failed: Vec<String>,
}

impl Tally {
    /// For one of the sets of the table.
    ///
    /// # Panics
    ///
    /// For any other.
    #[must_use]
    pub fn new(set: &'static str) -> Self {
        assert!(SETS.iter().any(|(known, _)| *known == set), "{set} is no set of the table");
        Self { set, passed: 0, deliberate: BTreeMap::new(), failed: Vec::new() }
    }

    /// One vector is as its source says, or not.
    pub fn check(&mut self, right: bool, what: impl Display) {
        if right { self.passed += 1 } else { self.failed.push(what.to_string()) }
    }

    /// One is otherwise on purpose, for this reason.
    pub fn deliberate(&mut self, why: &'static str) {
        *self.deliberate.entry(why).or_default() += 1;
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.passed + self.deliberate.values().sum::<usize>() + self.failed.len()
    }

    /// Says what became of the set, and compares or writes its row.
    ///
    /// # Panics
    ///
    /// If one vector failed, if there was none, and if the table says something else.
    pub fn report(self) {
        let row = self.row();
        println!("vectors {}: passed {}, deliberate {}, failed {}", self.set, row.passed, row.otherwise(), row.failed);
        assert!(self.failed.is_empty(), "{}: {:#?}", self.set, self.failed);
        assert!(self.passed > 0, "{}: nothing ran", self.set);
        let _one_after_the_other = TABLE.lock();
        let path = path();
        let text = fs::read_to_string(&path).unwrap_or_default();
        let mut table = Table::read(&text);
        if std::env::var("SEALPOST_TABLES").is_ok_and(|what| what == "write") {
            table.0.insert(self.set.to_owned(), row);
            fs::write(&path, table.render()).unwrap();
        } else {
            assert_eq!(table.0.get(self.set), Some(&row), "{}: docs/vectors.md says otherwise", self.set);
            assert_eq!(table.render(), text, "docs/vectors.md is not as it is written");
        }
    }

    fn row(&self) -> Row {
        let deliberate = self.deliberate.iter().map(|(why, count)| format!("{count}: {why}")).collect();
        Row { passed: self.passed, deliberate, failed: self.failed.len() }
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors.md")
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    passed: usize,
    /// Each with its count in front.
    deliberate: Vec<String>,
    failed: usize,
}

impl Row {
    fn otherwise(&self) -> usize {
        self.deliberate.iter().filter_map(|reason| reason.split(':').next()?.parse::<usize>().ok()).sum()
    }
}

/// The rows by their sets.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table(BTreeMap<String, Row>);

impl Table {
    fn read(text: &str) -> Self {
        let mut rows = BTreeMap::<String, Row>::new();
        let mut set = None;
        for line in text.lines() {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            if let ["", name, _, passed, _, failed, ""] = cells[..]
                && let (Ok(passed), Ok(failed)) = (passed.parse(), failed.parse())
            {
                rows.insert(name.to_owned(), Row { passed, failed, ..Row::default() });
            } else if let Some(name) = line.strip_prefix("### ") {
                set = Some(name.to_owned());
            } else if let (Some(reason), Some(set)) = (line.strip_prefix("- "), &set) {
                rows.entry(set.clone()).or_default().deliberate.push(reason.to_owned());
            }
        }
        Self(rows)
    }

    fn render(&self) -> String {
        let mut text = format!("{HEAD}| set | what it is | passed | deliberate | failed |\n|---|---|---|---|---|\n");
        let rows = || SETS.iter().filter_map(|(set, what)| Some((set, what, self.0.get(*set)?)));
        for (set, what, row) in rows() {
            text += &format!("| {set} | {what} | {} | {} | {} |\n", row.passed, row.otherwise(), row.failed);
        }
        text += "\n## Deliberate\n";
        for (set, _, row) in rows().filter(|(_, _, row)| !row.deliberate.is_empty()) {
            text += &format!("\n### {set}\n\n");
            row.deliberate.iter().for_each(|reason| text += &format!("- {reason}\n"));
        }
        text
    }
}
