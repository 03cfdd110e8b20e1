//! S/MIME peers: each signs, verifies, encrypts and decrypts whole mails, or says in its own words why it doesn't.

mod bouncycastle;
mod forwarding;
mod gpgsm;
mod handmade;
pub mod mail;
mod nss;
mod openssl;
mod pki;
mod pyca;
pub mod sample;
mod scratch;
mod sealpost;
mod served;
mod table;

use std::fmt;

pub use bouncycastle::BouncyCastle;
pub use forwarding::Forwarding;
pub use gpgsm::Gpgsm;
pub use handmade::Handmade;
pub use nss::Nss;
pub use openssl::OpenSsl;
pub use pki::{Identity, Pki, Purpose};
pub use pyca::Pyca;
pub use scratch::Scratch;
pub use sealpost::Sealpost;
pub use table::{Cell, Table};

/// What a peer made, or its own words.
pub type Outcome<T = Vec<u8>> = Result<T, String>;

/// How a signature stands to what is signed (RFC 8551, sections 3.5.2 and 3.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Beside it.
    Multipart,
    /// Around it.
    Opaque,
}

/// How an RSA key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Padding {
    /// As the key does by itself: PKCS#1 v1.5 with RSA.
    Plain,
    /// RSASSA-PSS with a salt as long as the hash.
    Pss,
}

/// A content cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cipher {
    /// In EnvelopedData.
    Aes128Cbc,
    /// In EnvelopedData.
    Aes256Cbc,
    /// In AuthEnvelopedData.
    Aes128Gcm,
    /// In AuthEnvelopedData.
    Aes256Gcm,
}

impl Cipher {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Aes128Cbc, Self::Aes256Cbc, Self::Aes128Gcm, Self::Aes256Gcm];

    /// As OpenSSL and our tool call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128Cbc => "aes-128-cbc",
            Self::Aes256Cbc => "aes-256-cbc",
            Self::Aes128Gcm => "aes-128-gcm",
            Self::Aes256Gcm => "aes-256-gcm",
        }
    }

    /// The DER of its object identifier (RFC 3565, section 4.1; RFC 5084, section 3.2).
    #[must_use]
    pub fn oid(self) -> [u8; 11] {
        let last = match self {
            Self::Aes128Cbc => 2,
            Self::Aes256Cbc => 42,
            Self::Aes128Gcm => 6,
            Self::Aes256Gcm => 46,
        };
        [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, last]
    }

    /// Whether the message is an AuthEnvelopedData.
    #[must_use]
    pub fn authenticates(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes256Gcm)
    }
}

/// How the content key gets to its recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// RSAES-PKCS1-v1_5.
    Pkcs1,
    /// RSAES-OAEP with SHA-256.
    Oaep,
    /// Ephemeral-static Diffie-Hellman.
    Agreement,
}

impl Transport {
    /// As our tool calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pkcs1 => "pkcs1",
            Self::Oaep => "oaep",
            Self::Agreement => "agreement",
        }
    }
}

/// The hash of a key derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kdf {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
}

impl Kdf {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha384];

    /// As programs call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
        }
    }
}

/// How to sign. The hash is the one that goes with the key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Signing<'a> {
    /// Whose key.
    pub by: &'a Identity,
    /// Multipart or opaque.
    pub form: Form,
    /// How RSA signs.
    pub padding: Padding,
}

impl<'a> Signing<'a> {
    /// By this key.
    #[must_use]
    pub fn new(by: &'a Identity, form: Form, padding: Padding) -> Self {
        Self { by, form, padding }
    }
}

/// How to encrypt.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sealing<'a> {
    /// Whose key can read it.
    pub to: &'a Identity,
    /// What encrypts the content.
    pub cipher: Cipher,
    /// What encrypts the key.
    pub transport: Transport,
    /// Who else can read it.
    pub others: &'a [Identity],
    /// What derives the key that is agreed on, if it matters.
    pub kdf: Option<Kdf>,
    /// With user keying material.
    pub ukm: bool,
    /// Recipients are named by their keys' identifiers.
    pub by_key_id: bool,
    /// Of indefinite length, in pieces.
    pub streamed: bool,
}

impl<'a> Sealing<'a> {
    /// To this key.
    #[must_use]
    pub fn new(to: &'a Identity, cipher: Cipher, transport: Transport) -> Self {
        Self { to, cipher, transport, others: &[], kdf: None, ukm: false, by_key_id: false, streamed: false }
    }

    /// All who can read it.
    fn recipients(&self) -> impl Iterator<Item = &'a Identity> {
        std::iter::once(self.to).chain(self.others)
    }

    /// For our programs in other languages: cipher, hash, options, and certificates.
    fn words(&self) -> [String; 4] {
        let options = [(self.ukm, "ukm"), (self.by_key_id, "key-id"), (self.streamed, "streamed")];
        let options: Vec<_> = options.iter().filter(|(chosen, _)| *chosen).map(|(_, name)| *name).collect();
        let certificates: Vec<_> = self.recipients().map(|to| scratch::text(&to.certificate)).collect();
        let kdf = self.kdf.unwrap_or(Kdf::Sha256);
        [self.cipher.name(), kdf.name(), &options.join(","), &certificates.join(",")].map(str::to_owned)
    }

    /// As mails call the message.
    fn smime_type(&self) -> &'static str {
        if self.cipher.authenticates() { "authEnveloped-data" } else { "enveloped-data" }
    }
}

/// A program that does S/MIME. Mails have CRLF and their address fields in front of the content's.
pub trait Peer: fmt::Debug {
    /// As people call it.
    fn name(&self) -> &'static str;

    /// Its version, without a date.
    fn version(&self) -> String;

    /// Signs a mail.
    ///
    /// # Errors
    ///
    /// In its own words, one line.
    fn sign(&self, how: &Signing<'_>, mail: &[u8]) -> Outcome;

    /// Verifies a mail up to the root. Gives what is signed, if the peer gives it out; if not, what it verified.
    ///
    /// # Errors
    ///
    /// In its own words, one line.
    fn verify(&self, mail: &[u8]) -> Outcome;

    /// Encrypts a mail.
    ///
    /// # Errors
    ///
    /// In its own words, one line.
    fn encrypt(&self, how: &Sealing<'_>, mail: &[u8]) -> Outcome;

    /// Decrypts a mail. Gives the entity that was in it.
    ///
    /// # Errors
    ///
    /// In its own words, one line.
    fn decrypt(&self, to: &Identity, mail: &[u8]) -> Outcome;
}

/// The hash that goes with a kind of key: gpgsm takes no shorter one (RFC 5480, section 4; RFC 8419, section 2.3).
fn hash(by: &Identity) -> &'static str {
    match by.kind {
        "Ed25519" => "sha512",
        kind if kind.ends_with("P-384") => "sha384",
        _ => "sha256",
    }
}

/// The five peers that are there. The others are named as missing.
#[must_use]
pub fn peers(pki: &Pki) -> Vec<Box<dyn Peer + '_>> {
    let mut peers: Vec<Box<dyn Peer + '_>> = vec![Box::new(OpenSsl::new(pki))];
    peers.extend(Gpgsm::new(pki).map(|peer| -> Box<dyn Peer> { Box::new(peer) }));
    peers.extend(Nss::new(pki).map(|peer| -> Box<dyn Peer> { Box::new(peer) }));
    peers.extend(BouncyCastle::new(pki).map(|peer| -> Box<dyn Peer> { Box::new(peer) }));
    peers.extend(Pyca::new(pki).map(|peer| -> Box<dyn Peer> { Box::new(peer) }));
    peers
}
