//! The proof that a key is durable before anybody is asked to certify it (invariant I3).

use super::{GenerationRecord, Insertion, KeyStore, Lease, NewGeneration};
use crate::{Error, GenerationId, Result, SubjectId};

/// A request whose key is committed to a store. There is no other way to get one than [`commit`] and [`committed`],
/// which read it from the store, so asking an authority with a key that exists only in memory does not compile:
///
/// ```compile_fail,E0451
/// use sealpost_rollover::{GenerationId, port::{DurableRequest, GenerationRecord}};
///
/// fn from_memory(id: GenerationId, address: String, record: GenerationRecord) -> DurableRequest {
///     DurableRequest { id, address, record }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurableRequest {
    id: GenerationId,
    address: String,
    record: GenerationRecord,
}

impl DurableRequest {
    /// Whose key it is.
    #[must_use]
    pub const fn id(&self) -> GenerationId {
        self.id
    }

    /// The address that the certificate is for.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The certification request in DER (RFC 2986).
    #[must_use]
    pub fn request(&self) -> &[u8] {
        &self.record.request
    }

    /// SHA-256 of the key's SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_sha256(&self) -> &[u8] {
        &self.record.public.spki_sha256
    }

    /// What the authority calls the order, if it accepted one.
    #[must_use]
    pub fn order(&self) -> Option<&str> {
        self.record.order.as_deref()
    }

    /// By what an authority is to find the order again, the same on every node and after every crash: 40 characters.
    #[must_use]
    pub fn tag(&self) -> String {
        let key = base16ct::lower::encode_string(self.spki_sha256().get(..16).unwrap_or_default());
        format!("sealpost{key}")
    }
}

/// Commits a new generation to the store and then, only then, gives the request for it. If there is one with its
/// number already, its key is kept and its request given.
///
/// # Errors
///
/// Those of [`KeyStore::insert_generation`].
pub async fn commit<S: KeyStore>(store: &S, lease: &Lease, new: &NewGeneration) -> Result<(DurableRequest, Insertion)> {
    let insertion = store.insert_generation(lease, new).await?;
    let request = committed(store, &lease.subject.address, new.id).await?;
    Ok((request, insertion))
}

/// The request of a generation that was committed before.
///
/// # Errors
///
/// [`Error::NotFound`] if there is none.
pub async fn committed<S: KeyStore>(store: &S, address: &str, id: GenerationId) -> Result<DurableRequest> {
    match store.generation(id).await? {
        Some(record) => Ok(DurableRequest { id, address: address.to_owned(), record }),
        None => Err(missing(id.subject, id)),
    }
}

fn missing(subject: SubjectId, id: GenerationId) -> Error {
    Error::NotFound { what: format!("generation {} of slot {} of subject {subject}", id.number, id.slot.word()) }
}
