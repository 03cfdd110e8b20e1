#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod algorithm;
mod asn1;
mod ber;
mod capabilities;
mod certificate;
mod content;
mod decrypt;
mod encrypt;
mod enveloped;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod identifier;
mod identity;
mod inspect;
pub mod key;
mod limits;
mod mime;
mod oid;
pub mod path;
mod pem;
mod pkcs12;
mod protected;
mod public_key;
mod readdress;
mod sign;
mod signed;
mod time;
mod verify;

pub use capabilities::Capabilities;
pub use certificate::{Certificate, KeyUsage};
pub use decrypt::{Decrypted, Decrypter};
pub use encrypt::{Encrypted, Encrypter};
pub use enveloped::{
    ContentCipher, Credential, Enveloped, LegacyCiphers, ListedRecipient, Opened, PrivateKey, Recipient, RecipientKind,
};
pub use error::{Error, Result};
pub use identifier::{CertificateIdentifier, ComparedIdentifier, IdentifyBy};
pub use identity::Identity;
pub use inspect::{PartStructure, Protection, SignedStructure, Structure};
pub use limits::Limits;
pub use pem::{read_crls, write_pem};
pub use pkcs12::{KeyAndCertificate, Pkcs12, Pkcs12Writer};
pub use protected::{HeaderConfidentiality, HeaderProtection, ProtectedForm, ProtectedHeader};
pub use readdress::{Addressed, Fate, Originator, Readdressing, Replacement};
pub use sign::{Signed, Signer, certificates_only};
pub use signed::{Flaw, SignerInfo};
pub use time::UnixTime;
pub use verify::{Form, SignerReport, Verdict, Verification, Verifier};
