#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(clippy::alloc_instead_of_core, clippy::std_instead_of_alloc, clippy::std_instead_of_core)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod armor;
mod backend;
#[cfg(feature = "checks")]
#[doc(hidden)]
pub mod checks;
pub mod document;
mod error;
mod export;
mod factor;
mod fingerprint;
mod forwardee;
mod forwarder;
mod group;
mod instance;
mod kdf;
mod kernel;
mod key;
mod packet;
mod patch;
mod pkesk;
mod point;
mod product;
mod rewrite;
mod s2k;
mod secret;
mod signature;
mod subkey;
mod validity;
#[cfg(feature = "aws-lc")]
mod x25519;

// The public interface, in the order in which a reader needs it.
pub use error::{Error, Result};
pub use factor::{GroupFactor, ProxyFactor};
pub use group::{AnyFactor, Curve25519, Group, GroupId, NistCurve, NistGroup, NistPoint, NistSecret, P256, P384};
pub use point::{Point, PointPolicy, PointRejection};
pub use product::{backend_name, transform_each};
pub use secret::SubkeySecret;
pub use validity::{NotValid, UnixTime, Validity};

#[cfg(feature = "pkcs11")]
pub use backend::pkcs11::{Pkcs11Key, Pkcs11Token};
pub use backend::{Backend, BackendError};

pub use fingerprint::{Fingerprint, KeyId};
pub use instance::{Factor, Instance};
pub use kdf::{HashAlgorithm, Kdf, SymmetricAlgorithm};

pub use rewrite::{
    Disposition, Edit, EncryptedData, Limits, MessageReport, Outcome, PkeskReport, Plan, Policy, Refusal, Report,
    Rewriter, SkippedBlock, Transform, WildcardPolicy,
};

pub use patch::{Patch, Patches, Planned, Splice};

pub use forwardee::{ForwardeeKey, ForwardeeSecretKey, ForwardeeSubkey, SessionKey, Setup, set_up};
pub use forwarder::{Forwarder, ForwarderSubkey, Ineligible, MultiHop, Skipped};
pub use pkesk::{Pkesk, Recipient};
pub use subkey::Curve25519Subkey;

pub use armor::dearmor;
pub use export::public_export;
