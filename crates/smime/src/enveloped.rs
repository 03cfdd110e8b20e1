//! EnvelopedData (RFC 5652 §6) and AuthEnvelopedData (RFC 5083): made and opened.

mod cipher;
mod credential;
mod derive;
mod fuzz;
#[cfg(feature = "pqc")]
mod kem;
mod open;
mod recipient;
mod recipients;
mod seal;
mod structure;
mod unlock;
mod wrap;

pub use cipher::ContentCipher;
pub(crate) use cipher::Judge;
pub use credential::{Credential, PrivateKey};
#[doc(hidden)]
pub use fuzz::fuzz;
pub(crate) use open::Opener;
pub use open::{LegacyCiphers, Opened};
pub use recipient::Recipient;
pub use recipients::{ListedRecipient, RecipientKind};
pub(crate) use recipients::{RecipientInfo, encrypted_key};
pub(crate) use seal::Envelope;
pub use structure::Enveloped;
pub(crate) use structure::{kind, too_many};

#[cfg(test)]
pub(crate) mod tests;
